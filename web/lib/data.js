/**
 * `tabgrad/data`: splitting, weighing and cleaning data sets. A file of its own, loaded by who uses it.
 */

export { cleaningReport } from './data/cleaning-report.js';
export { classWeights } from './data/class-weights.js';
export { stream } from './data/stream.js';
export { kFold, splitDataset as split } from './data/split.js';

/**
 * Ways of learning beside `fit`: copies of models with other layers, fine-tuning with few weights, learning from a
 * teacher, several models as one, folds.
 */

export { cloneModel } from './learning/clone.js';
export { ensemble } from './learning/ensemble.js';
export { kFold } from './learning/k-fold.js';
export { addLora, mergeLora } from './learning/lora.js';
export { softTargets } from './learning/soft-targets.js';

/**
 * @typedef {import('./learning/k-fold.js').Fold} Fold
 * @typedef {import('./learning/replay.js').Replacement} Replacement
 */

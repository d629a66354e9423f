/**
 * Why a model answers as it does: maps of what in a sample speaks for a class, and views of what layers compute.
 *
 * All methods are `async (model, x, options)` and explain one value of the model's output for each sample, by default the
 * score of the class that it chooses. `docs/explain.md` says which to take.
 */

export { gradCam } from './explain/grad-cam.js';
export { integratedGradients } from './explain/integrated-gradients.js';
export { kernelShap } from './explain/kernel-shap.js';
export { lime } from './explain/lime.js';
export { occlusion } from './explain/occlusion.js';
export { featureMaps, filters, heatmap } from './explain/pictures.js';
export { saliency, smoothGrad } from './explain/saliency.js';

/**
 * @typedef {import('./explain/subject.js').ExplainOptions} ExplainOptions
 * @typedef {import('./explain/segments.js').SegmentOptions} SegmentOptions
 * @typedef {import('./explain/lime.js').LimeResult} LimeResult
 * @typedef {import('./explain/kernel-shap.js').ShapResult} ShapResult
 */

/**
 * Metrics: as functions over arrays, `f1Score(yTrue, yPred)`, and as objects that collect batches,
 * `new F1Score()` with `update`, `result` and `reset`; the objects also go to `compile({ metrics: […] })`,
 * by name or with options. Both are exact over all samples, and give what scikit-learn gives; what Keras
 * alone has is as in Keras 3.
 *
 * Labels are class numbers or rows (one-hot, or wanted outputs). Predictions are class numbers, one score
 * a sample, or rows of scores: arrays of arrays, or what `predict` returns, flat with its `shape`. The
 * class of a row is the first of its largest scores, of one score 1 above `threshold`. A ratio that has
 * no meaning, such as the precision of a class that is never predicted, is 0.
 */

import { AUC } from './metrics/ranking.js';
import { ConfusionMatrix, F1Score, Precision, Recall } from './metrics/counts.js';
import {
  Accuracy,
  BinaryAccuracy,
  CosineSimilarity,
  MeanAbsoluteError,
  MeanSquaredError,
  RootMeanSquaredError,
  TopKCategoricalAccuracy,
} from './metrics/means.js';

export { classificationReport } from './metrics/counts.js';
export { Metric } from './metrics/metric.js';
export { rocCurve } from './metrics/ranking.js';
export {
  AUC,
  Accuracy,
  BinaryAccuracy,
  ConfusionMatrix,
  CosineSimilarity,
  F1Score,
  MeanAbsoluteError,
  MeanSquaredError,
  Precision,
  Recall,
  RootMeanSquaredError,
  TopKCategoricalAccuracy,
};

/**
 * The function of a metric.
 *
 * @template {import('./metrics/metric.js').Metric} Kind
 * @template Options
 * @param {new (options?: Options) => Kind} Type
 * @returns {(yTrue: unknown, yPred: unknown, options?: Options) => ReturnType<Kind['result']>}
 */
function once(Type) {
  return (yTrue, yPred, options) => {
    const metric = new Type(options);
    metric.update(yTrue, yPred);
    return metric.result();
  };
}

/** See `Accuracy`. */
export const accuracy = once(Accuracy);
/** See `AUC`: the area under the ROC curve. */
export const auc = once(AUC);
/** See `BinaryAccuracy`. */
export const binaryAccuracy = once(BinaryAccuracy);
/** See `ConfusionMatrix`: [class][predicted class]. */
export const confusionMatrix = once(ConfusionMatrix);
/** See `CosineSimilarity`. */
export const cosineSimilarity = once(CosineSimilarity);
/** See `F1Score`. */
export const f1Score = once(F1Score);
/** See `MeanAbsoluteError`. */
export const meanAbsoluteError = once(MeanAbsoluteError);
/** See `MeanSquaredError`. */
export const meanSquaredError = once(MeanSquaredError);
/** See `Precision`. */
export const precision = once(Precision);
/** See `Recall`. */
export const recall = once(Recall);
/** See `RootMeanSquaredError`. */
export const rootMeanSquaredError = once(RootMeanSquaredError);
/** See `TopKCategoricalAccuracy`. */
export const topKCategoricalAccuracy = once(TopKCategoricalAccuracy);

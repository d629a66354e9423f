/** Kernel SHAP. */

import { ConfigError } from '../errors.js';
import { needWhole } from '../options.js';
import { Random } from '../random.js';
import { coalitions } from './coalitions.js';
import { leastSquares } from './least-squares.js';
import { SEGMENT_OPTIONS, readSegments, spread, writeMasked } from './segments.js';
import { openSubject } from './subject.js';

/**
 * @typedef {import('../inspect.js').Tensor} Tensor
 *
 * @typedef {object} ShapResult
 * @property {Tensor} map each place with the value of its segment: [n, height, width], [n, steps] or [n, features]
 * @property {Int32Array & { shape: number[] }} segments of the map's shape: the number of each place's segment
 * @property {Float64Array[]} values of each sample: the Shapley value of each of its segments. They sum to score − base
 * @property {number[]} bases of each sample: the score of the baseline (the mean of several)
 * @property {number[]} scores of each sample
 * @property {boolean[]} exact of each sample: whether all coalitions were looked at
 */

/** Samples of a baseline: each multiplies the work. */
const MOST_BASELINES = 1000;

/**
 * Shapley values of the parts of a sample: what each adds to the score, the mean over all orders in which parts could be
 * added to the baseline. Exact where `samples` suffices for all 2^parts − 2 coalitions; else coalitions are taken size by
 * size, those that weigh most first, and the rest is drawn with their complements.
 *
 * Source: Lundberg, Lee 2017, "A unified approach to interpreting model predictions"; the choice of coalitions as in the
 * authors' program.
 *
 * @param {import('../model.js').Model} model of one input, of floats
 * @param {unknown} x samples or a `Dataset`
 * @param {import('./subject.js').ExplainOptions & import('./segments.js').SegmentOptions & { samples?: number,
 *   baseline?: unknown, seed?: number }} [options] samples: coalitions of each sample, default 2 · segments + 2048;
 *   baseline: what stands for absent parts, a number or up to 1000 samples, over which the score is averaged; default 0;
 *   seed default 0; beforeActivation default false
 * @returns {Promise<ShapResult>}
 * @throws {ConfigError} also for fewer samples than 2 · segments, naming both numbers
 * @throws {ShapeError} {LabelRangeError} {InputTypeError} {UnsupportedError} {AbortedError} naming the field
 */
export async function kernelShap(model, x, options) {
  const where = { what: 'kernelShap' };
  const names = /** @type {const} */ ([...SEGMENT_OPTIONS, 'samples', 'baseline', 'seed']);
  const { subject, own } = await openSubject(model, x, options, names, where);
  const wanted = own.samples === undefined ? null : needWhole(own.samples, 'samples', where, 1);
  const seed = needWhole(own.seed ?? 0, 'seed', where);
  const { labels, counts, shape, places, channels } = readSegments(subject, own);
  const covers = await subject.baselines(own.baseline ?? 0, MOST_BASELINES);
  const { count } = subject;
  const chosen = counts.map((segments, sample) => {
    const budget = wanted ?? 2 * segments + 2048;
    const least = Math.min(2 * segments, 2 ** segments - 2);
    if (budget >= least) return coalitions(segments, budget, new Random(seed, sample));
    throw new ConfigError(
      `kernelShap: samples is ${budget}, ${segments} segments need at least ${least}.`,
      { field: 'samples' },
    );
  });
  const map = Object.assign(new Float32Array(count * places), { shape: [count, ...shape] });
  /** @type {ShapResult} */
  const result = {
    map,
    segments: Object.assign(labels, { shape: map.shape }),
    values: [],
    bases: [],
    scores: Array.from(subject.values),
    exact: chosen.map(({ exact }) => exact),
  };
  subject.expect(chosen.reduce((sum, { masks }) => sum + (masks.length + 1) * covers.length, 0));
  for (let sample = 0; sample < count; sample++) {
    const own = labels.subarray(sample * places, (sample + 1) * places);
    const { masks, weights } = chosen[sample];
    const nothing = new Uint8Array(counts[sample]);
    const all = [nothing, ...masks];
    const scores = await subject.scores(all.length * covers.length, (copy, into) => {
      const mask = all[Math.floor(copy / covers.length)];
      const cover = covers[copy % covers.length];
      writeMasked(into, subject.sample(sample), cover, mask, own, channels);
      return sample;
    });
    const [base, ...means] = all.map((_, i) => {
      const part = scores.subarray(i * covers.length, (i + 1) * covers.length);
      return part.reduce((sum, score) => sum + score, 0) / covers.length;
    });
    const values = shapley(masks, weights, means, base, subject.values[sample]);
    spread(values, own, map.subarray(sample * places, (sample + 1) * places));
    result.values.push(values);
    result.bases.push(base);
  }
  return result;
}

/**
 * The values that fit the coalitions' scores best and sum to score − base: the last is what the others leave, so it is
 * taken out of the equations.
 *
 * @param {Uint8Array[]} masks
 * @param {Float64Array} weights
 * @param {number[]} means the score of each coalition
 * @param {number} base
 * @param {number} score
 * @returns {Float64Array}
 */
function shapley(masks, weights, means, base, score) {
  if (masks.length === 0) return Float64Array.of(score - base);
  const last = masks[0].length - 1;
  const gain = score - base;
  const rows = masks.map((mask) =>
    Float64Array.from({ length: last }, (_, i) => mask[i] - mask[last]),
  );
  const aims = means.map((mean, i) => mean - base - masks[i][last] * gain);
  // The coalitions of one segment are always among the rows, so that nothing is left open.
  const free = /** @type {Float64Array} */ (leastSquares(rows, aims, weights, 0));
  return Float64Array.of(...free, gain - free.reduce((sum, value) => sum + value, 0));
}

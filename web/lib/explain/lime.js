/** LIME. */

import { ConfigError } from '../errors.js';
import { needNumber, needWhole } from '../options.js';
import { Random } from '../random.js';
import { leastSquares } from './least-squares.js';
import { SEGMENT_OPTIONS, readSegments, segmentMeans, spread, writeMasked } from './segments.js';
import { openSubject } from './subject.js';

/**
 * @typedef {import('../inspect.js').Tensor} Tensor
 *
 * @typedef {object} LimeResult
 * @property {Tensor} map each place with the weight of its segment: [n, height, width], [n, steps] or [n, features]
 * @property {Int32Array & { shape: number[] }} segments of the map's shape: the number of each place's segment
 * @property {Float64Array[]} weights of each sample: what each of its segments adds to the score
 * @property {number[]} intercepts of each sample: the score that is left without any segment
 * @property {number[]} fits of each sample: the R² of the linear model, weighted as it was fitted; 1 is exact
 */

/**
 * A linear model of what parts of the sample add to the score: fitted to copies in which random parts are covered, where
 * copies count by their nearness to the sample: exp(−D²/σ²), D the cosine distance of what is kept.
 *
 * Source: Ribeiro, Singh, Guestrin 2016, "Why should I trust you?"; ridge regression, distance and defaults as in the
 * authors' program.
 *
 * @param {import('../model.js').Model} model of one input, of floats
 * @param {unknown} x samples or a `Dataset`
 * @param {import('./subject.js').ExplainOptions & import('./segments.js').SegmentOptions & { samples?: number,
 *   kernelWidth?: number, penalty?: number, baseline?: unknown, seed?: number }} [options] samples: copies of each sample,
 *   default 1000; kernelWidth: σ, default 0.25; penalty of the squared weights (ridge), default 1; baseline: what covers, a
 *   number or one sample, default the mean colour of a segment, 0 for segments of one place; seed default 0;
 *   beforeActivation default false
 * @returns {Promise<LimeResult>}
 * @throws {ConfigError} also where the samples are too few for so many segments without a penalty
 * @throws {ShapeError} {LabelRangeError} {InputTypeError} {UnsupportedError} {AbortedError} naming the field
 */
export async function lime(model, x, options) {
  const where = { what: 'lime' };
  const names = /** @type {const} */ ([
    ...SEGMENT_OPTIONS,
    'samples',
    'kernelWidth',
    'penalty',
    'baseline',
    'seed',
  ]);
  const { subject, own } = await openSubject(model, x, options, names, where);
  const copies = needWhole(own.samples ?? 1000, 'samples', where, 2);
  const width = positive(own.kernelWidth ?? 0.25, 'kernelWidth', false);
  const penalty = positive(own.penalty ?? 1, 'penalty', true);
  const seed = needWhole(own.seed ?? 0, 'seed', where);
  const segmentation = readSegments(subject, own);
  const { labels, counts, shape, places, channels } = segmentation;
  const fixed = own.baseline === undefined ? null : (await subject.baselines(own.baseline))[0];
  const { count } = subject;
  const map = Object.assign(new Float32Array(count * places), { shape: [count, ...shape] });
  /** @type {LimeResult} */
  const result = {
    map,
    segments: Object.assign(labels, { shape: map.shape }),
    weights: [],
    intercepts: [],
    fits: [],
  };
  subject.expect(count * copies);
  for (let sample = 0; sample < count; sample++) {
    const values = subject.sample(sample);
    const own = labels.subarray(sample * places, (sample + 1) * places);
    const segments = counts[sample];
    const cover =
      fixed ??
      (segments === places
        ? new Float32Array(values.length)
        : segmentMeans(values, own, segments, channels));
    const random = new Random(seed, sample);
    // The first copy is the sample itself.
    const masks = Array.from({ length: copies }, (_, copy) =>
      Uint8Array.from({ length: segments }, () => (copy === 0 || random.next() < 0.5 ? 1 : 0)),
    );
    const scores = await subject.scores(copies, (copy, into) => {
      writeMasked(into, values, cover, masks[copy], own, channels);
      return sample;
    });
    const fit = fitLinear(masks, scores, nearness(masks, width), penalty);
    if (!fit) {
      throw new ConfigError(
        `lime: samples is ${copies}, too few for ${segments} segments without a penalty.`,
        { field: 'samples' },
      );
    }
    spread(fit.weights, own, map.subarray(sample * places, (sample + 1) * places));
    result.weights.push(fit.weights);
    result.intercepts.push(fit.intercept);
    result.fits.push(fit.score);
  }
  return result;
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {boolean} zero whether 0 is allowed
 */
function positive(value, field, zero) {
  const number = needNumber(value, field, { what: 'lime' });
  if (number < Infinity && (zero ? number >= 0 : number > 0)) return number;
  const wanted = `a finite number ${zero ? 'from' : 'above'} 0`;
  throw new ConfigError(`lime: ${field} must be ${wanted}, found ${number}.`, { field });
}

/**
 * @param {Uint8Array[]} masks
 * @param {number} width
 * @returns {Float64Array} a weight for each
 */
function nearness(masks, width) {
  return Float64Array.from(masks, (mask) => {
    const kept = mask.reduce((sum, one) => sum + one, 0);
    // The cosine of a vector of zeroes and ones with the one of all ones.
    const distance = 1 - Math.sqrt(kept / mask.length);
    return Math.exp(-((distance / width) ** 2));
  });
}

/**
 * Ridge regression whose intercept is free of the penalty: of what lies beyond the weighted means.
 *
 * @param {Uint8Array[]} masks
 * @param {Float64Array} scores
 * @param {Float64Array} near
 * @param {number} penalty
 * @returns {{ weights: Float64Array, intercept: number, score: number } | null}
 */
function fitLinear(masks, scores, near, penalty) {
  const total = near.reduce((sum, weight) => sum + weight, 0);
  const mean = (/** @type {(row: number) => number} */ of) =>
    near.reduce((sum, weight, row) => sum + weight * of(row), 0) / total;
  const centres = Float64Array.from(masks[0], (_, i) => mean((row) => masks[row][i]));
  const middle = mean((row) => scores[row]);
  const rows = masks.map((mask) => Float64Array.from(mask, (one, i) => one - centres[i]));
  const aims = scores.map((score) => score - middle);
  const weights = leastSquares(rows, aims, near, penalty);
  if (!weights) return null;
  const dot = (/** @type {Float64Array} */ row) =>
    row.reduce((sum, value, i) => sum + value * weights[i], 0);
  const left = mean((row) => (aims[row] - dot(rows[row])) ** 2);
  const all = mean((row) => aims[row] ** 2);
  return { weights, intercept: middle - dot(centres), score: all > 0 ? 1 - left / all : 1 };
}

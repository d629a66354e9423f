/** The ROC curve and the area under it, exact: every score is kept and ranked. */

import { ConfigError } from '../errors.js';
import { needBoolean, needOneOf, readOptions } from '../options.js';
import { Metric } from './metric.js';
import { checkClass, readPair, trueClasses } from './read.js';

/** @typedef {import('./read.js').Pair} Pair */

/**
 * Area under the ROC curve: the share of pairs of a positive and a negative sample in which the
 * positive has the higher score, equal scores counting one half (Mann and Whitney, 1947). Of more than
 * two classes each against the rest. NaN while a class, or the rest, has no samples.
 *
 * Keeps a number for each sample and class until `reset`; batch logs leave it out.
 */
export class AUC extends Metric {
  #columns = 0;
  /** @type {number[]} */
  #labels = [];
  /** @type {number[]} */
  #scores = [];

  /**
   * @param {{ average?: 'macro' | 'weighted' | 'none', fromLogits?: boolean, name?: string }} [options]
   *   average over classes: default 'macro', their mean; 'weighted' by their samples; 'none' an array.
   *   fromLogits (default false): rows of scores are turned into probabilities first, which changes
   *   their ranks
   */
  constructor(options) {
    const where = { what: 'auc' };
    const names = /** @type {const} */ (['average', 'fromLogits', 'name']);
    const { average = 'macro', fromLogits = false, name } = readOptions(options, names, where);
    super(where.what, {
      name,
      average: needOneOf(average, ['macro', 'weighted', 'none'], 'average', where),
      fromLogits: needBoolean(fromLogits, 'fromLogits', where),
    });
  }

  /** @override @param {Pair} pair */
  add(pair) {
    const { data, columns, rows } = pair.guess;
    if (this.#columns && this.#columns !== columns) {
      throw new ConfigError(
        `auc: batches of ${this.#columns} and of ${columns} numbers a sample; call reset between them.`,
        { field: 'yPred' },
      );
    }
    const labels = positives(pair);
    this.#columns = columns;
    for (let i = 0; i < rows; i++) this.#labels.push(labels[i]);
    for (let i = 0; i < data.length; i++) this.#scores.push(data[i]);
  }

  /** @override @returns {number | number[]} an array with `average: 'none'` of more than two classes */
  result() {
    const labels = this.#labels;
    if (this.#columns < 2) return area(this.#scores, labels, 1);
    const scores = this.config.fromLogits
      ? softmaxRows(this.#scores, this.#columns)
      : Float64Array.from(this.#scores);
    const column = (/** @type {number} */ k) =>
      Float64Array.from(labels, (_, row) => scores[row * this.#columns + k]);
    if (this.#columns === 2) return area(column(1), labels, 1);
    const areas = Array.from({ length: this.#columns }, (_, k) => area(column(k), labels, k));
    if (this.config.average === 'none') return areas;
    const weights = areas.map((_, k) =>
      this.config.average === 'weighted' ? labels.filter((label) => label === k).length : 1,
    );
    const sum = weights.reduce((all, weight) => all + weight, 0);
    return areas.reduce((all, each, k) => all + each * weights[k], 0) / sum;
  }

  /** @override */
  reset() {
    this.#columns = 0;
    this.#labels = [];
    this.#scores = [];
  }

  /** @override */
  toJSON() {
    return [this.#columns, this.#labels, this.#scores];
  }

  /** @override @param {any} state */
  restore([columns, labels, scores]) {
    this.#columns = Number(columns);
    this.#labels = Array.from(labels, Number);
    this.#scores = Array.from(scores, Number);
  }
}

/** Labels, each with a column of its own; of one score a sample 0 or 1. @param {Pair} pair */
function positives(pair) {
  const labels = trueClasses(pair);
  const room = { ...pair, guess: { ...pair.guess, columns: Math.max(pair.guess.columns, 2) } };
  for (let i = 0; i < labels.length; i++) checkClass(room, labels[i], i);
  return labels;
}

/**
 * @param {ArrayLike<number>} scores
 * @param {ArrayLike<number>} labels
 * @param {number} positive
 */
function area(scores, labels, positive) {
  const order = descending(scores);
  let [above, found, negatives] = [0, 0, 0];
  for (let i = 0; i < order.length;) {
    const score = scores[order[i]];
    let [hits, misses] = [0, 0];
    for (; i < order.length && scores[order[i]] === score; i++) {
      if (labels[order[i]] === positive) hits++;
      else misses++;
    }
    above += misses * (found + hits / 2);
    found += hits;
    negatives += misses;
  }
  return above / (found * negatives);
}

/** @param {ArrayLike<number>} scores @returns {Uint32Array} their places, largest score first */
function descending(scores) {
  return Uint32Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => scores[b] - scores[a] || a - b,
  );
}

/** @param {ArrayLike<number>} logits @param {number} columns */
function softmaxRows(logits, columns) {
  const rows = Float64Array.from(logits);
  for (let start = 0; start < rows.length; start += columns) {
    const row = rows.subarray(start, start + columns);
    const top = row.reduce((most, value) => Math.max(most, value));
    for (let j = 0; j < columns; j++) row[j] = Math.exp(row[j] - top);
    const sum = row.reduce((all, value) => all + value);
    for (let j = 0; j < columns; j++) row[j] /= sum;
  }
  return rows;
}

/**
 * The receiver operating characteristic of one score a sample: scikit-learn's roc_curve.
 *
 * @param {unknown} yTrue 0 or 1 a sample
 * @param {unknown} yScore higher for class 1; of two columns the second
 * @param {{ dropIntermediate?: boolean }} [options] default true: thresholds that lie on a straight line
 *   between others are left out
 * @returns {{ falsePositiveRate: number[], truePositiveRate: number[], thresholds: number[] }} a point for
 *   each threshold (positive is score ≥ threshold), the first at infinity; rates are NaN where there
 *   are no samples to take a share of
 * @throws {InputTypeError} {ShapeError} {NonFiniteError} {LabelRangeError} {EmptyError} {ConfigError}
 */
export function rocCurve(yTrue, yScore, options) {
  const what = 'rocCurve';
  const { dropIntermediate = true } = readOptions(options, ['dropIntermediate'], { what });
  needBoolean(dropIntermediate, 'dropIntermediate', { what });
  const pair = readPair(yTrue, yScore, what);
  const { data, columns, rows } = pair.guess;
  if (columns > 2) {
    throw new ConfigError(`${what}: yScore must be of two classes, found ${columns}.`, {
      field: 'yScore',
    });
  }
  const labels = positives(pair);
  const scores = Float64Array.from({ length: rows }, (_, row) => data[(row + 1) * columns - 1]);
  const order = descending(scores);
  /** @type {[threshold: number, falsePositives: number, truePositives: number][]} */
  const points = [[Infinity, 0, 0]];
  let [wrong, right] = [0, 0];
  for (let i = 0; i < order.length; i++) {
    if (labels[order[i]] === 1) right++;
    else wrong++;
    const last = i + 1 === order.length || scores[order[i + 1]] !== scores[order[i]];
    if (last) points.push([scores[order[i]], wrong, right]);
  }
  const kept = dropIntermediate && points.length > 3 ? corners(points) : points;
  return {
    falsePositiveRate: kept.map((point) => point[1] / wrong),
    truePositiveRate: kept.map((point) => point[2] / right),
    thresholds: kept.map(([threshold]) => threshold),
  };
}

/**
 * The points where the curve turns; as in scikit-learn the one at infinity does not take part.
 *
 * @param {[number, number, number][]} points
 */
function corners(points) {
  return points.filter((point, i) => {
    if (i < 2 || i === points.length - 1) return true;
    const [before, next] = [points[i - 1], points[i + 1]];
    return [1, 2].some((axis) => next[axis] - point[axis] !== point[axis] - before[axis]);
  });
}

/** Metrics that count classes: precision, recall, F1, the confusion matrix and the report of all. */

import { ConfigError, LimitError } from '../errors.js';
import { needOneOf, needWhole, readOptions, wrongType } from '../options.js';
import { optionalNumber } from './means.js';
import { Metric } from './metric.js';
import { predictedClasses, readPair, trueClasses } from './read.js';

/**
 * @typedef {import('./read.js').Pair} Pair
 * @typedef {'binary' | 'micro' | 'macro' | 'weighted' | 'none'} Average
 *
 * @typedef {object} CountOptions
 * @property {Average} [average] 'binary': of class 1; 'micro': over all samples; 'macro': the mean over
 *   classes; 'weighted': weighted by their samples; 'none': an array, a number a class. Default
 *   'binary' for two classes, 'macro' for more
 * @property {number} [classes] how many there are. Without it, means are taken over the classes that
 *   occur in labels or predictions, as scikit-learn does
 * @property {number} [threshold] of one score a sample, default 0.5
 * @property {string} [name]
 *
 * @typedef {object} ClassCount
 * @property {number} hits samples of the class that were found
 * @property {number} predicted samples that were taken for it
 * @property {number} support samples of the class
 */

const AVERAGES = /** @type {const} */ (['binary', 'micro', 'macro', 'weighted', 'none']);
/** A class number above is taken for an error. */
const MAX_CLASSES = 65_536;
/** The matrix has the square of it. */
const MAX_MATRIX = 4096;

/** A ratio that is 0 where it has no meaning: a class that is nowhere. @param {number} part @param {number} whole */
const ratio = (part, whole) => (whole > 0 ? part / whole : 0);

const SCORES = {
  precision: (/** @type {ClassCount} */ { hits, predicted }) => ratio(hits, predicted),
  recall: (/** @type {ClassCount} */ { hits, support }) => ratio(hits, support),
  f1Score: (/** @type {ClassCount} */ { hits, predicted, support }) =>
    ratio(2 * hits, predicted + support),
};

/** @param {readonly ClassCount[]} counts @returns {ClassCount} */
function total(counts) {
  const sum = { hits: 0, predicted: 0, support: 0 };
  for (const { hits, predicted, support } of counts) {
    sum.hits += hits;
    sum.predicted += predicted;
    sum.support += support;
  }
  return sum;
}

/** Counts of each class. */
class Tally {
  /** @type {ClassCount[]} */
  counts = [];

  /** @param {Pair} pair @param {number | undefined} threshold @param {number | undefined} classes */
  add(pair, threshold, classes) {
    const [truth, guess] = [trueClasses(pair), predictedClasses(pair, threshold)];
    const most = highest(pair, truth, guess, classes, MAX_CLASSES);
    while (this.counts.length <= most) this.counts.push({ hits: 0, predicted: 0, support: 0 });
    for (let i = 0; i < truth.length; i++) {
      this.counts[truth[i]].support++;
      this.counts[guess[i]].predicted++;
      if (truth[i] === guess[i]) this.counts[truth[i]].hits++;
    }
  }
}

/**
 * The highest class number that there is room to be made for.
 *
 * @param {Pair} pair
 * @param {ArrayLike<number>} truth
 * @param {ArrayLike<number>} guess
 * @param {number | undefined} classes
 * @param {number} limit
 */
function highest({ what, guess: { columns } }, truth, guess, classes, limit) {
  let most = Math.max(classes ?? 0, columns > 1 ? columns : 2) - 1;
  for (const list of [truth, guess]) {
    for (let i = 0; i < list.length; i++) {
      if (list[i] <= most) continue;
      if (classes !== undefined) {
        throw new ConfigError(`${what}: classes is ${classes}, found class ${list[i]} at ${i}.`, {
          field: 'classes',
        });
      }
      most = list[i];
    }
  }
  if (most < limit) return most;
  throw new LimitError(`${what}: class ${most} is above the limit of ${limit} classes.`, {
    field: 'classes',
  });
}

/** @param {readonly ClassCount[]} counts @param {number | undefined} classes numbers of the classes to average over */
function present(counts, classes) {
  if (classes !== undefined) return counts;
  return counts.filter(({ predicted, support }) => predicted + support > 0);
}

/** @abstract */
class CountScore extends Metric {
  #tally = new Tally();
  #score;

  /**
   * @param {keyof typeof SCORES} type
   * @param {unknown} options
   */
  constructor(type, options) {
    const where = { what: type };
    const names = /** @type {const} */ (['average', 'classes', 'threshold', 'name']);
    const { average, classes, threshold, name } = readOptions(options, names, where);
    super(type, {
      name,
      average: average === undefined ? undefined : needOneOf(average, AVERAGES, 'average', where),
      classes: classes === undefined ? undefined : needWhole(classes, 'classes', where, 2),
      threshold: optionalNumber(threshold, 'threshold', type),
    });
    this.#score = SCORES[type];
  }

  /** @override @param {Pair} pair */
  add(pair) {
    this.#tally.add(pair, this.config.threshold, this.config.classes);
  }

  /** @override @returns {number | number[]} an array with `average: 'none'` */
  result() {
    const { counts } = this.#tally;
    const { classes, average = counts.length > 2 ? 'macro' : 'binary' } = this.config;
    switch (average) {
      case 'binary':
        if (counts.length > 2) {
          throw new ConfigError(
            `${this.type}: average 'binary' is of two classes, found ${counts.length}: choose micro, macro, weighted or none.`,
            { field: 'average' },
          );
        }
        return counts.length > 0 ? this.#score(counts[1]) : 0;
      case 'micro':
        return this.#score(total(counts));
      case 'none':
        return counts.map(this.#score);
      default:
        return averaged(present(counts, classes), this.#score, average === 'weighted');
    }
  }

  /** @override */
  reset() {
    this.#tally = new Tally();
  }

  /** @override */
  toJSON() {
    return this.#tally.counts.map(({ hits, predicted, support }) => [hits, predicted, support]);
  }

  /** @override @param {any} state */
  restore(state) {
    this.#tally.counts = Array.from(state, ([hits, predicted, support]) => ({
      hits: Number(hits),
      predicted: Number(predicted),
      support: Number(support),
    }));
  }
}

/**
 * @param {readonly ClassCount[]} counts
 * @param {(count: ClassCount) => number} score
 * @param {boolean} weighted
 */
function averaged(counts, score, weighted) {
  let [sum, weights] = [0, 0];
  for (const each of counts) {
    const weight = weighted ? each.support : 1;
    sum += weight * score(each);
    weights += weight;
  }
  return ratio(sum, weights);
}

/** hits / predictions of the class; 0 for a class that is never predicted. */
export class Precision extends CountScore {
  /** @param {CountOptions} [options] */
  constructor(options) {
    super('precision', options);
  }
}

/** hits / samples of the class; 0 for a class without samples. */
export class Recall extends CountScore {
  /** @param {CountOptions} [options] */
  constructor(options) {
    super('recall', options);
  }
}

/** 2 hits / (predictions + samples of the class), the harmonic mean of precision and recall; 0 where both are nothing. */
export class F1Score extends CountScore {
  /** @param {CountOptions} [options] */
  constructor(options) {
    super('f1Score', options);
  }
}

/** How many samples of each class (row) were taken for each class (column). */
export class ConfusionMatrix extends Metric {
  /** @type {number[][]} */
  #matrix = [];

  /** @param {{ classes?: number, threshold?: number, name?: string }} [options] */
  constructor(options) {
    const what = 'confusionMatrix';
    const names = /** @type {const} */ (['classes', 'threshold', 'name']);
    const { classes, threshold, name } = readOptions(options, names, { what });
    super(what, {
      name,
      classes: classes === undefined ? undefined : needWhole(classes, 'classes', { what }, 2),
      threshold: optionalNumber(threshold, 'threshold', what),
    });
  }

  /** @override @param {Pair} pair */
  add(pair) {
    const { classes, threshold } = this.config;
    const [truth, guess] = [trueClasses(pair), predictedClasses(pair, threshold)];
    const size = highest(pair, truth, guess, classes, MAX_MATRIX) + 1;
    while (this.#matrix.length < size) this.#matrix.push([]);
    for (const row of this.#matrix) while (row.length < this.#matrix.length) row.push(0);
    for (let i = 0; i < truth.length; i++) this.#matrix[truth[i]][guess[i]]++;
  }

  /** @override @returns {number[][]} [class][predicted class] */
  result() {
    return this.#matrix.map((row) => [...row]);
  }

  /** @override */
  reset() {
    this.#matrix = [];
  }

  /** @override */
  toJSON() {
    return this.#matrix;
  }

  /** @override @param {any} state */
  restore(state) {
    this.#matrix = Array.from(state, (row) => Array.from(/** @type {any} */ (row), Number));
  }
}

/**
 * @typedef {object} ReportRow
 * @property {string} name
 * @property {number} precision
 * @property {number} recall
 * @property {number} f1Score
 * @property {number} support samples
 */

/**
 * Precision, recall and F1 of each class and their means: scikit-learn's classification_report.
 *
 * @param {unknown} yTrue
 * @param {unknown} yPred
 * @param {object} [options]
 * @param {readonly string[]} [options.classNames] all classes, also those that do not occur; without
 *   it, numbers of the classes that do
 * @param {number} [options.threshold] of one score a sample, default 0.5
 * @param {number} [options.digits] of the text, default 2
 * @returns {{ classes: ReportRow[], accuracy: number, macroAverage: ReportRow, weightedAverage: ReportRow, text: string }}
 * @throws {ConfigError} and what `update` of a metric throws
 */
export function classificationReport(yTrue, yPred, options) {
  const where = { what: 'classificationReport' };
  const optionNames = /** @type {const} */ (['classNames', 'threshold', 'digits']);
  const { classNames, threshold, digits = 2 } = readOptions(options, optionNames, where);
  needWhole(digits, 'digits', where);
  if (digits > 20) throw wrongType(digits, 'digits', 'at most 20', where);
  if (classNames !== undefined && !Array.isArray(classNames)) {
    throw wrongType(classNames, 'classNames', 'an array of names', where);
  }
  const tally = new Tally();
  const pair = readPair(yTrue, yPred, where.what);
  tally.add(pair, optionalNumber(threshold, 'threshold', where.what), classNames?.length);
  const rows = tally.counts
    .map((counts, index) => ({
      counts,
      name: classNames ? String(classNames[index]) : String(index),
    }))
    .filter(({ counts }) => classNames || counts.predicted + counts.support > 0);
  const counts = rows.map((row) => row.counts);
  const sum = total(counts);
  const scores = (/** @type {(score: (count: ClassCount) => number) => number} */ of) => ({
    precision: of(SCORES.precision),
    recall: of(SCORES.recall),
    f1Score: of(SCORES.f1Score),
  });
  const mean = (/** @type {string} */ name, /** @type {boolean} */ weighted) => ({
    name,
    ...scores((score) => averaged(counts, score, weighted)),
    support: sum.support,
  });
  const report = {
    classes: rows.map(({ name, counts: own }) => ({
      name,
      ...scores((score) => score(own)),
      support: own.support,
    })),
    accuracy: ratio(sum.hits, sum.support),
    macroAverage: mean('macro avg', false),
    weightedAverage: mean('weighted avg', true),
  };
  return { ...report, text: reportText(report, digits) };
}

/**
 * @param {{ classes: ReportRow[], accuracy: number, macroAverage: ReportRow, weightedAverage: ReportRow }} report
 * @param {number} digits
 */
function reportText({ classes, accuracy, macroAverage, weightedAverage }, digits) {
  const means = [macroAverage, weightedAverage];
  const width = Math.max(digits, ...[...classes, ...means].map(({ name }) => name.length));
  const line = (/** @type {string} */ head, /** @type {unknown[]} */ cells) =>
    `${head.padStart(width)} ${cells.map((cell) => ` ${String(cell).padStart(9)}`).join('')}`;
  const row = (/** @type {ReportRow} */ { name, precision, recall, f1Score, support }) =>
    line(name, [...[precision, recall, f1Score].map((value) => value.toFixed(digits)), support]);
  return [
    line('', ['precision', 'recall', 'f1-score', 'support']),
    '',
    ...classes.map(row),
    '',
    line('accuracy', ['', '', accuracy.toFixed(digits), macroAverage.support]),
    ...means.map(row),
    '',
  ].join('\n');
}

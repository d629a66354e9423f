/** Metrics that are means over samples or outputs. */

import { ConfigError } from '../errors.js';
import { needNumber, needWhole, readOptions } from '../options.js';
import { Metric } from './metric.js';
import { checkClass, predictedClasses, targets, trueClasses } from './read.js';

/**
 * @typedef {import('./read.js').Pair} Pair
 */

/** @abstract */
class Mean extends Metric {
  #sum = 0;
  #count = 0;

  /**
   * @param {Pair} _pair
   * @returns {[sum: number, count: number]}
   */
  measure(_pair) {
    throw new Error('abstract');
  }

  /** @override @param {Pair} pair */
  add(pair) {
    const [sum, count] = this.measure(pair);
    this.#sum += sum;
    this.#count += count;
  }

  /** @override @returns {number} NaN before the first sample */
  result() {
    return this.#sum / this.#count;
  }

  /** @override */
  reset() {
    this.#sum = 0;
    this.#count = 0;
  }

  /** @override */
  toJSON() {
    return [this.#sum, this.#count];
  }

  /** @override @param {any} state */
  restore(state) {
    this.#sum = Number(state[0]);
    this.#count = Number(state[1]);
  }
}

/** The share of samples whose class is right. As a metric of `compile`, 'accuracy' is the engine's. */
export class Accuracy extends Mean {
  /** @param {{ name?: string, threshold?: number }} [options] threshold of one score a sample, default 0.5 */
  constructor(options) {
    const what = 'accuracy';
    const { name, threshold } = readOptions(options, ['name', 'threshold'], { what });
    super(what, { name, threshold: optionalNumber(threshold, 'threshold', what) });
  }

  /** @override @param {Pair} pair @returns {[number, number]} */
  measure(pair) {
    const [truth, guess] = [trueClasses(pair), predictedClasses(pair, this.config.threshold)];
    return [count(truth.length, (i) => truth[i] === guess[i]), truth.length];
  }
}

/**
 * The share of samples whose class is among the k largest scores; of equal scores the first classes
 * count, so that k = 1 is the accuracy.
 */
export class TopKCategoricalAccuracy extends Mean {
  /** @param {{ k?: number, name?: string }} [options] k default 5 */
  constructor(options) {
    const what = 'topKCategoricalAccuracy';
    const { name, k = 5 } = readOptions(options, ['name', 'k'], { what });
    super(what, { name, k: needWhole(k, 'k', { what }, 1) });
  }

  /** @override @param {Pair} pair @returns {[number, number]} */
  measure(pair) {
    const { guess, what } = pair;
    const { data, columns } = guess;
    if (columns < 2) {
      throw new ConfigError(
        `${what}: yPred must have a score for each class, found 1 number a sample.`,
        { field: 'yPred' },
      );
    }
    const truth = trueClasses(pair);
    const right = count(guess.rows, (row) => {
      const own = checkClass(pair, truth[row], row);
      const start = row * columns;
      let better = 0;
      for (let j = 0; j < columns; j++) {
        const [score, limit] = [data[start + j], data[start + own]];
        if (score > limit || (score === limit && j < own)) better++;
      }
      return better < this.config.k;
    });
    return [right, guess.rows];
  }
}

/** The share of outputs that lie on their label's side: label = (score > threshold). */
export class BinaryAccuracy extends Mean {
  /** @param {{ threshold?: number, name?: string }} [options] threshold default 0.5; for logits 0 */
  constructor(options) {
    const what = 'binaryAccuracy';
    const { name, threshold = 0.5 } = readOptions(options, ['name', 'threshold'], { what });
    super(what, { name, threshold: needNumber(threshold, 'threshold', { what }) });
  }

  /** @override @param {Pair} pair @returns {[number, number]} */
  measure(pair) {
    const wanted = targets(pair);
    const { data } = pair.guess;
    const { threshold } = this.config;
    return [count(data.length, (i) => wanted[i] === Number(data[i] > threshold)), data.length];
  }
}

/** Mean of a power of the differences between outputs and labels. */
class Differences extends Mean {
  /** @param {string} what @param {unknown} options */
  constructor(what, options) {
    super(what, readOptions(options, ['name'], { what }));
  }

  /** @param {number} difference */
  measureOne(difference) {
    return difference * difference;
  }

  /** @override @param {Pair} pair @returns {[number, number]} */
  measure(pair) {
    const wanted = targets(pair);
    const { data } = pair.guess;
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += this.measureOne(data[i] - wanted[i]);
    return [sum, data.length];
  }
}

/** Mean of |yPred − yTrue| over samples and outputs. */
export class MeanAbsoluteError extends Differences {
  /** @param {{ name?: string }} [options] */
  constructor(options) {
    super('meanAbsoluteError', options);
  }

  /** @override @param {number} difference */
  measureOne(difference) {
    return Math.abs(difference);
  }
}

/** Mean of (yPred − yTrue)² over samples and outputs. */
export class MeanSquaredError extends Differences {
  /** @param {{ name?: string }} [options] */
  constructor(options) {
    super('meanSquaredError', options);
  }
}

/** The root of the mean of (yPred − yTrue)² over samples and outputs. */
export class RootMeanSquaredError extends Differences {
  /** @param {{ name?: string }} [options] */
  constructor(options) {
    super('rootMeanSquaredError', options);
  }

  /** @override */
  result() {
    return Math.sqrt(super.result());
  }
}

/** Mean over samples of yTrue · yPred / (|yTrue| |yPred|); 0 where one of them is zero. */
export class CosineSimilarity extends Mean {
  /** @param {{ name?: string }} [options] */
  constructor(options) {
    const what = 'cosineSimilarity';
    super(what, readOptions(options, ['name'], { what }));
  }

  /** @override @param {Pair} pair @returns {[number, number]} */
  measure(pair) {
    const wanted = targets(pair);
    const { data, rows, columns } = pair.guess;
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      let [dot, own, other] = [0, 0, 0];
      for (let i = row * columns; i < (row + 1) * columns; i++) {
        dot += wanted[i] * data[i];
        own += wanted[i] * wanted[i];
        other += data[i] * data[i];
      }
      if (own > 0 && other > 0) sum += dot / (Math.sqrt(own) * Math.sqrt(other));
    }
    return [sum, rows];
  }
}

/** @param {unknown} value @param {string} field @param {string} what */
export function optionalNumber(value, field, what) {
  return value === undefined ? undefined : needNumber(value, field, { what });
}

/** @param {number} length @param {(index: number) => boolean} holds */
function count(length, holds) {
  let found = 0;
  for (let i = 0; i < length; i++) if (holds(i)) found++;
  return found;
}

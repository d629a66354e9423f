/** The base of streaming metrics. */

import { wrongType } from '../options.js';
import { readPair } from './read.js';

/** @typedef {import('./read.js').Pair} Pair */

/**
 * Collects batch after batch; `result` is exact over all samples since `reset`, whatever the batches.
 *
 * @abstract
 */
export class Metric {
  /**
   * @param {string} type as in `compile({ metrics: […] })`
   * @param {Record<string, any>} options
   */
  constructor(type, { name = type, ...options }) {
    if (typeof name !== 'string' || !/^[a-zA-Z]\w{0,99}$/.test(name)) {
      throw wrongType(name, 'name', 'letters and digits', { what: type });
    }
    this.type = type;
    /** What logs and history call it. */
    this.name = name;
    /**
     * Plain data that describes it to the worker and in a checkpoint.
     * @type {Readonly<import('../compile.js').MetricConfig>}
     */
    this.config = Object.freeze({ type, name, ...options });
  }

  /**
   * @param {unknown} yTrue labels: class numbers, or rows (one-hot, or the wanted outputs)
   * @param {unknown} yPred predictions: class numbers, scores, or rows of scores (as `predict` gives)
   * @throws {InputTypeError} {ShapeError} {NonFiniteError} {LabelRangeError} {EmptyError} with
   *   nothing changed
   */
  update(yTrue, yPred) {
    this.add(readPair(yTrue, yPred, this.type));
  }

  /**
   * @protected
   * @abstract
   * @param {Pair} _pair
   */
  add(_pair) {
    throw new Error('abstract');
  }

  /**
   * @abstract
   * @returns {any}
   */
  result() {
    throw new Error('abstract');
  }

  /** Forgets all samples. @abstract */
  reset() {
    throw new Error('abstract');
  }

  /**
   * What it has collected, as plain data: a checkpoint in the middle of an epoch keeps it.
   *
   * @abstract
   * @returns {unknown}
   */
  toJSON() {
    throw new Error('abstract');
  }

  /** @abstract @param {any} _state of `toJSON` */
  restore(_state) {
    throw new Error('abstract');
  }
}

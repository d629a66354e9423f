/** Penalties on weights, as in Keras 3: the loss includes them, in training and in evaluation. */

import { needNumber, needOneOf, readOptions } from './options.js';

/**
 * @typedef {Readonly<{ l1: number, l2: number }>} RegularizerConfig
 * @typedef {'l1' | 'l2'} RegularizerName with Keras's default 0.01
 * @typedef {RegularizerName | RegularizerConfig} Regularizer
 */

const STANDARD = 0.01;

/**
 * @param {unknown} value
 * @param {string} field
 * @param {import('./options.js').Where} where
 * @returns {RegularizerConfig | undefined} null stands for none
 */
export function readRegularizer(value, field, where) {
  if (value === null) return undefined;
  if (typeof value !== 'object') {
    const name = needOneOf(value, ['l1', 'l2'], field, where);
    return Object.freeze({ l1: 0, l2: 0, [name]: STANDARD });
  }
  const { l1 = 0, l2 = 0 } = readOptions(value, ['l1', 'l2'], where);
  return Object.freeze({ l1: needNumber(l1, 'l1', where), l2: needNumber(l2, 'l2', where) });
}

/** Regularisers for `kernelRegularizer` and `biasRegularizer`; factors are 0 or more. */
export const regularizers = Object.freeze({
  /** l1 · Σ |w|. @param {number | { l1?: number }} [l1] default 0.01 */
  l1: (l1 = STANDARD) =>
    readRegularizer(typeof l1 === 'number' ? { l1 } : { l1: STANDARD, ...l1 }, 'l1', {
      what: 'regularizers.l1',
    }),
  /** l2 · Σ w². @param {number | { l2?: number }} [l2] default 0.01 */
  l2: (l2 = STANDARD) =>
    readRegularizer(typeof l2 === 'number' ? { l2 } : { l2: STANDARD, ...l2 }, 'l2', {
      what: 'regularizers.l2',
    }),
  /** Both. @param {{ l1?: number, l2?: number }} [options] defaults 0 */
  l1l2: (options) => readRegularizer({ ...options }, 'l1l2', { what: 'regularizers.l1l2' }),
});

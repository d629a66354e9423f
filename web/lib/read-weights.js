/** The argument of `setWeights`. */

import { InputTypeError } from './errors.js';
import { describe, wrongType } from './options.js';

/**
 * Copies of named tensors, ready to cross to the worker, which compares them with the model's.
 *
 * @param {unknown} weights
 * @throws {InputTypeError} {ConfigError}
 */
export function readWeights(weights) {
  if (!Array.isArray(weights)) {
    throw new InputTypeError(
      `setWeights: weights must be an array of { name, shape, data }, found ${describe(weights)}.`,
    );
  }
  return Array.from(weights, (weight) => {
    const { name, shape, data } = weight ?? {};
    if (typeof name !== 'string') throw wrongType(name, 'name', 'a string', { what: 'setWeights' });
    return {
      name,
      shape: Array.isArray(shape) ? Array.from(shape, Number) : null,
      data: plain(data),
    };
  });
}

/**
 * A copy that may cross to the worker; a number array of another type is refused there.
 *
 * @param {unknown} data
 */
function plain(data) {
  if (data instanceof Float32Array) return new Float32Array(data);
  if (Array.isArray(data) && data.every((value) => typeof value === 'number')) {
    return Float32Array.from(data);
  }
  return ArrayBuffer.isView(data) ? new Uint8Array(0) : String(describe(data));
}

/** Arrays that a program gives for outputs to be written to: fresh memory costs more than copying into warm. */

import { ConfigError, InputTypeError } from './errors.js';
import { describe } from './options.js';

/**
 * @param {unknown} out a Float32Array, or an array of one for each output
 * @param {readonly { name: string, shape: number[] }[]} outputs the model's
 * @param {number} count samples
 * @returns {ArrayBuffer[]} to be transferred, which leaves the program's arrays empty; [] where none is given
 * @throws {InputTypeError} {ConfigError} with nothing transferred
 */
export function readGivenOutputs(out, outputs, count) {
  if (out === undefined) return [];
  const several = outputs.length > 1;
  const list = several ? out : [out];
  if (!Array.isArray(list) || list.length !== outputs.length) {
    const wanted = `an array of ${outputs.length} Float32Arrays`;
    throw new InputTypeError(`predict: out must be ${wanted}, found ${describe(out)}.`, {
      field: 'out',
    });
  }
  const buffers = list.map((array, index) => {
    const place = several ? ` for '${outputs[index].name}'` : '';
    if (!(array instanceof Float32Array) || !(array.buffer instanceof ArrayBuffer)) {
      throw new InputTypeError(
        `predict: out${place} must be a Float32Array of its own memory, found ${describe(array)}.`,
        { field: 'out' },
      );
    }
    const length = outputs[index].shape.reduce((product, size) => product * size, count);
    if (array.length !== length || array.buffer.byteLength !== 4 * length) {
      const found =
        array.length === length ? `a view of ${array.buffer.byteLength} bytes` : array.length;
      throw new ConfigError(
        `predict: out${place} must have ${length} numbers and nothing else, found ${found}.`,
        { field: 'out' },
      );
    }
    return array.buffer;
  });
  if (new Set(buffers).size < buffers.length) {
    throw new ConfigError('predict: out has the same array twice.', { field: 'out' });
  }
  return buffers;
}

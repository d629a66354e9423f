/** Named weight tensors ⇄ a flat vector of the engine. */

import {
  DuplicateError,
  ExtraError,
  FormatError,
  InputTypeError,
  MissingError,
  NonFiniteError,
  ShapeError,
} from './errors.js';
import { describe } from './options.js';

/**
 * @typedef {import('./native.js').TensorFacts} TensorFacts
 *
 * @typedef {object} WeightTensor
 * @property {string} name such as `conv2d/kernel`
 * @property {number[]} shape convolution kernels [height, width, in, out], dense ones [in, out]
 * @property {Float32Array} data
 */

/** Numbers of a shape. @param {readonly number[]} shape */
export const sizeOf = (shape) => shape.reduce((product, length) => product * length, 1);

/**
 * @param {readonly TensorFacts[]} tensors
 * @param {Float32Array} vector
 * @returns {(WeightTensor & { data: Float32Array<ArrayBuffer> })[]} copies
 */
export function readTensors(tensors, vector) {
  return tensors.map(({ name, shape, offset, size }) => {
    const data = new Float32Array(vector.subarray(offset, offset + size));
    return { name, shape: [...shape], data };
  });
}

/**
 * @param {readonly TensorFacts[]} tensors
 * @param {Map<string, Float32Array>} values checked by `matchTensors`
 * @param {Float32Array} vector
 */
export function writeTensors(tensors, values, vector) {
  for (const { name, offset } of tensors) {
    vector.set(/** @type {Float32Array} */ (values.get(name)), offset);
  }
}

/**
 * Checks that tensors are exactly those wanted, in any order, before anything is written.
 *
 * @param {readonly TensorFacts[]} wanted
 * @param {Iterable<{ name: string, shape: readonly number[], data: unknown, dtype?: string }>} found
 * @param {string} what for messages
 * @param {string} [prefix] before each name in `found`
 * @returns {Map<string, Float32Array>} by the wanted names
 * @throws {DuplicateError} {ExtraError} {MissingError} {ShapeError} {NonFiniteError} {FormatError}
 */
export function matchTensors(wanted, found, what, prefix = '') {
  const byName = new Map(wanted.map((tensor) => [prefix + tensor.name, tensor]));
  /** @type {Map<string, Float32Array>} */
  const values = new Map();
  for (const { name, shape, data, dtype = 'F32' } of found) {
    const tensor = byName.get(name);
    if (!tensor) {
      throw new ExtraError(`${what}: the model has no tensor ${describe(name)}.`, { field: name });
    }
    if (values.has(tensor.name)) {
      throw new DuplicateError(`${what}: tensor ${name} is there twice.`, { field: name });
    }
    if (dtype !== 'F32') {
      throw new FormatError(`${what}: tensor ${name} has type ${dtype}, expected F32.`, {
        field: name,
      });
    }
    values.set(tensor.name, checkTensor(tensor, shape, data, `${what}: tensor ${name}`));
  }
  const missing = [...byName].filter(([, tensor]) => !values.has(tensor.name));
  if (missing.length === 0) return values;
  const [name] = missing[0];
  throw new MissingError(
    `${what}: ${missing.length} of ${wanted.length} tensors are missing, first ${name}.`,
    { field: name },
  );
}

/**
 * @param {TensorFacts} tensor
 * @param {readonly number[]} shape
 * @param {unknown} data
 * @param {string} label
 */
function checkTensor(tensor, shape, data, label) {
  const field = tensor.name;
  if (!Array.isArray(shape) || shape.join() !== tensor.shape.join()) {
    const text = Array.isArray(shape) ? `[${shape.slice(0, 8).join(', ')}]` : describe(shape);
    throw new ShapeError(`${label} must have shape [${tensor.shape.join(', ')}], found ${text}.`, {
      field,
    });
  }
  if (!(data instanceof Float32Array)) {
    throw new InputTypeError(`${label} must be a Float32Array, found ${describe(data)}.`, {
      field,
    });
  }
  if (data.length !== tensor.size) {
    throw new ShapeError(`${label} must have ${tensor.size} values, found ${data.length}.`, {
      field,
    });
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new NonFiniteError(`${label} holds ${data[bad]} at index ${bad}.`, { field });
  }
  return data;
}

/**
 * Tensors with many zeros in files: a bitmap of where numbers stand, and those numbers alone, as two tensors of the
 * file, `<name>:bitmap` (U8) and `<name>:values`. The metadata `sparse` has their shapes, by name. Where weights are
 * pruned the bitmap is the mask of the pruning, and `pruned` lists the names; so a bitmap may stand beside a whole tensor.
 */

import { bitmapOf, bytesFor, countBits, hasBit } from './bitmap.js';
import { FormatError, MissingError } from './errors.js';
import { describe } from './options.js';
import { sizeOf } from './tensors.js';

/** @typedef {import('./io/safetensors.js').Tensor} Tensor */

/** Names in the header take more than a bitmap saves on smaller ones. */
const LEAST_SIZE = 256;
/** Numbers of a tensor at most: the engine has no larger one. */
const MOST_SIZE = 2 ** 28;

const bitmapName = (/** @type {string} */ name) => `${name}:bitmap`;
const valuesName = (/** @type {string} */ name) => `${name}:values`;

/**
 * @param {readonly Tensor[]} tensors
 * @param {ReadonlyMap<string, Uint8Array>} masks of pruned weights, by the tensors' names
 * @param {boolean} sparse whether zeros may be left out
 * @returns {{ tensors: Tensor[], metadata: Record<string, string> }}
 */
export function encodeSparse(tensors, masks, sparse) {
  /** @type {Record<string, number[]>} */
  const shapes = Object.create(null);
  const encoded = tensors.flatMap((tensor) => {
    const { name, data } = tensor;
    const mask = masks.get(name);
    const bitmap = sparse && data.length >= LEAST_SIZE ? (mask ?? bitmapOfZeros(data)) : mask;
    if (!bitmap) return [tensor];
    const left = countBits(bitmap) * data.BYTES_PER_ELEMENT + bitmap.length;
    const saves = sparse && left < data.byteLength;
    if (!saves && !mask) return [tensor];
    /** @type {Tensor} */
    const places = { name: bitmapName(name), dtype: 'U8', shape: [bitmap.length], data: bitmap };
    if (!saves) return [tensor, places];
    shapes[name] = tensor.shape;
    const values = /** @type {Float32Array} */ (data).filter((_, i) => hasBit(bitmap, i));
    return [{ ...tensor, name: valuesName(name), shape: [values.length], data: values }, places];
  });
  return {
    tensors: encoded,
    metadata: {
      ...(Object.keys(shapes).length > 0 && { sparse: JSON.stringify(shapes) }),
      ...(masks.size > 0 && { pruned: JSON.stringify([...masks.keys()]) }),
    },
  };
}

/** Of what is not +0: a -0 is kept. @param {Tensor['data']} data */
function bitmapOfZeros(data) {
  const list = /** @type {Float32Array} */ (data);
  return bitmapOf(list.length, (i) => !Object.is(list[i], 0));
}

/**
 * @param {Map<string, Tensor>} tensors of a file
 * @param {Record<string, unknown>} shapes the metadata `sparse`
 * @param {unknown} pruned the metadata `pruned`
 * @returns {{ tensors: Map<string, Tensor>, masks: Map<string, Uint8Array> }} whole tensors, and the masks of those
 *   that are pruned
 * @throws {FormatError} {MissingError}
 */
export function decodeSparse(tensors, shapes, pruned) {
  const whole = new Map(tensors);
  /** @type {Map<string, Uint8Array>} */
  const masks = new Map();
  const take = (/** @type {string} */ name) => {
    const tensor = whole.get(name);
    if (!tensor) throw new MissingError(`load: tensor ${name} is missing.`, { field: name });
    whole.delete(name);
    return tensor;
  };
  const names = Array.isArray(pruned) ? pruned.map(String) : [];
  for (const name of names) masks.set(name, bitmapIn(take(bitmapName(name)), name));
  for (const [name, shape] of Object.entries(shapes)) {
    const size = checkedSize(shape, name);
    const bitmap = masks.get(name) ?? bitmapIn(take(bitmapName(name)), name);
    const values = take(valuesName(name));
    const count = countBits(bitmap);
    if (bitmap.length !== bytesFor(size) || count !== values.data.length) {
      throw new FormatError(
        `load: tensor ${name} of ${size} numbers has a bitmap of ${bitmap.length} bytes, expected ` +
          `${bytesFor(size)}, with ${count} ones for ${values.data.length} values.`,
        { field: name },
      );
    }
    if (whole.has(name)) {
      throw new FormatError(`load: tensor ${name} is there whole and sparse.`, { field: name });
    }
    const data = spread(values.data, bitmap, size);
    whole.set(name, { ...values, name, shape: /** @type {number[]} */ (shape), data });
  }
  for (const [name, mask] of masks) checkMask(mask, whole.get(name), name);
  return { tensors: whole, masks };
}

/** @param {Tensor} tensor @param {string} name @returns {Uint8Array} */
function bitmapIn({ dtype, data }, name) {
  if (dtype === 'U8') return /** @type {Uint8Array} */ (data);
  throw new FormatError(`load: the bitmap of tensor ${name} has type ${dtype}, expected U8.`, {
    field: name,
  });
}

/** @param {unknown} shape @param {string} name */
function checkedSize(shape, name) {
  const list = Array.isArray(shape) ? shape : [NaN];
  const size = list.every((length) => Number.isSafeInteger(length) && length > 0)
    ? sizeOf(list)
    : NaN;
  if (size <= MOST_SIZE) return size;
  throw new FormatError(`load: the shape of sparse tensor ${name} is ${describe(shape)}.`, {
    field: name,
  });
}

/** @param {Tensor['data']} values @param {Uint8Array} bitmap @param {number} size */
function spread(values, bitmap, size) {
  const list = /** @type {Float32Array} */ (values);
  const Numbers = /** @type {Float32ArrayConstructor} */ (list.constructor);
  const data = new Numbers(size);
  let next = 0;
  for (let i = 0; i < size; i++) if (hasBit(bitmap, i)) data[i] = list[next++];
  if (next === list.length) return data;
  throw new FormatError('load: a bitmap has ones behind the end of its tensor.');
}

/** @param {Uint8Array} mask @param {Tensor | undefined} tensor @param {string} name */
function checkMask(mask, tensor, name) {
  const data = /** @type {Float32Array | undefined} */ (tensor?.data);
  if (!data) throw new MissingError(`load: tensor ${name} is missing.`, { field: name });
  const expected = bytesFor(data.length);
  const wrong = data.findIndex((value, i) => value !== 0 && !hasBit(mask, i));
  if (mask.length === expected && wrong < 0) return;
  throw new FormatError(
    mask.length === expected
      ? `load: tensor ${name} holds ${data[wrong]} at index ${wrong}, which is pruned.`
      : `load: the mask of tensor ${name} has ${mask.length} bytes, expected ${expected}.`,
    { field: name },
  );
}

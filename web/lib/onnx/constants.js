/** Constants while a model is read: tensors of numbers, and the arguments of operators that are lists of numbers. */

import { LimitError, UnsupportedError } from '../errors.js';
import { elementsOf } from './proto.js';

/**
 * @typedef {import('./proto.js').Tensor} Tensor
 * @typedef {import('./proto.js').OnnxNode} OnnxNode
 */

/**
 * @param {readonly number[]} shape
 * @param {ArrayLike<number>} data
 * @param {string} [type]
 * @returns {Tensor}
 */
export function tensor(shape, data, type = 'float32') {
  const array = type === 'float32' ? Float32Array.from(data) : Float64Array.from(data);
  return { name: '', type, shape: [...shape], data: array };
}

/** @param {readonly number[]} values @returns {Tensor} */
export const integers = (values) => tensor([values.length], values, 'int64');

/** Whether all of a type's numbers are whole. @param {string} type */
export const isWhole = (type) => type === 'bool' || type.includes('int');

/** How far apart neighbours on each axis lie. @param {readonly number[]} shape */
export function stridesOf(shape) {
  const strides = shape.map(() => 1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = strides[d + 1] * shape[d + 1];
  return strides;
}

/** A small file may ask for a large constant: this is as much as one may be. */
const MAX_CONSTANT = 2 ** 24;

/** @param {readonly number[]} shape @param {string} what */
export function sizeOf(shape, what) {
  const size = elementsOf(shape, what);
  if (size <= MAX_CONSTANT) return size;
  throw new LimitError(
    `${what}: a constant of ${size} numbers, at most ${MAX_CONSTANT} are computed.`,
  );
}

/**
 * Numbers of a tensor picked in the order of another shape.
 *
 * @param {ArrayLike<number>} from
 * @param {readonly number[]} shape of the result
 * @param {readonly number[]} strides how far one step on each of its axes goes in `from`; 0 repeats
 * @param {number} [start]
 * @returns {Float64Array}
 */
export function pick(from, shape, strides, start = 0) {
  const out = new Float64Array(sizeOf(shape, 'a constant'));
  const at = shape.map(() => 0);
  let source = start;
  for (let i = 0; i < out.length; i++) {
    out[i] = from[source];
    for (let d = shape.length - 1; d >= 0; d--) {
      source += strides[d];
      if (++at[d] < shape[d]) break;
      source -= strides[d] * shape[d];
      at[d] = 0;
    }
  }
  return out;
}

/** @param {Tensor} x @param {readonly number[]} order @returns {Tensor} */
export function transpose(x, order) {
  const strides = stridesOf(x.shape);
  const shape = order.map((axis) => x.shape[axis]);
  const picked = pick(
    x.data,
    shape,
    order.map((axis) => strides[axis]),
  );
  return tensor(shape, picked, x.type);
}

/**
 * The shape that both fill when axes of 1 are repeated, as NumPy has it.
 *
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 * @param {string} what
 */
export function broadcastShapes(a, b, what) {
  const rank = Math.max(a.length, b.length);
  const size = (/** @type {readonly number[]} */ shape, /** @type {number} */ d) =>
    shape[d - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, d) => {
    const [m, n] = [size(a, d), size(b, d)];
    if (m === n || n === 1) return m;
    if (m === 1) return n;
    throw new UnsupportedError(`${what}: shapes [${a}] and [${b}] do not go together.`);
  });
}

/** @param {Tensor} x @param {readonly number[]} shape */
export function expand(x, shape) {
  const strides = stridesOf(x.shape);
  const missing = shape.length - x.shape.length;
  const steps = shape.map((_, d) =>
    d < missing || x.shape[d - missing] === 1 ? 0 : strides[d - missing],
  );
  return pick(x.data, shape, steps);
}

/** @param {Tensor | undefined} x @param {OnnxNode} node */
export function need(x, node) {
  if (x) return x;
  throw new UnsupportedError(`${node.type} '${node.name}': an input is missing.`);
}

/** An axis counted from either end. @param {number} axis @param {number} rank @param {OnnxNode} node */
export function axisOf(axis, rank, node) {
  const from0 = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(from0) && from0 >= 0 && from0 < rank) return from0;
  throw new UnsupportedError(`${node.type} '${node.name}': axis ${axis} of ${rank}.`);
}

/**
 * A list of whole numbers that old versions have as an attribute, newer ones as a constant input.
 *
 * @param {OnnxNode} node
 * @param {string} name
 * @param {Tensor | undefined} input
 * @returns {number[] | undefined}
 */
export function list(node, name, input) {
  if (input) return Array.from(input.data);
  const value = node.attributes.get(name);
  return Array.isArray(value) ? value.map(Number) : undefined;
}

/**
 * @param {readonly number[]} shape
 * @param {readonly number[]} wanted 0: as it is; -1: what is left
 * @param {OnnxNode} node
 */
export function reshaped(shape, wanted, node) {
  const size = shape.reduce((a, b) => a * b, 1);
  const zero = node.attributes.get('allowzero') ? 0 : undefined;
  const sizes = wanted.map((n, d) => (n === 0 ? (zero ?? shape[d] ?? 0) : n));
  const known = sizes.reduce((a, b) => (b === -1 ? a : a * b), 1);
  const left = known === 0 ? 0 : size / known;
  const result = sizes.map((n) => (n === -1 ? left : n));
  if (elementsOf(result, node.name) === size) return result;
  throw new UnsupportedError(
    `${node.type} '${node.name}': [${shape}] does not become [${wanted}].`,
  );
}

/** @param {readonly number[]} shape @param {readonly number[] | undefined} axes @param {OnnxNode} node */
export function squeezed(shape, axes, node) {
  const gone = axes?.map((axis) => axisOf(axis, shape.length, node));
  return shape.filter((n, d) => (gone ? !gone.includes(d) : n !== 1));
}

/** @param {readonly number[]} shape @param {readonly number[]} axes @param {OnnxNode} node */
export function unsqueezed(shape, axes, node) {
  const rank = shape.length + axes.length;
  const made = new Set(axes.map((axis) => axisOf(axis, rank, node)));
  const rest = [...shape];
  return Array.from({ length: rank }, (_, d) => (made.has(d) ? 1 : (rest.shift() ?? 1)));
}

/**
 * Slice's starts, ends, axes and steps as first index, step and count of every axis.
 *
 * @param {readonly number[]} shape
 * @param {OnnxNode} node
 * @param {(Tensor | undefined)[]} inputs behind the data
 */
export function sliceOf(shape, node, [startsIn, endsIn, axesIn, stepsIn]) {
  const starts = list(node, 'starts', startsIn) ?? [];
  const ends = list(node, 'ends', endsIn) ?? [];
  const axes = list(node, 'axes', axesIn) ?? starts.map((_, k) => k);
  const steps = list(node, 'steps', stepsIn) ?? starts.map(() => 1);
  const start = shape.map(() => 0);
  const step = shape.map(() => 1);
  const size = [...shape];
  axes.forEach((value, k) => {
    const axis = axisOf(value, shape.length, node);
    const n = shape[axis];
    const from = (/** @type {number} */ x) => (x < 0 ? x + n : x);
    const clip = (/** @type {number} */ x, /** @type {number} */ low, /** @type {number} */ high) =>
      Math.min(Math.max(x, low), high);
    step[axis] = steps[k];
    const back = steps[k] < 0;
    start[axis] = back ? clip(from(starts[k]), 0, n - 1) : clip(from(starts[k]), 0, n);
    const end = back ? clip(from(ends[k]), -1, n - 1) : clip(from(ends[k]), 0, n);
    size[axis] = Math.max(0, Math.ceil((end - start[axis]) / steps[k]));
  });
  return { start, step, size };
}

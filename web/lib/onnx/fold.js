/**
 * What an exporter leaves to be computed although it is known: shapes, indices and weights that are moved about. Done
 * here, in doubles, when a model is read; nothing of it reaches the engine.
 */

import { UnsupportedError } from '../errors.js';
import {
  axisOf,
  broadcastShapes,
  expand,
  integers,
  isWhole,
  list,
  need,
  pick,
  reshaped,
  sizeOf,
  sliceOf,
  squeezed,
  stridesOf,
  tensor,
  transpose,
  unsqueezed,
} from './constants.js';

/**
 * @typedef {import('./proto.js').Tensor} Tensor
 * @typedef {import('./proto.js').OnnxNode} OnnxNode
 * @typedef {(inputs: (Tensor | undefined)[], node: OnnxNode, opset: number) => Tensor | Tensor[]} Fold
 */

/** @param {(a: number, b: number, whole: boolean) => number} f @param {string} [type] @returns {Fold} */
const binary =
  (f, type) =>
  ([a, b], node) => {
    const [x, y] = [need(a, node), need(b, node)];
    const shape = broadcastShapes(x.shape, y.shape, node.name);
    const [left, right] = [expand(x, shape), expand(y, shape)];
    const whole = isWhole(x.type);
    return tensor(
      shape,
      left.map((value, i) => f(value, right[i], whole)),
      type ?? x.type,
    );
  };

/** @param {(x: number) => number} f @param {string} [type] @returns {Fold} */
const unary =
  (f, type) =>
  ([a], node) => {
    const x = need(a, node);
    return tensor(x.shape, Float64Array.from(x.data, f), type ?? x.type);
  };

/** @param {Tensor} x @param {readonly number[]} shape @returns {Tensor} */
const withShape = (x, shape) => ({ ...x, shape: [...shape] });

/** Data types of Cast's `to` that matter here. */
const CASTS = new Map([
  [1, 'float32'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [11, 'float64'],
]);

/** Operators on constants alone. @type {Map<string, Fold>} */
export const FOLDS = new Map(
  /** @type {[string, Fold][]} */ ([
    ['Identity', ([x], node) => need(x, node)],
    [
      'Constant',
      (_, { name, attributes }) => {
        const value = attributes.get('value');
        if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value;
        for (const [key, type] of /** @type {const} */ ([
          ['value_float', 'float32'],
          ['value_floats', 'float32'],
          ['value_int', 'int64'],
          ['value_ints', 'int64'],
        ])) {
          const given = attributes.get(key);
          if (typeof given === 'number') return tensor([], [given], type);
          if (Array.isArray(given)) return tensor([given.length], given.map(Number), type);
        }
        throw new UnsupportedError(`Constant '${name}' holds no numbers.`);
      },
    ],
    [
      'Cast',
      ([x], node) => {
        const type = CASTS.get(Number(node.attributes.get('to')));
        if (!type) throw new UnsupportedError(`Cast '${node.name}': type is not supported.`);
        const { shape, data } = need(x, node);
        const whole = isWhole(type) ? Math.trunc : (/** @type {number} */ v) => v;
        return tensor(
          shape,
          Float64Array.from(data, type === 'bool' ? (v) => +(v !== 0) : whole),
          type,
        );
      },
    ],
    [
      'ConstantOfShape',
      ([x], node) => {
        const shape = Array.from(need(x, node).data);
        const value = /** @type {Tensor | undefined} */ (node.attributes.get('value'));
        const size = sizeOf(shape, node.name);
        return tensor(shape, new Float64Array(size).fill(value?.data[0] ?? 0), value?.type);
      },
    ],
    [
      'Reshape',
      ([x, to], node) => {
        const from = need(x, node);
        return withShape(from, reshaped(from.shape, list(node, 'shape', to) ?? [], node));
      },
    ],
    [
      'Squeeze',
      ([x, axes], node) => {
        const from = need(x, node);
        return withShape(from, squeezed(from.shape, list(node, 'axes', axes), node));
      },
    ],
    [
      'Unsqueeze',
      ([x, axes], node) => {
        const from = need(x, node);
        return withShape(from, unsqueezed(from.shape, list(node, 'axes', axes) ?? [], node));
      },
    ],
    [
      'Flatten',
      ([x], node) => {
        const from = need(x, node);
        const axis = Number(node.attributes.get('axis') ?? 1);
        const at = axis < 0 ? axis + from.shape.length : axis;
        const rows = from.shape.slice(0, at).reduce((a, b) => a * b, 1);
        return withShape(from, [rows, from.data.length / rows]);
      },
    ],
    [
      'Transpose',
      ([x], node) => {
        const from = need(x, node);
        return transpose(
          from,
          list(node, 'perm', undefined) ?? from.shape.map((_, d) => d).reverse(),
        );
      },
    ],
    [
      'Slice',
      ([x, ...rest], node) => {
        const from = need(x, node);
        const { start, step, size } = sliceOf(from.shape, node, rest);
        const strides = stridesOf(from.shape);
        const first = start.reduce((sum, value, d) => sum + value * strides[d], 0);
        const steps = strides.map((stride, d) => stride * step[d]);
        return tensor(size, pick(from.data, size, steps, first), from.type);
      },
    ],
    [
      'Concat',
      (inputs, node) => {
        const all = inputs.map((x) => need(x, node));
        const axis = axisOf(Number(node.attributes.get('axis') ?? 0), all[0].shape.length, node);
        const length = all.reduce((sum, { shape }) => sum + shape[axis], 0);
        const shape = all[0].shape.map((n, d) => (d === axis ? length : n));
        const out = new Float64Array(sizeOf(shape, node.name));
        const inner = stridesOf(shape)[axis];
        const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
        let before = 0;
        for (const { shape: own, data } of all) {
          const run = own[axis] * inner;
          for (let o = 0; o < outer; o++) {
            out.set(data.subarray(o * run, (o + 1) * run), o * length * inner + before);
          }
          before += run;
        }
        return tensor(shape, out, all[0].type);
      },
    ],
    [
      'Gather',
      ([x, at], node) => {
        const [from, indices] = [need(x, node), need(at, node)];
        const axis = axisOf(Number(node.attributes.get('axis') ?? 0), from.shape.length, node);
        const inner = stridesOf(from.shape)[axis];
        const length = from.shape[axis];
        const outer = from.shape.slice(0, axis).reduce((a, b) => a * b, 1);
        const shape = [
          ...from.shape.slice(0, axis),
          ...indices.shape,
          ...from.shape.slice(axis + 1),
        ];
        const out = new Float64Array(sizeOf(shape, node.name));
        let to = 0;
        for (let o = 0; o < outer; o++) {
          for (const index of indices.data) {
            const row = axisOf(index, length, node);
            const first = (o * length + row) * inner;
            out.set(from.data.subarray(first, first + inner), to);
            to += inner;
          }
        }
        return tensor(shape, out, from.type);
      },
    ],
    [
      'Expand',
      ([x, to], node) => {
        const from = need(x, node);
        const shape = broadcastShapes(from.shape, Array.from(need(to, node).data), node.name);
        return tensor(shape, expand(from, shape), from.type);
      },
    ],
    [
      'Range',
      ([start, limit, delta], node) => {
        const [first, end, step] = [start, limit, delta].map((x) => need(x, node).data[0]);
        const count = Math.max(0, Math.ceil((end - first) / step));
        sizeOf([count], node.name);
        return tensor(
          [count],
          Array.from({ length: count }, (_, i) => first + i * step),
          start?.type,
        );
      },
    ],
    [
      'Where',
      ([c, a, b], node) => {
        const [test, x, y] = [need(c, node), need(a, node), need(b, node)];
        const shape = broadcastShapes(
          broadcastShapes(x.shape, y.shape, node.name),
          test.shape,
          node.name,
        );
        const [when, yes, no] = [test, x, y].map((value) => expand(value, shape));
        return tensor(
          shape,
          yes.map((value, i) => (when[i] ? value : no[i])),
          x.type,
        );
      },
    ],
    ['Shape', ([x], node) => integers(need(x, node).shape)],
    ['Size', ([x], node) => tensor([], [need(x, node).data.length], 'int64')],
    [
      'ReduceSum',
      ([x, axes], node) => {
        const from = need(x, node);
        const given = list(node, 'axes', axes) ?? [];
        const gone = new Set(
          given.length > 0
            ? given.map((d) => axisOf(d, from.shape.length, node))
            : from.shape.keys(),
        );
        const kept = from.shape.map((n, d) => (gone.has(d) ? 1 : n));
        const steps = stridesOf(kept).map((stride, d) => (gone.has(d) ? 0 : stride));
        const places = pick(
          Array.from({ length: sizeOf(kept, node.name) }, (_, i) => i),
          from.shape,
          steps,
        );
        const sums = new Float64Array(sizeOf(kept, node.name));
        places.forEach((place, i) => {
          sums[place] += from.data[i];
        });
        const keep = (node.attributes.get('keepdims') ?? 1) !== 0;
        return tensor(keep ? kept : from.shape.filter((_, d) => !gone.has(d)), sums, from.type);
      },
    ],
    ['Add', binary((a, b) => a + b)],
    ['Sub', binary((a, b) => a - b)],
    ['Mul', binary((a, b) => a * b)],
    ['Div', binary((a, b, whole) => (whole ? Math.trunc(a / b) : a / b))],
    ['Pow', binary((a, b) => a ** b)],
    ['Equal', binary((a, b) => +(a === b), 'bool')],
    ['Greater', binary((a, b) => +(a > b), 'bool')],
    ['Less', binary((a, b) => +(a < b), 'bool')],
    ['And', binary((a, b) => a && b, 'bool')],
    ['Or', binary((a, b) => a || b, 'bool')],
    ['Not', unary((x) => +!x)],
    ['Neg', unary((x) => -x)],
    ['Abs', unary(Math.abs)],
    ['Sqrt', unary(Math.sqrt)],
    ['Reciprocal', unary((x) => 1 / x)],
    ['Floor', unary(Math.floor)],
    ['Ceil', unary(Math.ceil)],
    ['Cos', unary(Math.cos)],
    ['Sin', unary(Math.sin)],
  ]),
);

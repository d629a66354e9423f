/** ONNX operators that move numbers about. */

import { Value, product } from './builder.js';
import {
  axisOf,
  broadcastShapes,
  expand as expandTo,
  integers,
  list,
  reshaped,
  sliceOf,
  squeezed,
  tensor,
  unsqueezed,
} from './constants.js';
import { axisFor, constantOf, number, scalarOf, valueOf, word } from './arguments.js';
import { join, reduce } from './operators-math.js';
import { alongAxis } from './operators-matrix.js';

/**
 * @typedef {import('./builder.js').Builder} Builder
 * @typedef {import('./arguments.js').Row} Row
 * @typedef {import('./arguments.js').Argument} Argument
 */

/** An input that gives a list and may be left out. @type {(b: Builder, node: any, inputs: any[], k: number) => any} */
const optional = (b, node, inputs, k) => (inputs[k] ? constantOf(b, node, inputs, k) : undefined);

/**
 * Part of a value, or more than it: on each axis the cells start + i · step; what lies outside is filled as `mode` says.
 *
 * @param {Builder} b
 * @param {Value} x
 * @param {{ start: readonly number[], step?: readonly number[], size: readonly number[] }} window for each axis
 * @param {{ mode?: 'constant' | 'edge' | 'reflect' | 'wrap', value?: number }} [outside]
 * @returns {Value}
 */
export function window(b, x, { start, step = start.map(() => 1), size }, outside = {}) {
  const rank = x.shape.length;
  if (size.some((n) => n < 1)) throw b.unsupported(`a result of shape [${size}] holds nothing`);
  const whole = x.shape.map((n, d) => start[d] === 0 && step[d] === 1 && size[d] === n);
  if (whole.every(Boolean)) return x;
  const shape = [...size];
  const sizes = x.last ? b.sampleLast(x.shape) : b.sampleOf(x.shape);
  /** @type {{ from: number, start: number, step: number, size: number, whole: boolean }[]} */
  const joined = sizes.map((from) => ({ from, start: 0, step: 1, size: from, whole: true }));
  whole.forEach((all, d) => {
    if (all) return;
    const axis = b.sampleAxis(d, x.last, rank);
    Object.assign(joined[axis], { start: start[d], step: step[d], size: size[d], whole: false });
  });
  for (let d = joined.length - 1; d > 0; d--) {
    if (!joined[d].whole || !joined[d - 1].whole) continue;
    const [{ from }] = joined.splice(d, 1);
    joined[d - 1].from *= from;
    joined[d - 1].size *= from;
  }
  const options = {
    start: joined.map((axis) => axis.start),
    step: joined.map((axis) => axis.step),
    size: joined.map((axis) => axis.size),
    ...outside,
  };
  const from = b.as(
    x,
    joined.map((axis) => axis.from),
  );
  return new Value(shape, b.apply('slice', options, from), options.size, x.last);
}

/** @type {Row} */
function transpose(b, node, inputs) {
  const x = b.plain(valueOf(b, node, inputs, 0));
  const { shape } = x;
  const order = list(node, 'perm', undefined) ?? shape.map((_, d) => d).reverse();
  const result = order.map((axis) => shape[axis]);
  const first = b.batch ? 1 : 0;
  if (first && order[0] !== 0) throw b.unsupported('a transposition of the batch');
  const perm = order.slice(first).map((axis) => axis - first);
  const { layer, held } = b.permuted(x, b.sampleOf(shape), perm);
  return new Value(result, layer, held, false);
}

/** @type {Row} */
function concat(b, node, inputs) {
  const all = inputs.map((_, k) => valueOf(b, node, inputs, k));
  if (all.length === 1) return all[0];
  const { shape } = all[0];
  const axis = axisFor(node, shape.length, 1);
  const last = shape.length > 2 && all.every((v) => v.last);
  const at = b.sampleAxis(axis, last, shape.length);
  const outer = (/** @type {readonly number[]} */ sizes) => product(sizes.slice(0, at));
  const parts = all.map((v) => {
    const sizes = last ? b.sampleLast(v.shape) : b.sampleOf(v.shape);
    return b.as(b.order(v, last), [outer(sizes), product(sizes.slice(at))]);
  });
  const length = all.reduce((sum, v) => sum + v.shape[axis], 0);
  const result = shape.map((n, d) => (d === axis ? length : n));
  const sizes = last ? b.sampleLast(result) : b.sampleOf(result);
  const layer = b.apply('concatenate', { axis: 2 }, parts);
  return new Value(result, layer, [outer(sizes), product(sizes.slice(at))], last);
}

/** @type {Row} */
function split(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const axis = axisFor(node, x.shape.length, 0);
  const count = node.outputs.length;
  const each = Math.ceil(x.shape[axis] / count);
  const sizes =
    list(node, 'split', optional(b, node, inputs, 1)) ??
    Array.from({ length: count }, (_, k) => Math.min(each, x.shape[axis] - k * each));
  let first = 0;
  return sizes.map((length) => {
    const start = x.shape.map((_, d) => (d === axis ? first : 0));
    first += length;
    return window(b, x, { start, size: x.shape.map((n, d) => (d === axis ? length : n)) });
  });
}

const PAD_MODES = new Map(
  /** @type {const} */ ([
    ['constant', 'constant'],
    ['edge', 'edge'],
    ['reflect', 'reflect'],
    ['wrap', 'wrap'],
  ]),
);

/** @type {Row} */
function pad(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const rank = x.shape.length;
  const name = b.opset < 2 ? 'paddings' : 'pads';
  const pads = list(node, name, optional(b, node, inputs, 1)) ?? [];
  const mode = PAD_MODES.get(/** @type {any} */ (word(node, 'mode', 'constant')));
  if (!mode || pads.length !== 2 * rank) throw b.unsupported('such a padding');
  const value = inputs[2] ? scalarOf(b, node, inputs, 2) : number(node, 'value', 0);
  const size = x.shape.map((n, d) => n + pads[d] + pads[d + rank]);
  return window(b, x, { start: pads.slice(0, rank).map((n) => -n), size }, { mode, value });
}

/**
 * Numbers picked along an axis by constant indices: the sum over that axis of a product with ones and zeros.
 *
 * @type {Row}
 */
function gatherElements(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const at = constantOf(b, node, inputs, 1);
  const rank = x.shape.length;
  const axis = axisFor(node, rank, 0);
  if (at.shape.length !== rank || at.shape.some((n, d) => d !== axis && n !== x.shape[d])) {
    throw b.unsupported(`indices of shape [${at.shape}]`);
  }
  const inner = product(x.shape.slice(axis + 1));
  const [cells, picks] = [x.shape[axis], at.shape[axis]];
  const before = x.shape.slice(0, axis);
  const shape = [...before, picks, cells, ...x.shape.slice(axis + 1)];
  const mask = new Float32Array(product(shape));
  at.data.forEach((index, i) => {
    const cell = index < 0 ? index + cells : index;
    mask[(Math.floor(i / inner) * cells + cell) * inner + (i % inner)] = 1;
  });
  const each = b.reshape(x, [...before, 1, cells, ...x.shape.slice(axis + 1)]);
  return reduce(b, 'sum', join(b, 'multiply', each, tensor(shape, mask)), [axis + 1], false);
}

/** @type {Row} rows of a table, or of a value by constant indices */
function gather(b, node, inputs) {
  const [x, at] = inputs;
  if (x && !(x instanceof Value) && at instanceof Value) {
    if (number(node, 'axis', 0) !== 0 || x.shape.length !== 2) throw b.unsupported('such a table');
    const [inputDim, outputDim] = x.shape;
    const count = product(b.sampleOf(at.shape));
    const layer = b.apply('embedding', { inputDim, outputDim }, b.as(at, [count]), {
      embeddings: x.data,
    });
    return new Value([...at.shape, outputDim], layer, [count, outputDim], false);
  }
  const from = valueOf(b, node, inputs, 0);
  const indices = constantOf(b, node, inputs, 1);
  const axis = axisFor(node, from.shape.length, 0);
  const rows = Array.from(indices.data, (i) => axisOf(i, from.shape[axis], node));
  const shape = [...from.shape.slice(0, axis), ...indices.shape, ...from.shape.slice(axis + 1)];
  if (rows.length === 1) {
    const start = from.shape.map((_, d) => (d === axis ? rows[0] : 0));
    const size = from.shape.map((n, d) => (d === axis ? 1 : n));
    return b.reshape(window(b, from, { start, size }), shape);
  }
  // Several: a product with ones and zeros.
  const matrix = new Float32Array(from.shape[axis] * rows.length);
  rows.forEach((row, i) => {
    matrix[row * rows.length + i] = 1;
  });
  const picks = tensor([from.shape[axis], rows.length], matrix);
  return b.reshape(alongAxis(b, from, axis, picks), shape);
}

/** @type {Row} */
function expand(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const wanted = constantOf(b, node, inputs, 1);
  const ones = tensor(
    Array.from(wanted.data),
    new Float32Array(product(Array.from(wanted.data))).fill(1),
  );
  return join(b, 'multiply', x, ones);
}

/** @type {Row} one of two values where a constant says which */
function where(b, node, inputs) {
  const { shape, data } = constantOf(b, node, inputs, 0);
  const [yes, no] = [data, data.map((v) => +(v === 0))].map((mask) => tensor(shape, mask));
  const [x, y] = [1, 2].map((k) => inputs[k] ?? valueOf(b, node, inputs, k));
  // What is known already stays a constant.
  const part = (/** @type {Argument} */ v, /** @type {import('./proto.js').Tensor} */ mask) => {
    if (v instanceof Value) return join(b, 'multiply', v, mask);
    const all = broadcastShapes(v.shape, shape, node.name);
    const [numbers, share] = [expandTo(v, all), expandTo(mask, all)];
    return tensor(
      all,
      numbers.map((n, i) => (share[i] ? n : 0)),
    );
  };
  return join(b, 'add', part(x, yes), part(y, no));
}

/** @type {Row} blocks of channels become cells */
function depthToSpace(b, node, inputs) {
  const x = b.plain(valueOf(b, node, inputs, 0));
  const s = number(node, 'blocksize', 1);
  const [n, c, h, w] = x.shape;
  const crd = word(node, 'mode', 'DCR') === 'CRD';
  const depth = c / (s * s);
  const turn = (/** @type {Value} */ v, /** @type {number[]} */ perm) =>
    /** @type {Value} */ (transpose(b, { ...node, attributes: new Map([['perm', perm]]) }, [v]));
  // In two steps: the engine turns four axes at most.
  const from = crd
    ? b.reshape(x, [n, depth * s, s, h, w])
    : turn(b.reshape(x, [n, s * s, depth, h, w]), [0, 2, 1, 3, 4]);
  const columns = turn(b.reshape(from, [n, depth * s, s, h, w]), [0, 1, 3, 4, 2]);
  const rows = turn(b.reshape(columns, [n, depth, s, h, w * s]), [0, 1, 3, 2, 4]);
  return b.reshape(rows, [n, depth, h * s, w * s]);
}

/** @type {Row} cells become channels */
function spaceToDepth(b, node, inputs) {
  const x = b.plain(valueOf(b, node, inputs, 0));
  const s = number(node, 'blocksize', 1);
  const [n, c, h, w] = x.shape;
  const from = b.reshape(x, [n, c, h / s, s, w / s, s]);
  const perm = [0, 3, 5, 1, 2, 4];
  const turned = transpose(b, { ...node, attributes: new Map([['perm', perm]]) }, [from]);
  return b.reshape(/** @type {Value} */ (turned), [n, c * s * s, h / s, w / s]);
}

/** @type {Row} a copy behind a copy */
function tile(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const repeats = Array.from(constantOf(b, node, inputs, 1).data);
  return repeats.reduce((v, count, axis) => {
    if (count === 1) return v;
    const copies = Array.from({ length: count }, () => v);
    const row = concat(b, { ...node, attributes: new Map([['axis', axis]]) }, copies);
    return /** @type {Value} */ (row);
  }, x);
}

/** @type {[string, Row][]} */
export const SHAPES = [
  ['Identity', (b, node, inputs) => valueOf(b, node, inputs, 0)],
  [
    // Nothing is dropped in predictions; the mask says that everything was kept.
    'Dropout',
    (b, node, inputs) => {
      const x = valueOf(b, node, inputs, 0);
      const training = inputs[2] && scalarOf(b, node, inputs, 2) !== 0;
      const rate = inputs[1] ? scalarOf(b, node, inputs, 1) : number(node, 'ratio', 0.5);
      if (training && rate !== 0) throw b.unsupported('dropping in a prediction');
      const ones = tensor(x.shape, new Float32Array(product(x.shape)).fill(1), 'bool');
      return [x, ones];
    },
  ],
  [
    'Cast',
    (b, node, inputs) => {
      const to = number(node, 'to', 0);
      if (to !== 1 && to !== 11) throw b.unsupported('a conversion to anything but floats');
      return valueOf(b, node, inputs, 0);
    },
  ],
  [
    'Shape',
    (b, node, inputs) => {
      const { shape } = valueOf(b, node, inputs, 0);
      const [start, end] = [number(node, 'start', 0), number(node, 'end', shape.length)];
      return integers(shape.slice(start, end));
    },
  ],
  ['Size', (b, node, inputs) => tensor([], [product(valueOf(b, node, inputs, 0).shape)], 'int64')],
  [
    'Reshape',
    (b, node, inputs) => {
      const x = valueOf(b, node, inputs, 0);
      const to = list(node, 'shape', optional(b, node, inputs, 1)) ?? [];
      return b.reshape(x, reshaped(x.shape, to, node));
    },
  ],
  [
    'Flatten',
    (b, node, inputs) => {
      const x = valueOf(b, node, inputs, 0);
      const axis = number(node, 'axis', 1);
      const at = axis < 0 ? axis + x.shape.length : axis;
      return b.reshape(x, [product(x.shape.slice(0, at)), product(x.shape.slice(at))]);
    },
  ],
  [
    'Squeeze',
    (b, node, inputs) => {
      const x = valueOf(b, node, inputs, 0);
      return b.reshape(
        x,
        squeezed(x.shape, list(node, 'axes', optional(b, node, inputs, 1)), node),
      );
    },
  ],
  [
    'Unsqueeze',
    (b, node, inputs) => {
      const x = valueOf(b, node, inputs, 0);
      const axes = list(node, 'axes', optional(b, node, inputs, 1)) ?? [];
      return b.reshape(x, unsqueezed(x.shape, axes, node));
    },
  ],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Split', split],
  [
    'Slice',
    (b, node, inputs) => {
      const x = valueOf(b, node, inputs, 0);
      const rest = inputs.slice(1).map((_, k) => optional(b, node, inputs, k + 1));
      return window(b, x, sliceOf(x.shape, node, rest));
    },
  ],
  ['Pad', pad],
  ['Expand', expand],
  ['Tile', tile],
  ['Where', where],
  ['Gather', gather],
  ['GatherElements', gatherElements],
  ['DepthToSpace', depthToSpace],
  ['SpaceToDepth', spaceToDepth],
];

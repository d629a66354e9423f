/** Resize and Upsample: along each axis a matrix of what each cell of the output is of the input. */

import { constantOf, number, numbers, valueOf, word } from './arguments.js';
import { product } from './builder.js';
import { stridesOf, tensor } from './constants.js';
import { join } from './operators-math.js';
import { alongAxis } from './operators-matrix.js';

/**
 * @typedef {import('./builder.js').Builder} Builder
 * @typedef {import('./builder.js').Value} Value
 * @typedef {import('./arguments.js').Row} Row
 * @typedef {import('./proto.js').OnnxNode} OnnxNode
 * @typedef {import('./proto.js').Tensor} Tensor
 */

/**
 * Where in the input a cell of the output lies, from ONNX's Resize.
 *
 * @param {string} mode
 * @param {number} i
 * @param {{ scale: number, from: number, to: number, roi: [number, number] }} axis
 */
function coordinate(mode, i, { scale, from, to, roi: [start, end] }) {
  switch (mode) {
    case 'asymmetric':
      return i / scale;
    case 'align_corners':
      return to === 1 ? 0 : (i * (from - 1)) / (from * scale - 1); // not `to`, which is rounded
    case 'pytorch_half_pixel':
      return to > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case 'tf_crop_and_resize':
      return to > 1
        ? start * (from - 1) + (i * (end - start) * (from - 1)) / (to - 1)
        : 0.5 * (start + end) * (from - 1);
    case 'tf_half_pixel_for_nn':
      return (i + 0.5) / scale;
    case 'half_pixel':
      return (i + 0.5) / scale - 0.5;
    default:
      return NaN;
  }
}

/** @param {string} mode @param {number} x */
function nearest(mode, x) {
  if (mode === 'floor') return Math.floor(x);
  if (mode === 'ceil') return Math.ceil(x);
  return mode === 'round_prefer_ceil' ? Math.floor(x + 0.5) : Math.ceil(x - 0.5);
}

/** Keys's cubic at distance x. @param {number} x @param {number} a */
function cubic(x, a) {
  const d = Math.abs(x);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/**
 * What each cell of an axis's output is of its input: a matrix [from, to].
 *
 * @param {Builder} b
 * @param {OnnxNode} node
 * @param {{ scale: number, from: number, to: number, roi: [number, number] }} axis
 */
function resizing(b, node, axis) {
  const { from, to } = axis;
  const mode = word(node, 'mode', 'nearest');
  const where = word(
    node,
    'coordinate_transformation_mode',
    b.opset < 11 ? 'asymmetric' : 'half_pixel',
  );
  const round = word(node, 'nearest_mode', b.opset < 11 ? 'floor' : 'round_prefer_floor');
  const a = number(node, 'cubic_coeff_a', -0.75);
  const outside = number(node, 'exclude_outside', 0) !== 0;
  const matrix = new Float64Array(from * to);
  const clip = (/** @type {number} */ k) => Math.min(Math.max(k, 0), from - 1);
  for (let i = 0; i < to; i++) {
    const x = coordinate(where, i, axis);
    if (!Number.isFinite(x)) throw b.unsupported(`coordinates '${where}'`);
    // Cells beyond the input get nothing.
    if (where === 'tf_crop_and_resize' && (x < 0 || x > from - 1)) continue;
    const low = Math.floor(x);
    /** @type {[number, number][]} cell and share */
    let shares;
    if (mode === 'nearest') shares = [[nearest(round, x), 1]];
    else if (mode === 'linear')
      shares = [
        [low, 1 - (x - low)],
        [low + 1, x - low],
      ];
    else if (mode === 'cubic') shares = [-1, 0, 1, 2].map((k) => [low + k, cubic(x - low - k, a)]);
    else throw b.unsupported(`mode '${mode}'`);
    if (outside && mode === 'cubic') {
      const inside = shares.filter(([cell]) => cell >= 0 && cell < from);
      const all = inside.reduce((sum, [, share]) => sum + share, 0);
      shares = inside.map(([cell, share]) => [cell, share / all]);
    }
    for (const [cell, share] of shares) matrix[clip(cell) * to + i] += share;
  }
  return tensor([from, to], matrix);
}

/** @type {Row} Resize and Upsample */
function resize(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const rank = x.shape.length;
  const at = node.type === 'Upsample' || b.opset < 11 ? [-1, 1, -1] : [1, 2, 3];
  const read = (/** @type {number} */ k) => {
    const values = k >= 0 && inputs[k] ? Array.from(constantOf(b, node, inputs, k).data) : [];
    return values.length > 0 ? values : undefined;
  };
  const sizes = read(at[2]);
  const scales = read(at[1]) ?? numbers(node, 'scales') ?? sizes?.map((n, d) => n / x.shape[d]);
  if (scales?.length !== rank) throw b.unsupported('no sizes');
  const roi = read(at[0]) ?? [];
  const mode = word(
    node,
    'coordinate_transformation_mode',
    b.opset < 11 ? 'asymmetric' : 'half_pixel',
  );
  const cropped = mode === 'tf_crop_and_resize';
  const axes = scales.map((scale, d) => {
    const from = x.shape[d];
    const to = sizes?.[d] ?? Math.floor(from * scale);
    return {
      scale,
      from,
      to,
      roi: /** @type {[number, number]} */ ([roi[d] ?? 0, roi[d + rank] ?? 1]),
    };
  });
  const repeats = upSampling(b, node, x, axes);
  if (repeats) return repeats;
  /** @type {{ axis: number, inside: number[] }[]} */
  const edges = [];
  const resized = axes.reduce((v, axis, d) => {
    const asIs = axis.from === axis.to && (!cropped || (axis.roi[0] === 0 && axis.roi[1] === 1));
    if (asIs) return v;
    const matrix = resizing(b, node, axis);
    if (cropped) {
      const sums = Array.from({ length: axis.to }, (_, i) =>
        Array.from(matrix.data).reduce(
          (sum, share, k) => (k % axis.to === i ? sum + share : sum),
          0,
        ),
      );
      edges.push({ axis: d, inside: sums.map((sum) => +(sum > 0)) });
    }
    return alongAxis(b, v, d, matrix);
  }, x);
  const beyond = number(node, 'extrapolation_value', 0);
  if (beyond === 0 || edges.length === 0) return resized;
  const { shape } = resized;
  const strides = stridesOf(shape);
  const filling = Float32Array.from({ length: product(shape) }, (_, i) =>
    edges.every(({ axis, inside }) => inside[Math.floor(i / strides[axis]) % shape[axis]] === 1)
      ? 0
      : beyond,
  );
  return join(b, 'add', resized, tensor(shape, filling));
}

/**
 * The usual enlargements have a layer: cells repeated, or straight lines between centres.
 *
 * @param {Builder} b
 * @param {OnnxNode} node
 * @param {Value} x
 * @param {{ scale: number, from: number, to: number }[]} axes
 */
function upSampling(b, node, x, axes) {
  const [first, channels, ...space] = axes.map(({ scale }) => scale);
  const whole = space.every((scale) => Number.isInteger(scale) && scale >= 1);
  if (first !== 1 || channels !== 1 || space.length !== 2 || !whole) return undefined;
  const matrices = axes.slice(2).map((axis) => resizing(b, node, { ...axis, roi: [0, 1] }));
  const repeats = matrices.every(({ data, shape: [from, to] }) =>
    data.every(
      (share, i) => share === +(Math.floor((i % to) / (to / from)) === Math.floor(i / to)),
    ),
  );
  if (!repeats) return undefined;
  const v = b.last(x);
  const shape = axes.map(({ to }) => to);
  return b.layer(v, shape, 'upSampling2d', { size: space });
}

/** @type {[string, Row][]} */
export const RESIZING = [
  ['Resize', resize],
  ['Upsample', resize],
];

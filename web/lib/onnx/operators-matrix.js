/** Products of matrices. */

import { number, valueOf } from './arguments.js';
import { Value, product, weightsOf } from './builder.js';
import { tensor, transpose } from './constants.js';
import { join } from './operators-math.js';

/**
 * @typedef {import('./builder.js').Builder} Builder
 * @typedef {import('./arguments.js').Row} Row
 */

/** @type {Row} */
function gemm(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const [alpha, beta] = [number(node, 'alpha', 1), number(node, 'beta', 1)];
  const transB = number(node, 'transB', 0) !== 0;
  if (x.shape.length !== 2) throw b.unsupported(`a matrix of shape [${x.shape}]`);
  const a = number(node, 'transA', 0) ? transposed(b, x) : x;
  const [other, c] = [inputs[1], inputs[2]];
  /** @type {Value} */
  let y;
  if (other && !(other instanceof Value)) {
    const kernel = scaled(transB ? transpose(other, [1, 0]) : other, alpha);
    const bias = c && !(c instanceof Value) && isRow(c) ? c : undefined;
    const row =
      bias &&
      Array.from({ length: kernel.shape[1] }, (_, j) => bias.data[j % bias.data.length] * beta);
    y = dense(b, a, kernel, row);
    if (bias) return y;
  } else {
    const right = valueOf(b, node, inputs, 1);
    y = product2(b, a, transB ? transposed(b, right) : right);
    if (alpha !== 1) y = b.unary(y, 'rescaling', { scale: alpha });
  }
  if (!c) return y;
  if (c instanceof Value) {
    return join(b, 'add', y, beta === 1 ? c : b.unary(c, 'rescaling', { scale: beta }));
  }
  return join(b, 'add', y, scaled(c, beta));
}

/** @param {import('./proto.js').Tensor} c whether it is one row for all */
const isRow = ({ shape, data }) => data.length === (shape.at(-1) ?? 1);

/** @param {import('./proto.js').Tensor} x @param {number} factor */
const scaled = (x, factor) =>
  factor === 1
    ? x
    : tensor(
        x.shape,
        x.data.map((v) => v * factor),
        x.type,
      );

/** @param {Builder} b @param {Value} x a matrix */
function transposed(b, x) {
  if (b.batch) throw b.unsupported('a transposition of the batch');
  const { layer, held } = b.permuted(b.plain(x), x.shape, [1, 0]);
  return new Value([x.shape[1], x.shape[0]], layer, held, false);
}

/**
 * @param {Builder} b
 * @param {Value} x
 * @param {import('./proto.js').Tensor} kernel [in, out]
 * @param {ArrayLike<number>} [bias]
 */
function dense(b, x, kernel, bias) {
  const [units, shape] = [kernel.shape[1], [...x.shape.slice(0, -1), kernel.shape[1]]];
  const rows = product(b.sampleOf(x.shape).slice(0, -1));
  const plain = b.plain(x);
  const sizes = [...(rows === 1 ? [] : [rows]), kernel.shape[0]];
  const weights = weightsOf(kernel.data, bias);
  const options = { units, useBias: bias !== undefined };
  const layer = b.apply('dense', options, b.as(plain, sizes), weights);
  return new Value(shape, layer, [...sizes.slice(0, -1), units], false);
}

/** @param {Builder} b @param {Value} x @param {Value} y both of the same leading axes */
function product2(b, x, y) {
  const [m, k] = x.shape.slice(-2);
  const n = y.shape[y.shape.length - 1];
  const lead = x.shape.slice(0, -2);
  if (k !== y.shape[y.shape.length - 2] || String(lead) !== String(y.shape.slice(0, -2))) {
    throw b.unsupported(`a product of [${x.shape}] and [${y.shape}]`);
  }
  const shape = [...lead, m, n];
  const count = product(b.sampleOf(shape).slice(0, -2));
  const sizes = (/** @type {number} */ rows, /** @type {number} */ columns) =>
    count === 1 ? [rows, columns] : [count, rows, columns];
  const layer = b.apply('matMul', {}, [
    b.as(b.plain(x), sizes(m, k)),
    b.as(b.plain(y), sizes(k, n)),
  ]);
  return new Value(shape, layer, sizes(m, n), false);
}

/** @type {Row} */
function matMul(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const y = inputs[1];
  if (y && !(y instanceof Value) && y.shape.length === 2) return dense(b, x, y);
  const right = y instanceof Value ? y : b.value(/** @type {import('./proto.js').Tensor} */ (y));
  if (x.shape.length < 2 || right.shape.length < 2 || (b.batch && x.shape.length < 3)) {
    throw b.unsupported(`a product of [${x.shape}] and [${right.shape}]`);
  }
  return product2(b, x, right);
}

/**
 * An axis multiplied by a matrix.
 *
 * @param {Builder} b
 * @param {Value} x
 * @param {number} axis
 * @param {import('./proto.js').Tensor} matrix [from, to]
 */
export function alongAxis(b, x, axis, matrix) {
  const v = b.plain(x);
  const sizes = b.sampleOf(v.shape);
  const d = b.sampleAxis(axis, false, v.shape.length);
  const [outer, inner] = [product(sizes.slice(0, d)), product(sizes.slice(d + 1))];
  const [from, to] = matrix.shape;
  const turned = b.permuted(v, [outer, from, inner], [0, 2, 1]);
  const rows = b.as(turned, [outer * inner, from]);
  const layer = b.apply('dense', { units: to, useBias: false }, rows, { kernel: matrix.data });
  const done = { layer, held: [outer * inner, to] };
  const back = b.permuted(done, [outer, inner, to], [0, 2, 1]);
  const shape = v.shape.map((n, k) => (k === axis ? to : n));
  return new Value(shape, back.layer, back.held, false);
}

/** @type {[string, Row][]} */
export const MATRICES = [
  ['Gemm', gemm],
  ['MatMul', matMul],
];

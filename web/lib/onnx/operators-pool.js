/** Pooling over one, two or three axes, channels last, and what slides over channels. */

import { number, numbers, valueOf } from './arguments.js';
import { Value, product } from './builder.js';
import { stridesOf, tensor } from './constants.js';
import { join } from './operators-math.js';
import { window } from './operators-shape.js';
import { each, flat, paddingOf, resultOf, sidesOf } from './sides.js';

/**
 * @typedef {import('./builder.js').Builder} Builder
 * @typedef {import('./arguments.js').Row} Row
 * @typedef {import('./sides.js').Side} Side
 */

/** Less than every number that a network computes: padding that never wins. */
const LOWEST = -3.4028234663852886e38;

/**
 * A window along single axes, one after the other: shifted copies of the value, joined. For what the layers of two axes
 * do not have: a third axis, dilation, padding wider than half the window.
 *
 * @param {Builder} b
 * @param {Value} x
 * @param {Side[]} sides of the axes from `first` on
 * @param {number} first
 * @param {'maximum' | 'add'} type
 */
function slide(b, x, sides, first, type) {
  return sides.reduce((v, side, k) => {
    if (side.kernel === 1 && side.stride === 1 && side.before === 0 && side.after === 0) return v;
    const axis = first + k;
    /** @type {Value | undefined} */
    let joined;
    for (let tap = 0; tap < side.kernel; tap++) {
      const start = v.shape.map((_, d) => (d === axis ? tap * side.dilation - side.before : 0));
      const step = v.shape.map((_, d) => (d === axis ? side.stride : 1));
      const size = v.shape.map((n, d) => (d === axis ? side.out : n));
      const value = type === 'maximum' ? LOWEST : 0;
      const part = window(b, v, { start, step, size }, { mode: 'constant', value });
      joined = joined ? join(b, type, joined, part) : part;
    }
    return /** @type {Value} */ (joined);
  }, x);
}

/** Whether a pooling layer does it. @param {Side[]} sides */
const plain = (sides) =>
  sides.length <= 2 &&
  sides.every(
    ({ kernel, dilation, before, after }) =>
      dilation === 1 && before <= kernel / 2 && after <= kernel / 2,
  );

/** @param {Builder} b @param {Value} x @param {Side[]} sides @param {'maxPooling2d' | 'averagePooling2d'} type @param {object} [options] */
function pool2d(b, x, sides, type, options) {
  const two = flat(sides);
  const channels = x.shape[1];
  const all = {
    poolSize: each(two, 'kernel'),
    strides: each(two, 'stride'),
    padding: paddingOf(two),
    ...options,
  };
  const layer = b.apply(type, all, b.as(x, [...two.map(({ size }) => size), channels]));
  return new Value(resultOf(x.shape, sides), layer, [...each(two, 'out'), channels], true);
}

/** @type {Row} */
function maxPool(b, node, inputs) {
  if (node.outputs[1]) throw b.unsupported('an output of indices');
  const x = b.last(valueOf(b, node, inputs, 0));
  const sides = sidesOf(b, node, x.shape.slice(2), numbers(node, 'kernel_shape') ?? []);
  return plain(sides) ? pool2d(b, x, sides, 'maxPooling2d') : slide(b, x, sides, 2, 'maximum');
}

/** @type {Row} */
function averagePool(b, node, inputs) {
  const x = b.last(valueOf(b, node, inputs, 0));
  const sides = sidesOf(b, node, x.shape.slice(2), numbers(node, 'kernel_shape') ?? []);
  const counted = number(node, 'count_include_pad', 0) !== 0;
  const rounded = sides.some(({ after, counted: told }) => after > told);
  if (plain(sides) && !(counted && rounded)) {
    return pool2d(b, x, sides, 'averagePooling2d', { countIncludePad: counted });
  }
  const sum = slide(b, x, sides, 2, 'add');
  const shares = sides.map((side) =>
    Array.from({ length: side.out }, (_, i) => {
      const first = i * side.stride - side.before;
      const cells = Array.from({ length: side.kernel }, (_unused, k) => first + k * side.dilation);
      const [low, high] = counted ? [-side.before, side.size + side.counted] : [0, side.size];
      return 1 / cells.filter((cell) => cell >= low && cell < high).length;
    }),
  );
  const space = each(sides, 'out');
  const strides = stridesOf(space);
  const factors = Float32Array.from({ length: product(space) }, (_, i) =>
    product(shares.map((share, d) => share[Math.floor(i / strides[d]) % space[d]])),
  );
  return join(b, 'multiply', sum, tensor([1, 1, ...space], factors));
}

/** @param {string} operation @returns {Row} */
const globalPool = (operation) => (b, node, inputs) => {
  const x = b.last(valueOf(b, node, inputs, 0));
  const [batch, channels, ...space] = x.shape;
  const from = b.as(x, [product(space), channels]);
  const layer = b.apply('reduce', { operation, axis: [1] }, from);
  return new Value([batch, channels, ...space.map(() => 1)], layer, [channels], true);
};

/** @type {Row} */
function localResponseNormalization(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const size = number(node, 'size', 1);
  const before = Math.floor((size - 1) / 2);
  const channels = x.shape[1];
  const square = b.unary(x, 'elementwise', { operation: 'square' });
  const side = {
    size: channels,
    kernel: size,
    stride: 1,
    dilation: 1,
    before,
    after: size - 1 - before,
  };
  const sum = slide(b, square, [{ ...side, counted: 0, out: channels }], 1, 'add');
  const line = { scale: number(node, 'alpha', 1e-4) / size, offset: number(node, 'bias', 1) };
  const scale = join(
    b,
    'power',
    b.unary(sum, 'rescaling', line),
    tensor([1], [number(node, 'beta', 0.75)]),
  );
  return join(b, 'divide', x, scale);
}

/** @type {[string, Row][]} */
export const POOLING = [
  ['MaxPool', maxPool],
  ['AveragePool', averagePool],
  ['GlobalAveragePool', globalPool('mean')],
  ['GlobalMaxPool', globalPool('max')],
  ['LRN', localResponseNormalization],
];

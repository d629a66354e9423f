/** Convolutions over one, two or three axes, channels last. */

import { constantOf, number, numbers, valueOf, word } from './arguments.js';
import { Value, product, weightsOf } from './builder.js';
import { tensor, transpose } from './constants.js';
import { join } from './operators-math.js';
import { window } from './operators-shape.js';
import { each, flat, paddingOf, resultOf, sidesOf } from './sides.js';

/**
 * @typedef {import('./builder.js').Builder} Builder
 * @typedef {import('./arguments.js').Row} Row
 * @typedef {import('./proto.js').Tensor} Tensor
 * @typedef {import('./sides.js').Side} Side
 */

/**
 * @param {Builder} b
 * @param {import('../symbolic.js').SymbolicTensor} x [height, width, channels]
 * @param {Tensor} w [filters, channels / groups, height, width]
 * @param {ArrayLike<number> | undefined} bias
 * @param {Side[]} sides of two axes
 * @param {number} groups
 */
function conv2d(b, x, w, bias, sides, groups) {
  const [filters, inGroup] = w.shape;
  const options = {
    kernelSize: each(sides, 'kernel'),
    strides: each(sides, 'stride'),
    padding: paddingOf(sides),
    dilationRate: each(sides, 'dilation'),
    useBias: bias !== undefined,
  };
  if (groups > 1 && inGroup === 1) {
    // The filters of a channel stand side by side in both.
    const depthMultiplier = filters / groups;
    const kernel = transpose(w, [2, 3, 0, 1]);
    return b.apply(
      'depthwiseConv2d',
      { ...options, depthMultiplier },
      x,
      weightsOf(kernel.data, bias),
    );
  }
  const kernel = transpose(w, [2, 3, 1, 0]);
  return b.apply('conv2d', { ...options, filters, groups }, x, weightsOf(kernel.data, bias));
}

/** @type {Row} */
function conv(b, node, inputs) {
  // First what must be constant: who reads the file learns that before all else.
  const w = constantOf(b, node, inputs, 1);
  const bias = inputs[2] && constantOf(b, node, inputs, 2).data;
  const x = b.last(valueOf(b, node, inputs, 0));
  const groups = number(node, 'group', 1);
  const [filters, inGroup, ...kernel] = w.shape;
  const [, channels, ...space] = x.shape;
  if (inGroup * groups !== channels) {
    throw b.unsupported(`a kernel for ${inGroup * groups} channels on ${channels}`);
  }
  const sides = sidesOf(b, node, space, kernel);
  const shape = resultOf(x.shape, sides, filters);
  if (space.length === 3) return conv3d(b, x, w, bias, sides, groups);
  const two = flat(sides);
  const flatKernel = { ...w, shape: [filters, inGroup, ...each(two, 'kernel')] };
  const picture = b.as(x, [...each(two, 'size'), channels]);
  const layer = conv2d(b, picture, flatKernel, bias, two, groups);
  return new Value(shape, layer, [...each(two, 'out'), filters], true);
}

/**
 * A convolution over three axes as one of two for each plane of its kernel, and their sum. The planes of the input
 * stand one below the other, padded, as one tall picture; what windows across two planes give is left out.
 *
 * @param {Builder} b
 * @param {Value} x
 * @param {Tensor} w
 * @param {ArrayLike<number> | undefined} bias
 * @param {Side[]} sides
 * @param {number} groups
 */
function conv3d(b, x, w, bias, sides, groups) {
  const [depth, rows, columns] = sides;
  const [filters, inGroup] = w.shape;
  const [batch, channels] = x.shape;
  const shape = resultOf(x.shape, sides, filters);
  const reach = (rows.kernel - 1) * rows.dilation + 1;
  const tall = Math.ceil((rows.size + rows.before + rows.after) / rows.stride) * rows.stride;
  const behind = Math.max(0, reach - rows.stride);
  const perPlane = tall / rows.stride;
  const picture = [
    { ...rows, size: depth.out * tall, before: 0, after: behind, out: depth.out * perPlane },
    columns,
  ];
  /** @type {Value | undefined} */
  let sum;
  const plane = product(w.shape.slice(3));
  for (let k = 0; k < depth.kernel; k++) {
    const planes = window(b, x, {
      start: [0, 0, k * depth.dilation - depth.before, -rows.before, 0],
      step: [1, 1, depth.stride, 1, 1],
      size: [batch, channels, depth.out, tall, columns.size],
    });
    const kernel = new Float32Array(filters * inGroup * plane);
    for (let i = 0; i < filters * inGroup; i++) {
      const from = (i * depth.kernel + k) * plane;
      kernel.set(w.data.subarray(from, from + plane), i * plane);
    }
    const layer = conv2d(
      b,
      b.as(planes, [depth.out * tall, columns.size, channels]),
      tensor([filters, inGroup, ...w.shape.slice(3)], kernel),
      k === 0 ? bias : undefined,
      picture,
      groups,
    );
    const held = [depth.out * perPlane, columns.out, filters];
    const part = new Value([batch, filters, depth.out, perPlane, columns.out], layer, held, true);
    sum = sum ? join(b, 'add', sum, part) : part;
  }
  return window(b, /** @type {Value} */ (sum), { start: [0, 0, 0, 0, 0], size: shape });
}

/** @type {Row} */
function convTranspose(b, node, inputs) {
  const w = constantOf(b, node, inputs, 1);
  const bias = inputs[2] && constantOf(b, node, inputs, 2).data;
  const x = b.last(valueOf(b, node, inputs, 0));
  const [channels, filters, ...kernel] = w.shape;
  const [batch, , ...space] = x.shape;
  if (number(node, 'group', 1) !== 1) throw b.unsupported('groups');
  if (space.length > 2) throw b.unsupported('a window of three axes');
  const at = (
    /** @type {string} */ name,
    /** @type {number} */ d,
    /** @type {number} */ standard,
  ) => numbers(node, name)?.[d] ?? standard;
  const auto = word(node, 'auto_pad', 'NOTSET');
  const sides = space.map((size, d) => {
    const [stride, dilation] = [at('strides', d, 1), at('dilations', d, 1)];
    const more = at('output_padding', d, 0);
    const reach = (kernel[d] - 1) * dilation + 1;
    const full = stride * (size - 1) + more + reach;
    let [before, after] = [at('pads', d, 0), at('pads', d + space.length, 0)];
    const same = auto.startsWith('SAME') ? size * stride : undefined;
    const wanted = numbers(node, 'output_shape')?.at(d - space.length) ?? same;
    if (wanted !== undefined) {
      const cut = full - wanted;
      const less = Math.floor(cut / 2);
      [before, after] = auto === 'SAME_UPPER' ? [less, cut - less] : [cut - less, less];
      if (auto === 'NOTSET') [before, after] = [cut - less, less];
    }
    return { size, kernel: kernel[d], stride, dilation, more, full, before, after };
  });
  const row = { size: 1, kernel: 1, stride: 1, dilation: 1, more: 0, full: 1, before: 0, after: 0 };
  const two = sides.length === 2 ? sides : [row, ...sides];
  const flatKernel = { ...w, shape: [channels, filters, ...two.map((side) => side.kernel)] };
  const layer = b.apply(
    'conv2dTranspose',
    {
      filters,
      kernelSize: two.map((side) => side.kernel),
      strides: two.map((side) => side.stride),
      dilationRate: two.map((side) => side.dilation),
      outputPadding: two.map((side) => side.more),
      useBias: bias !== undefined,
    },
    b.as(x, [...two.map((side) => side.size), channels]),
    weightsOf(transpose(flatKernel, [2, 3, 1, 0]).data, bias),
  );
  const held = [...two.map((side) => side.full), filters];
  const full = new Value([batch, filters, ...sides.map((side) => side.full)], layer, held, true);
  return window(b, full, {
    start: [0, 0, ...sides.map((side) => side.before)],
    size: [batch, filters, ...sides.map(({ full: n, before, after }) => n - before - after)],
  });
}

/** @type {[string, Row][]} */
export const CONVOLUTIONS = [
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
];

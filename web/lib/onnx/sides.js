/** How windows slide: ONNX's attributes of convolutions and pooling, axis by axis. */

import { number, numbers, word } from './arguments.js';

/**
 * @typedef {import('./builder.js').Builder} Builder
 * @typedef {import('./proto.js').OnnxNode} OnnxNode
 *
 * @typedef {object} Side how a window slides along one axis
 * @property {number} size of the input
 * @property {number} kernel
 * @property {number} stride
 * @property {number} dilation
 * @property {number} before cells of padding
 * @property {number} after those that the output needs, which a rounded-up size makes more than the file says
 * @property {number} counted cells behind that count as padding in a mean
 * @property {number} out
 */

/**
 * @param {Builder} b
 * @param {OnnxNode} node
 * @param {readonly number[]} space sizes of the input
 * @param {readonly number[]} kernel
 * @returns {Side[]}
 */
export function sidesOf(b, node, space, kernel) {
  if (kernel.length !== space.length || space.length < 1 || space.length > 3) {
    throw b.unsupported(`a window of ${kernel.length} axes over ${space.length}`);
  }
  const auto = word(node, 'auto_pad', 'NOTSET');
  const pads = numbers(node, 'pads') ?? Array(2 * space.length).fill(0);
  const ceil = number(node, 'ceil_mode', 0) !== 0;
  return space.map((size, d) => {
    const stride = numbers(node, 'strides')?.[d] ?? 1;
    const dilation = numbers(node, 'dilations')?.[d] ?? 1;
    const reach = (kernel[d] - 1) * dilation + 1;
    let [before, after] = [pads[d], pads[d + space.length]];
    if (auto === 'VALID') before = after = 0;
    if (auto.startsWith('SAME')) {
      const all = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
      const less = Math.floor(all / 2);
      [before, after] = auto === 'SAME_LOWER' ? [all - less, less] : [less, all - less];
    }
    const steps = (size + before + after - reach) / stride;
    let out = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A window that would start in the padding behind is none.
    if (ceil && (out - 1) * stride >= size + before) out--;
    if (!(out >= 1)) throw b.unsupported(`a window of ${reach} over ${size} cells`);
    const needed = Math.max(0, (out - 1) * stride + reach - size - before);
    return {
      size,
      kernel: kernel[d],
      stride,
      dilation,
      before,
      after: needed,
      counted: after,
      out,
    };
  });
}

/** Two axes of one or two: a row of its own over the only one. @param {Side[]} sides */
export const flat = (sides) =>
  sides.length === 2
    ? sides
    : [
        { size: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, counted: 0, out: 1 },
        ...sides,
      ];

/** @param {Side[]} sides of two axes */
export const paddingOf = ([row, column]) => {
  const padding = [row.before, row.after, column.before, column.after];
  return padding.every((n) => n === 0) ? 'valid' : padding;
};

/** @param {Side[]} sides @param {'size' | 'kernel' | 'stride' | 'dilation' | 'out'} key */
export const each = (sides, key) => sides.map((side) => side[key]);

/** @param {readonly number[]} shape @param {Side[]} sides @param {number} [channels] */
export const resultOf = ([batch, own], sides, channels = own) => [
  batch,
  channels,
  ...each(sides, 'out'),
];

/** Occlusion. */

import { ConfigError, ShapeError } from '../errors.js';
import { needWhole, wrongType } from '../options.js';
import { cellsOf } from './cells.js';
import { openSubject } from './subject.js';

/**
 * How much the score falls when a patch of the sample is covered. A place has the mean fall of the patches that cover it.
 * Needs no gradients.
 *
 * Source: Zeiler, Fergus 2014, "Visualizing and understanding convolutional networks".
 *
 * @param {import('../model.js').Model} model of one input, of floats
 * @param {unknown} x samples or a `Dataset`
 * @param {import('./subject.js').ExplainOptions & { patch?: number | readonly number[],
 *   stride?: number | readonly number[], baseline?: unknown }} [options] patch: its height and width (one number for both;
 *   of sequences its steps, of rows its features), default an eighth of the picture, 1 feature; stride: from patch to patch,
 *   default half a patch, the last patch ends with the picture; baseline: what covers, a number or one sample, default 0;
 *   beforeActivation default false
 * @returns {Promise<import('../inspect.js').Tensor>} [n, height, width], [n, steps] or [n, features]
 * @throws {ConfigError} {ShapeError} {LabelRangeError} {InputTypeError} {UnsupportedError} {AbortedError} naming the field
 */
export async function occlusion(model, x, options) {
  const where = { what: 'occlusion' };
  const names = /** @type {const} */ (['patch', 'stride', 'baseline']);
  const { subject, own: given } = await openSubject(model, x, options, names, where);
  const cells = cellsOf(subject);
  const sides = cells.shape;
  const eighths = sides.map((side) => (subject.shape.length === 1 ? 1 : Math.ceil(side / 8)));
  const patch = perSide(given.patch ?? eighths, sides, 'patch', where);
  const halves = patch.map((length) => Math.ceil(length / 2));
  const stride = perSide(given.stride ?? halves, sides, 'stride', where);
  sides.forEach((side, axis) => {
    if (patch[axis] > side) {
      throw new ShapeError(`occlusion: patch is ${patch[axis]}, the sample has ${side} places.`, {
        field: 'patch',
      });
    }
    if (stride[axis] > patch[axis]) {
      throw new ConfigError(
        `occlusion: stride is ${stride[axis]}, patch ${patch[axis]}: some places would never be covered.`,
        { field: 'stride' },
      );
    }
  });
  const [baseline] = await subject.baselines(given.baseline ?? 0);
  const patches = patchesOf(sides, patch, stride);
  const { count, values } = subject;
  subject.expect(count * patches.length);
  const scores = await subject.scores(count * patches.length, (copy, into) => {
    const sample = Math.floor(copy / patches.length);
    into.set(subject.sample(sample));
    for (const cell of patches[copy % patches.length]) {
      const at = cell * cells.channels;
      for (let i = at; i < at + cells.channels; i++) into[i] = baseline[i];
    }
    return sample;
  });
  const map = new Float32Array(count * cells.count);
  const covered = new Float64Array(cells.count);
  for (const cell of patches.flat()) covered[cell]++;
  for (let sample = 0; sample < count; sample++) {
    const sums = new Float64Array(cells.count);
    patches.forEach((own, i) => {
      const fall = values[sample] - scores[sample * patches.length + i];
      for (const cell of own) sums[cell] += fall;
    });
    sums.forEach((sum, cell) => (map[sample * cells.count + cell] = sum / covered[cell]));
  }
  return Object.assign(map, { shape: [count, ...sides] });
}

/**
 * @param {unknown} value
 * @param {number[]} sides
 * @param {string} field
 * @param {import('../options.js').Where} where
 */
function perSide(value, sides, field, where) {
  const list = Array.isArray(value) ? value : sides.map(() => value);
  if (list.length !== sides.length) {
    throw wrongType(value, field, `a whole number or an array of ${sides.length}`, where);
  }
  return list.map((one) => needWhole(one, field, where, 1));
}

/**
 * @param {number[]} sides
 * @param {number[]} patch
 * @param {number[]} stride
 * @returns {number[][]} the cells of each patch
 */
function patchesOf(sides, patch, stride) {
  const [rows, columns] = sides.map((side, axis) => starts(side, patch[axis], stride[axis]));
  const [height, width = 1] = patch;
  const [, across = 1] = sides;
  return rows.flatMap((top) =>
    (columns ?? [0]).map((left) =>
      Array.from(
        { length: height * width },
        (_, i) => (top + Math.floor(i / width)) * across + left + (i % width),
      ),
    ),
  );
}

/** @param {number} side @param {number} patch @param {number} stride @returns {number[]} the last patch ends with the side */
function starts(side, patch, stride) {
  const found = [];
  for (let at = 0; at + patch < side; at += stride) found.push(at);
  return [...found, side - patch];
}

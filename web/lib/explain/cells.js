/** The places of a sample that are changed as a whole: pixels, steps or features, each with its channels. */

import { ShapeError } from '../errors.js';

/**
 * @typedef {object} Cells
 * @property {number[]} shape [height, width], [steps] or [features]
 * @property {number} count
 * @property {number} channels values a place
 *
 * @param {import('./subject.js').Subject} subject
 * @returns {Cells}
 * @throws {ShapeError} samples of more than three axes
 */
export function cellsOf({ shape, size, where }) {
  if (shape.length > 3) {
    throw new ShapeError(
      `${where.what}: samples have ${shape.length} axes, expected at most 3 (height, width, channels).`,
      { field: 'x' },
    );
  }
  const channels = shape.length === 1 ? 1 : shape[shape.length - 1];
  return {
    shape: shape.length === 1 ? shape : shape.slice(0, -1),
    count: size / channels,
    channels,
  };
}

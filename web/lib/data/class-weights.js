/** Weights that make rare classes count as much as frequent ones. */

import { sampleSource } from '../arrays.js';
import { isDataset } from '../dataset.js';
import { EmptyError, LabelRangeError } from '../errors.js';
import { classesOf } from './classes-of.js';

/**
 * `fit`'s `classWeight`, balanced as scikit-learn's `compute_class_weight('balanced')`: samples / (classes · samples of
 * the class), counting the classes that occur. So the mean weight of all samples is 1.
 *
 * @param {import('../dataset.js').Dataset | ArrayLike<number>} data a data set, or class numbers
 * @returns {Promise<Record<number, number>>} class → weight, of the classes that occur
 * @throws {EmptyError} {LabelRangeError} a label that is no whole number from 0. {InputTypeError} {ConfigError}
 */
export async function classWeights(data) {
  const classes = isDataset(data)
    ? (await classesOf(data, 'classWeights')).classes
    : numbersOf(data);
  if (classes.length === 0) throw new EmptyError('classWeights: there are no labels.');
  /** @type {Map<number, number>} */
  const counts = new Map();
  classes.forEach((label, sample) => {
    if (!Number.isInteger(label) || label < 0) {
      throw new LabelRangeError(
        `classWeights: sample ${sample} has label ${label}, expected a whole number from 0.`,
        { field: 'labels' },
      );
    }
    counts.set(label, (counts.get(label) ?? 0) + 1);
  });
  const labels = [...counts.keys()].sort((a, b) => a - b);
  return Object.fromEntries(
    labels.map((label) => [
      label,
      classes.length / (counts.size * /** @type {number} */ (counts.get(label))),
    ]),
  );
}

/** @param {unknown} labels @returns {Float32Array | Uint8Array} */
function numbersOf(labels) {
  const { type, length, piece } = sampleSource(labels, 'classWeights: labels');
  const { buffer } = piece(0, length);
  return type === 'uint8' ? new Uint8Array(buffer) : new Float32Array(buffer);
}

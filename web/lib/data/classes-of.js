/** The classes of a data set's samples, however its labels are held. */

import { ConfigError } from '../errors.js';

/**
 * @param {import('../dataset.js').Dataset} data
 * @param {string} what for messages
 * @returns {Promise<{ classes: Int32Array, count: number }>} of one-hot labels the largest; of one value a sample 0 or
 *   1, split at 1/2; count: the highest class and one, or as many as there are names
 * @throws {ConfigError} without labels
 */
export async function classesOf(data, what) {
  /** @type {Int32Array | Float32Array | null} */
  const labels = await data.readLabels();
  if (!labels) {
    throw new ConfigError(`${what}: the data set has no labels to go by.`, { field: 'labels' });
  }
  const classes = asClasses(labels, data.count);
  let highest = data.classNames.length - 1;
  for (const label of classes) if (label > highest) highest = label;
  return { classes, count: highest + 1 };
}

/**
 * @param {Int32Array | Float32Array} labels
 * @param {number} samples
 * @returns {Int32Array}
 */
function asClasses(labels, samples) {
  if (labels instanceof Int32Array) return labels;
  const width = labels.length / samples;
  if (width === 1) return Int32Array.from(labels, (value) => Number(value >= 0.5));
  return Int32Array.from({ length: samples }, (_, sample) => {
    const row = labels.subarray(sample * width, (sample + 1) * width);
    return row.indexOf(Math.max(...row));
  });
}

/** Labels as categorical cross-entropy takes them. */

import { dataset } from 'tabgrad';

/**
 * @param {import('tabgrad').Dataset} images with classes as labels; disposed of, since its copy takes its place
 * @param {number} [limit] images kept
 * @returns {Promise<import('tabgrad').Dataset>} the same images, labels [classes] with a one in the place of the class
 */
export async function withOneHotLabels(images, limit = images.count) {
  const classes = images.classNames.length;
  const { x, y } = await images.read(0, Math.min(limit, images.count));
  const { shape } = images;
  await images.dispose();
  const labels = Array.from(y ?? []);
  const rows = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => (rows[row * classes + label] = 1));
  return dataset({ x, y: rows, shape });
}

/** Pictures as augmentation changes them, to be looked at: the worker's side of augment.js. */

import { augmentationNumbers, augmentedSize, readAugmentations } from './augment-list.js';
import { checkRange } from './host-dataset.js';

/**
 * @param {import('./host.js').Host} host
 * @param {any} args of `dataset.preview`
 * @returns {import('./host.js').Answer}
 */
export function preview(host, { id, list, first, count, ...moment }) {
  const all = readAugmentations(list);
  const dataset = host.dataset(id);
  checkRange(dataset, first, count);
  const { size, samples } = dataset.facts;
  const [height, width] = augmentedSize(all, [size[0], size[1]]);
  const range = { ...moment, first, count };
  const numbers = height * width * size[2];
  const values = host.native.preview(dataset.pointer, range, augmentationNumbers(all), numbers);
  const bytes = samples === 'uint8' ? Uint8ClampedArray.from(values).buffer : null;
  const shape = [count, height, width, size[2]];
  return {
    value: { bytes, values: bytes ? null : values.buffer, shape },
    transfer: [bytes ?? values.buffer],
  };
}

/** A data set again with other labels or another normalisation, by pieces, so that the page stays quick. */
import { dataset } from 'tabgrad';

const PIECE = 500;

/**
 * @typedef {object} Change
 * @property {string} label what it is, for the progress bar
 * @property {(label: number) => number} [labelOf]
 * @property {Normalization} [normalization] the default is pixels from 0 to 1
 *
 * @typedef {{ mean: number[], std: number[] }} Normalization
 */

/**
 * @param {import('tabgrad').Dataset} images
 * @param {Change} change
 * @param {(done: number) => void} onProgress
 * @param {AbortSignal} signal
 */
export async function copyOf(images, { labelOf, normalization }, onProgress, signal) {
  onProgress(0);
  async function* samples() {
    for (let first = 0; first < images.count; first += PIECE) {
      const { x, y } = await images.read(first, Math.min(PIECE, images.count - first));
      const labels = /** @type {Int32Array} */ (y);
      yield { x, y: labelOf ? labels.map(labelOf) : labels };
    }
  }
  return dataset({
    samples,
    shape: images.shape,
    labels: 'classes',
    ...normalization,
    onProgress: ({ done }) => onProgress(done),
    signal,
  });
}

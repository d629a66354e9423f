/**
 * Augmentation (`tabgrad/augment`): training pictures that are another each epoch.
 *
 *     import * as augment from 'tabgrad/augment';
 *     await model.fit(data, { augment: [augment.randomFlip({ mode: 'horizontal' }), augment.randomCrop({ padding: 4 })] });
 *
 * Only the batches of `fit` are augmented: never validation, `evaluate` or `predict`. What a sample
 * draws is a function of the model's seed, the epoch and the sample, so a run has the same bits with
 * any number of threads, and after a save, a load and a resume.
 *
 * Moves come first, in the order of the list, composed into one map: every pixel is interpolated
 * once, and flips, crops and shifts by whole pixels not at all. What lies beyond a crop is still there
 * for the moves after it; only beyond the picture itself is filled, by one `fillMode` for the list.
 * Contrast and brightness follow, then cutout, then mixup, wherever they stand in the list. Values
 * are those of the samples before their normalisation (0 to 255 for pixels).
 */

import { makeAugmentation } from './augment-list.js';
import { isDataset } from './dataset.js';
import { InputTypeError } from './errors.js';
import { readAugmentList } from './fit-options.js';
import { needWhole, readOptions } from './options.js';
import { sampleRange } from './dataset-options.js';

/**
 * @typedef {import('./augment-list.js').AugmentationConfig} AugmentationConfig
 * @typedef {number | readonly [low: number, high: number]} Range one number f is -f to f
 *
 * @typedef {object} FillOptions of what lies beyond the edges of a picture a b c d
 * @property {'constant' | 'nearest' | 'reflect' | 'wrap' | 'mirror' | null} [fillMode] constant
 *   (k k | a b c d | k k), nearest (a a | a b c d | d d), reflect (b a | a b c d | d c), wrap (c d | a b c d | a b),
 *   mirror (c b | a b c d | c b, PyTorch's reflect). All of a list have the same: what one of them is given;
 *   default 'reflect', as in Keras, or 'constant' where only crops move pictures, as in torchvision
 * @property {number | null} [fillValue] of 'constant', default 0
 *
 * @typedef {FillOptions & { interpolation?: 'bilinear' | 'nearest' | null }} MoveOptions interpolation: one
 *   for the list, default 'bilinear'. With 'nearest' a translation is by whole pixels
 */

/**
 * Mirrors half of the pictures (`RandomFlip` of Keras 3).
 *
 * @param {{ mode?: 'horizontal' | 'vertical' | 'horizontalAndVertical', alternate?: boolean }} [options]
 *   mode: left to right, upside down, or each by itself; default 'horizontalAndVertical'. alternate: an
 *   epoch flips just the pictures that the one before did not, the first a random half (Jordan, "94 %
 *   on CIFAR-10 in 3.29 seconds", 2024); default false
 * @returns {AugmentationConfig}
 * @throws {ConfigError}
 */
export const randomFlip = (options) => makeAugmentation('randomFlip', options);

/**
 * A window of the picture at a random place (`RandomCrop` of Keras 3, with torchvision's padding). The
 * model takes pictures of the window's size.
 *
 * @param {{ height?: number | null, width?: number | null, padding?: number | readonly [number, number] } & FillOptions} [options]
 *   height, width: default the picture's own; padding: pixels added on every side, or above and below
 *   and left and right, before; default 0. A window larger than the padded picture is refused (E_SHAPE)
 * @returns {AugmentationConfig}
 * @throws {ConfigError}
 */
export const randomCrop = (options) => makeAugmentation('randomCrop', options);

/**
 * Turns the picture around its centre (`RandomRotation` of Keras 3).
 *
 * @param {{ factor: Range } & MoveOptions} options factor: shares of a whole turn, counter-clockwise,
 *   each from -1 to 1
 * @returns {AugmentationConfig}
 * @throws {ConfigError}
 */
export const randomRotation = (options) => makeAugmentation('randomRotation', options);

/**
 * Shifts the picture (`RandomTranslation` of Keras 3).
 *
 * @param {{ heightFactor: Range, widthFactor: Range } & MoveOptions} options shares of height (above 0:
 *   down) and width (above 0: to the right), each from -1 to 1
 * @returns {AugmentationConfig}
 * @throws {ConfigError}
 */
export const randomTranslation = (options) => makeAugmentation('randomTranslation', options);

/**
 * Shears the picture around its centre. Pixel (y, x) is that at (y + yFactor · x, x + xFactor · y), as
 * in `RandomShear` of Keras 3, which does it around the top left corner; or with `degrees` that of
 * `ImageDataGenerator`'s shear_range: (y − sin(degrees) · x, cos(degrees) · x).
 *
 * @param {{ xFactor?: Range, yFactor?: Range, degrees?: Range } & MoveOptions} options factors from -1
 *   to 1, default 0; degrees, from -89 to 89, instead of them
 * @returns {AugmentationConfig}
 * @throws {ConfigError}
 */
export const randomShear = (options) => makeAugmentation('randomShear', options);

/**
 * Makes what the picture shows smaller or larger (`RandomZoom` of Keras 3).
 *
 * @param {{ heightFactor: Range, widthFactor?: Range | null } & MoveOptions} options from -1 to 1; above
 *   0 zooms out: 0.2 shows a fifth more of the height. widthFactor null, the default: as the height
 * @returns {AugmentationConfig}
 * @throws {ConfigError}
 */
export const randomZoom = (options) => makeAugmentation('randomZoom', options);

/**
 * Adds a share of the range of values (`RandomBrightness` of Keras 3).
 *
 * @param {{ factor: Range, valueRange?: readonly [low: number, high: number] | null }} options factor from
 *   -1 to 1; valueRange: to which values are cut, and of which the factor is a share; default [0, 255]
 *   for pixels, needed for floats
 * @returns {AugmentationConfig}
 * @throws {ConfigError}
 */
export const randomBrightness = (options) => makeAugmentation('randomBrightness', options);

/**
 * Moves values from or to the mean of their channel in the picture: (x − mean) · f + mean
 * (`RandomContrast` of Keras 3). The mean is that of the picture after its moves.
 *
 * @param {{ factor: number | readonly [below: number, above: number],
 *   valueRange?: readonly [low: number, high: number] | null }} options f is from 1 − below to 1 + above,
 *   both from 0 to 1, one number for both; valueRange as in `randomBrightness`
 * @returns {AugmentationConfig}
 * @throws {ConfigError}
 */
export const randomContrast = (options) => makeAugmentation('randomContrast', options);

/**
 * Blanks rectangles around random pixels; what reaches over an edge is cut (DeVries, Taylor 2017,
 * "Improved regularization of convolutional neural networks with cutout").
 *
 * @param {{ size: number | readonly [height: number, width: number], count?: number, fillValue?: number | null }} options
 *   size in pixels; count of rectangles, default 1; fillValue: default what normalisation makes 0, the
 *   mean where the data set has one
 * @returns {AugmentationConfig}
 * @throws {ConfigError}
 */
export const cutout = (options) => makeAugmentation('cutout', options);

/**
 * Mixes every sample of a batch with another one of it, labels too, by shares drawn from Beta(alpha,
 * alpha) (Zhang 2018, "mixup: beyond empirical risk minimization"; `MixUp` of Keras 3). Class labels
 * become shares of two classes inside the loss; accuracy and metrics take the heavier one. Does not
 * go with sample or class weights, or hinge losses (E_CONFIG).
 *
 * @param {{ alpha?: number }} [options] alpha from 0.001 to 1000, default 0.2
 * @returns {AugmentationConfig}
 * @throws {ConfigError}
 */
export const mixup = (options) => makeAugmentation('mixup', options);

/**
 * The pictures that `fit` sees, to be looked at: bit for bit what a model of that seed trains on in that
 * epoch, but before normalisation, and rounded where samples are bytes. Mixup takes the samples asked
 * for as one batch, in their order.
 *
 * @param {import('./dataset.js').Dataset} data
 * @param {AugmentationConfig | readonly AugmentationConfig[]} list
 * @param {{ seed?: number, epoch?: number, first?: number, count?: number }} [options] seed, epoch and first
 *   default 0, count default all after `first`
 * @returns {Promise<(Uint8ClampedArray | Float32Array) & { shape: number[] }>} picture after picture, with
 *   `shape` [count, height, width, channels]
 * @throws {InputTypeError} {ConfigError} {ShapeError} {LimitError} {OutOfMemoryError} {DisposedError}
 */
export async function preview(data, list, options) {
  const where = { what: 'augment.preview' };
  if (!isDataset(data)) {
    throw new InputTypeError(`${where.what}: data must be a Dataset.`, { field: 'data' });
  }
  const own = readOptions(options, ['seed', 'epoch', 'first', 'count'], where);
  const { bytes, values, shape } = await data.ask('dataset.preview', {
    ...sampleRange(data, own, where),
    seed: needWhole(own.seed ?? 0, 'seed', where),
    epoch: needWhole(own.epoch ?? 0, 'epoch', where),
    list: readAugmentList(list, where),
  });
  return Object.assign(bytes ? new Uint8ClampedArray(bytes) : new Float32Array(values), { shape });
}

/** Convolutional autoencoders. */

import { input } from '../functional.js';
import { layers } from '../layers.js';
import { needWhole, wrongType } from '../options.js';
import { makeNetwork, needMultiples, readNetwork } from './network.js';

/**
 * A convolutional autoencoder (Masci et al. 2011, "Stacked convolutional auto-encoders for hierarchical feature
 * extraction"): convolutions of stride 2 down to the layer `code`, transposed convolutions up to `reconstruction`,
 * whose values are 0 … 1, as those of pixels. As it stands 32x32x3 → 8x8x16 → 32x32x3 with 57,235 parameters.
 * `model.subModel({ outputs: 'code' })` is the encoder.
 *
 * @param {import('./network.js').NetworkOptions & { filters?: readonly number[], codeFilters?: number }} [options]
 *   filters of the encoder's convolutions, each of which halves the picture, and of the decoder's the other way round,
 *   default [32, 64]; codeFilters: channels of the code, default 16; height and width must be multiples of
 *   2 ** filters.length
 * @returns {Promise<import('../model.js').Model>} [height, width, channels] → the same
 * @throws {ConfigError} {ShapeError} {LimitError} naming the option, or layer and both numbers
 */
export async function autoencoder(options) {
  const { own, network } = readNetwork(options, ['filters', 'codeFilters'], 'autoencoder');
  const { inputShape, where } = network;
  const filters = readFilters(own.filters ?? [32, 64], where);
  const codeFilters = needWhole(own.codeFilters ?? 16, 'codeFilters', where, 1);
  needMultiples(network, 2 ** filters.length);
  const step = /** @type {const} */ ({ kernelSize: 3, padding: 'same' });
  const half = /** @type {const} */ ({ ...step, strides: 2, activation: 'relu' });
  const picture = input({ shape: inputShape });
  let x = picture;
  for (const count of filters) x = layers.conv2d({ filters: count, ...half }).apply(x);
  x = layers.conv2d({ filters: codeFilters, ...step, name: 'code' }).apply(x);
  for (const count of [...filters].reverse()) {
    x = layers.conv2dTranspose({ filters: count, ...half }).apply(x);
  }
  const last = { filters: inputShape[2], ...step, name: 'reconstruction' };
  const outputs = layers.conv2d({ ...last, activation: 'sigmoid' }).apply(x);
  return makeNetwork(network, 'autoencoder', picture, outputs);
}

/**
 * @param {unknown} value
 * @param {import('../options.js').Where} where
 * @returns {number[]}
 */
function readFilters(value, where) {
  if (!Array.isArray(value) || value.length === 0) {
    throw wrongType(value, 'filters', 'an array of numbers of filters, not empty', where);
  }
  return Array.from(value, (count) => needWhole(count, 'filters', where, 1));
}

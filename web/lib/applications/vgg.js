/** VGG networks at CIFAR size. */

import { input } from '../functional.js';
import { layers } from '../layers.js';
import { needBoolean, needWhole } from '../options.js';
import { makeNetwork, readClassifier } from './network.js';
import { ConfigError } from '../errors.js';

/** Filters of the five stages, and how many convolutions each has by the network's depth. */
const FILTERS = [64, 128, 256, 512, 512];
const CONVOLUTIONS = new Map([
  [11, [1, 1, 2, 2, 2]],
  [13, [2, 2, 2, 2, 2]],
  [16, [2, 2, 3, 3, 3]],
  [19, [2, 2, 4, 4, 4]],
]);

/**
 * VGG-11, 13, 16 or 19 (Simonyan and Zisserman 2014, "Very deep convolutional networks for large-scale image
 * recognition") with batch normalisation and, since five poolings leave one pixel of 32, a single dense layer, as it is
 * run on CIFAR. With ten classes 9,231,114, 9,416,010, 14,728,266 and 20,040,522 parameters; without batch
 * normalisation 2 a filter fewer.
 *
 * @param {import('./network.js').NetworkOptions & import('./network.js').ClassifierOptions & {
 *   depth?: 11 | 13 | 16 | 19, batchNormalization?: boolean }} [options] depth: layers with weights, default 16;
 *   batchNormalization default true; inputShape at least [32, 32, channels]
 * @returns {Promise<import('../model.js').Model>} [height, width, channels] → [classes]
 * @throws {ConfigError} {ShapeError} {LimitError} naming the option, or layer and both numbers
 */
export async function vgg(options) {
  const { own, network, classify } = readClassifier(
    options,
    ['depth', 'batchNormalization'],
    'vgg',
  );
  const { where } = network;
  const depth = needWhole(own.depth ?? 16, 'depth', where);
  const normalized = needBoolean(own.batchNormalization ?? true, 'batchNormalization', where);
  const convolutions = CONVOLUTIONS.get(depth);
  if (!convolutions) {
    const known = [...CONVOLUTIONS.keys()].join(', ');
    throw new ConfigError(`vgg: depth must be one of ${known}, found ${depth}.`, {
      field: 'depth',
    });
  }
  const picture = input({ shape: network.inputShape });
  let x = picture;
  for (const [stage, filters] of FILTERS.entries()) {
    for (let number = 0; number < convolutions[stage]; number++) {
      const conv = layers.conv2d({
        filters,
        kernelSize: 3,
        padding: 'same',
        kernelInitializer: 'heNormal',
      });
      x = conv.apply(x);
      if (normalized) x = layers.batchNormalization({ momentum: 0.9 }).apply(x);
      x = layers.reLU().apply(x);
    }
    x = layers.maxPooling2d().apply(x);
  }
  return makeNetwork(network, `vgg${depth}`, picture, classify(layers.flatten().apply(x)));
}

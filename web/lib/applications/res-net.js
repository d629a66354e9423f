/** Residual networks at CIFAR size. */

import { ConfigError } from '../errors.js';
import { input } from '../functional.js';
import { layers } from '../layers.js';
import { needOneOf, needWhole } from '../options.js';
import { makeNetwork, readClassifier } from './network.js';

/**
 * @typedef {import('./network.js').SymbolicTensor} SymbolicTensor
 * @typedef {(x: SymbolicTensor, size: number[], strides: number) => SymbolicTensor} Shortcut size: what it must give
 */

/**
 * ResNet-20, 32, 44, 56, 110 and others of depth 6n + 2 (He, Zhang, Ren, Sun 2015, "Deep residual learning for image
 * recognition", section 4.2). Parameters with ten classes (0.27, 0.46, 0.66, 0.85 and 1.7 million in the paper):
 *
 * | depth | identity  | projection |
 * | ----- | --------- | ---------- |
 * | 20    | 269,722   | 272,474    |
 * | 32    | 464,154   | 466,906    |
 * | 44    | 658,586   | 661,338    |
 * | 56    | 853,018   | 855,770    |
 * | 110   | 1,727,962 | 1,730,714  |
 *
 * @param {import('./network.js').NetworkOptions & import('./network.js').ClassifierOptions & {
 *   depth?: number, shortcut?: 'identity' | 'projection' }} [options] depth: layers with weights, default 20; shortcut
 *   where the shape changes: 'identity' takes every second pixel and adds channels of zeros (the paper's option A, which
 *   it uses at this size), 'projection' is a 1x1 convolution with batch normalisation (option B); default 'identity'
 * @returns {Promise<import('../model.js').Model>} [height, width, channels] → [classes]
 * @throws {ConfigError} {ShapeError} {LimitError} naming the option, or layer and both numbers
 */
export async function resNet(options) {
  const { own, network, classify } = readClassifier(options, ['depth', 'shortcut'], 'resNet');
  const { where } = network;
  const depth = needWhole(own.depth ?? 20, 'depth', where, 8);
  const kinds = /** @type {const} */ (['identity', 'projection']);
  const kind = needOneOf(own.shortcut ?? 'identity', kinds, 'shortcut', where);
  if (depth % 6 !== 2) {
    throw new ConfigError(`resNet: depth must be 6n + 2 (20, 32, 44 …), found ${depth}.`, {
      field: 'depth',
    });
  }
  const shortcut = kind === 'identity' ? everySecondPixel : projection;
  const picture = input({ shape: network.inputShape });
  let [height, width] = network.inputShape;
  let x = layers.reLU().apply(convolve(picture, 16, 3, 1));
  for (const [stage, filters] of [16, 32, 64].entries()) {
    for (let number = 0; number < (depth - 2) / 6; number++) {
      const strides = stage > 0 && number === 0 ? 2 : 1;
      height = Math.ceil(height / strides);
      width = Math.ceil(width / strides);
      x = block(x, [height, width, filters], strides, shortcut);
    }
  }
  const outputs = classify(layers.globalAveragePooling2d().apply(x));
  return makeNetwork(network, `resnet${depth}`, picture, outputs);
}

/**
 * Two 3x3 convolutions beside a shortcut.
 *
 * @param {SymbolicTensor} x
 * @param {number[]} size of what the block gives
 * @param {number} strides of the first convolution; 2 halves the picture
 * @param {Shortcut} shortcut where it does
 */
function block(x, size, strides, shortcut) {
  const filters = size[2];
  const first = layers.reLU().apply(convolve(x, filters, 3, strides));
  const body = convolve(first, filters, 3, 1);
  const beside = strides === 1 ? x : shortcut(x, size, strides);
  return layers.reLU().apply(layers.add().apply([body, beside]));
}

/** @type {Shortcut} channels that the input does not have are zeros */
function everySecondPixel(x, size, strides) {
  return layers.slice({ start: [0, 0, 0], size, step: [strides, strides, 1] }).apply(x);
}

/** @type {Shortcut} */
function projection(x, size, strides) {
  return convolve(x, size[2], 1, strides);
}

/**
 * Convolution and batch normalisation, which has the bias.
 *
 * @param {SymbolicTensor} x
 * @param {number} filters
 * @param {number} kernelSize
 * @param {number} strides
 */
function convolve(x, filters, kernelSize, strides) {
  const conv = layers.conv2d({
    filters,
    kernelSize,
    strides,
    padding: 'same',
    useBias: false,
    kernelInitializer: 'heNormal',
  });
  // Keras's momentum of 0.99 takes hundreds of steps to forget where the averages began; short runs have fewer.
  return layers.batchNormalization({ momentum: 0.9 }).apply(conv.apply(x));
}

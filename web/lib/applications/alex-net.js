/** AlexNet at CIFAR size. */

import { input } from '../functional.js';
import { layers } from '../layers.js';
import { makeNetwork, readClassifier } from './network.js';

/**
 * AlexNet's five convolutions with a single dense layer behind them, as it is run on CIFAR (Krizhevsky, Sutskever,
 * Hinton 2012, "ImageNet classification with deep convolutional neural networks"; at this size by W. Yang,
 * pytorch-classification): 2,472,266 parameters with ten classes.
 *
 * @param {import('./network.js').NetworkOptions & import('./network.js').ClassifierOptions} [options]
 *   inputShape at least [29, 29, channels]
 * @returns {Promise<import('../model.js').Model>} [height, width, channels] → [classes]
 * @throws {ConfigError} {ShapeError} {LimitError} naming the option, or layer and both numbers
 */
export async function alexNet(options) {
  const { network, classify } = readClassifier(options, [], 'alexNet');
  const picture = input({ shape: network.inputShape });
  const convolve = (
    /** @type {import('./network.js').SymbolicTensor} */ x,
    /** @type {number} */ filters,
    /** @type {number} */ kernelSize,
    /** @type {{ strides: number, padding: number }} */ where = { strides: 1, padding: 1 },
  ) => {
    const start = /** @type {const} */ ({ activation: 'relu', kernelInitializer: 'heNormal' });
    return layers.conv2d({ filters, kernelSize, ...where, ...start }).apply(x);
  };
  const pool = layers.maxPooling2d;
  let x = pool().apply(convolve(picture, 64, 11, { strides: 4, padding: 5 }));
  x = pool().apply(convolve(x, 192, 5, { strides: 1, padding: 2 }));
  x = convolve(convolve(convolve(x, 384, 3), 256, 3), 256, 3);
  return makeNetwork(
    network,
    'alexnet',
    picture,
    classify(layers.flatten().apply(pool().apply(x))),
  );
}

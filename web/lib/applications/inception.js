/** Networks of Inception blocks at CIFAR size. */

import { input } from '../functional.js';
import { layers } from '../layers.js';
import { needWhole, wrongType } from '../options.js';
import { makeNetwork, readClassifier } from './network.js';

/** @typedef {import('./network.js').SymbolicTensor} SymbolicTensor */

/**
 * A small GoogLeNet: a convolution, then stages of Inception blocks (Szegedy et al. 2014, "Going deeper with
 * convolutions", figure 2b) with batch normalisation, each stage behind a pooling that halves the picture. Every branch
 * of a block has the same number of filters, the reductions half of it. 32,138 parameters as it stands.
 *
 * @param {import('./network.js').NetworkOptions & import('./network.js').ClassifierOptions & {
 *   stages?: readonly (readonly number[])[] }} [options] stages: for each stage the filters of a branch of each of its
 *   blocks, even numbers; default [[16], [32]]
 * @returns {Promise<import('../model.js').Model>} [height, width, channels] → [classes]
 * @throws {ConfigError} {ShapeError} {LimitError} naming the option, or layer and both numbers
 */
export async function inception(options) {
  const { own, network, classify } = readClassifier(options, ['stages'], 'inception');
  const stages = readStages(own.stages ?? [[16], [32]], network.where);
  const picture = input({ shape: network.inputShape });
  let x = convolve(picture, 2 * stages[0][0], 3);
  for (const stage of stages) {
    x = largest(x, 2);
    for (const filters of stage) x = block(x, filters);
  }
  const outputs = classify(layers.globalAveragePooling2d().apply(x));
  return makeNetwork(network, 'inception', picture, outputs);
}

/**
 * @param {unknown} value
 * @param {import('../options.js').Where} where
 * @returns {number[][]}
 */
function readStages(value, where) {
  const stages = Array.isArray(value) ? Array.from(value) : [];
  if (stages.length === 0 || !stages.every((stage) => Array.isArray(stage) && stage.length > 0)) {
    throw wrongType(value, 'stages', 'an array of arrays of filters, none of them empty', where);
  }
  return stages.map((stage) =>
    Array.from(stage, (filters) => {
      if (needWhole(filters, 'stages', where, 2) % 2 === 0) return filters;
      throw wrongType(filters, 'stages', 'an array of arrays of even numbers', where);
    }),
  );
}

/**
 * Four looks at the same pixels, side by side: 1x1, 3x3, 5x5 and the largest of the neighbours.
 *
 * @param {SymbolicTensor} x
 * @param {number} filters of each
 */
function block(x, filters) {
  return layers
    .concatenate()
    .apply([
      convolve(x, filters, 1),
      convolve(convolve(x, filters / 2, 1), filters, 3),
      convolve(convolve(x, filters / 2, 1), filters, 5),
      convolve(largest(x, 1), filters, 1),
    ]);
}

/** @param {SymbolicTensor} x @param {number} filters @param {number} kernelSize */
function convolve(x, filters, kernelSize) {
  const conv = layers.conv2d({ filters, kernelSize, padding: 'same', useBias: false });
  const normalized = layers.batchNormalization({ momentum: 0.9 }).apply(conv.apply(x));
  return layers.reLU().apply(normalized);
}

/** @param {SymbolicTensor} x @param {number} strides */
function largest(x, strides) {
  return layers.maxPooling2d({ poolSize: 3, strides, padding: 'same' }).apply(x);
}

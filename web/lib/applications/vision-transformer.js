/** Vision transformers. */

import { ConfigError } from '../errors.js';
import { input } from '../functional.js';
import { initializers } from '../initializers.js';
import { layers } from '../layers.js';
import { needWhole } from '../options.js';
import { makeNetwork, needMultiples, readClassifier } from './network.js';

/** @typedef {import('./network.js').SymbolicTensor} SymbolicTensor */

const NAMES = /** @type {const} */ ([
  'patchSize',
  'numLayers',
  'numHeads',
  'hiddenDim',
  'mlpDim',
  'dropout',
]);

/**
 * A vision transformer (Dosovitskiy et al. 2020, "An image is worth 16x16 words"): patches become vectors, a class token
 * stands before them, and blocks of attention and of two dense layers, each behind a layer normalisation and beside a
 * shortcut, follow. As it stands, small for CIFAR, 460,906 parameters; `{ inputShape: [224, 224, 3], classes: 1000,
 * patchSize: 16, numLayers: 12, numHeads: 3, hiddenDim: 192, mlpDim: 768 }` is ViT-Ti/16 with its 5,717,416.
 *
 * @param {import('./network.js').NetworkOptions & import('./network.js').ClassifierOptions & { patchSize?: number,
 *   numLayers?: number, numHeads?: number, hiddenDim?: number, mlpDim?: number, dropout?: number }} [options]
 *   patchSize: pixels on a side, must divide height and width, default 4; numLayers: blocks, default 6; numHeads must
 *   divide hiddenDim, default 4; hiddenDim: length of the vectors, default 96; mlpDim: units between the two dense
 *   layers, default 2 · hiddenDim; dropout: behind the embedding and each dense layer of a block, default 0
 * @returns {Promise<import('../model.js').Model>} [height, width, channels] → [classes]
 * @throws {ConfigError} {ShapeError} {LimitError} naming the option, or layer and both numbers
 */
export async function visionTransformer(options) {
  const { own, network, classify } = readClassifier(options, NAMES, 'visionTransformer');
  const { inputShape, where } = network;
  const whole = (/** @type {typeof NAMES[number]} */ name, /** @type {number} */ standard) =>
    needWhole(own[name] ?? standard, name, where, 1);
  const patchSize = whole('patchSize', 4);
  const hiddenDim = whole('hiddenDim', 96);
  const sizes = {
    hiddenDim,
    numHeads: whole('numHeads', 4),
    mlpDim: whole('mlpDim', 2 * hiddenDim),
    dropout: own.dropout ?? 0,
  };
  needMultiples(network, patchSize);
  if (hiddenDim % sizes.numHeads !== 0) {
    throw new ConfigError(
      `visionTransformer: numHeads must divide hiddenDim, found ${sizes.numHeads} and ${hiddenDim}.`,
      { field: 'numHeads' },
    );
  }
  const patches = (inputShape[0] / patchSize) * (inputShape[1] / patchSize);
  const picture = input({ shape: inputShape });
  const embed = layers.conv2d({ filters: hiddenDim, kernelSize: patchSize, strides: patchSize });
  const vectors = layers.reshape({ targetShape: [patches, hiddenDim] }).apply(embed.apply(picture));
  const token = layers.variable({ shape: [1, hiddenDim], name: 'class_token' }).apply([]);
  const embeddingsInitializer = initializers.truncatedNormal({ stddev: 0.02 });
  const positions = layers.positionEmbedding({ embeddingsInitializer });
  let x = positions.apply(layers.concatenate({ axis: 1 }).apply([token, vectors]));
  x = dropped(x, sizes.dropout);
  for (let number = 0; number < whole('numLayers', 6); number++) x = block(x, sizes);
  const first = layers.slice({ start: [0, 0], size: [1, hiddenDim] }).apply(x);
  const outputs = classify(normalized(layers.flatten().apply(first)));
  return makeNetwork(network, 'vision_transformer', picture, outputs);
}

/**
 * @param {SymbolicTensor} x [steps, hiddenDim]
 * @param {{ hiddenDim: number, numHeads: number, mlpDim: number, dropout: number }} sizes
 */
function block(x, { hiddenDim, numHeads, mlpDim, dropout }) {
  const attention = layers.multiHeadAttention({ numHeads, keyDim: hiddenDim / numHeads, dropout });
  const seen = dropped(attention.apply(normalized(x)), dropout);
  const sum = layers.add().apply([x, seen]);
  const wide = layers.dense({ units: mlpDim, activation: 'gelu' }).apply(normalized(sum));
  const narrow = layers.dense({ units: hiddenDim }).apply(dropped(wide, dropout));
  return layers.add().apply([sum, dropped(narrow, dropout)]);
}

/** @param {SymbolicTensor} x */
function normalized(x) {
  return layers.layerNormalization({ epsilon: 1e-6 }).apply(x);
}

/** @param {SymbolicTensor} x @param {number} rate */
function dropped(x, rate) {
  return rate === 0 ? x : layers.dropout({ rate }).apply(x);
}

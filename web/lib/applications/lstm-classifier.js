/** Pictures read row by row. */

import { input } from '../functional.js';
import { layers } from '../layers.js';
import { needBoolean, needWhole } from '../options.js';
import { makeNetwork, readClassifier } from './network.js';

/**
 * An LSTM (Hochreiter and Schmidhuber 1997, "Long short-term memory") that reads a picture from top to bottom, a row of
 * pixels a step, and classifies by its last state. As it stands 4 · (96 + 128 + 1) · 128 + 129 · 10 = 116,490 parameters.
 *
 * @param {import('./network.js').NetworkOptions & import('./network.js').ClassifierOptions & { units?: number,
 *   numLayers?: number, bidirectional?: boolean, dropout?: number }} [options] units of a layer and direction, default
 *   128; numLayers: LSTMs one behind the other, default 1; bidirectional: from bottom to top as well, default false;
 *   dropout: share of a layer's features that a sample loses while training, 0 ≤ dropout < 1, default 0
 * @returns {Promise<import('../model.js').Model>} [height, width, channels] → [classes]
 * @throws {ConfigError} {ShapeError} {LimitError} naming the option, or layer and both numbers
 */
export async function lstmClassifier(options) {
  const names = /** @type {const} */ (['units', 'numLayers', 'bidirectional', 'dropout']);
  const { own, network, classify } = readClassifier(options, names, 'lstmClassifier');
  const { inputShape, where } = network;
  const { units = 128, dropout } = own;
  const numLayers = needWhole(own.numLayers ?? 1, 'numLayers', where, 1);
  const bothWays = needBoolean(own.bidirectional ?? false, 'bidirectional', where);
  const [height, width, channels] = inputShape;
  const picture = input({ shape: inputShape });
  let x = layers.reshape({ targetShape: [height, width * channels] }).apply(picture);
  for (let number = 1; number <= numLayers; number++) {
    const lstm = layers.lstm({ units, dropout, returnSequences: number < numLayers });
    x = (bothWays ? layers.bidirectional({ layer: lstm }) : lstm).apply(x);
  }
  return makeNetwork(network, 'lstm_classifier', picture, classify(x));
}

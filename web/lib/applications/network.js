/** What the builders of networks have in common: their options, and the end of a classifier. */

import { Engine, sharedEngine } from '../engine.js';
import { ShapeError } from '../errors.js';
import { layers } from '../layers.js';
import { describe, needWhole, readOptions, wrongType } from '../options.js';

/**
 * @typedef {import('../model.js').Model} Model
 * @typedef {import('../symbolic.js').SymbolicTensor} SymbolicTensor
 *
 * @typedef {object} NetworkOptions
 * @property {readonly number[]} [inputShape] [height, width, channels], default [32, 32, 3]
 * @property {number} [seed] from which the weights are drawn, a whole number from 0, default 0
 * @property {string} [name] of the model; default the network's, such as 'resnet20'
 * @property {Engine} [engine] in which the model lives, from `createEngine`; default the shared one
 *
 * @typedef {object} ClassifierOptions
 * @property {number} [classes] default 10
 * @property {'softmax' | 'sigmoid' | 'linear' | null} [classifierActivation] of the last layer,
 *   `predictions`; 'linear' and null give logits. Default 'softmax'
 *
 * @typedef {object} Network options as they were read
 * @property {number[]} inputShape
 * @property {unknown} seed
 * @property {string | undefined} name
 * @property {Engine | undefined} engine
 * @property {import('../options.js').Where} where
 */

const COMMON = /** @type {const} */ (['inputShape', 'seed', 'name', 'engine']);
const OF_CLASSIFIERS = /** @type {const} */ (['classes', 'classifierActivation']);

/**
 * @template {string} Own
 * @param {unknown} given
 * @param {readonly Own[]} names of the options that this network alone has
 * @param {string} what
 * @returns {{ own: Partial<Record<Own, any>>, network: Network }}
 */
export function readNetwork(given, names, what) {
  const where = { what };
  const all = readOptions(given, [...COMMON, ...names], where);
  const { inputShape, seed, name, engine, ...own } = /** @type {Record<string, any>} */ (all);
  if (engine !== undefined && !(engine instanceof Engine)) {
    throw wrongType(engine, 'engine', 'what createEngine gives', where);
  }
  const shape = imageShape(inputShape ?? [32, 32, 3], where);
  return {
    own: /** @type {Partial<Record<Own, any>>} */ (own),
    network: { inputShape: shape, seed, name, engine, where },
  };
}

/**
 * @template {string} Own
 * @param {unknown} given
 * @param {readonly Own[]} names
 * @param {string} what
 * @returns {{ own: Partial<Record<Own, any>>, network: Network, classify: (x: SymbolicTensor) =>
 *   SymbolicTensor }} classify: the last layer of the network
 */
export function readClassifier(given, names, what) {
  const { own, network } = readNetwork(given, [...OF_CLASSIFIERS, ...names], what);
  const { classes = 10, classifierActivation = 'softmax' } = own;
  const units = needWhole(classes, 'classes', network.where, 1);
  const last = layers.dense({ units, activation: classifierActivation, name: 'predictions' });
  return { own, network, classify: (x) => last.apply(x) };
}

/**
 * @param {unknown} shape
 * @param {import('../options.js').Where} where
 * @returns {number[]}
 */
function imageShape(shape, where) {
  if (Array.isArray(shape) && shape.length === 3) {
    return Array.from(shape, (size) => needWhole(size, 'inputShape', where, 1));
  }
  const found = Array.isArray(shape) ? `[${shape.slice(0, 8).join(', ')}]` : describe(shape);
  throw new ShapeError(
    `${where.what}: inputShape must be [height, width, channels], found ${found}.`,
    {
      field: 'inputShape',
    },
  );
}

/**
 * @param {Network} network
 * @param {number} factor by which the network divides and multiplies height and width
 * @throws {ShapeError}
 */
export function needMultiples({ inputShape, where }, factor) {
  const odd = inputShape.slice(0, 2).find((size) => size % factor !== 0);
  if (odd === undefined) return;
  throw new ShapeError(
    `${where.what}: height and width of inputShape must be multiples of ${factor}, found ${odd}.`,
    { field: 'inputShape' },
  );
}

/**
 * @param {Network} network
 * @param {string} name unless the program gave one
 * @param {SymbolicTensor} inputs
 * @param {SymbolicTensor} outputs
 * @returns {Promise<Model>}
 */
export async function makeNetwork({ engine, seed, name: own }, name, inputs, outputs) {
  const owner = engine ?? (await sharedEngine());
  return owner.model({ inputs, outputs, seed: /** @type {any} */ (seed), name: own ?? name });
}

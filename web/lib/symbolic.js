/**
 * Symbolic tensors: what a layer gives when it is applied, before there is a model. They hold no
 * numbers and no shape; the engine infers shapes when the model is made.
 */

import { ConfigError, GraphError, LimitError } from './errors.js';
import { describe } from './options.js';

/**
 * @typedef {import('./layers.js').Layer} Layer
 *
 * @typedef {object} Content
 * @property {Layer} layer whose output it is
 * @property {readonly SymbolicTensor[]} inputs what the layer reads
 * @property {number} number tensors made later have greater ones, so inputs always have smaller
 */

/** Layers of several inputs → the least and the most of them. */
const SEVERAL = new Map([
  ['add', [2, Infinity]],
  ['subtract', [2, 2]],
  ['multiply', [2, Infinity]],
  ['average', [2, Infinity]],
  ['maximum', [2, Infinity]],
  ['minimum', [2, Infinity]],
  ['divide', [2, 2]],
  ['power', [2, 2]],
  ['dot', [2, 2]],
  ['matMul', [2, 2]],
  ['concatenate', [2, Infinity]],
  ['multiHeadAttention', [1, 3]],
  ['variable', [0, 0]],
]);

/** A model has at most as many nodes, and a layer of n inputs becomes n - 1 of them. */
const MOST_INPUTS = 4096;

/** @type {WeakMap<object, Content>} tensors that a layer made; anything else is foreign */
const contents = new WeakMap();
let made = 0;

/** The output of an applied layer: an argument of `apply` and of `model`. */
export class SymbolicTensor {
  /** The layer's type, for people. */
  get type() {
    return contents.get(this)?.layer.type;
  }
}

/**
 * @param {Layer} layer
 * @param {readonly SymbolicTensor[]} inputs
 */
export function makeTensor(layer, inputs) {
  const tensor = Object.freeze(new SymbolicTensor());
  contents.set(tensor, { layer, inputs, number: made++ });
  return tensor;
}

/**
 * @param {unknown} value
 * @param {string} what for messages
 * @returns {Content}
 * @throws {GraphError} a value that no layer gave
 */
export function contentOf(value, what) {
  const content = typeof value === 'object' && value !== null ? contents.get(value) : undefined;
  if (content) return content;
  throw new GraphError(
    `${what} must come from input() or a layer's apply(), found ${describe(value)}.`,
  );
}

/**
 * The inputs of a layer, checked as far as that goes without shapes.
 *
 * @param {Layer} layer
 * @param {number} count
 * @returns {void}
 * @throws {GraphError} {ConfigError}
 */
export function checkInputCount(layer, count) {
  const label = layer.name ? `${layer.type} '${layer.name}'` : layer.type;
  const details = { layer: layer.name };
  if (layer.type === 'inputLayer') {
    throw new GraphError(`${label}: an input takes no tensors, found ${count}.`, details);
  }
  const [least, most] = SEVERAL.get(layer.type) ?? [1, 1];
  if (count < least || count > most) {
    const few =
      most === Infinity ? `at least ${least}` : least < most ? `${least} to ${most}` : least;
    const wanted = `${few} tensor${most === 1 ? '' : 's'}`;
    throw new GraphError(`${label} takes ${wanted}, found ${count}.`, details);
  }
}

/**
 * @param {Layer} layer
 * @param {unknown} x a tensor, or an array of them for layers of several inputs
 * @returns {SymbolicTensor}
 */
export function applyLayer(layer, x) {
  if (Array.isArray(x) && x.length > MOST_INPUTS) {
    throw new LimitError(
      `${layer.type}: a layer takes at most ${MOST_INPUTS} tensors, found ${x.length}.`,
      { layer: layer.name },
    );
  }
  const list = Array.isArray(x) ? Array.from(x) : [x];
  for (const value of list) contentOf(value, `${layer.type}: what apply() is given`);
  checkInputCount(layer, list.length);
  if (layer.inputShape) {
    throw new ConfigError(
      `${layer.type}: inputShape belongs to input(); an applied layer gets its shape from its input.`,
      { layer: layer.name, field: 'inputShape' },
    );
  }
  return makeTensor(layer, Object.freeze(list));
}

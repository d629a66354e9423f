/** A model's layers applied anew: as they are, renamed, or with others in their place. */

import { UnsupportedError } from '../errors.js';
import { input } from '../functional.js';
import { layers } from '../layers.js';
import { makeGraph } from '../make-model.js';

/**
 * @typedef {import('../model.js').Model} Model
 * @typedef {import('../layers.js').Layer} Layer
 * @typedef {import('../symbolic.js').SymbolicTensor} SymbolicTensor
 * @typedef {import('../tensors.js').WeightTensor} WeightTensor
 *
 * @typedef {SymbolicTensor | SymbolicTensor[]} Read what a layer is applied to
 * @typedef {{ apply: (x: Read) => SymbolicTensor } | ((x: Read) => SymbolicTensor)} Replacement
 *
 * @typedef {object} Replay
 * @property {SymbolicTensor[]} inputs
 * @property {SymbolicTensor[]} outputs
 */

/**
 * @param {Model} model
 * @param {string} what for messages
 * @param {{ inputs?: readonly SymbolicTensor[], rename?: (name: string) => string,
 *   change?: (layer: Layer) => Replacement | undefined }} [how] inputs instead of the model's own; what stands in a
 *   layer's place, asked once a layer
 * @returns {Replay}
 */
export function replay(model, what, { inputs = [], rename = (name) => name, change } = {}) {
  if (model.isQuantized) {
    throw new UnsupportedError(
      `${what}: a quantised model is for inference; take the float model.`,
    );
  }
  const { layers: all, calls, outputs } = model.graph;
  /** @type {SymbolicTensor[]} */
  const starts = [];
  const start = (
    /** @type {readonly number[]} */ shape,
    /** @type {string | undefined} */ name,
  ) => {
    const tensor = inputs[starts.length] ?? input({ shape: [...shape], name });
    starts.push(tensor);
    return tensor;
  };
  /** @type {Map<number, Replacement>} */
  const made = new Map();
  /** @type {SymbolicTensor[]} */
  const tensors = [];
  for (const { layer: number, inputs: read } of calls) {
    const { inputShape, ...layer } = all[number];
    const name = rename(layer.name ?? '');
    if (layer.type === 'inputLayer') {
      tensors.push(start(/** @type {readonly number[]} */ (inputShape), name));
      continue;
    }
    const replacement = made.get(number) ?? change?.(layer) ?? build({ ...layer, name });
    made.set(number, replacement);
    const list = inputShape ? [start(inputShape, undefined)] : read.map((call) => tensors[call]);
    const x = list.length === 1 ? list[0] : list;
    tensors.push(typeof replacement === 'function' ? replacement(x) : replacement.apply(x));
  }
  return { inputs: starts, outputs: outputs.map((call) => tensors[call]) };
}

/**
 * A layer of plain data, as `model.layers` has it.
 *
 * @param {Layer} layer
 * @returns {import('../layers.js').Applicable}
 */
export function build({ type, ...options }) {
  return /** @type {any} */ (layers)[type](options);
}

/**
 * A model in the engine of another, with those of the given weights that it has by name and shape.
 *
 * @param {Model} beside
 * @param {import('../make-model.js').GraphOptions} graph
 * @param {readonly WeightTensor[]} weights
 * @returns {Promise<Model>}
 */
export async function makeBeside(beside, graph, weights) {
  const model = await makeGraph(beside.client, graph);
  try {
    const known = new Map(weights.map((tensor) => [tensor.name, tensor]));
    const own = await model.getWeights();
    await model.setWeights(
      own.map((tensor) => {
        const given = known.get(tensor.name);
        return given && given.shape.join() === tensor.shape.join() ? given : tensor;
      }),
    );
    return model;
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

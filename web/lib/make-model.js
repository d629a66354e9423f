/** Making models: from layers in a row, from a graph, and from a file. */

import { readArchitecture } from './architecture.js';
import { readCheckpoint } from './checkpoint-source.js';
import { traceGraph } from './functional.js';
import { Model } from './model.js';
import { needWhole, readOptions, wrongType } from './options.js';

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./symbolic.js').SymbolicTensor} SymbolicTensor
 *
 * @typedef {object} GraphOptions
 * @property {SymbolicTensor | readonly SymbolicTensor[]} inputs from `input`, one or several
 * @property {SymbolicTensor | readonly SymbolicTensor[]} outputs what the model gives, one or several
 * @property {number} [seed] a whole number from 0, default 0
 * @property {string} [name] default 'model'
 */

/**
 * @param {Client} client
 * @param {unknown} layers
 * @param {{ seed?: number, name?: string }} [options] seed default 0, name default 'sequential'
 * @returns {Promise<Model>}
 */
export async function makeSequential(client, layers, options) {
  const where = { what: 'sequential' };
  const { seed = 0, name = 'sequential' } = readOptions(options, ['seed', 'name'], where);
  if (typeof name !== 'string') throw wrongType(name, 'name', 'a string', where);
  const architecture = readArchitecture(layers, name.slice(0, 255));
  const args = { architecture, seed: needWhole(seed, 'seed', where) };
  return new Model(client, await client.call('model.create', args));
}

/**
 * @param {Client} client
 * @param {GraphOptions} options
 * @returns {Promise<Model>}
 */
export async function makeGraph(client, options) {
  const where = { what: 'model' };
  const names = /** @type {const} */ (['inputs', 'outputs', 'seed', 'name']);
  const { inputs, outputs, seed = 0, name = 'model' } = readOptions(options, names, where);
  if (typeof name !== 'string') throw wrongType(name, 'name', 'a string', where);
  const { layers, ...graph } = traceGraph(inputs, outputs);
  const architecture = readArchitecture(layers, name.slice(0, 255), graph);
  const args = { architecture, seed: needWhole(seed, 'seed', where) };
  return new Model(client, await client.call('model.create', args));
}

/**
 * @param {Client} client
 * @param {import('./checkpoint-source.js').CheckpointSource} source
 * @returns {Promise<Model>} compiled as it was when it was saved
 */
export async function loadModel(client, source) {
  const bytes = await readCheckpoint(source, 'load');
  const facts = await client.call('model.load', { bytes }, { transfer: [bytes.buffer] });
  return new Model(client, facts);
}

/**
 * @typedef {object} OnnxOptions
 * @property {Record<string, readonly number[]>} [inputShapes] sizes of inputs that the file leaves open, batch included
 * @property {Record<string, { shape: readonly number[], data: ArrayLike<number> }>} [constants] inputs that are given
 *   now instead of with every prediction: weights, sizes, indices
 * @property {readonly string[]} [outputs] values to give, in this order; default the graph's outputs
 * @property {'nchw' | 'nhwc'} [layout] of inputs and outputs of three axes and more: ONNX's, or channels last, which saves
 *   turning them; default 'nchw'
 * @property {number} [seed] default 0
 */

/**
 * @param {Client} client
 * @param {import('./checkpoint-source.js').CheckpointSource} source
 * @param {OnnxOptions} [options]
 * @returns {Promise<Model>}
 */
export async function loadOnnxModel(client, source, options) {
  const { readOnnx, readSource, weightsFor } = await import('./onnx/load.js');
  const { inputs, outputs, weights, name, seed } = readOnnx(await readSource(source), options);
  const model = await makeGraph(client, {
    inputs: /** @type {any} */ (inputs.map(({ layer }) => layer)),
    outputs: /** @type {any} */ (outputs.map(({ layer }) => layer)),
    name,
    seed,
  });
  try {
    await model.setWeights(weightsFor(await model.getWeights(), weights));
    return model;
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/** Making models: from layers, and from a file. */

import { readArchitecture } from './architecture.js';
import { readCheckpoint } from './checkpoint-source.js';
import { Sequential } from './model.js';
import { needWhole, readOptions, wrongType } from './options.js';

/** @typedef {import('./client.js').Client} Client */

/**
 * @param {Client} client
 * @param {unknown} layers
 * @param {{ seed?: number, name?: string }} [options] seed default 0, name default 'sequential'
 * @returns {Promise<Sequential>}
 */
export async function makeSequential(client, layers, options) {
  const where = { what: 'sequential' };
  const { seed = 0, name = 'sequential' } = readOptions(options, ['seed', 'name'], where);
  if (typeof name !== 'string') throw wrongType(name, 'name', 'a string', where);
  const architecture = readArchitecture(layers, name.slice(0, 255));
  const args = { architecture, seed: needWhole(seed, 'seed', where) };
  return new Sequential(client, await client.call('model.create', args));
}

/**
 * @param {Client} client
 * @param {import('./checkpoint-source.js').CheckpointSource} source
 * @returns {Promise<Sequential>} compiled as it was when it was saved
 */
export async function loadModel(client, source) {
  const bytes = await readCheckpoint(source, 'load');
  const facts = await client.call('model.load', { bytes }, { transfer: [bytes.buffer] });
  return new Sequential(client, facts);
}

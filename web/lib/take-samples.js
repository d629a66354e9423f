/** Reads the samples of one call, as the model that works on them needs them. */

import { sampleSource } from './arrays.js';
import { sampleRange, sizeOf } from './dataset-options.js';
import { isDataset, readParts } from './dataset.js';
import { ConfigError } from './errors.js';
import { lossFacts } from './losses.js';
import { perPlace } from './per-place.js';

/**
 * @typedef {import('./dataset.js').Dataset} Dataset
 * @typedef {import('./host-model.js').ModelFacts} ModelFacts
 *
 * @typedef {object} Receiver the model
 * @property {import('./client.js').Client} client
 * @property {ModelFacts} facts
 * @property {import('./host-model.js').CompileConfig | null} compiled
 *
 * @typedef {{ first?: unknown, count?: unknown, sampleWeight?: unknown, classWeight?: number[] }} SampleOptions
 */

/**
 * What a call works on. An array is read now: the program may change it as soon as the call has
 * returned its promise.
 *
 * @param {unknown} x
 * @param {unknown} y
 * @param {SampleOptions} options
 * @param {string} what
 * @param {Receiver} receiver
 * @returns {import('./call-data.js').TakenData}
 */
export function takeSamples(x, y, options, what, receiver) {
  const { client, facts } = receiver;
  if (isDataset(x)) {
    const dataset = x.use(client);
    refuseWeights(x, options, what);
    refuseNames(x, facts, what);
    return { dataset, content: null, range: sampleRange(x, options, { what }) };
  }
  const where = { what };
  const { inputs, outputs } = facts;
  const several = outputs.length > 1;
  const xs = inputs.length > 1 ? perPlace(x, inputs, 'x', where) : [x];
  const ys = several && y ? perPlace(y, outputs, 'y', where, false) : [y];
  const weights = several
    ? weightsOf(options.sampleWeight, outputs, where)
    : [options.sampleWeight];
  const parts = Array.from({ length: Math.max(xs.length, ys.length) }, (_, part) => {
    const labels = { y: ys[part], weights: weights[part], kind: labelKind(receiver, part) };
    if (part >= xs.length) return labels;
    const size = sizeOf(inputs[part].shape, where);
    return { ...labels, x: sampleSource(xs[part], `${what}: x`), size };
  });
  const content = readParts(parts, what);
  return { dataset: null, content, range: sampleRange(content, options, where) };
}

/**
 * What labels the loss of an output takes.
 *
 * @param {Pick<Receiver, 'compiled'>} receiver
 * @param {number} output
 * @returns {'classes' | 'values' | 'auto'}
 */
export function labelKind({ compiled }, output) {
  const loss = compiled?.losses ? compiled.losses[output] : output === 0 && compiled?.loss;
  return loss ? lossFacts(loss.type).labels : 'auto';
}

/**
 * @param {Dataset} dataset
 * @param {{ sampleWeight?: unknown, classWeight?: number[] }} options
 * @param {string} what
 * @throws {ConfigError} weights beside those that a data set has, or may have
 */
function refuseWeights({ weighted }, { sampleWeight, classWeight = [] }, what) {
  if (sampleWeight !== undefined) {
    throw new ConfigError(
      `${what}: sampleWeight must be left out with a Dataset, which takes it when it is made.`,
      { field: 'sampleWeight' },
    );
  }
  if (!weighted || classWeight.length === 0) return;
  throw new ConfigError(`${what}: classWeight must be left out, the Dataset has sampleWeight.`, {
    field: 'classWeight',
  });
}

/**
 * @param {Dataset} dataset
 * @param {ModelFacts} facts
 * @param {string} what
 * @throws {ConfigError} its samples or labels were given by names that are not the model's, in their order
 */
function refuseNames({ names }, facts, what) {
  for (const key of /** @type {const} */ (['inputs', 'outputs'])) {
    const own = facts[key].map(({ name }) => name).join(', ');
    const given = names[key]?.join(', ');
    if (given === undefined || given === own) continue;
    throw new ConfigError(
      `${what}: the data set has the ${key} ${given}, the model ${own} (in this order).`,
      { field: key === 'inputs' ? 'x' : 'y' },
    );
  }
}

/**
 * Weights of the samples for every output: the same, or by the outputs' names.
 *
 * @param {unknown} weights
 * @param {readonly { name: string }[]} outputs
 * @param {import('./options.js').Where} where
 * @returns {unknown[]}
 */
function weightsOf(weights, outputs, where) {
  const list = Array.isArray(weights) || ArrayBuffer.isView(weights);
  if (list || typeof weights !== 'object' || weights === null) return outputs.map(() => weights);
  return perPlace(weights, outputs, 'sampleWeight', where, false);
}

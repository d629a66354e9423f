/** Several models as one. */

import { ConfigError, ShapeError } from '../errors.js';
import { layers } from '../layers.js';
import { describe, readOptions, wrongType } from '../options.js';
import { makeBeside, replay } from './replay.js';

/**
 * @typedef {import('../model.js').Model} Model
 * @typedef {import('../tensors.js').WeightTensor} WeightTensor
 */

/**
 * One model that gives the mean of what others give (Hansen and Salamon 1990, "Neural network ensembles"): for
 * classifiers that end in a softmax the mean of their probabilities. It has copies of their weights, `member0_…`,
 * `member1_…`, lives in the engine of the first, and is evaluated, saved and quantised as any other.
 *
 * @param {readonly Model[]} models one or more, of the same inputs and outputs; they stay as they are
 * @param {{ name?: string }} [options] name default 'ensemble'
 * @returns {Promise<Model>} not compiled
 * @throws {ShapeError} their inputs or outputs differ
 * @throws {ConfigError} no models
 * @throws {UnsupportedError} a quantised model
 */
export async function ensemble(models, options) {
  const where = { what: 'ensemble' };
  const { name = 'ensemble' } = readOptions(options, ['name'], where);
  if (!Array.isArray(models)) throw wrongType(models, 'models', 'an array of models', where);
  const [first, ...others] = models;
  if (!first) {
    throw new ConfigError(`ensemble: models must hold 1 or more, found ${describe(models)}.`, {
      field: 'models',
    });
  }
  for (const [index, other] of others.entries()) {
    for (const side of /** @type {const} */ (['inputs', 'outputs'])) {
      const [wanted, found] = [first, other].map((model) => shapes(model[side]));
      if (wanted === found) continue;
      throw new ShapeError(
        `ensemble: ${side} of model 0 are ${wanted}, those of model ${index + 1} ${found}.`,
        { field: 'models' },
      );
    }
  }
  const prefix = (/** @type {number} */ index) => (/** @type {string} */ own) =>
    `member${index}_${own}`;
  const { inputs, outputs } = replay(first, where.what, { rename: prefix(0) });
  const all = [
    outputs,
    ...others.map(
      (model, k) => replay(model, where.what, { inputs, rename: prefix(k + 1) }).outputs,
    ),
  ];
  const means = outputs.map((output, place) =>
    all.length === 1 ? output : layers.average().apply(all.map((given) => given[place])),
  );
  const weights = await Promise.all(
    models.map(async (model, index) =>
      (await model.getWeights()).map((/** @type {WeightTensor} */ tensor) => ({
        ...tensor,
        name: prefix(index)(tensor.name),
      })),
    ),
  );
  return makeBeside(first, { inputs, outputs: means, name }, weights.flat());
}

/** @param {{ shape: number[] }[]} places */
function shapes(places) {
  return places.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ');
}

/** Copies of models, with other layers where a program wants them. */

import { needFunction, readOptions } from '../options.js';
import { makeBeside, replay } from './replay.js';

/**
 * @typedef {import('../model.js').Model} Model
 * @typedef {import('../layers.js').Layer} Layer
 */

/**
 * A model of the same layers in the same engine, with the weights of this one (Keras clone_model, which draws weights
 * anew). `change` tells what stands in a layer's place: a new head, a frozen layer, several layers.
 *
 *     cloneModel(model, { change: ({ name }) => name === 'predictions' ? layers.dense({ units: 4, name }) : undefined })
 *
 * Weights are copied by their names, where the shapes agree; the others are drawn from the seed. The copy is not compiled.
 *
 * @param {Model} model
 * @param {{ change?: (layer: Layer) => import('./replay.js').Replacement | undefined, name?: string, seed?: number }}
 *   [options] change: given a layer's type, name and options, a layer (`layers.…`), a function from the tensor that the
 *   layer reads (an array, if it reads several) to that which it gives, or undefined to keep it; inputs stay. name and
 *   seed default the model's
 * @returns {Promise<Model>}
 * @throws {UnsupportedError} for a quantised model
 * @throws {ConfigError} {GraphError} {ShapeError} where the new layers do not fit
 */
export async function cloneModel(model, options) {
  const where = { what: 'cloneModel' };
  const own = readOptions(options, ['change', 'name', 'seed'], where);
  const change = own.change && needFunction(own.change, 'change', where);
  const { name = model.name, seed = model.seed } = own;
  const graph = replay(model, where.what, { change });
  return makeBeside(model, { ...graph, name, seed }, await model.getWeights());
}

/**
 * Looking into a model: what layers give for samples, and gradients of the loss or of a layer with
 * respect to inputs, layers or weights. The options are read here; the worker's side is
 * host-inspect.js.
 */

import { ConfigError, ShapeError } from './errors.js';
import { describe, needBoolean, needWhole, readOptions, wrongType } from './options.js';

/**
 * @typedef {import('./host-model.js').ModelFacts} ModelFacts
 * @typedef {Float32Array<ArrayBuffer> & { shape: number[] }} Tensor
 *
 * @typedef {object} LayerPlace
 * @property {string} layer
 * @property {boolean} [beforeActivation] the layer's value before its own `activation`, such as the
 *   logits of a final softmax, in a layer of its own too; default false
 *
 * @typedef {object} Source what gradients are of: a layer's values, summed over the samples
 * @property {string} layer
 * @property {boolean} [beforeActivation]
 * @property {number | readonly number[]} [index] one of the values of each sample (a class, for
 *   instance): the same for all, or one for each sample. Values of several dimensions are counted
 *   in their order. Default: the sum of all values
 * @property {Float32Array | readonly number[]} [seed] instead of `index`: a factor for every value
 *   of every sample, [n, …shape]
 *
 * @typedef {object} GradientOptions
 * @property {'loss' | string | Source} [of] default the mean loss, for which the model must be
 *   compiled and the samples have labels; else a layer
 * @property {'inputs' | 'weights' | string | LayerPlace
 *   | readonly ('inputs' | 'weights' | string | LayerPlace)[]} [wrt] names of layers, 'inputs' for
 *   all inputs, 'weights' for all weights that can be trained (frozen ones too). Default 'inputs'
 * @property {boolean} [training] layers do what they do in training: dropout drops, batch
 *   normalisation takes the batch's statistics. Default false
 * @property {number} [batchSize] default 32
 * @property {number} [first]
 * @property {number} [count]
 * @property {unknown} [sampleWeight] of the loss: one finite number a sample, by which its loss is
 *   multiplied, as in `fit`; a Dataset has its own
 * @property {AbortSignal} [signal]
 *
 * @typedef {object} Gradients
 * @property {Record<string, Tensor>} values of the layers and inputs asked for, by their names
 * @property {Record<string, Tensor>} gradients of the source with respect to them, of the same shapes
 * @property {import('./tensors.js').WeightTensor[]} weights gradients of the weights, [] unless asked for
 *
 * @typedef {object} WirePlace
 * @property {string} layer
 * @property {boolean} beforeActivation
 */

/**
 * @param {unknown} value
 * @param {string} field
 * @param {import('./options.js').Where} where
 * @returns {WirePlace}
 */
function readPlace(value, field, where) {
  if (typeof value === 'string') return { layer: value, beforeActivation: false };
  const what = { what: `${where.what}: ${field}` };
  const { layer, beforeActivation = false } = readOptions(
    value,
    ['layer', 'beforeActivation'],
    what,
  );
  if (typeof layer !== 'string') throw wrongType(layer, 'layer', 'the name of a layer', what);
  return { layer, beforeActivation: needBoolean(beforeActivation, 'beforeActivation', what) };
}

/**
 * @param {unknown} value one place or an array of them
 * @param {string} field
 * @param {import('./options.js').Where} where
 * @returns {unknown[]}
 */
function list(value, field, where) {
  if (!Array.isArray(value)) return [value];
  if (value.length > 0) return Array.from(value);
  throw new ConfigError(`${where.what}: ${field} is empty.`, { field });
}

/**
 * @param {unknown} layers names of layers, or places
 * @param {import('./options.js').Where} where
 * @returns {WirePlace[]}
 */
export function readPlaces(layers, where) {
  return list(layers, 'layers', where).map((value) => readPlace(value, 'layers', where));
}

/**
 * @param {{ of?: unknown, wrt?: unknown, training?: unknown }} options
 * @param {ModelFacts} facts
 * @param {number} count samples
 * @param {import('./options.js').Where} where
 * @returns {{ source: 'loss' | (WirePlace & { index?: Float64Array, seed?: Float32Array }),
 *   places: WirePlace[], weights: boolean, training: boolean }}
 */
export function readGradientOptions(options, facts, count, where) {
  const { of = 'loss', wrt = 'inputs', training = false } = options;
  const wanted = list(wrt, 'wrt', where);
  return {
    source: of === 'loss' ? of : readSource(of, count, where),
    places: wanted
      .filter((value) => value !== 'weights')
      .flatMap((value) =>
        value === 'inputs'
          ? facts.inputs.map(({ name }) => ({ layer: name, beforeActivation: false }))
          : [readPlace(value, 'wrt', where)],
      ),
    weights: wanted.includes('weights'),
    training: needBoolean(training, 'training', where),
  };
}

/**
 * @param {unknown} of
 * @param {number} count
 * @param {import('./options.js').Where} where
 * @returns {WirePlace & { index?: Float64Array, seed?: Float32Array }}
 */
function readSource(of, count, where) {
  if (typeof of === 'string') return readPlace(of, 'of', where);
  const what = { what: `${where.what}: of` };
  const { index, seed, ...place } = readOptions(
    of,
    ['layer', 'beforeActivation', 'index', 'seed'],
    what,
  );
  const source = readPlace(place, 'of', where);
  if (index === undefined && seed === undefined) return source;
  if (seed !== undefined) {
    if (index !== undefined) {
      throw new ConfigError(`${what.what}: index and seed were both given; give one of them.`, {
        field: 'seed',
      });
    }
    if (!(seed instanceof Float32Array) && !Array.isArray(seed)) {
      throw wrongType(seed, 'seed', 'an array of numbers', what);
    }
    return { ...source, seed: Float32Array.from(seed) };
  }
  const indices = Array.isArray(index) ? Array.from(index) : Array(count).fill(index);
  if (indices.length !== count) {
    throw new ShapeError(
      `${what.what}: index has ${indices.length} numbers for ${count} samples, found ${describe(index)}.`,
      { field: 'index' },
    );
  }
  return { ...source, index: Float64Array.from(indices, (one) => needWhole(one, 'index', what)) };
}

/**
 * Tensors by the names of their layers.
 *
 * @param {{ values: any[], gradients: any[], weights: any[] }} found
 * @returns {Gradients}
 */
export function byLayer({ values, gradients, weights }) {
  const byName = (/** @type {any[]} */ list) =>
    Object.fromEntries(
      list.map(({ layer, shape, data }) => [layer, Object.assign(data, { shape })]),
    );
  return { values: byName(values), gradients: byName(gradients), weights };
}

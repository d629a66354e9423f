/**
 * Layer builders. A layer is a plain frozen object: its type and its checked options. It belongs
 * to no model and holds nothing; the same object may be used in several models.
 *
 * What only the engine can judge (is a size whole, positive, small enough, does a kernel fit its
 * input) it refuses when the model is made, naming layer, field and value. Types and names of
 * options are refused here.
 */

import { ACTIVATION_FAMILY, activationLayers } from './layers-activation.js';
import { ATTENTION_FAMILY, attentionLayers } from './layers-attention.js';
import { ConfigError } from './errors.js';
import { COMMON, LAST_AXIS, activationName, inputShape, layerName } from './layer-fields.js';
import {
  describe,
  needBoolean,
  needNumber,
  readOptions,
  unknownName,
  wrongType,
} from './options.js';
import { EMBEDDING_FAMILY, embeddingLayers } from './layers-embedding.js';
import { MERGE_FAMILY, mergeLayers } from './layers-merge.js';
import { NOISE_FAMILY, noiseLayers } from './layers-noise.js';
import { NORM_FAMILY, normLayers } from './layers-norm.js';
import { recurrentLayers, recurrentTypes } from './layers-recurrent.js';
import { SHAPE_FAMILY, shapeLayers } from './layers-shape.js';
import { WINDOW_FAMILY, completeWindow, windowLayers } from './layers-window.js';
import { TENSOR_FAMILY, tensorLayers } from './layers-tensor.js';
import { applyLayer } from './symbolic.js';
import { weightFields } from './tensor-options.js';

/**
 * @typedef {import('./initializers.js').Initializer} Initializer
 * @typedef {import('./activations.js').Activation} Activation
 * @typedef {import('./layers-window.js').Padding} Padding
 * @typedef {import('./tensor-options.js').WeightOptions} WeightOptions
 * @typedef {number | readonly [number, number]} Pair one number for both, or [height, width]
 *
 * @typedef {object} LayerCommon
 * @property {number[]} [inputShape] of the first layer: [height, width, channels],
 *   [steps, channels] or [features]
 * @property {string} [name] at most 255 bytes of UTF-8; default as in Keras: conv2d, conv2d_1 …
 * @property {boolean} [trainable] false: training leaves the layer's weights as they are, and batch
 *   normalisation goes by its moving averages, as in Keras; `model.setTrainable` changes it. Default true
 *
 * @typedef {import('./layer-fields.js').Reader} Reader
 * @typedef {import('./layer-fields.js').Field} Field
 * @typedef {import('./symbolic.js').SymbolicTensor} SymbolicTensor
 * @typedef {Readonly<{ type: string, name?: string, inputShape?: readonly number[] } & Record<string, any>>} Layer
 *
 * @typedef {object} Applicable
 * @property {(x: SymbolicTensor | readonly SymbolicTensor[]) => SymbolicTensor} apply the layer's
 *   output for the input(s) `x`, to build graphs with. Throws E_GRAPH for what is not a tensor and
 *   for the wrong number of them
 */

/** What built layers inherit: no property of their own, so that they stay plain data. */
const APPLICABLE = Object.freeze({
  /** @this {Layer} @param {unknown} x */
  apply(x) {
    return applyLayer(this, x);
  },
});

/** Layer type → its options. A Map, so that no type name reaches `Object.prototype`. */
const TYPES = new Map(
  /** @type {[string, Record<string, Field>][]} */ ([
    ['inputLayer', { inputShape: { read: inputShape, required: true }, name: { read: layerName } }],
    [
      'dense',
      { units: { read: needNumber, required: true }, ...weightFields('kernel'), ...COMMON },
    ],
    [
      'batchNormalization',
      {
        ...LAST_AXIS,
        momentum: { read: needNumber, standard: 0.99 },
        epsilon: { read: needNumber, standard: 1e-3 },
        center: { read: needBoolean, standard: true },
        scale: { read: needBoolean, standard: true },
        ...COMMON,
      },
    ],
    ['flatten', { ...COMMON }],
    ['activation', { activation: { read: activationName, required: true }, ...COMMON }],
    ['softmax', { ...COMMON }],
    ['dropout', { rate: { read: needNumber, required: true }, ...COMMON }],
    ...WINDOW_FAMILY.types,
    ...ACTIVATION_FAMILY.types,
    ...MERGE_FAMILY.types,
    ...SHAPE_FAMILY.types,
    ...NOISE_FAMILY.types,
    ...NORM_FAMILY.types,
    ...EMBEDDING_FAMILY.types,
    ...recurrentTypes(readLayer),
    ...ATTENTION_FAMILY.types,
    ...TENSOR_FAMILY.types,
  ]),
);

/** Options where null says none. @param {string} name */
const isNullable = (name) => name === 'activation' || /(Regularizer|Constraint)$/.test(name);

/** @type {WeakSet<object>} layers that a builder made, which need no second reading */
const built = new WeakSet();

/**
 * Checks and completes one layer's options.
 *
 * @param {string} type
 * @param {unknown} options
 * @returns {Layer & Applicable}
 * @throws {ConfigError} naming layer and field
 * @throws {ShapeError} {LimitError}
 */
function makeLayer(type, options) {
  const fields = TYPES.get(type);
  if (!fields) throw unknownName(type, [...TYPES.keys()], 'layer type', { what: 'sequential' });
  const names = Object.keys(fields);
  const given = readOptions(options, names, { what: type });
  const layer = typeof given.name === 'string' ? given.name.slice(0, 60) : undefined;
  const where = { what: type, layer };
  // Before the others, so that a layer reads the same when it comes back from a file.
  completeWindow(given, fields);
  /** @type {Record<string, any>} */
  const values = Object.assign(Object.create(APPLICABLE), { type });
  for (const name of names) {
    const { read, required, standard } = fields[name];
    const value = given[name] ?? (given[name] === null && isNullable(name) ? null : standard);
    if (given[name] === null && !isNullable(name)) throw wrongType(null, name, 'given', where);
    if (value !== undefined) {
      const own = read(value, name, where);
      if (own !== undefined) values[name] = own;
    } else if (required) {
      throw new ConfigError(`${type}: ${name} is missing.`, { layer, field: name });
    }
  }
  const made = /** @type {Layer & Applicable} */ (Object.freeze(values));
  built.add(made);
  return made;
}

/**
 * A layer of a list, or one read from a file: `{ type, …options }`.
 *
 * @param {unknown} value
 * @returns {Layer}
 */
export function readLayer(value) {
  if (typeof value !== 'object' || value === null) {
    throw new ConfigError(
      `sequential: a layer must come from a function of layers, found ${describe(value)}.`,
      { field: 'layers' },
    );
  }
  if (built.has(value)) return /** @type {Layer} */ (value);
  const { type, ...options } = /** @type {Record<string, unknown>} */ (value);
  if (typeof type !== 'string') throw wrongType(type, 'type', 'a layer type', { what: 'layer' });
  return makeLayer(type, options);
}

export const layers = Object.freeze({
  /**
   * Fully connected: [features] → [units]; weights `kernel` [features, units], `bias` [units].
   *
   * @param {{ units: number } & WeightOptions & LayerCommon} options
   */
  dense: (options) => makeLayer('dense', options),
  /**
   * Normalises each feature of the last axis to mean `beta` and standard deviation `gamma` (Ioffe
   * and Szegedy 2015). Training uses mean and biased variance of the batch and moves the moving
   * averages: average · momentum + batch · (1 − momentum). `evaluate` and `predict` use the
   * averages. Weights `gamma`, `beta` [features], which are trained, and `moving_mean`,
   * `moving_variance` [features], which are not.
   *
   * @param {{ axis?: number, momentum?: number, epsilon?: number, center?: boolean, scale?: boolean }
   *   & LayerCommon} [options] axis must be the last, default -1; momentum 0 … 1, default 0.99; epsilon 1e-12 … 1e6, added to the
   *   variance, default 1e-3; center (has beta) and scale (has gamma) default true
   */
  batchNormalization: (options) => makeLayer('batchNormalization', options),
  /** [height, width, channels] → [height · width · channels]. @param {LayerCommon} [options] */
  flatten: (options) => makeLayer('flatten', options),
  /** An activation of its own. @param {{ activation: Activation } & LayerCommon} options */
  activation: (options) => makeLayer('activation', options),
  /** Probabilities over the last axis. @param {LayerCommon} [options] */
  softmax: (options) => makeLayer('softmax', options),
  /**
   * Sets each value to 0 with probability `rate` while training and scales the rest by
   * 1 / (1 − rate); does nothing otherwise. 0 ≤ rate < 1.
   *
   * @param {{ rate: number } & LayerCommon} options
   */
  dropout: (options) => makeLayer('dropout', options),
  /** Gives the input's shape by itself. @param {{ inputShape: number[], name?: string }} options */
  inputLayer: (options) => makeLayer('inputLayer', options),
  ...windowLayers(makeLayer),
  ...activationLayers(makeLayer),
  ...mergeLayers(makeLayer),
  ...shapeLayers(makeLayer),
  ...noiseLayers(makeLayer),
  ...normLayers(makeLayer),
  ...embeddingLayers(makeLayer),
  ...recurrentLayers(makeLayer),
  ...attentionLayers(makeLayer),
  ...tensorLayers(makeLayer),
});

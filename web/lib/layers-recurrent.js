/** Layers that go through steps one after the other, and wrappers around layers for sequences. */

import { ConfigError, UnsupportedError } from './errors.js';
import { COMMON } from './layer-fields.js';
import { tensorFields, tensorSettings } from './tensor-options.js';
import { needBoolean, needNumber, needOneOf } from './options.js';

/**
 * @typedef {import('./layers.js').Layer} Layer
 * @typedef {import('./layers.js').Applicable} Applicable
 * @typedef {import('./layers.js').LayerCommon} LayerCommon
 * @typedef {import('./layer-fields.js').Reader} Reader
 * @typedef {import('./layer-fields.js').Step} Step
 * @typedef {import('./initializers.js').Initializer} Initializer
 * @typedef {import('./regularizers.js').Regularizer} Regularizer
 * @typedef {import('./constraints.js').Constraint} Constraint
 * @typedef {typeof ACTIVATIONS[number]} RecurrentActivation
 * @typedef {'concat' | 'sum' | 'mul' | 'ave'} MergeMode
 *
 * @typedef {object} RecurrentOptions
 * @property {number} units
 * @property {RecurrentActivation | null} [activation] of what the state becomes, default 'tanh'
 * @property {boolean} [useBias] default true
 * @property {boolean} [returnSequences] the state after every step, [steps, units], default false:
 *   after the last one, [units]
 * @property {boolean} [goBackwards] from the last step to the first; outputs are in the order in
 *   which they are computed, default false
 * @property {number} [dropout] share of the features that a sample loses at all steps while
 *   training, 0 ≤ dropout < 1, default 0
 * @property {Initializer} [kernelInitializer] default 'glorotUniform'
 * @property {Initializer} [recurrentInitializer] default 'orthogonal'
 * @property {Initializer} [biasInitializer] default 'zeros'
 * @property {Regularizer | null} [kernelRegularizer] penalty, part of the loss; default none
 * @property {Regularizer | null} [recurrentRegularizer] default none
 * @property {Regularizer | null} [biasRegularizer] default none
 * @property {Constraint | null} [kernelConstraint] holds after each update; default none
 * @property {Constraint | null} [recurrentConstraint] default none
 * @property {Constraint | null} [biasConstraint] default none
 *
 * @typedef {object} GateOptions
 * @property {RecurrentActivation} [recurrentActivation] of the gates, default 'sigmoid'
 */

/** Activations whose slope the engine finds from their value, in the order of its numbers. */
const ACTIVATIONS = /** @type {const} */ ([
  'tanh',
  'sigmoid',
  'hardSigmoid',
  'linear',
  'softsign',
  'relu',
  'elu',
  'relu6',
  'selu',
  'leakyRelu',
]);

/** @type {Reader} */
const activation = (value, field, where) =>
  value === null ? 'linear' : needOneOf(value, ACTIVATIONS, field, where);

const RECURRENT = {
  units: { read: needNumber, required: true },
  activation: { read: activation, standard: 'tanh' },
  useBias: { read: needBoolean, standard: true },
  returnSequences: { read: needBoolean, standard: false },
  goBackwards: { read: needBoolean, standard: false },
  dropout: { read: needNumber, standard: 0 },
  ...tensorFields('kernel', 'glorotUniform'),
  ...tensorFields('recurrent', 'orthogonal'),
  ...tensorFields('bias', 'zeros'),
};
const GATES = { recurrentActivation: { read: activation, standard: 'sigmoid' } };
const RECURRENT_TYPES = ['simpleRNN', 'lstm', 'gru'];

/** Layers that treat each step alone by themselves, so that a wrapper has nothing to do. */
const STEPWISE = [
  'activation',
  'alphaDropout',
  'dense',
  'dropout',
  'elu',
  'gaussianDropout',
  'gaussianNoise',
  'gelu',
  'layerNormalization',
  'leakyReLU',
  'logSoftmax',
  'reLU',
  'rmsNormalization',
  'softmax',
  'unitNormalization',
];

/** Merge mode → the node that joins both directions. */
const MERGES = new Map(
  /** @type {[MergeMode, Step][]} */ ([
    ['concat', { op: 'concatenate' }],
    ['sum', { op: 'add' }],
    ['mul', { op: 'multiply' }],
    ['ave', { op: 'average' }],
  ]),
);

/**
 * A layer inside another, of one of some types.
 *
 * @param {(value: unknown) => Layer} readLayer
 * @param {readonly string[]} types
 * @returns {Reader}
 */
const inner = (readLayer, types) => (value, field, where) => {
  const layer = readLayer(value);
  if (layer.inputShape) {
    throw new ConfigError(`${where.what}: inputShape belongs to it, not to the layer inside.`, {
      layer: where.layer,
      field: 'inputShape',
    });
  }
  if (types.includes(layer.type)) return layer;
  throw new UnsupportedError(
    `${where.what}: ${field} must be one of ${types.join(', ')}, found ${layer.type}.`,
    { layer: where.layer, field },
  );
};

/**
 * @param {Layer} layer
 * @param {number} [goBackwards] 2: outputs stand at the steps they belong to
 * @returns {Step[]}
 */
function recurrent(layer, goBackwards = layer.goBackwards ? 1 : 0) {
  const { type } = layer;
  /** @type {[string, number][]} */
  const attributes = [
    ['units', layer.units],
    ['useBias', layer.useBias ? 1 : 0],
    ['returnSequences', layer.returnSequences ? 1 : 0],
    ['goBackwards', goBackwards],
    ['activation', ACTIVATIONS.indexOf(layer.activation)],
    ...tensorSettings('kernel', layer),
    ...tensorSettings('recurrent_kernel', layer, 'recurrent', 'recurrent'),
    ...(layer.useBias ? tensorSettings('bias', layer) : []),
  ];
  if (type !== 'simpleRNN') {
    attributes.push(['recurrentActivation', ACTIVATIONS.indexOf(layer.recurrentActivation)]);
  }
  for (const option of ['unitForgetBias', 'resetAfter']) {
    if (option in layer) attributes.push([option, layer[option] ? 1 : 0]);
  }
  /** @type {Step} */
  const step = { op: type, attributes, activated: true };
  if (layer.dropout === 0) return [step];
  return [{ op: 'spatialDropout1d', attributes: [['rate', layer.dropout]] }, step];
}

/** Both directions over the same input, then one value of them. @param {Layer} wrapper @returns {Step[]} */
function bidirectional({ layer, mergeMode }) {
  const directions = layer.goBackwards ? [2, 0] : [0, 2];
  const chains = directions.map((goBackwards, k) =>
    recurrent(layer, goBackwards).map((step, number, { length }) => ({
      ...step,
      reads: number === 0 ? [0] : [-1],
      ...(number === length - 1 && { name: k === 0 ? 'forward' : 'backward' }),
    })),
  );
  const merge = /** @type {Step} */ (MERGES.get(mergeMode));
  return [...chains.flat(), { ...merge, reads: [-1 - chains[1].length, -1], activated: true }];
}

/**
 * @param {(value: unknown) => Layer} readLayer reads a layer inside another
 * @returns {import('./layer-fields.js').Family['types']}
 */
export const recurrentTypes = (readLayer) => [
  ['simpleRNN', { ...RECURRENT, ...COMMON }],
  [
    'lstm',
    { ...RECURRENT, ...GATES, unitForgetBias: { read: needBoolean, standard: true }, ...COMMON },
  ],
  ['gru', { ...RECURRENT, ...GATES, resetAfter: { read: needBoolean, standard: true }, ...COMMON }],
  [
    'bidirectional',
    {
      layer: { read: inner(readLayer, RECURRENT_TYPES), required: true },
      mergeMode: {
        read: (value, field, where) => needOneOf(value, [...MERGES.keys()], field, where),
        standard: 'concat',
      },
      ...COMMON,
    },
  ],
  ['timeDistributed', { layer: { read: inner(readLayer, STEPWISE), required: true }, ...COMMON }],
];

/** @type {import('./layer-fields.js').Family['steps']} */
export const RECURRENT_STEPS = [
  ...RECURRENT_TYPES.map(
    (type) =>
      /** @type {import('./layer-fields.js').Family['steps'][0]} */ ([
        type,
        (layer) => recurrent(layer),
      ]),
  ),
  ['bidirectional', bidirectional],
];

/** @param {import('./layer-fields.js').Make} make */
export const recurrentLayers = (make) => ({
  /**
   * h = activation(x · kernel + h · recurrent_kernel + bias) from step to step: [steps, features] →
   * [units] (Elman 1990; Keras SimpleRNN, PyTorch RNN). Weights `kernel` [features, units],
   * `recurrent_kernel` [units, units], `bias` [units].
   *
   * @param {RecurrentOptions & LayerCommon} options
   */
  simpleRNN: (options) => make('simpleRNN', options),
  /**
   * Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000): [steps, features] →
   * [units]. Weights `kernel` [features, 4 · units], `recurrent_kernel` [units, 4 · units], `bias`
   * [4 · units], gates in Keras's order: input, forget, candidate, output.
   *
   * @param {RecurrentOptions & GateOptions & { unitForgetBias?: boolean } & LayerCommon} options
   *   unitForgetBias: the bias of the forget gate starts at 1, default true
   */
  lstm: (options) => make('lstm', options),
  /**
   * Gated recurrent unit (Cho et al. 2014): [steps, features] → [units]. Weights `kernel`
   * [features, 3 · units], `recurrent_kernel` [units, 3 · units], gates in Keras's order: update,
   * reset, candidate; `bias` [2, 3 · units], of the input and of the state, with resetAfter, else
   * [3 · units].
   *
   * @param {RecurrentOptions & GateOptions & { resetAfter?: boolean } & LayerCommon} options
   *   resetAfter: the reset gate comes after the product with the state, as in PyTorch, default true
   */
  gru: (options) => make('gru', options),
  /**
   * A recurrent layer in both directions, each with weights of its own: `forward/…` and
   * `backward/…` (Schuster and Paliwal 1997). With returnSequences both outputs of a step stand at
   * that step.
   *
   * @param {{ layer: Layer, mergeMode?: MergeMode } & LayerCommon} options layer: simpleRNN, lstm
   *   or gru; mergeMode default 'concat', [2 · units], else [units]
   * @throws {UnsupportedError} any other layer
   */
  bidirectional: (options) => make('bidirectional', options),
  /**
   * A layer at each step by itself. Of the layers here that is what those for [features] do anyway:
   * dense, activations, dropout, noise, normalisations of the last axis. Weights are called as the
   * layer's own.
   *
   * @param {{ layer: Layer } & LayerCommon} options
   * @throws {UnsupportedError} layers that do not treat each step alone
   */
  timeDistributed: (options) => make('timeDistributed', options),
});

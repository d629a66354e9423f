/** Activation layers with options of their own; those without are `activation({ activation: 'tanh' })` and the like. */

import { COMMON } from './layer-fields.js';
import { tensorFields, tensorSettings } from './tensor-options.js';
import { needBoolean, needNumber, wrongType } from './options.js';

/**
 * @typedef {import('./layers.js').LayerCommon} LayerCommon
 * @typedef {import('./initializers.js').Initializer} Initializer
 * @typedef {import('./regularizers.js').Regularizer} Regularizer
 * @typedef {import('./constraints.js').Constraint} Constraint
 */

/** @type {import('./layer-fields.js').Reader} axes 1, 2 … k: how many they are is what the engine asks */
const leadingAxes = (value, field, where) => {
  if (!Array.isArray(value) || value.some((axis, index) => axis !== index + 1)) {
    throw wrongType(value, field, '[1], [1, 2] or [1, 2, 3]', where);
  }
  return Array.from(value);
};

/** @type {import('./layer-fields.js').Family} */
export const ACTIVATION_FAMILY = {
  types: [
    [
      'reLU',
      {
        maxValue: { read: needNumber },
        negativeSlope: { read: needNumber },
        threshold: { read: needNumber },
        ...COMMON,
      },
    ],
    ['leakyReLU', { negativeSlope: { read: needNumber, standard: 0.3 }, ...COMMON }],
    [
      'pReLU',
      {
        ...tensorFields('alpha', 'zeros'),
        sharedAxes: { read: leadingAxes, standard: [] },
        ...COMMON,
      },
    ],
    ['elu', { alpha: { read: needNumber, standard: 1 }, ...COMMON }],
    ['gelu', { approximate: { read: needBoolean, standard: false }, ...COMMON }],
    ['logSoftmax', { ...COMMON }],
  ],
  steps: [
    ['reLU', rectifier],
    ['leakyReLU', rectifier],
    [
      'pReLU',
      (layer) => [
        {
          op: 'prelu',
          attributes: [['sharedAxes', layer.sharedAxes.length], ...tensorSettings('alpha', layer)],
        },
      ],
    ],
    ['elu', ({ alpha }) => [{ op: 'elu', attributes: [['alpha', alpha]] }]],
    ['gelu', ({ approximate }) => [{ op: approximate ? 'geluTanh' : 'gelu' }]],
    ['logSoftmax', () => [{ op: 'logSoftmax' }]],
  ],
};

/**
 * The plain ReLU has an operator of its own, which other layers can apply in their store.
 *
 * @param {import('./layers.js').Layer} layer
 * @returns {import('./layer-fields.js').Step[]}
 */
function rectifier(layer) {
  const given = ['negativeSlope', 'maxValue', 'threshold'].filter((name) => name in layer);
  if (given.length === 0) return [{ op: 'relu' }];
  return [{ op: 'rectifier', attributes: given.map((name) => [name, layer[name]]) }];
}

/** @param {import('./layer-fields.js').Make} make */
export const activationLayers = (make) => ({
  /**
   * max(x, 0); with options x where it is at least `threshold`, cut at `maxValue`, and negativeSlope · (x − threshold)
   * below.
   *
   * @param {{ maxValue?: number, negativeSlope?: number, threshold?: number } & LayerCommon} [options]
   *   maxValue > 0, default none (6 gives ReLU6); negativeSlope and threshold 0 … 1e6, default 0
   */
  reLU: (options) => make('reLU', options),
  /**
   * x where it is positive, else negativeSlope · x.
   *
   * @param {{ negativeSlope?: number } & LayerCommon} [options] negativeSlope 0 … 1e6, default 0.3 as in Keras
   *   (PyTorch's is 0.01)
   */
  leakyReLU: (options) => make('leakyReLU', options),
  /**
   * x where it is positive, else alpha · x with alpha trained (He et al. 2015). Weight `alpha`, one for each value of
   * a sample; axes in `sharedAxes` share theirs.
   *
   * @param {{ alphaInitializer?: Initializer, alphaRegularizer?: Regularizer | null, alphaConstraint?: Constraint | null,
   *   sharedAxes?: number[] } & LayerCommon} [options] alphaInitializer default 'zeros'; sharedAxes the first ones, counted from 1, default none: [1, 2] is one alpha a channel, all axes
   *   (PyTorch's default) is one alpha
   */
  pReLU: (options) => make('pReLU', options),
  /**
   * x where it is positive, else alpha · (e^x − 1) (Clevert et al. 2015).
   *
   * @param {{ alpha?: number } & LayerCommon} [options] alpha 0 … 1e6, default 1
   */
  elu: (options) => make('elu', options),
  /**
   * x · Φ(x), Φ the distribution function of the normal distribution (Hendrycks and Gimpel 2016).
   *
   * @param {{ approximate?: boolean } & LayerCommon} [options] approximate by tanh, default false
   */
  gelu: (options) => make('gelu', options),
  /** Logarithm of the softmax over the last axis. @param {LayerCommon} [options] */
  logSoftmax: (options) => make('logSoftmax', options),
});

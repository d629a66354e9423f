/** Options of trained tensors, and what the engine is told of them. */

import { constraintSettings, readConstraint } from './constraints.js';
import { initializerFacts, readInitializer } from './initializers.js';
import { activationName } from './layer-fields.js';
import { needBoolean } from './options.js';
import { readRegularizer } from './regularizers.js';

/**
 * @typedef {import('./layers.js').Layer} Layer
 * @typedef {import('./layer-fields.js').Field} Field
 * @typedef {import('./initializers.js').Initializer} Initializer
 * @typedef {import('./regularizers.js').Regularizer} Regularizer
 * @typedef {import('./constraints.js').Constraint} Constraint
 *
 * @typedef {object} WeightOptions
 * @property {import('./activations.js').Activation | null} [activation] default none
 * @property {boolean} [useBias] default true
 * @property {Initializer} [kernelInitializer] default 'glorotUniform'
 * @property {Initializer} [biasInitializer] default 'zeros'
 * @property {Regularizer | null} [kernelRegularizer] penalty, part of the loss; default none
 * @property {Regularizer | null} [biasRegularizer] default none
 * @property {Constraint | null} [kernelConstraint] holds after each update; default none
 * @property {Constraint | null} [biasConstraint] default none
 */

/**
 * The options of a layer's tensor: kernelInitializer, kernelRegularizer, kernelConstraint.
 *
 * @param {string} name the tensor's
 * @param {Initializer} standard
 * @returns {Record<string, Field>}
 */
export const tensorOptions = (name, standard) => ({
  [`${name}Initializer`]: { read: readInitializer, standard },
  [`${name}Regularizer`]: { read: readRegularizer },
  [`${name}Constraint`]: { read: readConstraint },
});

/**
 * What a layer's options say of one of its tensors: the initialiser's number, and settings such as
 * `kernel/l2`.
 *
 * @param {string} name in the options
 * @param {Layer} layer
 * @param {string} [suffix] the tensor's in the engine
 * @returns {[string, number][]}
 */
export function tensor(name, layer, suffix = name) {
  const { number, settings } = initializerFacts(layer[`${name}Initializer`]);
  const constraint = layer[`${name}Constraint`];
  const all = [
    ...settings,
    ...Object.entries(layer[`${name}Regularizer`] ?? {}),
    ...(constraint ? constraintSettings(constraint) : []),
  ];
  const named = all.map(
    ([key, value]) => /** @type {[string, number]} */ ([`${suffix}/${key}`, value]),
  );
  return [[`${name}Initializer`, number], ...named];
}

/** Of layers with a kernel and a bias. @type {Record<string, Field>} */
export const WEIGHTS = {
  activation: { read: activationName, standard: 'linear' },
  useBias: { read: needBoolean, standard: true },
  ...tensorOptions('kernel', 'glorotUniform'),
  ...tensorOptions('bias', 'zeros'),
};

/** @type {(layer: Layer) => [string, number][]} */
export const weights = (layer) => [
  ['useBias', layer.useBias ? 1 : 0],
  ...tensor('kernel', layer),
  ...(layer.useBias ? tensor('bias', layer) : []),
];

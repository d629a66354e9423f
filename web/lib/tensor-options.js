/** The options of a layer that are about its weight tensors: initialiser, penalty, constraint of each. */

import { constraintSettings, readConstraint } from './constraints.js';
import { initializerFacts, readInitializer } from './initializers.js';
import { activationName } from './layer-fields.js';
import { needBoolean } from './options.js';
import { readRegularizer } from './regularizers.js';

/**
 * @typedef {import('./layers.js').Layer} Layer
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
 * @param {string} name of the tensor, such as `kernel`
 * @param {import('./initializers.js').InitializerName} initializer the default
 * @returns {Record<string, import('./layer-fields.js').Field>} kernelInitializer, kernelRegularizer …
 */
export const tensorFields = (name, initializer) => ({
  [`${name}Initializer`]: { read: readInitializer, standard: initializer },
  [`${name}Regularizer`]: { read: readRegularizer },
  [`${name}Constraint`]: { read: readConstraint },
});

/**
 * What a layer's options say of one of its tensors: the initialiser's number, and settings such as
 * `kernel/l2`.
 *
 * @param {string} name
 * @param {Layer} layer
 * @param {string} [option] what it is called in options
 * @param {string} [attribute] and in the engine's attribute of its initialiser
 * @returns {[string, number][]}
 */
export function tensorSettings(name, layer, option = name, attribute = name) {
  const { number, settings } = initializerFacts(layer[`${option}Initializer`]);
  const constraint = layer[`${option}Constraint`];
  const all = [
    ...settings,
    ...Object.entries(layer[`${option}Regularizer`] ?? {}),
    ...(constraint ? constraintSettings(constraint) : []),
  ];
  const named = all.map(
    ([key, value]) => /** @type {[string, number]} */ ([`${name}/${key}`, value]),
  );
  return [[`${attribute}Initializer`, number], ...named];
}

/**
 * The options of a layer with kernels and a bias.
 *
 * @param {string[]} kernels what they are called in options
 * @returns {Record<string, import('./layer-fields.js').Field>}
 */
export const weightFields = (...kernels) => ({
  activation: { read: activationName, standard: 'linear' },
  useBias: { read: needBoolean, standard: true },
  ...Object.assign({}, ...kernels.map((name) => tensorFields(name, 'glorotUniform'))),
  ...tensorFields('bias', 'zeros'),
});

/**
 * @param {Layer} layer
 * @param {string} [kernel] what its kernel is called in options
 * @returns {[string, number][]}
 */
export const weightSettings = (layer, kernel = 'kernel') => [
  ['useBias', layer.useBias ? 1 : 0],
  ...tensorSettings('kernel', layer, kernel),
  ...(layer.useBias ? tensorSettings('bias', layer) : []),
];

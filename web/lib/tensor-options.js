/** The options of a layer that are about one of its weight tensors: initialiser, penalty, constraint. */

import { constraintSettings, readConstraint } from './constraints.js';
import { initializerFacts, readInitializer } from './initializers.js';
import { readRegularizer } from './regularizers.js';

/** @typedef {import('./layers.js').Layer} Layer */

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
 * @returns {[string, number][]}
 */
export function tensorSettings(name, layer) {
  const { number, settings } = initializerFacts(layer[`${name}Initializer`]);
  const constraint = layer[`${name}Constraint`];
  const all = [
    ...settings,
    ...Object.entries(layer[`${name}Regularizer`] ?? {}),
    ...(constraint ? constraintSettings(constraint) : []),
  ];
  const named = all.map(
    ([key, value]) => /** @type {[string, number]} */ ([`${name}/${key}`, value]),
  );
  return [[`${name}Initializer`, number], ...named];
}

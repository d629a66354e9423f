/** The options of `prune`. */

import { ConfigError } from './errors.js';
import { readPlaces } from './inspect.js';
import { needNumber, needOneOf, readOptions } from './options.js';

/**
 * @typedef {object} PruneOptions
 * @property {number} sparsity share of the weights that become 0, from 0 to below 1; 0 lets all change again
 * @property {'global' | 'layer'} [scope] whether the smallest weights of all these layers are looked for, or this share
 *   of each layer's. Default 'global'
 * @property {string | readonly string[]} [layers] names; default all that have a kernel. Others stay as they are
 *
 * @typedef {object} PrunedCount
 * @property {number} weights
 * @property {number} zeros those that are pruned
 * @property {number} sparsity their share
 *
 * @typedef {PrunedCount & { tensors: (PrunedCount & { name: string })[] }} PruneReport of all kernels of the model
 *
 * @typedef {{ sparsity: number, scope: 'global' | 'layer', layers: string[] | null }} ReadPruneOptions
 */

const NAMES = /** @type {const} */ (['sparsity', 'scope', 'layers']);
const SCOPES = /** @type {const} */ (['global', 'layer']);

/**
 * @param {unknown} options
 * @returns {ReadPruneOptions}
 * @throws {ConfigError} {InputTypeError}
 */
export function readPruneOptions(options) {
  const where = { what: 'prune' };
  const { sparsity, scope = 'global', layers } = readOptions(options, NAMES, where);
  return {
    sparsity: readSparsity(sparsity, 'sparsity', where),
    scope: needOneOf(scope, SCOPES, 'scope', where),
    layers: layers === undefined ? null : readPlaces(layers, where).map(({ layer }) => layer),
  };
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {import('./options.js').Where} where
 */
export function readSparsity(value, field, where) {
  const share = needNumber(value, field, where);
  if (share >= 0 && share < 1) return share;
  throw new ConfigError(`${where.what}: ${field} must be from 0 to below 1, found ${share}.`, {
    field,
  });
}

/**
 * Magnitude pruning (Han et al. 2015, arXiv:1506.02626): which weights become 0. The engine keeps them so. Loaded when a
 * program first prunes.
 */

import { layerNumber } from './architecture.js';
import { bitmapOf, countBits, hasBit } from './bitmap.js';
import { ConfigError } from './errors.js';

/**
 * @typedef {import('./host-model.js').HostModel} HostModel
 * @typedef {import('./native.js').TensorFacts} TensorFacts
 */

/** What is pruned: not the few numbers of biases and normalisations. */
const KERNEL = /kernel$/;

/**
 * @param {HostModel} model
 * @param {import('./prune-options.js').ReadPruneOptions} options
 * @returns {import('./prune-options.js').PruneReport}
 * @throws {ConfigError} with nothing changed
 */
export function pruneModel(model, { sparsity, scope, layers }) {
  const kernels = model.tensors.filter(({ name, trainable }) => trainable && KERNEL.test(name));
  const chosen = layers ? layers.flatMap((layer) => kernelsOf(model, kernels, layer)) : kernels;
  if (chosen.length === 0) {
    throw new ConfigError('prune: no layer of the model has a kernel.', { field: 'layers' });
  }
  const weights = model.native.vector(model.pointer, 'WEIGHTS');
  const groups = scope === 'global' ? [chosen] : chosen.map((tensor) => [tensor]);
  const masks = new Map(model.masks);
  for (const group of groups) {
    const keep = largest(group, weights, sparsity);
    for (const tensor of group) {
      const mask = bitmapOf(tensor.size, (i) => keep(weights[tensor.offset + i]));
      if (countBits(mask) < tensor.size) masks.set(tensor.name, mask);
      else masks.delete(tensor.name);
    }
  }
  model.setMasks(masks);
  forget(model);
  return report(kernels, masks);
}

/**
 * @param {HostModel} model
 * @param {TensorFacts[]} kernels
 * @param {string} layer
 */
function kernelsOf({ architecture }, kernels, layer) {
  layerNumber(architecture, layer);
  const names = architecture.layers.map(({ name = '' }) => name);
  /** A layer's name may begin with another's: the longest is meant. @param {TensorFacts} tensor */
  const owner = ({ name }) =>
    names
      .filter((own) => name.startsWith(`${own}/`))
      .reduce((best, own) => (own.length > best.length ? own : best), '');
  const found = kernels.filter((tensor) => owner(tensor) === layer);
  if (found.length > 0) return found;
  throw new ConfigError(`prune: layer '${layer}' has no kernel.`, { layer, field: 'layers' });
}

/**
 * Tells the weights that stay, one after the other in the order of the tensors: exactly the share of them goes, and of
 * equal ones the first.
 *
 * @param {TensorFacts[]} group
 * @param {Float32Array} weights
 * @param {number} sparsity
 * @returns {(weight: number) => boolean}
 */
function largest(group, weights, sparsity) {
  const total = group.reduce((sum, { size }) => sum + size, 0);
  const sizes = new Float32Array(total);
  let at = 0;
  for (const { offset, size } of group) {
    for (let i = 0; i < size; i++) sizes[at++] = Math.abs(weights[offset + i]);
  }
  sizes.sort();
  const count = Math.round(sparsity * total);
  const limit = count > 0 ? sizes[count - 1] : -1;
  let equal = count - sizes.findIndex((size) => size >= limit);
  return (weight) => {
    const size = Math.abs(weight);
    return size > limit || (size === limit && equal-- <= 0);
  };
}

/** The optimizer begins anew with what is pruned. @param {HostModel} model */
function forget(model) {
  for (const slot of model.slots) {
    const vector = model.native.slotVector(model.pointer, slot);
    for (const { name, offset, size } of slot.tensors) {
      const mask = model.masks.get(name);
      if (!mask || mask.length !== Math.ceil(size / 8)) continue; // moments of rows and columns stay
      for (let i = 0; i < size; i++) if (!hasBit(mask, i)) vector[offset + i] = 0;
    }
  }
}

/**
 * @param {TensorFacts[]} kernels
 * @param {ReadonlyMap<string, Uint8Array>} masks
 */
function report(kernels, masks) {
  const counted = (/** @type {number} */ weights, /** @type {number} */ zeros) => ({
    weights,
    zeros,
    sparsity: zeros / weights,
  });
  const tensors = kernels.map(({ name, size }) => {
    const mask = masks.get(name);
    return { name, ...counted(size, mask ? size - countBits(mask) : 0) };
  });
  const sum = (/** @type {'weights' | 'zeros'} */ key) =>
    tensors.reduce((total, tensor) => total + tensor[key], 0);
  return { ...counted(sum('weights'), sum('zeros')), tensors };
}

/** Layers of several inputs, in graphs only: `layers.multiply().apply([a, b])`. `add` stands with the first ones. */

import { layerName } from './layer-fields.js';
import { needBoolean, needNumber } from './options.js';

/** @typedef {import('./layer-fields.js').Step} Step */

const NAME = { name: { read: layerName } };

/**
 * A chain of nodes of two inputs: each joins what is there with the next input.
 *
 * @param {string} op of the last node
 * @param {number} inputs
 * @param {[string, number][]} [attributes] of the last node
 * @param {string} [before] op of the nodes before it, default the same
 * @returns {Step[]}
 */
function chain(op, inputs, attributes = [], before = op) {
  return Array.from({ length: inputs - 1 }, (_, k) => {
    const reads = [k === 0 ? 0 : -1, k + 1];
    if (k === inputs - 2) return { op, reads, attributes };
    return { op: before, reads, attributes: before === op ? attributes : [] };
  });
}

/** @type {import('./layer-fields.js').Family} */
export const MERGE_FAMILY = {
  types: [
    ['add', { ...NAME }],
    ['subtract', { ...NAME }],
    ['multiply', { ...NAME }],
    ['average', { ...NAME }],
    ['maximum', { ...NAME }],
    ['minimum', { ...NAME }],
    ['dot', { normalize: { read: needBoolean, standard: false }, ...NAME }],
    ['concatenate', { axis: { read: needNumber, standard: -1 }, ...NAME }],
  ],
  steps: [
    ['add', (_, inputs) => chain('add', inputs)],
    ['subtract', (_, inputs) => chain('subtract', inputs)],
    ['multiply', (_, inputs) => chain('multiply', inputs)],
    ['average', (_, inputs) => chain('average', inputs, [['factor', 1 / inputs]], 'add')],
    ['maximum', (_, inputs) => chain('maximum', inputs)],
    ['minimum', (_, inputs) => chain('minimum', inputs)],
    [
      'dot',
      ({ normalize }) =>
        normalize
          ? [
              { op: 'unitNormalization', reads: [0] },
              { op: 'unitNormalization', reads: [1] },
              { op: 'dot', reads: [-2, -1] },
            ]
          : [{ op: 'dot', reads: [0, 1] }],
    ],
    ['concatenate', (layer, inputs) => chain('concatenate', inputs, [['axis', layer.axis]])],
  ],
};

/** @param {import('./layer-fields.js').Make} make */
export const mergeLayers = (make) => ({
  /**
   * The sum of two or more tensors of one shape: `layers.add().apply([a, b])`, in graphs only.
   *
   * @param {{ name?: string }} [options]
   */
  add: (options) => make('add', options),
  /** The first of two tensors of one shape minus the second. @param {{ name?: string }} [options] */
  subtract: (options) => make('subtract', options),
  /** The product of two or more tensors of one shape, number by number. @param {{ name?: string }} [options] */
  multiply: (options) => make('multiply', options),
  /** The mean of two or more tensors of one shape. @param {{ name?: string }} [options] */
  average: (options) => make('average', options),
  /**
   * The largest of two or more tensors of one shape, number by number. Among equals the first gets the gradient.
   *
   * @param {{ name?: string }} [options]
   */
  maximum: (options) => make('maximum', options),
  /** The smallest of two or more tensors of one shape; see maximum. @param {{ name?: string }} [options] */
  minimum: (options) => make('minimum', options),
  /**
   * The dot product of two vectors: two [features] → [1].
   *
   * @param {{ normalize?: boolean, name?: string }} [options] normalize: of vectors of length 1, which is the cosine of
   *   their angle, default false
   */
  dot: (options) => make('dot', options),
  /**
   * Two or more tensors one behind the other along an axis; their other axes must agree.
   *
   * @param {{ axis?: number, name?: string }} [options] axis 1 … rank, or -rank … -1, default -1, the last
   */
  concatenate: (options) => make('concatenate', options),
});

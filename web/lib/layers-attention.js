/** Layers that look from step to step, whatever their order, and what tells them the order. */

import { COMMON } from './layer-fields.js';
import { tensorFields, tensorSettings, weightSettings } from './tensor-options.js';
import { needBoolean, needNumber, needWhole } from './options.js';

/**
 * @typedef {import('./layers.js').LayerCommon} LayerCommon
 * @typedef {Omit<import('./tensor-options.js').WeightOptions, 'activation'>} ProjectionOptions
 */

/** @type {import('./layer-fields.js').Reader} */
const size = (value, field, where) => needWhole(value, field, where, 1);

/**
 * Queries, keys and values are columns of heads side by side, as dense layers give them.
 *
 * @param {import('./layers.js').Layer} layer
 * @param {number} inputs
 * @returns {import('./layer-fields.js').Step[]}
 */
function attention(layer, inputs) {
  const { numHeads, keyDim, valueDim = keyDim } = layer;
  const [value, key] = [
    [0, 0],
    [1, 1],
    [1, 2],
  ][inputs - 1];
  const project = (
    /** @type {string} */ name,
    /** @type {number} */ from,
    /** @type {number} */ dim,
  ) => ({
    op: 'dense',
    name,
    reads: [from],
    attributes: /** @type {[string, number][]} */ ([
      ['units', numHeads * dim],
      ...weightSettings(layer),
    ]),
  });
  return [
    project('query', 0, keyDim),
    project('key', key, keyDim),
    project('value', value, valueDim),
    {
      op: 'attention',
      name: 'attention',
      reads: [-3, -2, -1],
      attributes: [
        ['numHeads', numHeads],
        ['causal', layer.causal ? 1 : 0],
        ['dropout', layer.dropout],
      ],
    },
    { op: 'denseLike', name: 'attention_output', like: 0, attributes: weightSettings(layer) },
  ];
}

/** @type {import('./layer-fields.js').Family} */
export const ATTENTION_FAMILY = {
  types: [
    [
      'multiHeadAttention',
      {
        numHeads: { read: size, required: true },
        keyDim: { read: size, required: true },
        valueDim: { read: size },
        dropout: { read: needNumber, standard: 0 },
        causal: { read: needBoolean, standard: false },
        useBias: { read: needBoolean, standard: true },
        ...tensorFields('kernel', 'glorotUniform'),
        ...tensorFields('bias', 'zeros'),
        ...COMMON,
      },
    ],
    [
      'positionEmbedding',
      {
        sequenceLength: { read: size },
        ...tensorFields('embeddings', 'glorotUniform'),
        ...COMMON,
      },
    ],
  ],
  steps: [
    ['multiHeadAttention', attention],
    [
      'positionEmbedding',
      (layer) => [
        {
          op: 'positionEmbedding',
          attributes: [
            ...(layer.sequenceLength
              ? /** @type {[string, number][]} */ ([['sequenceLength', layer.sequenceLength]])
              : []),
            ...tensorSettings('embeddings', layer),
          ],
        },
      ],
    ],
  ],
};

/** @param {import('./layer-fields.js').Make} make */
export const attentionLayers = (make) => ({
  /**
   * Each step of the query, [steps, features], becomes a mean of values, weighted by how its query
   * fits their keys, for each head anew: softmax(Q · Kᵀ / √keyDim) · V (Vaswani et al. 2017; Keras
   * MultiHeadAttention). Output [steps, features], as the query.
   *
   * In a row, or applied to one tensor, it looks at its own input; `apply([query, value])` and
   * `apply([query, value, key])` look at others, of [other steps, other features].
   *
   * Weights `query/kernel`, `key/kernel` [features, numHeads · keyDim], `value/kernel` [features,
   * numHeads · valueDim], `attention_output/kernel` [numHeads · valueDim, features], and a `bias` of
   * each: Keras's, with heads and features of a head as one axis.
   *
   * @param {{ numHeads: number, keyDim: number, valueDim?: number, dropout?: number,
   *   causal?: boolean } & ProjectionOptions & LayerCommon} options keyDim: features of a head's
   *   queries and keys; valueDim: of its values, default keyDim; dropout: share of the weights that
   *   are dropped in training, 0 ≤ dropout < 1, default 0; causal: a step sees itself and those
   *   before it (Keras's use_causal_mask), default false
   */
  multiHeadAttention: (options) => make('multiHeadAttention', options),
  /**
   * A trained vector for each step, added to [steps, features] (KerasHub PositionEmbedding, which
   * leaves the sum to the program). Weight `embeddings` [sequenceLength, features].
   *
   * @param {{ sequenceLength?: number, embeddingsInitializer?: import('./initializers.js').Initializer,
   *   embeddingsRegularizer?: import('./regularizers.js').Regularizer | null,
   *   embeddingsConstraint?: import('./constraints.js').Constraint | null } & LayerCommon} [options]
   *   sequenceLength: at least the input's steps, default as many; embeddingsInitializer default
   *   'glorotUniform'
   */
  positionEmbedding: (options) => make('positionEmbedding', options),
});

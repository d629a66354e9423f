/** The layer that looks whole numbers up in a table. */

import { ConfigError } from './errors.js';
import { COMMON } from './layer-fields.js';
import { tensorFields, tensorSettings } from './tensor-options.js';
import { needNumber } from './options.js';

/** @type {import('./layer-fields.js').Family} */
export const EMBEDDING_FAMILY = {
  types: [
    [
      'embedding',
      {
        inputDim: { read: needNumber, required: true },
        outputDim: { read: needNumber, required: true },
        ...tensorFields('embeddings', 'randomUniform'),
        ...COMMON,
      },
    ],
  ],
  steps: [
    [
      'embedding',
      (layer) => [
        {
          op: 'embedding',
          attributes: [
            ['inputDim', layer.inputDim],
            ['outputDim', layer.outputDim],
            ...tensorSettings('embeddings', layer),
          ],
        },
      ],
    ],
  ],
};

/** @param {import('./layer-fields.js').Make} make */
export const embeddingLayers = (make) => ({
  /**
   * Whole numbers to vectors: [length] → [length, outputDim]. It reads the model's input, whose numbers must be 0 …
   * inputDim − 1 (E_INDEX_RANGE names the sample, before anything is computed). Weights `embeddings` [inputDim, outputDim]. A Uint8Array
   * is taken for pixels and scaled by 1/255: pass another array, or a `dataset` with `scale: 1`.
   *
   * @param {{ inputDim: number, outputDim: number, inputLength?: number,
   *   embeddingsInitializer?: import('./initializers.js').Initializer,
   *   embeddingsRegularizer?: import('./regularizers.js').Regularizer | null,
   *   embeddingsConstraint?: import('./constraints.js').Constraint | null } & import('./layers.js').LayerCommon} options
   *   inputDim at most 2^24; inputLength, for the first layer, is the same as inputShape: [inputLength];
   *   embeddingsInitializer default 'randomUniform'
   * @throws {ConfigError} inputLength and inputShape together
   */
  embedding: (options) => {
    const { inputLength, ...others } = options ?? {};
    if (inputLength === undefined) return make('embedding', options);
    if (others.inputShape) {
      throw new ConfigError('embedding: give inputLength or inputShape, not both.', {
        field: 'inputLength',
      });
    }
    return make('embedding', { ...others, inputShape: [inputLength] });
  },
});

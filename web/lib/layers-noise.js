/** Layers that disturb what passes through them in training and do nothing otherwise. */

import { COMMON } from './layer-fields.js';
import { needNumber } from './options.js';

/** @typedef {import('./layers.js').LayerCommon} LayerCommon */

const RATE = { rate: { read: needNumber, required: true }, ...COMMON };
const RATED = ['spatialDropout1d', 'spatialDropout2d', 'gaussianDropout', 'alphaDropout'];

/** @type {import('./layer-fields.js').Family} */
export const NOISE_FAMILY = {
  types: [
    ...RATED.map((type) => /** @type {[string, typeof RATE]} */ ([type, RATE])),
    ['gaussianNoise', { stddev: { read: needNumber, required: true }, ...COMMON }],
  ],
  steps: [
    ...RATED.map(
      (type) =>
        /** @type {import('./layer-fields.js').Family['steps'][0]} */ ([
          type,
          (layer) => [{ op: type, attributes: [['rate', layer.rate]] }],
        ]),
    ),
    ['gaussianNoise', ({ stddev }) => [{ op: 'gaussianNoise', attributes: [['stddev', stddev]] }]],
  ],
};

/** @param {import('./layer-fields.js').Make} make */
export const noiseLayers = (make) => ({
  /**
   * Dropout of whole features of [steps, features], the same at all steps (PyTorch's Dropout1d). 0 ≤ rate < 1.
   *
   * @param {{ rate: number } & LayerCommon} options
   */
  spatialDropout1d: (options) => make('spatialDropout1d', options),
  /**
   * Dropout of whole channels of [height, width, channels] (Tompson et al. 2014; PyTorch's Dropout2d). 0 ≤ rate < 1.
   *
   * @param {{ rate: number } & LayerCommon} options
   */
  spatialDropout2d: (options) => make('spatialDropout2d', options),
  /**
   * Each value times a normal number of mean 1 and variance rate / (1 − rate), as spread as dropout's factors.
   * 0 ≤ rate < 1.
   *
   * @param {{ rate: number } & LayerCommon} options
   */
  gaussianDropout: (options) => make('gaussianDropout', options),
  /**
   * Dropout for networks of selu: values dropped become selu's lowest, and what comes out is scaled and shifted so that
   * mean 0 and variance 1 stay (Klambauer et al. 2017). 0 ≤ rate < 1.
   *
   * @param {{ rate: number } & LayerCommon} options
   */
  alphaDropout: (options) => make('alphaDropout', options),
  /** Each value plus a normal number of that deviation, 0 … 1e6. @param {{ stddev: number } & LayerCommon} options */
  gaussianNoise: (options) => make('gaussianNoise', options),
});

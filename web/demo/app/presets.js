/** The two networks the page offers, in the words of the library. */
import { layers } from 'tabgrad';

/** @typedef {'S1' | 'S4'} PresetId */

/**
 * @typedef {object} Preset
 * @property {string} name
 * @property {string} about
 * @property {boolean} fromLogits whether the last layer gives logits (else probabilities)
 * @property {() => import('tabgrad').Layer[]} layers
 */

/** @param {number} filters */
const conv = (filters) => layers.conv2d({ filters, kernelSize: 3, activation: 'relu' });

const firstConv = () =>
  layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [32, 32, 3] });

/** @type {Readonly<Record<PresetId, Preset>>} */
export const PRESETS = Object.freeze({
  S1: {
    name: 'Three convolutions',
    about: '32, 64 and 64 filters, then a layer of 64',
    fromLogits: true,
    layers: () => [
      firstConv(),
      layers.maxPooling2d({ poolSize: 2 }),
      conv(64),
      layers.maxPooling2d({ poolSize: 2 }),
      conv(64),
      layers.flatten(),
      layers.dense({ units: 64, activation: 'relu' }),
      layers.dense({ units: 10 }),
    ],
  },
  S4: {
    name: 'Two with dropout',
    about: '32 and 64 filters, a layer of 128, half dropped',
    fromLogits: false,
    layers: () => [
      firstConv(),
      layers.maxPooling2d({ poolSize: 2 }),
      conv(64),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 128, activation: 'relu' }),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
  },
});

/** Small models and data that the library's tests share. */

import { createHash } from 'node:crypto';
import { layers } from 'tabgrad';

export const CLASSES = 3;
export const FEATURES = 4;

/**
 * Numbers in [0, 1) that are the same on every machine.
 *
 * @param {number} seed
 * @returns {() => number}
 */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Points around three corners, which a small network separates without error.
 *
 * @param {number} count
 */
export function corners(count) {
  const random = randomNumbers(5);
  const y = Int32Array.from({ length: count }, (_, index) => index % CLASSES);
  const x = Float32Array.from({ length: count * FEATURES }, (_, index) => {
    const corner = y[Math.floor(index / FEATURES)] === index % FEATURES ? 1 : 0;
    return corner + 0.6 * (random() - 0.5);
  });
  return { x, y };
}

/**
 * Pictures of 8 x 8 x 3 whose class is where they are bright.
 *
 * @param {number} count
 */
export function pictures(count) {
  const random = randomNumbers(9);
  const y = Int32Array.from({ length: count }, (_, index) => (index * 7) % CLASSES);
  const x = Uint8Array.from({ length: count * 192 }, (_, index) => {
    const bright = Math.floor((index % 192) / 64) === y[Math.floor(index / 192)];
    return 255 * ((bright ? 0.5 : 0) + 0.5 * random());
  });
  return { x, y, shape: [8, 8, 3] };
}

export const denseLayers = () => [
  layers.dense({ units: 16, activation: 'relu', inputShape: [FEATURES] }),
  layers.dense({ units: CLASSES }),
];

/** A convolutional network with every kind of layer that has state or chance. */
export const convLayers = () => [
  layers.conv2d({ filters: 5, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 3] }),
  layers.maxPooling2d(),
  layers.conv2d({ filters: 6, kernelSize: 3, padding: 'same', activation: 'relu' }),
  layers.flatten(),
  layers.dropout({ rate: 0.25 }),
  layers.dense({ units: CLASSES }),
];

/** Convolutions wide enough for Winograd, and direct ones before and after them. */
export const wideLayers = () => [
  layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 3] }),
  layers.conv2d({ filters: 32, kernelSize: 3, padding: 'same', activation: 'relu' }),
  layers.conv2d({ filters: 16, kernelSize: 2, activation: 'relu' }),
  layers.flatten(),
  layers.dense({ units: CLASSES }),
];

/** @type {any} */
export const FROM_LOGITS = {
  optimizer: 'adam',
  loss: 'sparseCategoricalCrossentropy',
  fromLogits: true,
  metrics: ['accuracy'],
};

/**
 * @param {any} model
 * @returns {Promise<string>} SHA-256 over all weights, so equal text means equal bits
 */
export async function weightHash(model) {
  const hash = createHash('sha256');
  for (const { name, data } of await model.getWeights()) hash.update(name).update(bytesOf(data));
  return hash.digest('hex');
}

/** @param {Float32Array} data */
function bytesOf(data) {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** @param {number} milliseconds */
export function sleep(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

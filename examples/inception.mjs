/**
 * A small network of Inception blocks on CIFAR-10 (Szegedy et al. 2014, "Going deeper with convolutions", figure 2b), with batch
 * normalisation.
 *
 *     node examples/inception.mjs [--epochs 10] [--batch 64] [--limit 50000] [--seed 1] [--threads 2]
 */

import { datasets, dispose, init, input, layers, model as makeModel, optimizers } from 'tabgrad';
import { numberOptions } from './options.mjs';
import { percent, trainingBar } from './training-bar.mjs';

const { epochs, batch, limit, seed, threads } = numberOptions({
  epochs: 10,
  batch: 64,
  limit: 50_000,
  seed: 1,
  threads: undefined,
});

/** @typedef {import('tabgrad').SymbolicTensor} Tensor */

/** @param {Tensor} x @param {number} filters @param {number} kernelSize */
function convolve(x, filters, kernelSize) {
  const conv = layers.conv2d({ filters, kernelSize, padding: 'same', useBias: false });
  const normalized = layers.batchNormalization({ momentum: 0.9 }).apply(conv.apply(x));
  return layers.reLU().apply(normalized);
}

/** @param {Tensor} x @param {number} strides */
function largest(x, strides) {
  return layers.maxPooling2d({ poolSize: 3, strides, padding: 'same' }).apply(x);
}

/**
 * Four looks at the same pixels, side by side: 1x1, 3x3, 5x5 and the largest of the neighbours.
 *
 * @param {Tensor} x
 * @param {number} filters of each
 */
function block(x, filters) {
  return layers
    .concatenate()
    .apply([
      convolve(x, filters, 1),
      convolve(convolve(x, filters / 2, 1), filters, 3),
      convolve(convolve(x, filters / 2, 1), filters, 5),
      convolve(largest(x, 1), filters, 1),
    ]);
}

await init({ threads });
const cifar = await datasets.cifar10();

const picture = input({ shape: [32, 32, 3] });
const wide = block(largest(convolve(picture, 32, 3), 2), 16);
const deep = layers.globalAveragePooling2d().apply(block(largest(wide, 2), 32));
const outputs = layers.dense({ units: 10, activation: 'softmax' }).apply(deep);
const model = await makeModel({ inputs: picture, outputs, seed, name: 'inception' });
console.log(`${model.summary().trainableParameters} parameters`);

model.compile({
  optimizer: optimizers.adam({ learningRate: 0.002 }),
  loss: 'sparseCategoricalCrossentropy',
  metrics: ['accuracy'],
});

const samples = Math.min(limit, cifar.train.count);
const bar = trainingBar({ samples, batchSize: batch });
const { onBatchEnd, endEpoch: onEpochEnd } = bar;
await model.fit(cifar.train, { epochs, batchSize: batch, count: samples, onBatchEnd, onEpochEnd });

const { loss, accuracy } = await model.evaluate(cifar.test, { batchSize: batch });
console.log(`test loss ${loss.toFixed(4)}, test accuracy ${percent(accuracy)}`);
await dispose();

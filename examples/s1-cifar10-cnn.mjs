/**
 * A convolutional network on CIFAR-10, as the Keras tutorial has it: ten epochs reach about 70 % on the test set.
 *
 *     node examples/s1-cifar10-cnn.mjs [--epochs 10] [--batch 32] [--limit 50000] [--seed 1] [--threads 2]
 */

import { datasets, dispose, init, layers, sequential } from 'tabgrad';
import { numberOptions } from './options.mjs';
import { percent, trainingBar } from './training-bar.mjs';

const { epochs, batch, limit, seed, threads } = numberOptions({
  epochs: 10,
  batch: 32,
  limit: 50_000,
  seed: 1,
  threads: undefined,
});

await init({ threads });
const cifar = await datasets.cifar10();

const model = await sequential(
  [
    layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [32, 32, 3] }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    layers.flatten(),
    layers.dense({ units: 64, activation: 'relu' }),
    layers.dense({ units: 10 }),
  ],
  { seed },
);
model.compile({
  optimizer: 'adam',
  loss: 'sparseCategoricalCrossentropy',
  fromLogits: true,
  metrics: ['accuracy'],
});

const samples = Math.min(limit, cifar.train.count);
const bar = trainingBar({ samples, batchSize: batch });
await model.fit(cifar.train, {
  epochs,
  batchSize: batch,
  count: samples,
  validationData: cifar.test,
  onBatchEnd: bar.onBatchEnd,
  onEpochEnd: bar.endEpoch,
});

const { loss, accuracy } = await model.evaluate(cifar.test);
console.log(`test loss ${loss.toFixed(4)}, test accuracy ${percent(accuracy)}`);
await dispose();

/**
 * A smaller network with dropout and a softmax, trained on one-hot labels.
 *
 *     node examples/s4-dropout-cnn.mjs [--epochs 10] [--batch 32] [--limit 50000] [--seed 1] [--threads 2]
 */

import { datasets, dispose, init, layers, sequential } from 'tabgrad';
import { withOneHotLabels } from './one-hot.mjs';
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
const train = await withOneHotLabels(cifar.train, limit);
const test = await withOneHotLabels(cifar.test, limit);

const model = await sequential(
  [
    layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [32, 32, 3] }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.flatten(),
    layers.dense({ units: 128, activation: 'relu' }),
    layers.dropout({ rate: 0.5 }),
    layers.dense({ units: 10, activation: 'softmax' }),
  ],
  { seed },
);
model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

const bar = trainingBar({ samples: train.count, batchSize: batch });
await model.fit(train, {
  epochs,
  batchSize: batch,
  validationData: test,
  onBatchEnd: bar.onBatchEnd,
  onEpochEnd: bar.endEpoch,
});

const { loss, accuracy } = await model.evaluate(test);
console.log(`test loss ${loss.toFixed(4)}, test accuracy ${percent(accuracy)}`);
await dispose();

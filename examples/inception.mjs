/**
 * A small network of Inception blocks on CIFAR-10 (Szegedy et al. 2014, "Going deeper with convolutions", figure 2b), with batch
 * normalisation.
 *
 *     node examples/inception.mjs [--epochs 10] [--batch 64] [--limit 50000] [--seed 1] [--threads 2]
 */

import { datasets, dispose, init, optimizers } from 'tabgrad';
import { inception } from 'tabgrad/applications';
import { numberOptions } from './options.mjs';
import { percent, trainingBar } from './training-bar.mjs';

const { epochs, batch, limit, seed, threads } = numberOptions({
  epochs: 10,
  batch: 64,
  limit: 50_000,
  seed: 1,
  threads: undefined,
});

await init({ threads });
const cifar = await datasets.cifar10();

const model = await inception({ seed });
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

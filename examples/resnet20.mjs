/**
 * ResNet-20 on CIFAR-10 (He, Zhang, Ren, Sun 2015, "Deep residual learning for image recognition", section 4.2), with
 * 1x1 convolutions in the two shortcuts that change shape.
 *
 *     node examples/resnet20.mjs [--epochs 10] [--batch 128] [--limit 50000] [--seed 1] [--threads 2]
 *
 * Without augmentation: the paper's 91.25 % needs random crops and flips, and ten times as many epochs.
 */

import { datasets, dispose, init, optimizers } from 'tabgrad';
import { resNet } from 'tabgrad/applications';
import { numberOptions } from './options.mjs';
import { percent, trainingBar } from './training-bar.mjs';

const { epochs, batch, limit, seed, threads } = numberOptions({
  epochs: 10,
  batch: 128,
  limit: 50_000,
  seed: 1,
  threads: undefined,
});

await init({ threads });
const cifar = await datasets.cifar10();

const model = await resNet({ depth: 20, shortcut: 'projection', seed });
const { trainableParameters, nonTrainableParameters } = model.summary();
console.log(`${trainableParameters} parameters and ${nonTrainableParameters} moving averages`);

model.compile({
  optimizer: optimizers.sgd({ learningRate: 0.1, momentum: 0.9 }),
  loss: 'sparseCategoricalCrossentropy',
  metrics: ['accuracy'],
});

const samples = Math.min(limit, cifar.train.count);
const bar = trainingBar({ samples, batchSize: batch });
await model.fit(cifar.train, {
  epochs,
  batchSize: batch,
  count: samples,
  onBatchEnd: bar.onBatchEnd,
  onEpochEnd: bar.endEpoch,
});

const { loss, accuracy } = await model.evaluate(cifar.test, { batchSize: batch });
console.log(`test loss ${loss.toFixed(4)}, test accuracy ${percent(accuracy)}`);
await dispose();

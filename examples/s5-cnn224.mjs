/**
 * A convolution, a pooling and two dense layers on CIFAR-10 at 224x224, as a PyTorch program had them. That one gave
 * its first dense layer 64 * 7 * 7 inputs where there are 64 * 112 * 112: with --literal 1 the same here, an error with
 * both numbers. What it meant takes an adaptive average pooling to 7x7.
 *
 *     node examples/s5-cnn224.mjs [--epochs 10] [--batch 64] [--limit 50000] [--seed 1] [--literal 0] [--threads 2]
 *
 * 50,000 pictures of 224x224 are 7.5 GB, so the first layer resizes them batch by batch, as `data.resize` would.
 */

import { datasets, dispose, init, layers, sequential } from 'tabgrad';
import { numberOptions } from './options.mjs';
import { percent } from './training-bar.mjs';

const { epochs, batch, limit, seed, literal, threads } = numberOptions({
  epochs: 10,
  batch: 64,
  limit: 50_000,
  seed: 1,
  literal: 0,
  threads: undefined,
});

await init({ threads });
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const flat = literal
  ? [layers.reshape({ targetShape: [64 * 7 * 7], name: 'flat' })]
  : [layers.adaptiveAveragePooling2d({ outputSize: 7 }), layers.flatten()];

const model = await sequential(
  [
    layers.upSampling2d({ size: 7, interpolation: 'bilinear', inputShape: [32, 32, 3] }),
    layers.conv2d({ filters: 64, kernelSize: 3, padding: 1, activation: 'relu' }),
    layers.maxPooling2d(),
    ...flat,
    layers.dense({ units: 256, activation: 'relu' }),
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

const { train, test } = await datasets.cifar10(IMAGENET);
const samples = Math.min(limit, train.count);
let sum = 0;
await model.fit(train, {
  epochs,
  batchSize: batch,
  count: samples,
  onBatchEnd: (step, { loss }, { epoch, batches }) => {
    // Of the last hundred steps: `loss` is the mean since the epoch began.
    const done = step + 1;
    if (done % 100 !== 0 && done !== batches) return;
    const steps = done % 100 || 100;
    const mean = (loss * done - (done > 100 ? sum : 0)) / steps;
    console.log(`epoch ${epoch + 1}, step ${done} of ${batches}: loss ${mean.toFixed(4)}`);
    sum = loss * done;
  },
});
const { accuracy } = await model.evaluate(test, { count: Math.min(limit, test.count) });
console.log(`test accuracy ${percent(accuracy)}`);
await dispose();

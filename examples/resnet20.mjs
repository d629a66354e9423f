/**
 * ResNet-20 on CIFAR-10 (He, Zhang, Ren, Sun 2015, "Deep residual learning for image recognition", section 4.2), with
 * 1x1 convolutions in the two shortcuts that change shape.
 *
 *     node examples/resnet20.mjs [--epochs 10] [--batch 128] [--limit 50000] [--seed 1] [--threads 2]
 *
 * Without augmentation: the paper's 91.25 % needs random crops and flips, and ten times as many epochs.
 */

import { datasets, dispose, init, input, layers, model as makeModel, optimizers } from 'tabgrad';
import { numberOptions } from './options.mjs';
import { percent, trainingBar } from './training-bar.mjs';

const { epochs, batch, limit, seed, threads } = numberOptions({
  epochs: 10,
  batch: 128,
  limit: 50_000,
  seed: 1,
  threads: undefined,
});

/** @typedef {import('tabgrad').SymbolicTensor} Tensor */

/**
 * Convolution and batch normalisation, which has the bias.
 *
 * @param {Tensor} x
 * @param {number} filters
 * @param {number} kernelSize
 * @param {number} strides
 */
function convolve(x, filters, kernelSize, strides) {
  const options = /** @type {const} */ ({ padding: 'same', useBias: false });
  const conv = layers.conv2d({
    filters,
    kernelSize,
    strides,
    kernelInitializer: 'heNormal',
    ...options,
  });
  // Keras's momentum of 0.99 takes hundreds of steps to forget where the averages began; short runs have fewer.
  return layers.batchNormalization({ momentum: 0.9 }).apply(conv.apply(x));
}

/**
 * Two 3x3 convolutions beside a shortcut.
 *
 * @param {Tensor} x
 * @param {number} filters
 * @param {number} strides of the first convolution; 2 halves the picture
 */
function block(x, filters, strides) {
  const first = layers.reLU().apply(convolve(x, filters, 3, strides));
  const body = convolve(first, filters, 3, 1);
  const shortcut = strides === 1 ? x : convolve(x, filters, 1, strides);
  return layers.reLU().apply(layers.add().apply([body, shortcut]));
}

await init({ threads });
const cifar = await datasets.cifar10();

const picture = input({ shape: [32, 32, 3] });
let x = layers.reLU().apply(convolve(picture, 16, 3, 1));
for (const [stage, filters] of [16, 32, 64].entries()) {
  for (let number = 0; number < 3; number++) {
    x = block(x, filters, stage > 0 && number === 0 ? 2 : 1);
  }
}
const outputs = layers.dense({ units: 10 }).apply(layers.globalAveragePooling2d().apply(x));
const model = await makeModel({ inputs: picture, outputs, seed, name: 'resnet20' });
const { trainableParameters, nonTrainableParameters } = model.summary();
console.log(`${trainableParameters} parameters and ${nonTrainableParameters} moving averages`);

model.compile({
  optimizer: optimizers.sgd({ learningRate: 0.1, momentum: 0.9 }),
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
  onBatchEnd: bar.onBatchEnd,
  onEpochEnd: bar.endEpoch,
});

const { loss, accuracy } = await model.evaluate(cifar.test, { batchSize: batch });
console.log(`test loss ${loss.toFixed(4)}, test accuracy ${percent(accuracy)}`);
await dispose();

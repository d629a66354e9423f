/**
 * Cat or not: the cats of CIFAR-10 against everything else, with one sigmoid output.
 *
 *     node examples/s3-cat-or-not.mjs [--epochs 10] [--batch 32] [--limit 50000] [--seed 1] [--threads 2]
 *
 * Nine images of ten are no cat, so an answer that is always "no" is right in 90 %: the last line says how much better
 * the network is.
 */

import { dataset, datasets, dispose, init, layers, optimizers, sequential } from 'tabgrad';
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
const train = await catOrNot(cifar.train);
const test = await catOrNot(cifar.test);

const model = await sequential(
  [
    layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [32, 32, 3] }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.flatten(),
    layers.dense({ units: 64, activation: 'relu' }),
    layers.dense({ units: 1, activation: 'sigmoid' }),
  ],
  { seed },
);
model.compile({
  optimizer: optimizers.adam({ learningRate: 1e-2 }),
  loss: 'binaryCrossentropy',
  metrics: ['accuracy'],
});

const bar = trainingBar({ samples: train.count, batchSize: batch });
await model.fit(train, {
  epochs,
  batchSize: batch,
  validationData: test,
  onBatchEnd: bar.onBatchEnd,
  onEpochEnd: bar.endEpoch,
});

const { accuracy } = await model.evaluate(test);
const { y } = await test.read(0, test.count);
const cats = Array.from(y ?? []).filter((label) => label === 1).length;
console.log(
  `test accuracy ${percent(accuracy)}, ` + `always "no cat" ${percent(1 - cats / test.count)}`,
);
await dispose();

/**
 * The same images with label 1 for a cat and 0 for anything else.
 *
 * @param {import('tabgrad').Dataset} images of CIFAR-10, not needed afterwards
 */
async function catOrNot(images) {
  const cat = images.classNames.indexOf('cat');
  const { x, y } = await images.read(0, Math.min(limit, images.count));
  const { shape } = images;
  await images.dispose();
  return dataset({ x, y: Int32Array.from(y ?? [], (label) => Number(label === cat)), shape });
}

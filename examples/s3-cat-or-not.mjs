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
import { trainingBar } from './training-bar.mjs';

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
  onEpochEnd(epoch, { accuracy, valAccuracy }) {
    bar.endEpoch();
    console.log(
      `epoch ${epoch + 1}: train accuracy ${accuracy.toFixed(4)}, ` +
        `validation accuracy ${valAccuracy.toFixed(4)}`,
    );
  },
});

const { accuracy } = await model.evaluate(test);
const { y } = await test.read(0, test.count);
const cats = y.reduce((sum, label) => sum + label, 0);
console.log(
  `test accuracy ${(100 * accuracy).toFixed(2)} %, ` +
    `always "no cat" ${(100 * (1 - cats / test.count)).toFixed(2)} %`,
);
await dispose();

/**
 * The same images with label 1 for a cat and 0 for anything else.
 *
 * @param {any} images a data set of CIFAR-10, not needed afterwards
 */
async function catOrNot(images) {
  const cat = images.classNames.indexOf('cat');
  const { x, y } = await images.read(0, Math.min(limit, images.count));
  const { shape } = images;
  await images.dispose();
  return dataset({ x, y: Int32Array.from(y, (label) => Number(label === cat)), shape });
}

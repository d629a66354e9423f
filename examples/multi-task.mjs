/**
 * Multi-task learning (Caruana 1997): one network with two heads, the class of an image and whether it shows an animal,
 * compared with the same network that learns one of the tasks alone: an output without a loss takes no part.
 *
 *     node examples/multi-task.mjs [--epochs 6] [--images 20000] [--test 10000] [--seeds 3] [--threads 2]
 */

import { dispose, input, layers, model as makeModel } from 'tabgrad';
import { numberOptions } from './options.mjs';
import { compare, progressLine, readCifar } from './ways.mjs';

const { epochs, images, test, seeds, threads } = numberOptions({
  epochs: 6,
  images: 20_000,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});

const cifar = await readCifar({ images, test, threads });
const ANIMALS = ['bird', 'cat', 'deer', 'dog', 'frog', 'horse'];

/** @param {import('./ways.mjs').Samples} samples */
const labels = ({ y }) => ({
  kind: y,
  animal: Float32Array.from(y, (label) => Number(ANIMALS.includes(cifar.classNames[label]))),
});
const LOSSES = /** @type {const} */ ({
  kind: 'sparseCategoricalCrossentropy',
  animal: 'binaryCrossentropy',
});

/** @param {number} seed */
function makeNetwork(seed) {
  const start = /** @type {const} */ ({ kernelSize: 3, activation: 'relu' });
  const picture = input({ shape: [32, 32, 3] });
  let x = layers.maxPooling2d().apply(layers.conv2d({ filters: 32, ...start }).apply(picture));
  x = layers.maxPooling2d().apply(layers.conv2d({ filters: 64, ...start }).apply(x));
  x = layers.flatten().apply(layers.conv2d({ filters: 64, ...start }).apply(x));
  const shared = layers.dense({ units: 64, activation: 'relu' }).apply(x);
  return makeModel({
    inputs: picture,
    outputs: [
      layers.dense({ units: 10, name: 'kind' }).apply(shared),
      layers.dense({ units: 1, name: 'animal' }).apply(shared),
    ],
    seed,
  });
}

/** @param {number} seed @param {('kind' | 'animal')[]} tasks @param {string} way */
async function learn(seed, tasks, way) {
  const model = await makeNetwork(seed);
  const loss = Object.fromEntries(tasks.map((task) => [task, LOSSES[task]]));
  await model.compile({ loss, fromLogits: true, metrics: ['accuracy'] });
  await model.fit(cifar.train.x, labels(cifar.train), { epochs, ...progressLine(way, epochs) });
  const found = await model.evaluate(cifar.test.x, labels(cifar.test));
  await model.dispose();
  return Object.fromEntries(
    tasks.map((task) => [`${task}, ${way}`, found[`${task}_accuracy`] ?? found.accuracy ?? NaN]),
  );
}

await compare(
  seeds,
  async (seed) => ({
    ...(await learn(seed, ['kind'], 'alone')),
    ...(await learn(seed, ['animal'], 'alone')),
    ...(await learn(seed, ['kind', 'animal'], 'together')),
  }),
  [
    ['kind, together', 'kind, alone'],
    ['animal, together', 'animal, alone'],
  ],
);
await dispose();

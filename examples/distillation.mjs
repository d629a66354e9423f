/**
 * Knowledge distillation (Hinton, Vinyals, Dean 2015, "Distilling the knowledge in a neural network"): a student
 * learns from labels and from what the two pretrained networks say of each image; compared with the labels alone.
 *
 *     node examples/distillation.mjs [--epochs 10] [--images 20000] [--test 10000] [--seeds 3] [--threads 2]
 */

import { dispose, input, layers, load, model } from 'tabgrad';
import { softTargets } from 'tabgrad/learning';
import { accuracy } from 'tabgrad/metrics';
import { numberOptions } from './options.mjs';
import { percent } from './training-bar.mjs';
import { compare, progressLine, readCifar } from './ways.mjs';

const { epochs, images, test, seeds, threads } = numberOptions({
  epochs: 10,
  images: 20_000,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});
const TEMPERATURE = 4;
const PRETRAINED = new URL('../web/public/pretrained/', import.meta.url);
/** Of the loss that is the teachers'. */
const SHARE = 0.7;

const cifar = await readCifar({ images, test, threads });
const { x, y } = cifar.train;

const warm = await teach(x, TEMPERATURE);
const known = accuracy(cifar.test.y, await teach(cifar.test.x, 1));
console.log(`teachers: test accuracy ${percent(known)}`);

/** The mean of what the teachers say. @param {Uint8Array} images @param {number} temperature */
async function teach(images, temperature) {
  const s1 = await load(new URL('s1.safetensors', PRETRAINED));
  const s4 = await load(new URL('s4.safetensors', PRETRAINED));
  const first = await softTargets(s1, images, { temperature, fromLogits: true });
  const second = await softTargets(s4, images, { temperature });
  for (const teacher of [s1, s4]) await teacher.dispose();
  second.forEach((share, i) => (first[i] = (first[i] + share) / 2));
  return first;
}

/** Its logits, and the same divided by the temperature. @param {number} seed */
async function makeStudent(seed) {
  const start = /** @type {const} */ ({ kernelSize: 3, activation: 'relu' });
  const picture = input({ shape: [32, 32, 3] });
  let h = layers.maxPooling2d().apply(layers.conv2d({ filters: 32, ...start }).apply(picture));
  h = layers.maxPooling2d().apply(layers.conv2d({ filters: 64, ...start }).apply(h));
  h = layers.dense({ units: 64, activation: 'relu' }).apply(layers.flatten().apply(h));
  const logits = layers.dense({ units: 10, name: 'hard' }).apply(h);
  const softer = layers.rescaling({ scale: 1 / TEMPERATURE, name: 'soft' }).apply(logits);
  return model({ inputs: picture, outputs: [logits, softer], seed });
}

/** @param {number} seed @param {number} share of the loss that is the teacher's */
async function learn(seed, share) {
  const student = await makeStudent(seed);
  await student.compile({
    loss: { hard: 'sparseCategoricalCrossentropy', soft: 'categoricalCrossentropy' },
    lossWeights: { hard: 1 - share, soft: share * TEMPERATURE ** 2 },
    fromLogits: true,
    metrics: ['accuracy'],
  });
  const label = share > 0 ? 'distilled' : 'alone';
  await student.fit(x, { hard: y, soft: warm }, { epochs, ...progressLine(label, epochs) });
  const [logits] = /** @type {Float32Array[]} */ (
    /** @type {unknown} */ (await student.predict(cifar.test.x))
  );
  await student.dispose();
  return accuracy(cifar.test.y, logits);
}

await compare(
  seeds,
  async (seed) => ({ alone: await learn(seed, 0), distilled: await learn(seed, SHARE) }),
  [['distilled', 'alone']],
);
await dispose();

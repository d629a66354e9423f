/**
 * Knowledge distillation (Hinton, Vinyals, Dean 2015, "Distilling the knowledge in a neural network"): a small student
 * learns from labels and from what a larger teacher says of each image, and is compared with the same student that has
 * the labels alone. The teacher is trained once, the students with every seed.
 *
 *     node examples/distillation.mjs [--epochs 10] [--images 20000] [--test 10000] [--seeds 3] [--threads 2]
 */

import { dispose, input, layers, model } from 'tabgrad';
import { inception } from 'tabgrad/applications';
import { softTargets } from 'tabgrad/learning';
import { numberOptions } from './options.mjs';
import { CLASSIFIER, compare, progressLine, readCifar } from './ways.mjs';

const { epochs, images, test, seeds, threads } = numberOptions({
  epochs: 10,
  images: 20_000,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});
const TEMPERATURE = 4;
/** Of the loss that is the teacher's. */
const SHARE = 0.7;

const cifar = await readCifar({ images, test, threads });
const { x, y } = cifar.train;

const teacher = await inception({ classifierActivation: null, stages: [[32], [64]] });
teacher.compile(CLASSIFIER);
await teacher.fit(x, y, { epochs, batchSize: 64, ...progressLine('teacher', epochs) });
const known = await teacher.evaluate(cifar.test.x, cifar.test.y);
console.log(`teacher: test accuracy ${(100 * (known.accuracy ?? NaN)).toFixed(2)} %`);
const soft = await softTargets(teacher, x, { temperature: TEMPERATURE, fromLogits: true });
await teacher.dispose();

/** Its logits, and the same divided by the temperature. @param {number} seed */
async function makeStudent(seed) {
  const start = /** @type {const} */ ({ kernelSize: 3, activation: 'relu' });
  const picture = input({ shape: [32, 32, 3] });
  let h = layers.maxPooling2d().apply(layers.conv2d({ filters: 12, ...start }).apply(picture));
  h = layers.maxPooling2d().apply(layers.conv2d({ filters: 24, ...start }).apply(h));
  h = layers.dense({ units: 32, activation: 'relu' }).apply(layers.flatten().apply(h));
  const logits = layers.dense({ units: 10, name: 'hard' }).apply(h);
  const warm = layers.rescaling({ scale: 1 / TEMPERATURE, name: 'soft' }).apply(logits);
  return model({ inputs: picture, outputs: [logits, warm], seed });
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
  await student.fit(x, { hard: y, soft }, { epochs, ...progressLine(label, epochs) });
  const [logits] = /** @type {Float32Array[]} */ (
    /** @type {unknown} */ (await student.predict(cifar.test.x))
  );
  await student.dispose();
  const right = cifar.test.y.filter((label, n) => {
    const row = logits.subarray(10 * n, 10 * n + 10);
    return row.indexOf(Math.max(...row)) === label;
  });
  return right.length / cifar.test.y.length;
}

await compare(
  seeds,
  async (seed) => ({ alone: await learn(seed, 0), distilled: await learn(seed, SHARE) }),
  [['distilled', 'alone']],
);
await dispose();

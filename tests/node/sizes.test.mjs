/**
 * Sizes that fit no tile, vector or thread: the same bits on any number of threads, and the gradient of a batch is the
 * mean of the gradients of its images, each computed alone.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createEngine, layers, optimizers } from 'tabgrad';
import { BUILDS } from '../golden/engines.mjs';
import { FROM_LOGITS, randomNumbers, weightHash } from './nets.mjs';

const CLASSES = 10;

/** @param {number[]} shape @param {number} count */
function noise(shape, count) {
  const random = randomNumbers(count + shape[0] * 7 + shape[2]);
  const size = shape.reduce((product, length) => product * length, count);
  const x = Float32Array.from({ length: size }, () => random() - 0.5);
  return { x, y: Int32Array.from({ length: count }, (_, index) => (index * 7) % CLASSES), shape };
}

/** S1, narrower at the end, for any image: 'same' padding keeps 1x1 images alive. @param {number[]} inputShape */
const s1Like = (inputShape) => [
  layers.inputLayer({ inputShape }),
  layers.conv2d({ filters: 32, kernelSize: 3, padding: 'same', activation: 'relu' }),
  layers.maxPooling2d({ padding: 'same' }),
  layers.conv2d({ filters: 24, kernelSize: 3, padding: 'same', activation: 'relu' }),
  layers.maxPooling2d({ padding: 'same' }),
  layers.conv2d({ filters: 17, kernelSize: 3, padding: 'same', activation: 'relu' }),
  layers.flatten(),
  layers.dense({ units: 20, activation: 'relu' }),
  layers.dense({ units: CLASSES }),
];

/** Convolutions wide enough for Winograd, forward and backward, with whole tiles and cut ones. */
const wide = () => [
  layers.conv2d({ filters: 17, kernelSize: 3, activation: 'relu', inputShape: [19, 17, 16] }),
  layers.conv2d({ filters: 32, kernelSize: 3, padding: 'same', activation: 'relu' }),
  layers.maxPooling2d(),
  layers.conv2d({ filters: 20, kernelSize: 3 }),
  layers.flatten(),
  layers.dense({ units: CLASSES }),
];

const plainDescent = { ...FROM_LOGITS, optimizer: optimizers.sgd({ learningRate: 1 }) };

/**
 * The gradient of the mean loss: what one step of plain descent takes off the weights.
 *
 * @param {import('tabgrad').Engine} engine
 * @param {any[]} list layers
 * @param {{ x: Float32Array, y: Int32Array, shape: number[] }} samples
 * @param {number} first
 * @param {number} count
 */
async function gradient(engine, list, { x, y, shape }, first, count) {
  const size = shape.reduce((product, length) => product * length, 1);
  const model = await engine.sequential(list, { seed: 2 });
  model.compile(plainDescent);
  const before = await model.getWeights();
  const { loss } = await model.trainOnBatch(
    x.subarray(first * size, (first + count) * size),
    y.subarray(first, first + count),
  );
  const after = await model.getWeights();
  await model.dispose();
  const flat = before.flatMap(({ data }, tensor) =>
    Array.from(data, (value, index) => value - after[tensor].data[index]),
  );
  return { loss, flat };
}

/** @type {[string, any, number[], number][]} name, layers, shape, batch */
const CASES = [
  ...[1, 7, 33].map((batch) => /** @type {any} */ ([`batch ${batch}`, s1Like, [32, 32, 3], batch])),
  ...[1, 2, 5].map((c) => /** @type {any} */ ([`${c} channels`, s1Like, [13, 11, c], 7])),
  ['images of one pixel', s1Like, [1, 1, 3], 33],
  ['images of one pixel and one channel', s1Like, [1, 1, 1], 7],
  ['Winograd', wide, [19, 17, 16], 7],
  ['Winograd, one image', wide, [19, 17, 16], 1],
];

for (const [build, options] of BUILDS) {
  describe(build, () => {
    for (const [name, make, shape, batch] of CASES) {
      test(`${name}: threads change no bit, and the gradient is the images' mean`, async () => {
        const samples = noise(shape, batch);
        /** @type {Awaited<ReturnType<typeof gradient>> | undefined} */
        let whole;
        for (const threads of [1, 2, 3, 8]) {
          const engine = await createEngine({ ...options, threads });
          const found = await gradient(engine, make(shape), samples, 0, batch);
          whole ??= found;
          assert.deepEqual(found, whole, `${threads} threads`);
          await engine.dispose();
        }
        // What is compared is far above the bound.
        const large = whole?.flat.filter((value) => Math.abs(value) > 1e-4).length ?? 0;
        assert.ok(large > 50, `${large} weights move`);
        const engine = await createEngine(options);
        let loss = 0;
        const mean = new Float64Array(whole?.flat.length ?? 0);
        for (let image = 0; image < batch; image++) {
          const alone = await gradient(engine, make(shape), samples, image, 1);
          loss += alone.loss / batch;
          for (const [index, value] of alone.flat.entries()) mean[index] += value / batch;
        }
        await engine.dispose();
        close([whole?.loss ?? NaN], [loss], 1e-6, 'loss');
        close(whole?.flat ?? [], mean, 2e-6, 'gradient');
      });
    }
  });
}

/**
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} expected
 * @param {number} bound on the difference, the largest expected number being one (but for weights' own rounding)
 * @param {string} what
 */
function close(actual, expected, bound, what) {
  assert.equal(actual.length, expected.length);
  let largest = 1;
  let error = 0;
  for (let index = 0; index < expected.length; index++) {
    largest = Math.max(largest, Math.abs(expected[index]));
    const distance = Math.abs(actual[index] - expected[index]);
    if (!(distance <= error)) error = distance;
  }
  assert.ok(error <= bound * largest, `${what} is off by ${error}, the largest is ${largest}`);
}

describe('epochs of odd batches give the same bits on 1, 2, 3 and 4 threads', () => {
  for (const [batchSize, count] of [
    [1, 5],
    [3, 7],
    [7, 33],
    [33, 100],
    [1000, 130],
  ]) {
    test(`${count} images in batches of ${batchSize}, through Winograd`, async () => {
      const { x, y, shape } = noise([19, 17, 16], count);
      const seen = [];
      for (const threads of [1, 2, 3, 4]) {
        const engine = await createEngine({ threads, deterministic: true });
        const model = await engine.sequential(wide(), { seed: 5 });
        model.compile(FROM_LOGITS);
        const data = await engine.dataset({ x, y, shape });
        const { history } = await model.fit(data, { batchSize, epochs: 2 });
        const outputs = await model.predict(data, { batchSize });
        seen.push({ history, hash: await weightHash(model), outputs: [...outputs] });
        await engine.dispose();
      }
      for (const each of seen) assert.deepEqual(each, seen[0]);
      assert.ok(seen[0].history.loss.every(Number.isFinite));
    });
  }
});

test('a batch of 1,000, and what is left of an epoch after it', async () => {
  const engine = await createEngine({ threads: 2, deterministic: true });
  const samples = noise([8, 8, 3], 1001);
  const { x, y, shape } = samples;
  const whole = await gradient(engine, s1Like(shape), samples, 0, 1000);
  const parts = await Promise.all(
    [0, 250, 500, 750].map((first) => gradient(engine, s1Like(shape), samples, first, 250)),
  );
  const mean = whole.flat.map((_, i) => parts.reduce((sum, { flat }) => sum + flat[i] / 4, 0));
  close(whole.flat, mean, 1e-6, 'gradient');
  const model = await engine.sequential(s1Like(shape));
  model.compile(FROM_LOGITS);
  const { history } = await model.fit(x, y, { batchSize: 1000, epochs: 2 });
  assert.ok(history.loss.every(Number.isFinite));
  await engine.dispose();
});

/** Losses, weights of samples and classes, as a program uses them. Their numbers: golden.test.mjs. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, layers, losses, optimizers } from 'tabgrad';
import { FEATURES, corners, denseLayers, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
const SAMPLES = 12;
const { x, y } = corners(SAMPLES);
const sgd = optimizers.sgd({ learningRate: 0.5 });
const SPARSE = /** @type {const} */ ('sparseCategoricalCrossentropy');
const weights = Float32Array.from({ length: SAMPLES }, (_, i) => (i % 4) / 2);

before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

/** @param {object} [options] of compile */
async function compiled(options) {
  const model = await engine.sequential(denseLayers(), { seed: 4 });
  await model.compile({
    optimizer: sgd,
    loss: SPARSE,
    fromLogits: true,
    metrics: ['accuracy'],
    ...options,
  });
  return model;
}

const close = (/** @type {number} */ found, /** @type {number} */ expected) =>
  assert.ok(
    Math.abs(found - expected) <= 1e-6 * (1 + Math.abs(expected)),
    `${found}, expected ${expected}`,
  );

describe('weights', () => {
  test('a batch weighs its samples and is divided by their number', async () => {
    const model = await compiled();
    let sum = 0;
    for (let i = 0; i < SAMPLES; i++) {
      sum += weights[i] * (await model.evaluate(x, y, { first: i, count: 1 })).loss;
    }
    const { loss, accuracy } = await model.evaluate(x, y, { sampleWeight: weights, batchSize: 5 });
    close(loss, sum / SAMPLES);
    close(accuracy ?? NaN, (await model.evaluate(x, y)).accuracy ?? NaN);
  });

  test('of a call, of a data set and of validation data are the same', async () => {
    const model = await compiled();
    const data = await engine.dataset({
      x,
      y,
      shape: [FEATURES],
      sampleWeight: Array.from(weights),
    });
    assert.equal(data.weighted, true);
    const { loss } = await model.evaluate(x, y, { sampleWeight: weights });
    assert.equal((await model.evaluate(data)).loss, loss);
    const options = { shuffle: false, batchSize: 5, epochs: 2 };
    const one = await model.fit(data, { ...options, validationData: [x, y, weights] });
    const other = await compiled();
    const two = await other.fit(x, y, { ...options, sampleWeight: weights, validationData: data });
    assert.deepEqual(one.history, two.history);
    assert.equal(await weightHash(model), await weightHash(other));
  });

  test('a class of weight 0 changes nothing, and weights of classes are those of their samples', async () => {
    const [a, b] = [await compiled(), await compiled()];
    const classWeight = { 0: 2, 2: 0.25 };
    const sampleWeight = Float32Array.from(y, (label) => [2, 1, 0.25][label]);
    const one = await a.fit(x, y, { batchSize: 4, epochs: 3, classWeight });
    const two = await b.fit(x, y, { batchSize: 4, epochs: 3, sampleWeight });
    assert.deepEqual(one.history, two.history);
    assert.equal(await weightHash(a), await weightHash(b));
    const before = await weightHash(a);
    assert.equal((await a.trainOnBatch(x, y, { classWeight: { 0: 0, 1: 0, 2: 0 } })).loss, 0);
    assert.equal(await weightHash(a), before);
    // The next call starts without them.
    assert.ok((await a.trainOnBatch(x, y)).loss > 0);
  });

  test('of one-hot classes', async () => {
    const hot = Float32Array.from({ length: SAMPLES * 3 }, (_, i) =>
      Number(y[Math.floor(i / 3)] === i % 3),
    );
    const [a, b] = [await compiled(), await compiled({ loss: 'categoricalCrossentropy' })];
    const classWeight = { 1: 3 };
    close(
      (await a.trainOnBatch(x, y, { classWeight })).loss,
      (await b.trainOnBatch(x, hot, { classWeight })).loss,
    );
  });

  test('weightedMetrics count by weight, also resumed from a checkpoint', async () => {
    const right = async (/** @type {any} */ model) => {
      const outputs = await model.predict(x);
      return Array.from(y, (label, i) => {
        const row = Array.from(outputs.subarray(3 * i, 3 * i + 3));
        return Number(row.indexOf(Math.max(...row)) === label);
      });
    };
    const model = await compiled({ metrics: undefined, weightedMetrics: ['accuracy'] });
    const hits = await right(model);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const expected = hits.reduce((sum, hit, i) => sum + hit * weights[i], 0) / total;
    const options = { sampleWeight: weights, batchSize: 5 };
    close((await model.evaluate(x, y, options)).accuracy ?? NaN, expected);
    assert.equal(
      (await model.evaluate(x, y, { sampleWeight: Array(SAMPLES).fill(0) })).accuracy,
      0,
    );
    const loaded = await engine.load(await model.save());
    close((await loaded.evaluate(x, y, options)).accuracy ?? NaN, expected);
  });
});

describe('losses', () => {
  test('aliases and options', async () => {
    const flat = await engine.sequential([layers.dense({ units: 2, inputShape: [FEATURES] })], {
      seed: 1,
    });
    const t = Float32Array.from({ length: SAMPLES * 2 }, (_, i) => i % 3);
    const of = async (/** @type {any} */ loss) => {
      await flat.compile({ loss });
      return (await flat.evaluate(x, t)).loss;
    };
    assert.equal(await of('mse'), await of('meanSquaredError'));
    assert.equal(await of('mae'), await of(losses.meanAbsoluteError()));
    close(
      await of(losses.huber({ delta: 0.5, smoothL1: true })),
      2 * (await of(losses.huber({ delta: 0.5 }))),
    );
    close(await of(losses.huber({ delta: 1e6 })), (await of('mse')) / 2);
  });

  test('an autoencoder of images learns, and a checkpoint keeps the options of its loss', async () => {
    const pictures = Float32Array.from({ length: 8 * 6 * 6 * 2 }, (_, i) => ((i * 7919) % 13) / 13);
    const net = await engine.sequential(
      [
        layers.conv2d({
          filters: 8,
          kernelSize: 3,
          padding: 'same',
          activation: 'relu',
          inputShape: [6, 6, 2],
        }),
        layers.conv2d({ filters: 2, kernelSize: 3, padding: 'same' }),
      ],
      { seed: 2 },
    );
    await net.compile({
      loss: losses.huber({ delta: 0.25 }),
      optimizer: optimizers.adam({ learningRate: 0.01 }),
    });
    const { history } = await net.fit(pictures, pictures, { epochs: 30, batchSize: 4 });
    assert.ok(history.loss[29] < history.loss[0] / 3, `${history.loss[0]} → ${history.loss[29]}`);
    const loaded = await engine.load(await net.save());
    const { loss } = await loaded.evaluate(pictures, pictures);
    assert.equal(loss, (await net.evaluate(pictures, pictures)).loss);
    await net.compile({ loss: 'huber' });
    assert.notEqual((await net.evaluate(pictures, pictures)).loss, loss);
  });

  test('bits do not depend on the threads', async () => {
    const one = await createEngine({ threads: 1, deterministic: true });
    try {
      const wide = Float32Array.from({ length: 64 * 500 }, (_, i) => Math.sin(i));
      const hashes = [];
      for (const each of [one, engine]) {
        const net = await each.sequential([layers.dense({ units: 500, inputShape: [500] })], {
          seed: 9,
        });
        await net.compile({ loss: 'logCosh' });
        const { history } = await net.fit(wide, wide, {
          epochs: 2,
          batchSize: 32,
          sampleWeight: Float32Array.from({ length: 64 }, (_, i) => i / 64),
        });
        hashes.push([await weightHash(net), history.loss]);
      }
      assert.deepEqual(hashes[0], hashes[1]);
    } finally {
      await one.dispose();
    }
  });
});

describe('refused', () => {
  /** @type {[string, string, RegExp, (model: any) => unknown][]} */
  const cases = [
    [
      'too few weights',
      'E_SHAPE',
      /sampleWeight has 3 values, x has 12 samples/,
      (m) => m.fit(x, y, { sampleWeight: [1, 2, 3] }),
    ],
    [
      'a weight that is NaN',
      'E_NON_FINITE',
      /sampleWeight of sample 2 of 12 is nan/i,
      (m) => m.evaluate(x, y, { sampleWeight: weights.map((w, i) => (i === 2 ? NaN : w)) }),
    ],
    [
      'weights as text',
      'E_TYPE',
      /sampleWeight/,
      (m) => m.trainOnBatch(x, y, { sampleWeight: '1' }),
    ],
    [
      'both weights',
      'E_CONFIG',
      /classWeight or sampleWeight/,
      (m) => m.fit(x, y, { sampleWeight: weights, classWeight: { 0: 1 } }),
    ],
    [
      'an unknown class',
      'E_LABEL_RANGE',
      /class 7, the model has classes 0 to 2/,
      (m) => m.fit(x, y, { classWeight: { 7: 2 } }),
    ],
    [
      'a class that is none',
      'E_LABEL_RANGE',
      /'cat'.*0 to 99999/,
      (m) => m.fit(x, y, { classWeight: { cat: 2 } }),
    ],
    [
      'a class weight of NaN',
      'E_NON_FINITE',
      /class 1 is nan/i,
      (m) => m.fit(x, y, { classWeight: { 1: NaN } }),
    ],
    [
      'a class weight as text',
      'E_CONFIG',
      /classWeight must be a number/,
      (m) => m.fit(x, y, { classWeight: { 1: '2' } }),
    ],
    [
      'both metrics',
      'E_CONFIG',
      /metrics or weightedMetrics/,
      (m) => m.compile({ loss: SPARSE, metrics: ['accuracy'], weightedMetrics: ['accuracy'] }),
    ],
    [
      'smoothing beyond 1',
      'E_HYPERPARAM',
      /labelSmoothing is 1\.5, it must be from 0 to 1/,
      (m) => m.compile({ loss: losses.sparseCategoricalCrossentropy({ labelSmoothing: 1.5 }) }),
    ],
    [
      'delta 0',
      'E_HYPERPARAM',
      /delta is 0/,
      (m) => m.compile({ loss: losses.huber({ delta: 0 }) }),
    ],
    [
      'an option of another loss',
      'E_CONFIG',
      /delta/,
      () => losses.poisson(/** @type {any} */ ({ delta: 1 })),
    ],
    [
      'classes where values are needed',
      'E_SHAPE',
      /this loss needs 3 values a sample/,
      async (m) => {
        await m.compile({ loss: 'klDivergence' });
        await m.fit(await engine.dataset({ x, y, shape: [FEATURES] }));
      },
    ],
    [
      'class labels over images',
      'E_SHAPE',
      /3 dimensions/,
      async () => {
        const net = await engine.sequential([
          layers.conv2d({ filters: 2, kernelSize: 1, inputShape: [2, 2, 1] }),
        ]);
        await net.compile({ loss: SPARSE });
      },
    ],
  ];
  for (const [name, code, pattern, run] of cases) {
    test(name, async () => {
      const model = await compiled();
      const hash = await weightHash(model);
      await assert.rejects(
        async () => run(model),
        (/** @type {any} */ error) => {
          assert.equal(error.code, code, error.message);
          assert.match(error.message, pattern);
          return true;
        },
      );
      assert.equal(await weightHash(model), hash);
      await model.compile({ loss: SPARSE, fromLogits: true });
      await model.fit(x, y);
    });
  }
});

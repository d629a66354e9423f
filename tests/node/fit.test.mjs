/** Training, evaluation and prediction through the public API, against sums made by hand. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, layers, optimizers } from 'tabgrad';
import {
  CLASSES,
  FEATURES,
  FROM_LOGITS,
  convLayers,
  corners,
  denseLayers,
  pictures,
  weightHash,
  wideLayers,
} from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

/** @param {any} [options] */
async function denseModel(options = FROM_LOGITS) {
  const model = await engine.sequential(denseLayers(), { seed: 3 });
  await model.compile(options);
  return model;
}

test('a dense network learns three corners, and the history tells', async () => {
  const model = await denseModel();
  const { x, y } = corners(300);
  const { epoch, history, stopped } = await model.fit(x, y, { epochs: 30, validationSplit: 0.2 });
  assert.deepEqual(
    epoch,
    Array.from({ length: 30 }, (_, index) => index),
  );
  assert.equal(stopped, false);
  for (const values of Object.values(history)) assert.equal(values.length, 30);
  assert.ok(history.loss[29] < history.loss[0] / 2);
  assert.equal(history.accuracy?.[29], 1);
  assert.equal(history.valAccuracy?.[29], 1);
  assert.equal((await model.evaluate(x, y)).accuracy, 1);
  await model.dispose();
});

test('a convolutional network learns from pixels', async () => {
  const model = await engine.sequential(convLayers(), { seed: 1 });
  await model.compile({ ...FROM_LOGITS, optimizer: optimizers.adam({ learningRate: 0.01 }) });
  const data = await engine.dataset(pictures(120));
  await model.fit(data, { epochs: 12, batchSize: 16 });
  const { accuracy } = await model.evaluate(data);
  assert.ok(Number(accuracy) > 0.95, `accuracy ${accuracy}`);
  await model.dispose();
  await data.dispose();
});

test('predictions see every change of the weights, whose packed form they keep in between', async () => {
  const model = await engine.sequential(wideLayers(), { seed: 1 });
  await model.compile(FROM_LOGITS);
  const { x, y } = pictures(40);
  const outputs = () => model.predict(x, { count: 1 });
  const seen = [await outputs()];
  assert.deepEqual(await outputs(), seen[0]);
  const first = await model.getWeights();
  await model.trainOnBatch(x, y);
  seen.push(await outputs());
  const bytes = await model.save();
  await model.setWeights(
    first.map((tensor) => ({ ...tensor, data: tensor.data.map((w) => w / 2) })),
  );
  seen.push(await outputs());
  await model.loadWeights(bytes);
  assert.deepEqual(await outputs(), seen[1]);
  await model.setWeights(first);
  assert.deepEqual(await outputs(), seen[0]);
  assert.notDeepEqual(seen[1], seen[0]);
  assert.notDeepEqual(seen[2], seen[0]);
  await model.dispose();
});

/**
 * The dense network by hand, in double precision.
 *
 * @param {any[]} weights
 * @param {Float32Array} x
 */
function logitsByHand([k1, b1, k2, b2], x) {
  const layer = (
    /** @type {number[]} */ input,
    /** @type {any} */ kernel,
    /** @type {any} */ bias,
  ) =>
    Array.from(bias.data, (/** @type {number} */ start, unit) =>
      input.reduce(
        (sum, value, i) => sum + value * kernel.data[i * bias.data.length + unit],
        start,
      ),
    );
  return Array.from({ length: x.length / FEATURES }, (_, n) => {
    const input = Array.from(x.subarray(n * FEATURES, (n + 1) * FEATURES));
    return layer(
      layer(input, k1, b1).map((value) => Math.max(value, 0)),
      k2,
      b2,
    );
  });
}

test('evaluate and predict give what sums by hand give, for every batch size', async () => {
  const model = await denseModel();
  const { x, y } = corners(50);
  const logits = logitsByHand(await model.getWeights(), x);
  const losses = logits.map((row, n) => {
    const top = Math.max(...row);
    return Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0)) + top - row[y[n]];
  });
  const loss = losses.reduce((sum, value) => sum + value) / 50;
  const accuracy = logits.filter((row, n) => row.indexOf(Math.max(...row)) === y[n]).length / 50;
  for (const batchSize of [1, 7, 32, 50, 1000]) {
    const found = await model.evaluate(x, y, { batchSize });
    assert.ok(Math.abs(found.loss - loss) < 1e-6, `${found.loss} and ${loss}`);
    assert.equal(found.accuracy, accuracy);
    const outputs = await model.predict(x, { batchSize });
    assert.deepEqual(outputs.shape, [50, CLASSES]);
    outputs.forEach((value, i) => {
      assert.ok(Math.abs(value - logits[Math.floor(i / CLASSES)][i % CLASSES]) < 1e-5);
    });
  }
  const part = await model.predict(x, { first: 10, count: 3 });
  assert.deepEqual(part.shape, [3, CLASSES]);
  assert.ok(Math.abs(part[0] - logits[10][0]) < 1e-5);
  await model.dispose();
});

test('history is the mean over all samples, the short last batch weighted by its size', async () => {
  const model = await denseModel({
    ...FROM_LOGITS,
    optimizer: optimizers.sgd({ learningRate: 0 }),
  });
  const { x, y } = corners(50);
  const before = await weightHash(model);
  /** @type {[number, any][]} */
  const batches = [];
  const { history } = await model.fit(x, y, {
    batchSize: 16,
    shuffle: false,
    onBatchEnd: (batch, logs) => batches.push([batch, logs]),
  });
  const whole = await model.evaluate(x, y, { batchSize: 16 });
  assert.equal(history.loss[0], whole.loss);
  assert.equal(history.accuracy?.[0], whole.accuracy);
  assert.deepEqual(
    batches.map(([batch]) => batch),
    [0, 1, 2, 3],
  );
  // Batch logs are the running mean of the epoch.
  for (const [batch, logs] of batches) {
    const count = Math.min(16 * (batch + 1), 50);
    assert.deepEqual(logs, await model.evaluate(x, y, { batchSize: 16, count }));
  }
  assert.equal(await weightHash(model), before, 'a learning rate of 0 leaves every bit');
  await model.dispose();
});

test('metrics are reported only if asked for', async () => {
  const model = await denseModel({ ...FROM_LOGITS, metrics: [] });
  const { x, y } = corners(30);
  const { history } = await model.fit(x, y, { validationData: [x, y] });
  assert.deepEqual(Object.keys(history), ['loss', 'valLoss']);
  assert.deepEqual(Object.keys(await model.evaluate(x, y)), ['loss']);
  await model.dispose();
});

test('validationSplit holds back the last samples, before shuffling', async () => {
  const { x, y } = corners(40);
  const split = await denseModel();
  const given = await denseModel();
  const validationData = [x.slice(30 * FEATURES), y.slice(30)];
  const first = await split.fit(x, y, { epochs: 3, validationSplit: 0.25 });
  const second = await given.fit(x, y, {
    epochs: 3,
    count: 30,
    validationData: /** @type {[unknown, unknown]} */ (validationData),
  });
  assert.deepEqual(first, second);
  assert.equal(await weightHash(split), await weightHash(given));
});

test('callbacks come in order, may be async, and are awaited', async () => {
  const model = await denseModel();
  const { x, y } = corners(40);
  /** @type {string[]} */
  const seen = [];
  const slow = (/** @type {string} */ text) =>
    new Promise((resolve) => {
      setImmediate(() => resolve(seen.push(text)));
    });
  await model.fit(x, y, {
    epochs: 2,
    batchSize: 20,
    yieldEvery: 0,
    onTrainBegin: () => slow('begin'),
    onBatchEnd: (batch) => slow(`batch ${batch}`),
    onEpochEnd: (epoch) => slow(`epoch ${epoch}`),
    onTrainEnd: () => slow('end'),
  });
  const epoch = (/** @type {number} */ n) => ['batch 0', 'batch 1', `epoch ${n}`];
  assert.deepEqual(seen, ['begin', ...epoch(0), ...epoch(1), 'end']);
  await model.dispose();
});

test('a schedule in onEpochEnd acts on the next epoch from its first step', async () => {
  const { x, y } = corners(64);
  const hashes = [];
  for (const yieldEvery of [0, 40]) {
    const model = await denseModel();
    await model.fit(x, y, {
      epochs: 3,
      yieldEvery,
      onEpochEnd: (epoch) => model.setLearningRate(0.01 / (epoch + 1)),
    });
    hashes.push(await weightHash(model));
    await model.dispose();
  }
  assert.equal(hashes[0], hashes[1]);
});

test('fitIterator gives batches and epochs; leaving it ends training', async () => {
  const model = await denseModel();
  const { x, y } = corners(60);
  const types = [];
  for await (const event of model.fitIterator(x, y, { epochs: 2, batchSize: 20 })) {
    types.push(event.type);
    assert.equal(event.batches, 3);
    assert.ok(event.logs.loss > 0 && event.imagesPerSecond > 0);
  }
  assert.deepEqual(types.join(' '), 'batch batch batch epoch batch batch batch epoch');
  for await (const event of model.fitIterator(x, y, { epochs: 1_000_000 })) {
    if (event.epoch === 3) break;
  }
  assert.equal(model.isTraining, false);
  await assert.rejects(
    async () => {
      for await (const _event of model.fitIterator(x, y, { epochs: 2 }))
        throw new RangeError('mine');
    },
    { name: 'RangeError', message: 'mine' },
  );
  await model.dispose();
});

test('trainOnBatch makes the step that fit makes', async () => {
  const { x, y } = corners(32);
  const [one, other] = [await denseModel(), await denseModel()];
  const logs = await one.trainOnBatch(x, y);
  const { history } = await other.fit(x, y, { shuffle: false });
  assert.equal(logs.loss, history.loss[0]);
  assert.equal(await weightHash(one), await weightHash(other));
});

test('labels as classes, rows, targets; pixels are scaled alike in fit and predict', async () => {
  const { x, y } = corners(30);
  const rows = Array.from(y, (label) => Array.from({ length: CLASSES }, (_, k) => +(k === label)));
  const sparse = await denseModel();
  const dense = await denseModel({ ...FROM_LOGITS, loss: 'categoricalCrossentropy' });
  const first = await sparse.evaluate(x, Float64Array.from(y));
  const second = await dense.evaluate(x, rows);
  assert.ok(Math.abs(first.loss - second.loss) < 1e-6);
  assert.equal(first.accuracy, second.accuracy);

  const nested = Array.from(y, (_, n) => Array.from(x.slice(n * FEATURES, (n + 1) * FEATURES)));
  assert.deepEqual(await sparse.predict(nested), await sparse.predict(x));

  const model = await engine.sequential([layers.flatten({ inputShape: [8, 8, 3] })]);
  const images = pictures(2);
  const outputs = await model.predict(images.x);
  outputs.forEach((value, i) => assert.ok(Math.abs(value - images.x[i] / 255) < 1e-7));
  const data = await engine.dataset({ ...images, scale: 1, mean: [1, 2, 3], std: 2 });
  const normal = await model.predict(data);
  normal.forEach((value, i) => assert.equal(value, (images.x[i] - (i % 3) - 1) / 2));
  assert.deepEqual((await data.read()).x, images.x);
  assert.deepEqual((await data.read(1, 1)).y, images.y.slice(1));
});

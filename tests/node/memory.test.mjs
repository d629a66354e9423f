/** The memory map of `summary({ memory: true })`, and what the standard networks may take. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, input, layers, optimizers } from 'tabgrad';
import { TopKCategoricalAccuracy, accuracy, topKCategoricalAccuracy } from 'tabgrad/metrics';
import { randomFlip, randomShear, randomZoom } from 'tabgrad/augment';
import { FROM_LOGITS, convLayers, pictures } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

/** Bytes that the engine holds beside data sets. */
async function held() {
  const { memory } = await engine.info();
  return memory.live - memory.datasets;
}

/** What the map leaves out: the engine's own lists, padding of vectors, the order of an epoch. */
const SMALL = 16_384;

/** @param {number[]} shape @param {number} count */
function bytes(shape, count) {
  const size = shape.reduce((product, length) => product * length, count);
  return Uint8Array.from({ length: size }, (_, index) => (index * 7919) % 251);
}

/** @param {...number} filters of 3x3 convolutions, each but the last with a pooling behind it */
function convolutions(...filters) {
  return filters.flatMap((count, index) => [
    layers.conv2d({ filters: count, kernelSize: 3, activation: 'relu' }),
    ...(index + 1 < filters.length ? [layers.maxPooling2d()] : []),
  ]);
}

/** A network with arrays of every kind: two readers of one value, saved statistics, scratch. */
async function branched() {
  const picture = input({ shape: [8, 8, 3], name: 'picture' });
  const stem = layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same' }).apply(picture);
  const norm = layers.batchNormalization().apply(stem);
  const body = layers
    .conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu' })
    .apply(norm);
  const sum = layers.add().apply([body, layers.softmax().apply(norm), norm]);
  const outputs = layers.dense({ units: 3 }).apply(layers.globalAveragePooling2d().apply(sum));
  const model = await engine.model({ inputs: picture, outputs, seed: 3 });
  model.compile(FROM_LOGITS);
  return model;
}

for (const training of [true, false]) {
  test(`the map of ${training ? 'training' : 'inference'} is what the engine then takes`, async () => {
    const model = await branched();
    const { text, memory, parameters } = await model.summary({
      memory: true,
      batchSize: 7,
      training,
    });
    assert.equal(memory.batchSize, 7);
    assert.equal(memory.training, training);
    assert.equal(memory.weights, 4 * parameters);
    const { x, y } = pictures(21);
    const data = await engine.dataset({ x, y, shape: [8, 8, 3] });
    if (training) await model.fit(data, { batchSize: 7 });
    else await model.evaluate(data, { batchSize: 7 });
    const taken = await model.memory();
    assert.equal(memory.arena, training ? taken.training : taken.inference);
    const before = await held();
    await model.dispose();
    const difference = before - (await held()) - memory.total;
    assert.ok(difference >= 0 && difference < SMALL, `${difference} bytes are not on the map`);

    for (const [index, a] of memory.arrays.entries()) {
      assert.ok(a.offset + a.bytes <= memory.arena && a.from <= a.to);
      for (const b of memory.arrays.slice(index + 1)) {
        const meet = a.from <= b.to && b.from <= a.to;
        const share = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        assert.ok(!meet || !share, `${a.layer}'s ${a.content} and ${b.layer}'s ${b.content}`);
      }
    }
    const sum = memory.arrays.reduce((total, array) => total + array.bytes, 0);
    assert.equal(memory.withoutReuse, sum);
    assert.ok(memory.arena < sum);
    const columns = memory.layers.map((layer) =>
      [
        layer.activations,
        layer.activationGradients,
        layer.saved,
        layer.scratch,
        layer.packed,
      ].reduce((a, b) => a + b),
    );
    assert.equal(
      columns.reduce((a, b) => a + b),
      sum,
    );
    const contents = new Set(memory.arrays.map(({ content }) => content));
    const expected = training
      ? ['activation', 'gradient', 'gradientPart', 'packed', 'saved', 'scratch']
      : ['activation', 'packed', 'saved', 'scratch'];
    assert.deepEqual([...contents].sort(), expected);
    assert.match(text, /^Model: model\n/);
    assert.ok(text.includes(`in batches of 7, in bytes\n`), text);
    await data.dispose();
  });
}

test('asking allocates nothing that stays, before compile too, and during fit', async () => {
  const model = await engine.sequential(convLayers(), { seed: 1 });
  const before = await held();
  let printed = '';
  const { memory, text } = await model.summary({ memory: true, print: (all) => (printed = all) });
  assert.equal(printed, text);
  assert.equal(memory.batchSize, 32);
  assert.equal(memory.training, true);
  assert.equal(memory.optimizer, 0);
  assert.equal(await held(), before);
  model.compile(FROM_LOGITS);
  const { x, y } = pictures(30);
  const fitting = model.fit(x, y, { batchSize: 5, epochs: 2, yieldEvery: 0 });
  const compiled = await model.summary({ memory: true, batchSize: 5 });
  assert.equal(compiled.memory.optimizer, 2 * compiled.memory.gradients);
  await fitting;
  assert.equal((await model.memory()).training, compiled.memory.arena);
  await model.dispose();
});

test('bad options are typed errors, and the model goes on', async () => {
  const model = await engine.sequential(convLayers(), { seed: 1 });
  for (const batchSize of [0, -1, 1.5, NaN, Infinity, 2 ** 53, '8']) {
    assert.throws(
      () => model.summary({ memory: true, batchSize: /** @type {any} */ (batchSize) }),
      { code: 'E_CONFIG', field: 'batchSize' },
      String(batchSize),
    );
  }
  const any = /** @type {any} */ (model);
  assert.throws(() => any.summary({ memory: 1 }), { code: 'E_CONFIG', field: 'memory' });
  assert.throws(() => any.summary({ memory: true, training: 1 }), { field: 'training' });
  assert.throws(() => any.summary({ batchSize: 8 }), { code: 'E_CONFIG', field: 'batchSize' });
  assert.throws(() => any.summary({ training: false }), { code: 'E_CONFIG', field: 'training' });
  for (const batchSize of [2 ** 22, 2 ** 31, 2 ** 32 - 1]) {
    const refused = model.summary({ memory: true, batchSize });
    await assert.rejects(refused, { code: 'E_LIMIT', message: new RegExp(String(batchSize)) });
  }
  await assert.rejects(model.summary({ memory: true, batchSize: 2 ** 32 }), { code: 'E_CONFIG' });
  assert.equal((await model.summary({ memory: true })).memory.batchSize, 32);
  await model.dispose();
  await assert.rejects(model.summary({ memory: true }), { code: 'E_DISPOSED' });
});

for (const threads of [1, 2, 4]) {
  test(`S1 trains in 16 MB beside its data, on ${threads} threads`, async () => {
    const own = await createEngine({ threads, deterministic: true });
    const model = await own.sequential([
      layers.inputLayer({ inputShape: [32, 32, 3] }),
      ...convolutions(32, 64, 64),
      layers.flatten(),
      layers.dense({ units: 64, activation: 'relu' }),
      layers.dense({ units: 10 }),
    ]);
    model.compile(FROM_LOGITS);
    const y = Int32Array.from({ length: 320 }, (_, index) => index % 10);
    const data = await own.dataset({ x: bytes([32, 32, 3], 320), y, shape: [32, 32, 3] });
    await model.fit(data, { batchSize: 32, validationData: data });
    const { memory } = await own.info();
    assert.ok(memory.peak - memory.datasets <= 16e6, String(memory.peak - memory.datasets));
    await own.dispose();
  });

  test(`the binary classifier of 224x224 trains in 210 MB, on ${threads} threads`, async () => {
    const own = await createEngine({ threads, deterministic: true });
    const model = await own.sequential([
      layers.inputLayer({ inputShape: [224, 224, 3] }),
      ...convolutions(32, 64, 128, 128),
      layers.maxPooling2d(),
      layers.flatten(),
      layers.dense({ units: 512, activation: 'relu' }),
      layers.dense({ units: 1 }),
    ]);
    model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy', fromLogits: true });
    const { memory } = await model.summary({ memory: true, batchSize: 8 });
    assert.ok(memory.total <= 210e6, String(memory.total));
    await own.dispose();
  });
}

test('S2 with its augmentation trains in 500 MB above its data: 224x224, batch 32', async (t) => {
  const own = await createEngine({ threads: 2 });
  const model = await own.sequential([
    layers.inputLayer({ inputShape: [224, 224, 3] }),
    ...convolutions(32, 64, 128, 128),
    layers.maxPooling2d(),
    layers.flatten(),
    layers.dense({ units: 512, activation: 'relu' }),
    layers.dense({ units: 1, activation: 'sigmoid' }),
  ]);
  model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy', metrics: ['accuracy'] });
  const y = Int32Array.from({ length: 32 }, (_, index) => index % 2);
  const data = await own.dataset({ x: bytes([224, 224, 3], 32), y, shape: [224, 224, 3] });
  await model.fit(data, {
    batchSize: 32,
    validationData: data,
    augment: [randomShear({ degrees: 0.2 }), randomZoom({ heightFactor: 0.2 }), randomFlip()],
  });
  const { memory } = await own.info();
  const above = memory.peak - memory.datasets;
  t.diagnostic(`${Math.round(above / 1e6)} MB above the data`);
  assert.ok(above <= 500e6, String(above));
  await own.dispose();
});

test('predictions of large values take a batch in parts, and metrics see all of it', async () => {
  const own = await createEngine({ threads: 2, deterministic: true });
  const shape = [256, 256, 1];
  // 8 MB a sample: four of them at once.
  const model = await own.sequential(
    [
      layers.conv2d({ filters: 32, kernelSize: 3, padding: 'same', inputShape: shape }),
      layers.globalMaxPooling2d(),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    { seed: 3 },
  );
  const metrics = [new TopKCategoricalAccuracy({ k: 2 })];
  model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy', ...metrics] });
  const [x, y] = [bytes(shape, 10), Int32Array.from({ length: 10 }, (_, index) => index % 3)];
  const scores = await model.predict(x, { batchSize: 10 });
  assert.deepEqual(await model.predict(x, { batchSize: 1 }), scores);
  const { inference } = await model.memory();
  assert.ok(inference < 48e6, String(inference));
  const found = await model.evaluate(x, y, { batchSize: 10 });
  const single = await model.evaluate(x, y, { batchSize: 1 });
  assert.ok(Math.abs(found.loss - single.loss) < 1e-6, `${found.loss} and ${single.loss}`);
  assert.equal(found.accuracy, accuracy(y, scores));
  assert.equal(found.topKCategoricalAccuracy, topKCategoricalAccuracy(y, scores, { k: 2 }));
  await own.dispose();
});

/**
 * What a step of gradient descent on samples first…first+count-1 changes, and the largest array of its plan.
 *
 * @param {number} threads
 * @param {number} first
 * @param {number} count
 */
async function descend(threads, first, count) {
  const own = await createEngine({ threads, deterministic: true });
  const shape = [256, 256, 3];
  const model = await own.sequential(
    [
      layers.conv2d({ filters: 40, kernelSize: 3, activation: 'relu', inputShape: shape }),
      layers.maxPooling2d(),
      layers.globalAveragePooling2d(),
      layers.dense({ units: 3 }),
    ],
    { seed: 7 },
  );
  model.compile({ ...FROM_LOGITS, optimizer: optimizers.sgd({ learningRate: 1 }) });
  const { memory } = await model.summary({ memory: true, batchSize: count });
  const before = await model.getWeights();
  const size = 256 * 256 * 3;
  const x = bytes(shape, first + count).slice(first * size);
  await model.trainOnBatch(
    x,
    Int32Array.from({ length: count }, (_, index) => (first + index) % 3),
  );
  const after = await model.getWeights();
  await own.dispose();
  const change = after.flatMap(({ data }, tensor) =>
    Array.from(data, (value, i) => value - Number(before[tensor]?.data[i])),
  );
  return { change, largest: Math.max(...memory.arrays.map((array) => array.bytes)) };
}

test('a large value is taken in slices: the same gradient, on any number of threads', async () => {
  // 254 x 254 x 40 floats are 10 MB a sample: three samples are a slice of two and one of one.
  const all = await descend(2, 0, 3);
  assert.ok(all.largest < 21e6, String(all.largest));
  assert.deepEqual((await descend(1, 0, 3)).change, all.change);
  assert.deepEqual((await descend(3, 0, 3)).change, all.change);
  const [two, one] = [await descend(2, 0, 2), await descend(2, 2, 1)];
  const most = Math.max(...all.change.map(Math.abs));
  for (const [i, change] of all.change.entries()) {
    const expected = (2 * Number(two.change[i]) + Number(one.change[i])) / 3;
    // An element is one chain of 194,000 additions; a slice left out or counted twice would be a third.
    assert.ok(Math.abs(change - expected) <= 1e-3 * most, `${i}: ${change}, ${expected}`);
  }
});

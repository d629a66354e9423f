/** Values that wait for the backward pass in 16 bits: memory, gradients, training, files. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, input, layers } from 'tabgrad';
import { FROM_LOGITS, convLayers, pictures, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const { x, y, shape } = pictures(120);
const STORED = /** @type {const} */ ({ activationStorage: 'bfloat16' });

/**
 * Convolutions whose values all wait: of what a step holds, most.
 *
 * @param {number} depth
 * @param {import('tabgrad').Engine} [own]
 * @param {number} [size]
 */
function deep(depth, own = engine, size = 16) {
  let value = input({ shape: [size, size, 3] });
  const inputs = value;
  for (let i = 0; i < depth; i++) {
    const conv = layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu' });
    value = conv.apply(value);
  }
  const outputs = layers.dense({ units: 3 }).apply(layers.globalAveragePooling2d().apply(value));
  return own.model({ inputs, outputs, seed: 1 });
}

test('what waits takes half the bytes', async () => {
  const depth = 32;
  const model = await deep(depth);
  const loss = 1 + 2 * depth + 2; // its moment: behind the input, convolutions and ReLUs, pooling and dense
  const sizes = [];
  for (const options of [{}, STORED]) {
    await model.compile({ ...FROM_LOGITS, ...options });
    const { memory } = await model.summary({ memory: true, batchSize: 16 });
    const waits = memory.arrays.filter(
      ({ content, from, to }) =>
        content === 'stored' || (content === 'activation' && from < loss && to > loss),
    );
    sizes.push({ arena: memory.arena, waiting: waits.reduce((sum, { bytes }) => sum + bytes, 0) });
    await model.trainOnBatch(new Float32Array(16 * 768), new Int32Array(16));
    assert.equal((await model.memory()).training, memory.arena);
  }
  const [floats, halves] = sizes;
  assert.ok(halves.waiting < 0.51 * floats.waiting, JSON.stringify(sizes));
  assert.ok(halves.arena < 0.65 * floats.arena, JSON.stringify(sizes));
});

test('training goes as it does with floats, and keeps its bits over threads and files', async () => {
  const losses = [];
  const hashes = new Set();
  for (const [threads, options, saved] of /** @type {const} */ ([
    [2, {}, false],
    [2, STORED, false],
    [1, STORED, true],
  ])) {
    const own = await createEngine({ threads, deterministic: true });
    let model = await deep(6, own, 8);
    await model.compile({ ...FROM_LOGITS, ...options });
    const data = await own.dataset({ x, y, shape });
    const first = await model.fit(data, { epochs: 3, batchSize: 20 });
    if (saved) model = await own.load(await model.save());
    const { history } = await model.fit(data, { epochs: 6, initialEpoch: 3, batchSize: 20 });
    losses.push([...first.history.loss, ...history.loss]);
    if (options === STORED) hashes.add(await weightHash(model));
    await own.dispose();
  }
  const [floats, halves, again] = losses;
  assert.equal(hashes.size, 1);
  assert.deepEqual(again, halves);
  assert.notDeepEqual(halves, floats);
  floats.forEach((loss, epoch) =>
    assert.ok(Math.abs(loss - halves[epoch]) < 0.01, `${loss} ${halves[epoch]} of ${epoch}`),
  );
  assert.ok(halves[5] < 0.8 * halves[0]);
});

test('numbers that are looked up are not rounded', async () => {
  const count = 64;
  const words = Float32Array.from({ length: count * 5 }, (_, i) => 700 + ((i * 37) % 299));
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const tables = [];
  for (const options of [{}, STORED]) {
    const hidden = Array.from({ length: 12 }, () =>
      layers.dense({ units: 40, activation: 'relu' }),
    );
    const model = await engine.sequential(
      [
        layers.embedding({ inputDim: 1000, outputDim: 8, inputShape: [5] }),
        layers.flatten(),
        ...hidden,
        layers.dense({ units: 2 }),
      ],
      { seed: 3 },
    );
    await model.compile({ ...FROM_LOGITS, optimizer: 'sgd', ...options });
    const start = (await model.getWeights())[0].data;
    await model.fit(words, labels, { epochs: 1, batchSize: 64 });
    const after = (await model.getWeights())[0].data;
    const { memory } = await model.summary({ memory: true, batchSize: 64 });
    const stored = memory.arrays.some(({ content }) => content === 'stored');
    assert.equal(stored, options === STORED);
    tables.push(
      Array.from({ length: 1000 }, (_, row) => Number(start[8 * row] !== after[8 * row])),
    );
  }
  assert.deepEqual(tables[1], tables[0]);
});

test('where one layer takes most of the memory, floats stay what they are', async () => {
  const arenas = [];
  const hashes = new Set();
  for (const options of [{}, STORED]) {
    const model = await engine.sequential(convLayers(), { seed: 4 });
    await model.compile({ ...FROM_LOGITS, ...options });
    await model.trainOnBatch(x.subarray(0, 1920), y.subarray(0, 10));
    arenas.push((await model.memory()).training);
    hashes.add(await weightHash(model));
  }
  assert.ok(arenas[1] <= arenas[0]);
  assert.equal(hashes.size, arenas[1] < arenas[0] ? 2 : 1);
});

test('what is refused', async () => {
  const model = await engine.sequential(convLayers(), { seed: 4 });
  assert.throws(
    () => model.compile({ ...FROM_LOGITS, activationStorage: /** @type {any} */ ('float16') }),
    { code: 'E_CONFIG', field: 'activationStorage' },
  );
  const small = await model.quantize({ calibration: x.subarray(0, 1920) });
  assert.throws(() => small.compile({ loss: 'sparseCategoricalCrossentropy', ...STORED }), {
    code: 'E_UNSUPPORTED',
  });
});

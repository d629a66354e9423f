/** The engine's second file: what does without it, and what happens when it is missing or another one. */

import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createEngine, layers, losses, optimizers } from 'tabgrad';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const BUILDS = ['engine-simd', 'engine-simd-threads'];
/** Has the first files alone. @type {string} */
let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabgrad-'));
  for (const name of BUILDS) await copyFile(`${DIST}${name}.wasm`, join(folder, `${name}.wasm`));
});
after(() => rm(folder, { recursive: true }));

const COUNT = 24;
const wave = (/** @type {number} */ n) => Float32Array.from({ length: n }, (_, i) => Math.sin(i));
const x = wave(COUNT * 8 * 8 * 3);
const classes = Int32Array.from({ length: COUNT }, (_, i) => i % 4);
const values = wave(COUNT * 4).map((value) => (value + 1) / 2);

/** @param {any} last @param {object} [conv] */
function network(last, conv) {
  return [
    layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', inputShape: [8, 8, 3], ...conv }),
    layers.batchNormalization(),
    layers.reLU(),
    layers.conv2d({ filters: 16, kernelSize: 3, strides: 2, activation: 'tanh' }),
    layers.maxPooling2d({ poolSize: 2, strides: 1 }),
    layers.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' }),
    layers.dropout({ rate: 0.2 }),
    layers.flatten(),
    layers.dense({ units: 16, activation: 'sigmoid' }),
    layers.dense({ units: 4, activation: last }),
  ];
}

/** @param {import('tabgrad').EngineOptions} options @param {any[]} net */
async function twoEpochs(options, net) {
  const engine = await createEngine({ deterministic: true, ...options });
  const model = await engine.sequential(net);
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  const { history } = await model.fit(x, classes, { epochs: 2, batchSize: 8 });
  const outputs = await model.predict(x);
  await engine.dispose();
  return { loss: history.loss, outputs };
}

test('networks of convolutions and dense layers, their losses and optimizers do without it', async () => {
  for (const threads of [1, 2]) {
    const engine = await createEngine({ deterministic: true, threads, wasmUrl: folder });
    const model = await engine.sequential(network('softmax'));
    const all = Object.entries(optimizers).filter(([name]) => !/^(adafactor|muon)$/.test(name));
    for (const [, optimizer] of all) {
      model.compile({
        optimizer: optimizer({ useEma: true, globalClipNorm: 1, weightDecay: 0.01 }),
        loss: 'sparseCategoricalCrossentropy',
        metrics: ['accuracy', 'f1Score'],
      });
      await model.fit(x, classes, { batchSize: 8, classWeight: { 1: 2 }, validationSplit: 0.25 });
    }
    assert.ok(all.length >= 9);
    const other = await engine.sequential(network('sigmoid'));
    const { categoricalCrossentropy, binaryCrossentropy } = losses;
    const { meanSquaredError, meanAbsoluteError } = losses;
    for (const loss of [
      categoricalCrossentropy({ labelSmoothing: 0.1 }),
      categoricalCrossentropy({ fromLogits: true }),
      binaryCrossentropy(),
      binaryCrossentropy({ fromLogits: true }),
      meanSquaredError(),
      meanAbsoluteError(),
    ]) {
      other.compile({ optimizer: 'sgd', loss });
      const data = await engine.dataset({ x, y: values, shape: [8, 8, 3] });
      await other.fit(data, { batchSize: 8 });
      await other.evaluate(data);
    }
    const bytes = await model.save();
    await (await engine.load(bytes)).predict(x);
    await engine.dispose();
  }
});

test('without it: E_LOAD names its URL, the engine goes on, and the next try may succeed', async () => {
  for (const threads of [1, 2]) {
    const name = `${BUILDS[threads - 1]}-rest.wasm`;
    const engine = await createEngine({ deterministic: true, threads, wasmUrl: folder });
    const model = await engine.sequential(network('softmax'));
    const missing = { code: 'E_LOAD', message: new RegExp(name) };
    await assert.rejects(engine.sequential(network('softmax', { activation: 'gelu' })), missing);
    await assert.rejects(
      model.compile({ optimizer: 'muon', loss: 'sparseCategoricalCrossentropy' }),
      missing,
    );
    await model.predict(x);
    // Of another build: the parts do not link.
    await copyFile(`${DIST}${BUILDS[2 - threads]}-rest.wasm`, join(folder, name));
    await assert.rejects(engine.sequential(network('softmax', { activation: 'gelu' })), {
      code: 'E_LOAD',
      message: /not the second file of this engine/,
    });
    const whole = await readFile(`${DIST}${name}`);
    await writeFile(join(folder, name), whole.subarray(0, whole.length >> 1));
    await assert.rejects(engine.sequential(network('softmax', { activation: 'gelu' })), missing);
    await copyFile(`${DIST}${name}`, join(folder, name));
    const other = await engine.sequential(network('softmax', { activation: 'gelu' }));
    await other.compile({ optimizer: 'muon', loss: 'sparseCategoricalCrossentropy' });
    await other.fit(x, classes);
    await model.compile({ optimizer: 'muon', loss: 'sparseCategoricalCrossentropy' });
    await model.fit(x, classes);
    await rm(join(folder, name));
    await engine.dispose();
  }
});

test('calls that need it at the same time load it once, and give the bits of any number of threads', async () => {
  const nets = [
    () => network('softmax', { activation: 'gelu' }),
    () => network('softmax', { groups: 1, kernelRegularizer: 'l2' }),
    () => network('softmax', { kernelInitializer: 'orthogonal', activation: 'elu' }),
  ];
  const [one, four] = await Promise.all(
    [1, 4].map((threads) => Promise.all(nets.map((net) => twoEpochs({ threads }, net())))),
  );
  assert.deepEqual(one, four);
  const engine = await createEngine({ deterministic: true, threads: 4 });
  const live = async () => (await engine.info()).memory.live;
  const before = await live();
  const models = await Promise.all(nets.map((net) => engine.sequential(net())));
  for (const model of models) await model.dispose();
  const { size } = await stat(`${DIST}engine-simd-threads-rest.wasm`);
  assert.equal((await live()) - before, size);
  await engine.dispose();
});

/** Training for 8 bits: what layers see, what gradients are, what is learnt, and what files keep. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, input, layers, optimizers } from 'tabgrad';
import { decode } from '../../web/lib/io/safetensors.js';
import { FROM_LOGITS, convLayers, pictures, randomNumbers, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const { x, y, shape } = pictures(120);

/** @param {number} v halves go to the even number */
const nearest = (v) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

/** A kernel [rows, columns] as 8 bits hold it, in double. @param {Float32Array} w @param {number} columns */
function rounded(w, columns) {
  const scale = Array(columns).fill(0);
  w.forEach((v, i) => (scale[i % columns] = Math.max(scale[i % columns], Math.abs(v) / 127)));
  return Array.from(w, (v, i) => nearest(v / scale[i % columns]) * scale[i % columns]);
}

/** A value as a byte holds it, and whether it is within the range. @param {number[]} range */
function byteOf([low, high]) {
  const from = Math.min(low, 0);
  const scale = Math.fround((Math.max(high, 0) - from) / 255);
  const zero = Math.min(Math.max(Math.round(-from / scale), 0), 255);
  return (/** @type {number} */ v) => {
    const byte = nearest(v / scale + zero);
    const inside = byte >= 0 && byte <= 255;
    return { value: (Math.min(Math.max(byte, 0), 255) - zero) * scale, inside };
  };
}

test('gradients are those of the straight-through estimator', async () => {
  const model = await engine.sequential(
    [
      layers.dense({ units: 5, activation: 'relu', inputShape: [4] }),
      layers.dense({ units: 3, useBias: false }),
      layers.softmax(),
    ],
    { seed: 3 },
  );
  const random = randomNumbers(4);
  const samples = Float32Array.from({ length: 40 * 4 }, () => random() * 2 - 1);
  // Ranges of few samples, so that others are cut.
  const aware = await model.quantizeAware({ calibration: samples.subarray(0, 8) });
  assert.equal(aware.isQuantizationAware, true);
  assert.equal(model.isQuantizationAware, false);
  assert.equal(aware.isQuantized, false);
  const weights = new Map((await aware.getWeights()).map(({ name, data }) => [name, data]));
  const tensor = (/** @type {string} */ name) => /** @type {Float32Array} */ (weights.get(name));
  const first = byteOf([...tensor('input/fake_quantize/range')]);
  const second = byteOf([...tensor('dense/relu/fake_quantize/range')]);
  const [w, v] = [rounded(tensor('dense/kernel'), 5), rounded(tensor('dense_1/kernel'), 3)];
  const { dw, dv } = { dw: Array(20).fill(0), dv: Array(15).fill(0) };
  const outputs = await aware.predict(samples);
  let cut = 0;
  for (let n = 0; n < 40; n++) {
    const a = Array.from(samples.subarray(4 * n, 4 * n + 4), first);
    const sums = Array.from({ length: 5 }, (_, j) =>
      a.reduce((sum, { value }, i) => sum + value * w[5 * i + j], tensor('dense/bias')[j]),
    );
    const h = sums.map((sum) => second(Math.max(sum, 0)));
    const logits = Array.from({ length: 3 }, (_, k) =>
      h.reduce((sum, { value }, j) => sum + value * v[3 * j + k], 0),
    );
    const total = logits.reduce((sum, value) => sum + Math.exp(value), 0);
    const p = logits.map((value) => Math.exp(value) / total);
    p.forEach((value, k) => assert.ok(Math.abs(value - outputs[3 * n + k]) < 1e-6));
    const delta = p.map((value, k) => (value - Number(k === n % 3)) / 40);
    cut += [...a, ...h].filter(({ inside }) => !inside).length;
    h.forEach(({ value, inside }, j) => {
      delta.forEach((d, k) => (dv[3 * j + k] += value * d));
      if (!inside || sums[j] <= 0) return;
      const back = delta.reduce((sum, d, k) => sum + d * v[3 * j + k], 0);
      a.forEach(({ value: own }, i) => (dw[5 * i + j] += own * back));
    });
  }
  assert.ok(cut > 10, 'values beyond the range take part');
  aware.compile({ loss: 'sparseCategoricalCrossentropy' });
  const labels = Int32Array.from({ length: 40 }, (_, n) => n % 3);
  const { weights: found } = await aware.gradients(samples, labels, {
    wrt: 'weights',
    batchSize: 40,
  });
  for (const [name, right] of /** @type {const} */ ([
    ['dense/kernel', dw],
    ['dense_1/kernel', dv],
  ])) {
    const own = found?.find((gradient) => gradient.name === name)?.data ?? [];
    right.forEach((value, i) =>
      assert.ok(Math.abs(value - own[i]) < 1e-6, `${name} ${i}: ${own[i]}, not ${value}`),
    );
  }
});

test('what it says is what the bytes say', async () => {
  const model = await engine.sequential(convLayers(), { seed: 4 });
  await model.compile(FROM_LOGITS);
  const data = await engine.dataset({ x, y, shape });
  await model.fit(data, { epochs: 3, batchSize: 20 });
  const aware = await model.quantizeAware({ calibration: data });
  await aware.compile({ ...FROM_LOGITS, optimizer: optimizers.adam({ learningRate: 1e-4 }) });
  const ranges = async () =>
    (await aware.getWeights()).filter(({ name }) => name.endsWith('/range'));
  const before = await ranges();
  assert.deepEqual(
    before.map(({ name }) => name),
    [
      'input/fake_quantize/range',
      'max_pooling2d/fake_quantize/range',
      'conv2d_1/relu/fake_quantize/range',
    ],
  );
  const { history } = await aware.fit(data, { epochs: 3, batchSize: 20 });
  assert.ok(history.loss[2] < history.loss[0]);
  const after = await ranges();
  assert.notDeepEqual(after[2].data, before[2].data);
  const small = await aware.quantize();
  assert.equal(small.isQuantized, true);
  // The same numbers, but for those that rounding brings to the other side of a half.
  const [floats, bytes] = [await aware.predict(data), await small.predict(data)];
  const spread = Math.sqrt(floats.reduce((sum, v) => sum + v * v, 0));
  const off = Math.sqrt(floats.reduce((sum, v, i) => sum + (v - bytes[i]) ** 2, 0));
  assert.ok(off < 0.01 * spread, `${off / spread}`);
  const [one, two] = [await aware.evaluate(data), await small.evaluate(data)];
  assert.ok(Math.abs(one.loss - two.loss) < 0.01, `${one.loss} ${two.loss}`);
});

test('residual networks: sums, shortcuts, normalisations, and layers in floats', async () => {
  const conv = (/** @type {number} */ filters, /** @type {object} */ more = {}) =>
    layers.conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false, ...more });
  const relu = (/** @type {any} */ v) => layers.reLU().apply(v);
  const normal = (/** @type {any} */ v) => layers.batchNormalization({ momentum: 0.5 }).apply(v);
  const from = input({ shape: [8, 8, 3] });
  const stem = relu(normal(conv(8).apply(from)));
  const branch = normal(conv(8).apply(layers.dropout({ rate: 0.2 }).apply(stem)));
  const sum = relu(layers.add().apply([branch, stem]));
  const wide = layers.conv2d({ filters: 8, kernelSize: 3, dilationRate: 2 }).apply(sum);
  const pooled = layers
    .averagePooling2d()
    .apply(layers.activation({ activation: 'tanh' }).apply(wide));
  const flat = layers.flatten().apply(pooled);
  const outputs = layers.softmax().apply(layers.dense({ units: 3 }).apply(flat));
  const model = await engine.model({ inputs: from, outputs, seed: 5 });
  const data = await engine.dataset({ x, y, shape });
  const compiled = { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] };
  await model.compile(/** @type {any} */ (compiled));
  await model.fit(data, { epochs: 4, batchSize: 20 });
  await model.prune({ sparsity: 0.5 });
  const aware = await model.quantizeAware({ calibration: data });
  await aware.compile(/** @type {any} */ (compiled));
  await aware.fit(data, { epochs: 4, batchSize: 20 });
  const small = await aware.quantize();
  const [one, two] = [await aware.evaluate(data), await small.evaluate(data)];
  assert.ok(Math.abs(one.loss - two.loss) < 0.02, `${one.loss} ${two.loss}`);
  const kernels = (await aware.getWeights()).filter(({ name }) => name.endsWith('/kernel'));
  const all = kernels.flatMap(({ data: own }) => [...own]);
  assert.equal(
    all.filter((v) => v === 0).length,
    Math.round(all.length / 2),
    'pruned stays pruned',
  );
  // The float model is as it was, and its parts can be had of the aware one.
  assert.equal(model.summary().trainableParameters, aware.summary().trainableParameters);
  const part = await aware.subModel({ outputs: 'conv2d' });
  assert.equal(part.isQuantizationAware, false);
});

test('files and threads keep the bits of training', async () => {
  const hashes = new Set();
  for (const [threads, saved] of /** @type {const} */ ([
    [1, false],
    [3, true],
  ])) {
    const own = await createEngine({ threads, deterministic: true });
    const data = await own.dataset({ x, y, shape });
    const model = await own.sequential(convLayers(), { seed: 4 });
    let aware = await model.quantizeAware({ calibration: data });
    await aware.compile(FROM_LOGITS);
    await aware.fit(data, { epochs: 2, batchSize: 20 });
    if (saved) {
      const file = await aware.save();
      assert.equal(decode(file).metadata.get('formatVersion'), '4');
      aware = await own.load(file);
      assert.equal(aware.isQuantizationAware, true);
      assert.deepEqual(await aware.save(), file);
      await assert.rejects(model.loadWeights(file), { code: 'E_MODEL_MISMATCH' });
    }
    await aware.setLayerOptions('dropout', { rate: 0.1 });
    await aware.fit(data, { epochs: 4, initialEpoch: 2, batchSize: 20 });
    hashes.add(await weightHash(await aware.quantize()));
    await own.dispose();
  }
  assert.equal(hashes.size, 1);
});

test('what is refused', async () => {
  const data = await engine.dataset({ x, y, shape });
  const model = await engine.sequential(convLayers(), { seed: 4 });
  const aware = await model.quantizeAware({ calibration: data });
  await assert.rejects(aware.fit(data), { code: 'E_STATE' });
  await assert.rejects(aware.quantizeAware({ calibration: data }), { code: 'E_UNSUPPORTED' });
  await assert.rejects(aware.quantize({ calibration: data }), { code: 'E_CONFIG' });
  const small = await aware.quantize();
  await assert.rejects(small.quantizeAware({ calibration: data }), { code: 'E_UNSUPPORTED' });
  await assert.rejects(model.quantizeAware(/** @type {any} */ ({})), {
    code: 'E_CONFIG',
    field: 'calibration',
    message: /quantizeAware/,
  });
  await assert.rejects(model.quantizeAware({ calibration: new Float32Array(7) }), {
    code: 'E_SHAPE',
  });
  const one = input({ shape: [4] });
  const two = input({ shape: [4] });
  const shared = layers.dense({ units: 4 });
  const sum = layers.add().apply([shared.apply(one), shared.apply(two)]);
  const twice = await engine.model({ inputs: [one, two], outputs: sum, seed: 2 });
  const calibration = [new Float32Array(8), new Float32Array(8)];
  await assert.rejects(twice.quantizeAware({ calibration }), { code: 'E_UNSUPPORTED' });
});

/** Quantised models: what they compute, what a file of one keeps, and what is refused. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, input, layers } from 'tabgrad';
import { decode, encode } from '../../web/lib/io/safetensors.js';
import { FROM_LOGITS, convLayers, corners, denseLayers, pictures, randomNumbers } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

/** @param {ArrayLike<number>} row */
const largest = (row) => Array.from(row).indexOf(Math.max(...Array.from(row)));

/**
 * Share of the samples for which two models name the same class.
 *
 * @param {Float32Array & { shape: number[] }} a
 * @param {Float32Array & { shape: number[] }} b
 */
function agreement(a, b) {
  const [count, classes] = a.shape;
  const row = (/** @type {Float32Array} */ all, /** @type {number} */ i) =>
    largest(all.subarray(i * classes, (i + 1) * classes));
  let same = 0;
  for (let i = 0; i < count; i++) if (row(a, i) === row(b, i)) same++;
  return same / count;
}

/**
 * Root of the mean squared difference, in standard deviations of `a`.
 *
 * @param {Float32Array} a
 * @param {Float32Array} b
 */
function distance(a, b) {
  const mean = a.reduce((sum, v) => sum + v, 0) / a.length;
  const spread = a.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / spread);
}

/** A residual network of every kind of node that quantisation treats in its own way. */
async function residual() {
  const conv = (/** @type {number} */ filters, /** @type {object} */ more = {}) =>
    layers.conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false, ...more });
  const x = input({ shape: [16, 16, 3] });
  const normalized = (/** @type {any} */ v) => layers.batchNormalization().apply(v);
  const relu = (/** @type {any} */ v) => layers.reLU().apply(v);
  const stem = relu(normalized(conv(16).apply(x)));
  const first = normalized(conv(16).apply(relu(normalized(conv(16).apply(stem)))));
  const one = relu(layers.add().apply([first, stem]));
  const half = conv(24, { strides: 2 }).apply(one);
  const shortcut = layers.conv2d({ filters: 24, kernelSize: 1, strides: 2 }).apply(one);
  // A sum without ReLU, and a normalisation that no convolution stands before.
  const two = relu(normalized(layers.add().apply([normalized(half), shortcut])));
  const pooled = layers.averagePooling2d({ poolSize: 2 }).apply(two);
  const mixed = layers.conv2d({ filters: 8, kernelSize: 3, activation: 'sigmoid' }).apply(pooled);
  const small = layers.dropout({ rate: 0.3 }).apply(layers.globalAveragePooling2d().apply(mixed));
  const outputs = layers.softmax().apply(layers.dense({ units: 3 }).apply(small));
  return engine.model({ inputs: x, outputs, seed: 4 });
}

/** Noise whose class is in its brightness. @param {number} count */
function noise(count) {
  const random = randomNumbers(3);
  const y = Int32Array.from({ length: count }, (_, i) => i % 3);
  const x = Float32Array.from(
    { length: count * 768 },
    (_, i) => y[Math.floor(i / 768)] * 0.4 + random() - 0.7,
  );
  return { x, y, shape: [16, 16, 3] };
}

test('the shipped S1 says what it said in floats', async () => {
  const cifar = await engine.datasets.cifar10();
  const url = new URL('../../web/public/pretrained/s1.safetensors', import.meta.url);
  const model = await engine.load(url);
  // What is cut off is missed: one value in a thousand costs four times the rounding.
  for (const [options, error] of /** @type {const} */ ([
    [{}, 0.05],
    [{ percentile: 99.9 }, 0.15],
    [{ method: 'minmax' }, 0.05],
  ])) {
    const small = await model.quantize({ calibration: cifar.train, count: 300, ...options });
    const range = { count: 1000, batchSize: 100 };
    const floats = await model.predict(cifar.test, range);
    const bytes = await small.predict(cifar.test, range);
    assert.ok(agreement(floats, bytes) >= 0.97, `${agreement(floats, bytes)}`);
    assert.ok(distance(floats, bytes) < error, `${distance(floats, bytes)}`);
    const file = await small.save();
    assert.ok(file.length < (await model.save()).length / 3.5, `${file.length} bytes`);
    await small.dispose();
  }
});

test('batches, threads and builds give the same bits', async () => {
  const { x, y, shape } = noise(33);
  const bits = [];
  /** @type {Uint8Array | undefined} */
  let file;
  for (const threads of [1, 2, 5]) {
    const own = await createEngine({ threads, deterministic: threads !== 2 });
    const data = await own.dataset({ x, y, shape });
    if (!file) {
      const model = await residual();
      const calibration = await engine.dataset({ x, y, shape });
      file = await (await model.quantize({ calibration })).save();
    }
    const small = await own.load(file);
    for (const batchSize of [1, 7, 33]) bits.push(await small.predict(data, { batchSize }));
    await own.dispose();
  }
  for (const other of bits.slice(1)) assert.deepEqual(other, bits[0]);
});

test('a residual network: folded, joined, and in floats where need be', async () => {
  const data = await engine.dataset(noise(120));
  const model = await residual();
  model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  await model.fit(data, { epochs: 3, batchSize: 20 });
  const small = await model.quantize({ calibration: data });
  const [floats, bytes] = [await model.predict(data), await small.predict(data)];
  assert.ok(distance(floats, bytes) < 0.1, `${distance(floats, bytes)}`);
  assert.ok(agreement(floats, bytes) >= 0.95, `${agreement(floats, bytes)}`);
  const [before, later] = [await model.evaluate(data), await small.evaluate(data)];
  assert.ok(Math.abs(before.loss - later.loss) < 0.05, `${before.loss} ${later.loss}`);

  assert.equal(small.isQuantized, true);
  assert.equal(model.isQuantized, false);
  assert.equal(small.summary().trainableParameters, 0);
  const names = (await small.getWeights()).map(({ name }) => name);
  assert.ok(names.includes('conv2d/scale'));
  assert.ok(!names.includes('batch_normalization/gamma'), 'folded');
  assert.ok(names.includes('batch_normalization_4/gamma'), 'in floats');
});

test('a file keeps every bit, and 8-bit kernels', async () => {
  for (const [made, data] of /** @type {const} */ ([
    [() => engine.sequential(convLayers(), { seed: 2 }), pictures(40)],
    [residual, noise(20)],
  ])) {
    const model = await made();
    model.compile({ ...FROM_LOGITS });
    const calibration = await engine.dataset(data);
    const small = await model.quantize({ calibration });
    const file = await small.save();
    const loaded = await engine.load(file);
    assert.equal(loaded.isQuantized, true);
    assert.deepEqual(loaded.summary(), small.summary());
    assert.deepEqual(await loaded.predict(calibration), await small.predict(calibration));
    assert.deepEqual(await loaded.evaluate(calibration), await small.evaluate(calibration));
    assert.deepEqual(await loaded.save(), file);
    const { tensors, metadata } = decode(file);
    assert.equal(metadata.get('formatVersion'), '3');
    for (const { name, dtype } of tensors.values()) {
      assert.equal(dtype, name.endsWith('/kernel') ? 'I8' : 'F32', name);
    }
  }
});

test('weights and values that are all zero', async () => {
  const model = await engine.sequential(
    [
      layers.conv2d({
        filters: 4,
        kernelSize: 3,
        kernelInitializer: 'zeros',
        inputShape: [8, 8, 3],
      }),
      layers.maxPooling2d(),
      layers.flatten(),
      layers.dense({ units: 3, biasInitializer: 'ones' }),
    ],
    { seed: 1 },
  );
  const { x, shape } = pictures(5);
  const small = await model.quantize({ calibration: await engine.dataset({ x, shape }) });
  const outputs = await small.predict(x);
  assert.deepEqual(Array.from(outputs), Array(15).fill(1));
});

test('pooling is the same before and after ReLU, and outputs may be a ReLU', async () => {
  const { x, shape } = pictures(30);
  const calibration = await engine.dataset({ x, shape });
  const conv = () => layers.conv2d({ filters: 16, kernelSize: 3, inputShape: [8, 8, 3] });
  const rest = () => [layers.flatten(), layers.dense({ units: 5, activation: 'relu' })];
  const orders = [
    [conv(), layers.reLU(), layers.maxPooling2d(), ...rest()],
    [conv(), layers.maxPooling2d(), layers.reLU(), ...rest()],
    // Windows that overlap are not the convolution's.
    [conv(), layers.reLU(), layers.maxPooling2d({ poolSize: 2, strides: 1 }), ...rest()],
  ];
  const results = [];
  for (const list of orders) {
    const model = await engine.sequential(list, { seed: 6 });
    const small = await model.quantize({ calibration, method: 'minmax' });
    const floats = await model.predict(calibration);
    results.push(await small.predict(calibration));
    const error = distance(floats, /** @type {Float32Array} */ (results.at(-1)));
    assert.ok(error < 0.03, `${error}`);
  }
  assert.deepEqual(results[0], results[1]);
});

describe('refused', () => {
  /** @type {any} */
  let model;
  /** @type {any} */
  let small;
  const { x, y } = corners(30);
  before(async () => {
    model = await engine.sequential(denseLayers(), { seed: 3 });
    model.compile(FROM_LOGITS);
    small = await model.quantize({ calibration: x });
  });

  test('calibration without samples, with bad ones or bad options', async () => {
    const refuse = (/** @type {any} */ options, /** @type {any} */ error) =>
      assert.rejects(model.quantize(options), error);
    await refuse(undefined, { code: 'E_CONFIG', field: 'calibration' });
    await refuse({}, { code: 'E_CONFIG', field: 'calibration' });
    await refuse({ calibration: [] }, { code: 'E_EMPTY' });
    await refuse({ calibration: x, first: 30 }, { code: 'E_LIMIT' });
    await refuse({ calibration: new Float32Array(7) }, { code: 'E_SHAPE' });
    await refuse({ calibration: new Float32Array(8).fill(NaN) }, { code: 'E_NON_FINITE' });
    await refuse({ calibration: x, method: 'entropy' }, { code: 'E_CONFIG', field: 'method' });
    await refuse(
      { calibration: x, percentile: 50 },
      { code: 'E_CONFIG', message: /percentile is 50/ },
    );
    await refuse({ calibration: x, percentile: 101 }, { code: 'E_CONFIG' });
    await refuse({ calibration: x, percentile: NaN }, { code: 'E_CONFIG' });
    await refuse(
      { calibration: x, method: 'minmax', percentile: 99 },
      { code: 'E_CONFIG', field: 'percentile' },
    );
  });

  test('values that overflow in a layer, which is named', async () => {
    const wild = await engine.sequential(denseLayers(), { seed: 3 });
    const weights = await wild.getWeights();
    for (const { data } of weights) data.fill(3e38);
    await wild.setWeights(weights);
    await assert.rejects(wild.quantize({ calibration: new Float32Array(8).fill(10) }), {
      code: 'E_NON_FINITE',
      message: /layer 'dense'/,
    });
  });

  test('sums that 32 bits do not hold', async () => {
    const wide = await engine.sequential([layers.dense({ units: 1, inputShape: [70000] })]);
    await assert.rejects(wide.quantize({ calibration: new Float32Array(70000) }), {
      code: 'E_LIMIT',
      message: /layer 'dense'.*70000.*66000/,
    });
  });

  test('whatever would train or change weights', async () => {
    const unsupported = { code: 'E_UNSUPPORTED', message: /quantised model/ };
    await assert.rejects(small.fit(x, y), unsupported);
    await assert.rejects(small.trainOnBatch(x, y), unsupported);
    await assert.rejects(small.setLearningRate(0.1), unsupported);
    await assert.rejects(small.setWeights(await small.getWeights()), unsupported);
    await assert.rejects(small.loadWeights(await small.save()), unsupported);
    await assert.rejects(small.quantize({ calibration: x }), unsupported);
    assert.throws(() => small.compile({ ...FROM_LOGITS, optimizer: 'sgd' }), unsupported);
    const { loss, fromLogits, metrics } = FROM_LOGITS;
    await small.compile({ loss, fromLogits, metrics });
    assert.ok((await small.evaluate(x, y)).accuracy >= 0);
  });

  test('files that do not fit', async () => {
    const file = await small.save();
    /** @typedef {(parts: { tensors: Map<string, any>, metadata: Map<string, any> }) => void} Change */
    /** @param {Change} change */
    const changed = (change) => {
      const { tensors, metadata } = decode(file.slice()); // the tensors are views
      change({ tensors, metadata });
      return encode({ tensors: [...tensors.values()], metadata: Object.fromEntries(metadata) });
    };
    const refuse = (/** @type {Change} */ change, /** @type {any} */ error) =>
      assert.rejects(engine.load(changed(change)), error);
    await refuse(({ metadata }) => metadata.delete('quantization'), { code: 'E_FORMAT' });
    await refuse(({ metadata }) => metadata.set('quantization', '{}'), {
      code: 'E_FORMAT',
      message: /scale of 'input'/,
    });
    await refuse(
      ({ metadata }) => metadata.set('quantization', '{"input":{"scale":-1,"zeroPoint":0}}'),
      { code: 'E_FORMAT', layer: 'input' },
    );
    await refuse(
      ({ metadata }) =>
        metadata.set(
          'quantization',
          metadata.get('quantization')?.replace(/"zeroPoint":\d+/, '"zeroPoint":256'),
        ),
      { code: 'E_CONFIG', message: /zeroPoint is 256/ },
    );
    await refuse(({ tensors }) => tensors.delete('dense/scale'), { code: 'E_MISSING' });
    await refuse(
      ({ tensors }) => {
        const tensor = tensors.get('dense/kernel');
        tensors.set('dense/kernel', {
          ...tensor,
          dtype: 'F32',
          data: Float32Array.from(tensor.data),
        });
      },
      { code: 'E_FORMAT', field: 'dense/kernel' },
    );
    await refuse(({ tensors }) => tensors.get('dense/kernel').data.fill(-128), {
      code: 'E_FORMAT',
      field: 'dense/kernel',
    });
    await assert.rejects(model.loadWeights(file), {
      code: 'E_MODEL_MISMATCH',
      message: /quantised model/,
    });
  });
});

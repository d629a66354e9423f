/** Pruned models, and weights in 16 bits: what training keeps, what files hold, and what is refused. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, input, layers, optimizers } from 'tabgrad';
import { gradualPruning } from 'tabgrad/callbacks';
import { decode, encode } from '../../web/lib/io/safetensors.js';
import { LARGEST, fromHalves, toHalves } from '../../web/lib/io/half.js';
import {
  FROM_LOGITS,
  convLayers,
  corners,
  denseLayers,
  pictures,
  randomNumbers,
  weightHash,
  wideLayers,
} from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const { x, y, shape } = pictures(120);

async function trained(make = wideLayers, optimizer = /** @type {any} */ ('adam')) {
  const model = await engine.sequential(make(), { seed: 4 });
  await model.compile({ ...FROM_LOGITS, optimizer });
  const data = await engine.dataset({ x, y, shape });
  await model.fit(data, { epochs: 3, batchSize: 20 });
  return { model, data };
}

/** @param {import('tabgrad').Model} model @param {RegExp} [names] */
async function kernels(model, names = /kernel$/) {
  return (await model.getWeights()).filter(({ name }) => names.test(name));
}

/** @param {ArrayLike<number>} data */
const zerosOf = (data) => Array.from(data).filter((value) => value === 0).length;

describe('pruning', () => {
  test('the smallest weights become 0, of the model or of each layer, and stay so', async () => {
    for (const scope of /** @type {const} */ (['global', 'layer'])) {
      const { model, data } = await trained();
      const before = await kernels(model);
      const report = await model.prune({ sparsity: 0.7, scope });
      const after = await kernels(model);
      const all = before.flatMap(({ data: own }) => Array.from(own, Math.abs));
      const limit = all.sort((a, b) => a - b)[Math.round(0.7 * all.length)];
      let zeros = 0;
      before.forEach((tensor, index) => {
        const sizes = Array.from(tensor.data, Math.abs).sort((a, b) => a - b);
        const least = scope === 'global' ? limit : sizes[Math.round(0.7 * sizes.length)];
        const pruned = tensor.data.map((value) => (Math.abs(value) < least ? 0 : value));
        assert.deepEqual(after[index].data, pruned, tensor.name);
        zeros += zerosOf(pruned);
        assert.equal(report.tensors[index].name, tensor.name);
        assert.equal(report.tensors[index].zeros, zerosOf(pruned));
      });
      assert.equal(report.zeros, zeros);
      assert.equal(report.weights, all.length);
      assert.equal(report.zeros, Math.round(0.7 * all.length));
      assert.ok(Math.abs(report.sparsity - 0.7) < 1e-4);

      const [start] = [(await model.evaluate(data)).loss];
      await model.fit(data, { epochs: 3, batchSize: 20 });
      assert.ok((await model.evaluate(data)).loss < start);
      (await kernels(model)).forEach(({ data: own, name }, index) => {
        assert.equal(zerosOf(own), zerosOf(after[index].data), name);
        assert.notDeepEqual(own, after[index].data, name);
        own.forEach((value, i) => assert.equal(value === 0, after[index].data[i] === 0, name));
      });
    }
  });

  for (const [what, optimizer] of /** @type {const} */ ([
    ['momentum and decay', optimizers.sgd({ momentum: 0.9, weightDecay: 0.1 })],
    ['averages', optimizers.adam({ useEma: true })],
    ['Lookahead and clipping', optimizers.adam({ lookahead: { steps: 2 }, globalClipNorm: 0.5 })],
    ['muon', optimizers.muon()],
    ['adafactor', optimizers.adafactor()],
  ])) {
    test(`zeros stay with ${what}`, async () => {
      const { model, data } = await trained(convLayers, optimizer);
      await model.prune({ sparsity: 0.5 });
      const places = (await kernels(model)).map(({ data: own }) => own.map((v) => Number(v === 0)));
      await model.fit(data, { epochs: 2, batchSize: 20 });
      const later = (await kernels(model)).map(({ data: own }) => own.map((v) => Number(v === 0)));
      assert.deepEqual(later, places);
    });
  }

  test('layers by name, again with more or less, and no longer', async () => {
    const { model, data } = await trained(convLayers);
    const dense = await model.prune({ sparsity: 0.9, layers: 'dense' });
    assert.deepEqual(
      dense.tensors.map(({ sparsity }) => sparsity > 0),
      [false, false, true],
    );
    const both = await model.prune({ sparsity: 0.25, layers: ['conv2d'] });
    assert.deepEqual(
      both.tensors.map(({ zeros }) => zeros),
      [Math.round(0.25 * 135), 0, dense.tensors[2].zeros],
    );
    await model.prune({ sparsity: 0 });
    await model.fit(data, { epochs: 2, batchSize: 20 });
    const [, , last] = await kernels(model);
    // A weight behind a pixel that is never bright has no gradient.
    assert.ok(zerosOf(last.data) < last.data.length / 4, `${zerosOf(last.data)}`);
  });

  test('weights that are set or averaged keep the zeros', async () => {
    const { model } = await trained(convLayers, optimizers.adam({ useEma: true }));
    const weights = await model.getWeights();
    await model.prune({ sparsity: 0.6 });
    const zeros = (await kernels(model)).map(({ data }) => zerosOf(data));
    await model.setWeights(weights);
    assert.deepEqual(
      (await kernels(model)).map(({ data }) => zerosOf(data)),
      zeros,
    );
    await model.useAveragedWeights();
    assert.deepEqual(
      (await kernels(model)).map(({ data }) => zerosOf(data)),
      zeros,
    );
  });

  test('by and by, with the same bits for any slices, threads and resume', async () => {
    const options = { finalSparsity: 0.8, initialSparsity: 0.2, beginEpoch: 1, endEpoch: 4 };
    const hashes = new Set();
    /** @type {any} */
    let history;
    for (const [threads, yieldEvery] of [
      [1, 0],
      [2, 40],
      [3, 1000],
    ]) {
      const own = await createEngine({ threads, deterministic: true });
      const model = await own.sequential(convLayers(), { seed: 4 });
      model.compile(FROM_LOGITS);
      const data = await own.dataset({ x, y, shape });
      const callbacks = [gradualPruning(options)];
      const fit = { batchSize: 20, callbacks, yieldEvery };
      if (threads === 3) {
        await model.fit(data, { ...fit, epochs: 3 });
        const again = await own.load(await model.save());
        await again.fit(data, { ...fit, epochs: 6, resume: true });
        hashes.add(await weightHash(again));
      } else {
        ({ history } = await model.fit(data, { ...fit, epochs: 6 }));
        hashes.add(await weightHash(model));
      }
      await own.dispose();
    }
    assert.equal(hashes.size, 1);
    const cubic = [0, 0, 1, 2, 3, 3].map((at, epoch) =>
      epoch === 0 ? 0 : 0.8 - 0.6 * (1 - at / 3) ** 3,
    );
    /** @type {number[]} */ (history.sparsity).forEach((share, epoch) => {
      assert.ok(Math.abs(share - cubic[epoch]) < 2e-3, `${share} in epoch ${epoch}`);
    });
  });

  test('a file keeps what is pruned, with zeros or without, and a resumed run its bits', async () => {
    const { model, data } = await trained();
    await model.prune({ sparsity: 0.8 });
    await model.fit(data, { epochs: 5, initialEpoch: 3, batchSize: 20 });
    const [whole, sparse] = [await model.save(), await model.save(undefined, { sparse: true })];
    const small = { includeOptimizer: false };
    const [dense, few] = [
      await model.save(undefined, small),
      await model.save(undefined, { ...small, sparse: true }),
    ];
    // A fifth of the kernels' numbers, a bit for each, names.
    assert.ok(few.length < 0.3 * dense.length, `${few.length} of ${dense.length} bytes`);
    assert.ok(sparse.length < 0.35 * whole.length, `${sparse.length} of ${whole.length} bytes`);
    const places = (await kernels(model)).map(({ data: own }) => zerosOf(own));
    await model.fit(data, { epochs: 7, initialEpoch: 5, batchSize: 20 });
    for (const file of [whole, sparse]) {
      const loaded = await engine.load(file);
      assert.deepEqual(await loaded.save(), whole);
      assert.deepEqual(await loaded.save(undefined, { sparse: true }), sparse);
      await loaded.fit(data, { epochs: 7, initialEpoch: 5, batchSize: 20 });
      assert.equal(await weightHash(loaded), await weightHash(model));
      assert.deepEqual(
        (await kernels(loaded)).map(({ data: own }) => zerosOf(own)),
        places,
      );
    }
    const other = await engine.sequential(wideLayers(), { seed: 8 });
    await other.loadWeights(few);
    assert.deepEqual(
      (await kernels(other)).map(({ data: own }) => zerosOf(own)),
      places,
    );
  });

  test('a pruned model in 8 bits is sparse too', async () => {
    const { model, data } = await trained();
    await model.prune({ sparsity: 0.8 });
    const bytes = await model.quantize({ calibration: data });
    const file = await bytes.save(undefined, { sparse: true, includeOptimizer: false });
    const whole = await bytes.save(undefined, { includeOptimizer: false });
    assert.ok(file.length < 0.6 * whole.length, `${file.length} of ${whole.length}`);
    const loaded = await engine.load(file);
    assert.deepEqual(await loaded.predict(data), await bytes.predict(data));
  });

  test('what is wrong is told, and nothing changes', async () => {
    const { model, data } = await trained(convLayers);
    const hash = await weightHash(model);
    for (const [options, field] of /** @type {[any, string][]} */ ([
      [{ sparsity: 1 }, 'sparsity'],
      [{ sparsity: -0.1 }, 'sparsity'],
      [{ sparsity: NaN }, 'sparsity'],
      [{}, 'sparsity'],
      [{ sparsity: '0.5' }, 'sparsity'],
      [{ sparsity: 0.5, scope: 'model' }, 'scope'],
      [{ sparsity: 0.5, layers: ['flatten'] }, 'layers'],
    ])) {
      await assert.rejects(model.prune(options), { code: 'E_CONFIG', field });
    }
    await assert.rejects(model.prune(/** @type {any} */ ({ sparsity: 0.5, layers: 3 })), {
      code: 'E_TYPE',
    });
    await assert.rejects(model.prune({ sparsity: 0.5, layers: 'dense_7' }), {
      code: 'E_CONFIG',
      message: /no layer 'dense_7'/,
    });
    await assert.rejects(model.prune(/** @type {any} */ ({ sparsity: 0.5, share: 1 })), {
      code: 'E_CONFIG',
      message: /share/,
    });
    const flat = await engine.sequential(
      [layers.batchNormalization({ inputShape: [4] }), layers.softmax()],
      {},
    );
    await assert.rejects(flat.prune({ sparsity: 0.5 }), { code: 'E_CONFIG', message: /kernel/ });
    const bytes = await model.quantize({ calibration: data });
    await assert.rejects(bytes.prune({ sparsity: 0.5 }), { code: 'E_UNSUPPORTED' });
    for (const options of /** @type {any[]} */ ([
      { endEpoch: 3 },
      { finalSparsity: 1, endEpoch: 3 },
      { finalSparsity: 0.5 },
      { finalSparsity: 0.5, beginEpoch: 3, endEpoch: 2 },
      { finalSparsity: 0.5, endEpoch: 2, frequency: 0 },
      { finalSparsity: 0.5, endEpoch: 2, power: 0 },
      { finalSparsity: 0.5, endEpoch: 2, scope: 'all' },
    ])) {
      assert.throws(() => gradualPruning(options), { code: 'E_CONFIG' }, JSON.stringify(options));
    }
    assert.equal(await weightHash(model), hash);
  });
});

describe('weights of 16 bits', () => {
  test('every number of 16 bits comes back, and others become the nearest', () => {
    for (const type of /** @type {const} */ (['F16', 'BF16'])) {
      const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const wide = fromHalves(all, type);
      const back = toHalves(wide, type);
      const again = fromHalves(back, type);
      const grid = [...wide].filter((value) => value >= 0 && value < Infinity);
      all.forEach((half, i) => {
        if (Number.isNaN(wide[i])) assert.ok(Number.isNaN(again[i]));
        else if (back[i] !== half) assert.fail(`${type} ${half} became ${back[i]}`);
      });
      assert.equal(Math.max(...grid), LARGEST[type]);
      // Between two neighbours: below the middle, above it, and on it, where the even one is meant.
      const random = randomNumbers(2);
      /** @type {number[]} */
      const inputs = [];
      /** @type {number[]} */
      const right = [];
      for (let i = 0; i < grid.length - 1; i++) {
        const [low, high] = [grid[i], grid[i + 1]];
        const middle = Math.fround((low + high) / 2);
        if (middle <= low || middle >= high) continue; // the least floats of all have no middle
        const sign = random() < 0.5 ? -1 : 1;
        const below = Math.fround(low + (middle - low) * random());
        const above = Math.fround(high - (high - middle) * random());
        const even = i % 2 === 0 ? low : high;
        for (const value of [middle, below, above]) {
          inputs.push(sign * value);
          right.push(sign * (value === middle ? even : value < middle ? low : high));
        }
      }
      const outputs = fromHalves(toHalves(Float32Array.from(inputs), type), type);
      const wrong = outputs.findIndex((value, i) => value !== right[i]);
      assert.equal(wrong, -1, `${type} ${inputs[wrong]} became ${outputs[wrong]}`);
      assert.ok(inputs.length > 90_000, `${inputs.length}`);
    }
  });

  test('save and load: half the bytes, the nearest numbers, the optimizer whole', async () => {
    const { model, data } = await trained();
    const weights = await model.getWeights();
    const whole = await model.save(undefined, { includeOptimizer: false });
    const before = await model.predict(data);
    for (const [dtype, type, digits] of /** @type {const} */ ([
      ['float16', 'F16', 11],
      ['bfloat16', 'BF16', 8],
    ])) {
      const file = await model.save(undefined, { dtype, includeOptimizer: false });
      assert.ok(file.length < 0.55 * whole.length, `${file.length} of ${whole.length}`);
      for (const tensor of decode(file).tensors.values()) assert.equal(tensor.dtype, type);
      const loaded = await engine.load(file);
      (await loaded.getWeights()).forEach(({ data: own }, index) => {
        const all = weights[index].data;
        assert.deepEqual(own, fromHalves(toHalves(all, type), type));
        own.forEach((value, i) => {
          assert.ok(Math.abs(value - all[i]) <= Math.abs(all[i]) * 2 ** -digits + 2 ** -25);
        });
      });
      const after = await loaded.predict(data);
      after.forEach((value, i) => assert.ok(Math.abs(value - before[i]) < 2 ** (6 - digits)));
      assert.deepEqual(await loaded.save(undefined, { dtype, includeOptimizer: false }), file);
      const all = decode(await model.save(undefined, { dtype })).tensors;
      assert.equal(all.get('optimizer:firstMoment:conv2d/kernel')?.dtype, 'F32');
      const sparse = await model.save(undefined, { dtype, sparse: true });
      assert.equal(await weightHash(await engine.load(sparse)), await weightHash(loaded));
    }
  });

  test('what does not fit is refused', async () => {
    const model = await engine.sequential(denseLayers(), { seed: 1 });
    const weights = await model.getWeights();
    weights[0].data[5] = -65520;
    await model.setWeights(weights);
    await assert.rejects(model.save(undefined, { dtype: 'float16' }), {
      code: 'E_LIMIT',
      field: 'dense/kernel',
      message: /-65520 at index 5.*65504/,
    });
    weights[0].data[5] = 65519;
    await model.setWeights(weights);
    const loaded = await engine.load(await model.save(undefined, { dtype: 'float16' }));
    assert.equal((await loaded.getWeights())[0].data[5], 65504);
    weights[0].data[5] = 3.4e38;
    await model.setWeights(weights);
    await assert.rejects(model.save(undefined, { dtype: 'bfloat16' }), { code: 'E_LIMIT' });
    await assert.rejects(model.save(undefined, /** @type {any} */ ({ dtype: 'float64' })), {
      code: 'E_CONFIG',
      field: 'dtype',
    });
    await assert.rejects(model.save(undefined, /** @type {any} */ ({ sparse: 'yes' })), {
      field: 'sparse',
    });
    const { x: points } = corners(20);
    const bytes = await model.quantize({ calibration: points }).catch(() => null);
    if (bytes) {
      await assert.rejects(bytes.save(undefined, { dtype: 'float16' }), { code: 'E_UNSUPPORTED' });
    }
  });
});

test('sparse files that do not fit are refused', async () => {
  const { model } = await trained();
  await model.prune({ sparsity: 0.8 });
  const file = await model.save(undefined, { sparse: true, includeOptimizer: false });
  /** @param {(tensors: Map<string, any>, metadata: Map<string, string>) => void} change */
  const changed = (change) => {
    const { tensors, metadata } = decode(file);
    change(tensors, metadata);
    return encode({ tensors, metadata });
  };
  const name = 'conv2d_1/kernel';
  /** @type {[RegExp, (tensors: Map<string, any>, metadata: Map<string, string>) => void][]} */
  const faults = [
    [/missing/, (tensors) => tensors.delete(`${name}:values`)],
    [/missing/, (tensors) => tensors.delete(`${name}:bitmap`)],
    [/missing/, (_, metadata) => metadata.delete('sparse')],
    [/has no tensor/, (tensors) => tensors.set('dense/bias:bitmap', tensors.get(`${name}:bitmap`))],
    [/conv2d\/bias:bitmap is missing/, (_, metadata) => metadata.set('pruned', '["conv2d/bias"]')],
    [/not valid JSON/, (_, metadata) => metadata.set('sparse', '{')],
    [/must be an object/, (_, metadata) => metadata.set('sparse', '[]')],
    [/shape/, (_, metadata) => metadata.set('sparse', `{"${name}":[1e9,1e9]}`)],
    [/shape/, (_, metadata) => metadata.set('sparse', `{"${name}":null}`)],
    [/bitmap of/, (_, metadata) => metadata.set('sparse', `{"${name}":[3,3,16,31]}`)],
    [
      /type I8/,
      (tensors) => {
        const bits = tensors.get(`${name}:bitmap`);
        tensors.set(`${name}:bitmap`, { ...bits, dtype: 'I8', data: new Int8Array(bits.data) });
      },
    ],
    [
      /ones for/,
      (tensors) => {
        const bits = tensors.get(`${name}:bitmap`);
        tensors.set(`${name}:bitmap`, { ...bits, data: bits.data.slice().fill(255) });
      },
    ],
    [/whole and sparse/, (tensors) => tensors.set(name, tensors.get('conv2d_1/bias'))],
  ];
  const hash = await weightHash(model);
  for (const [message, change] of faults) {
    const bad = changed(change);
    await assert.rejects(engine.load(bad), (/** @type {any} */ error) => {
      assert.match(error.message, message);
      assert.match(error.code, /^E_(FORMAT|MISSING|EXTRA)$/);
      return true;
    });
    await assert.rejects(model.loadWeights(bad));
  }
  assert.equal(await weightHash(model), hash);
});

test('a graph with a shared layer is pruned once', async () => {
  const one = input({ shape: [4] });
  const two = input({ shape: [4] });
  const shared = layers.dense({ units: 64, name: 'shared' });
  const sum = layers.add().apply([shared.apply(one), shared.apply(two)]);
  const outputs = layers.dense({ units: 3 }).apply(sum);
  const model = await engine.model({ inputs: [one, two], outputs, seed: 2 });
  const report = await model.prune({ sparsity: 0.5 });
  assert.deepEqual(
    report.tensors.map(({ name }) => name),
    ['shared/kernel', 'dense/kernel'],
  );
  const loaded = await engine.load(await model.save(undefined, { sparse: true }));
  assert.equal(await weightHash(loaded), await weightHash(model));
});

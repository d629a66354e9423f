/** Copies with other layers, LoRA, ensembles, soft targets, folds. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, input, layers, optimizers } from 'tabgrad';
import { lstmClassifier, resNet, visionTransformer } from 'tabgrad/applications';
import { addLora, cloneModel, ensemble, kFold, mergeLora, softTargets } from 'tabgrad/learning';
import { CLASSES, convLayers, pictures, randomNumbers } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const { x, y } = pictures(24);
/** @type {import('tabgrad').CompileOptions} */
const FROM_LOGITS = {
  loss: 'sparseCategoricalCrossentropy',
  fromLogits: true,
  metrics: ['accuracy'],
};
const chain = (seed = 1) => engine.sequential(convLayers(), { seed });

/** Two inputs, a layer called twice, two outputs. */
function twins() {
  const [a, b] = [input({ shape: [3], name: 'left' }), input({ shape: [3], name: 'right' })];
  const shared = layers.dense({ units: 4, activation: 'tanh', name: 'shared' });
  const first = shared.apply(a);
  const sum = layers.add({ name: 'sum' }).apply([first, shared.apply(b)]);
  const scale = layers.variable({ shape: [4], valueInitializer: 'ones', name: 'scale' }).apply([]);
  const product = layers.multiply().apply([sum, scale]);
  return engine.model({
    inputs: [a, b],
    outputs: [layers.dense({ units: 2, name: 'kind' }).apply(product), first],
    seed: 4,
  });
}

/** @param {ArrayLike<number>} found @param {ArrayLike<number>} wanted @param {number} close */
function assertClose(found, wanted, close) {
  assert.equal(found.length, wanted.length);
  for (let i = 0; i < found.length; i++) {
    assert.ok(Math.abs(found[i] - wanted[i]) <= close, `${i}: ${found[i]} and ${wanted[i]}`);
  }
}

describe('cloneModel', () => {
  test('copies layers in a row, graphs and what is in them, bit for bit', async () => {
    const picture = randomNumbers(3);
    const samples = Float32Array.from({ length: 2 * 3072 }, picture);
    /** @type {[() => Promise<import('tabgrad').Model>, unknown][]} */
    const cases = [
      [() => chain(), x],
      [() => resNet({ engine, depth: 8 }), samples],
      [() => visionTransformer({ engine, numLayers: 1, dropout: 0.1 }), samples],
      [() => lstmClassifier({ engine, units: 4, bidirectional: true }), samples],
      [twins, [Float32Array.of(1, 2, 3), Float32Array.of(-1, 0, 1)]],
    ];
    for (const [make, given] of cases) {
      const model = await make();
      const copy = await cloneModel(model);
      assert.deepEqual([copy.name, copy.seed], [model.name, model.seed]);
      assert.deepEqual(copy.outputs, model.outputs);
      assert.equal(copy.summary().parameters, model.summary().parameters);
      assert.deepEqual(await copy.getWeights(), await model.getWeights());
      assert.deepEqual(await copy.predict(given), await model.predict(given));
      for (const each of [model, copy]) await each.dispose();
    }
  });

  test('copies train apart', async () => {
    const model = await chain();
    const copy = await cloneModel(model, { name: 'other', seed: 9 });
    assert.deepEqual([copy.name, copy.seed], ['other', 9]);
    const before = await model.getWeights();
    await copy.compile(FROM_LOGITS);
    await copy.fit(x, y, { epochs: 1 });
    assert.deepEqual(await model.getWeights(), before);
    assert.notDeepEqual(await copy.getWeights(), before);
    for (const each of [model, copy]) await each.dispose();
  });

  test('a layer, a function or nothing stands in the place of a layer', async () => {
    const model = await twins();
    /** @type {string[]} */
    const asked = [];
    const copy = await cloneModel(model, {
      change: ({ name = '' }) => {
        asked.push(name);
        if (name === 'kind') return layers.dense({ units: 5, name: 'kind' });
        if (name !== 'sum') return undefined;
        return (tensors) => layers.average({ name: 'mean' }).apply(tensors);
      },
    });
    assert.deepEqual(asked, ['shared', 'sum', 'scale', 'multiply', 'kind']); // once each, inputs never
    assert.deepEqual(copy.outputs, [
      { name: 'kind', shape: [5] },
      { name: 'shared', shape: [4] },
    ]);
    const [left, right] = [Float32Array.of(1, 2, 3), Float32Array.of(-1, 0, 1)];
    const { mean } = await copy.activations([left, right], { layers: 'mean' });
    const { sum } = await model.activations([left, right], { layers: 'sum' });
    assertClose(
      mean,
      sum.map((value) => value / 2),
      1e-7,
    );
    for (const each of [model, copy]) await each.dispose();
  });

  test('what does not fit is refused', async () => {
    const model = await chain();
    await assert.rejects(cloneModel(model, /** @type {any} */ ({ change: 1 })), {
      code: 'E_CONFIG',
      message: /change must be a function/,
    });
    const change = (/** @type {import('tabgrad').Layer} */ { type }) =>
      type === 'flatten' ? layers.maxPooling2d({ poolSize: 99 }) : undefined;
    await assert.rejects(cloneModel(model, { change }), { message: /99/ });
    const small = await model.quantize({ calibration: x });
    await assert.rejects(cloneModel(small), { code: 'E_UNSUPPORTED' });
    for (const each of [model, small]) await each.dispose();
  });
});

describe('LoRA', () => {
  /** A convolution of stride 2, one with an activation, dense layers with and without; a head. */
  const build = () =>
    engine.sequential(
      [
        layers.conv2d({
          filters: 6,
          kernelSize: 3,
          strides: 2,
          inputShape: [8, 8, 3],
          name: 'a/b',
        }),
        layers.batchNormalization({ name: 'norm' }),
        layers.conv2d({
          filters: 5,
          kernelSize: [3, 2],
          padding: 'same',
          activation: 'relu',
          name: 'mixed',
        }),
        layers.flatten(),
        layers.dense({ units: 8, activation: 'tanh', useBias: false, name: 'wide' }),
        layers.dense({ units: CLASSES, name: 'head' }),
      ],
      { seed: 3 },
    );

  test('begins as the model, trains few weights, and becomes a model like any other', async () => {
    const model = await build();
    const before = await model.predict(x);
    const adapted = await addLora(model, { rank: 2, alpha: 6, trainable: ['head'] });
    assert.deepEqual(await adapted.predict(x), before);
    // a/b: 27 · 2 + 2 · 6, mixed: 36 · 2 + 2 · 5, wide: 45 · 2 + 2 · 8, head whole.
    const parameters = 66 + 82 + 106 + 8 * CLASSES + CLASSES;
    assert.equal(adapted.summary().trainableParameters, parameters);

    const started = await adapted.getWeights();
    await adapted.compile({ ...FROM_LOGITS, optimizer: optimizers.adam({ learningRate: 0.02 }) });
    const { history } = await adapted.fit(x, y, { epochs: 15, batchSize: 8 });
    assert.ok(history.loss[14] < 0.7 * history.loss[0], `${history.loss}`);
    for (const [index, { name, data }] of (await adapted.getWeights()).entries()) {
      const same = data.every((value, k) => value === started[index].data[k]);
      assert.equal(same, !/^head|_lora_/.test(name), name);
    }
    const loaded = await engine.load(await adapted.save());
    const learnt = await adapted.predict(x);
    assert.deepEqual(await loaded.predict(x), learnt);

    await mergeLora(loaded, model);
    assertClose(await model.predict(x), learnt, 2e-5 * Math.max(...learnt.map(Math.abs)));
    for (const each of [model, adapted, loaded]) await each.dispose();
  });

  test('in a graph, for the layers that are named', async () => {
    const model = await visionTransformer({ engine, numLayers: 1, classes: CLASSES });
    const names = model.layers.flatMap(({ type, name = '' }) => (type === 'dense' ? [name] : []));
    const adapted = await addLora(model, { layers: names.slice(0, 2), rank: 3 });
    assert.equal(adapted.summary().trainableParameters, 2 * 3 * (96 + 192));
    const pixels = Uint8Array.from({ length: 3072 }, (_, i) => i % 251);
    assert.deepEqual(await adapted.predict(pixels), await model.predict(pixels));
    await mergeLora(adapted, model);
    assert.deepEqual(await adapted.predict(pixels), await model.predict(pixels));
    for (const each of [model, adapted]) await each.dispose();
  });

  test('what has no kernel of that kind is refused', async () => {
    const model = await build();
    /** @type {[object, string, RegExp][]} */
    const cases = [
      [{ layers: ['norm'] }, 'E_CONFIG', /'norm' is of type batchNormalization/],
      [{ layers: ['nobody'] }, 'E_CONFIG', /no layer 'nobody'; the layers are a\/b, norm/],
      [{ trainable: ['tail'] }, 'E_CONFIG', /trainable: there is no layer 'tail'/],
      [{ layers: ['wide'], trainable: ['wide'] }, 'E_CONFIG', /'wide' is in layers and in/],
      [{ trainable: 'head' }, 'E_CONFIG', /trainable must be an array/],
      [{ rank: 0 }, 'E_CONFIG', /rank .* from 1 .* found 0/],
    ];
    for (const [options, code, message] of cases) {
      await assert.rejects(addLora(model, options), { code, message });
    }
    const groups = await engine.sequential([
      layers.conv2d({ filters: 4, kernelSize: 1, groups: 2, inputShape: [2, 2, 4], name: 'two' }),
    ]);
    await assert.rejects(addLora(groups, { layers: ['two'] }), { message: /2 groups/ });
    await assert.rejects(mergeLora(groups, model), { message: /no weight 'a\/b\/kernel'/ });
    for (const each of [model, groups]) await each.dispose();
  });
});

describe('ensemble', () => {
  test('gives the mean of its members, and is a model', async () => {
    const models = await Promise.all([1, 2, 3].map(chain));
    const together = await ensemble(models);
    const each = await Promise.all(models.map((model) => model.predict(x)));
    const mean = each[0].map((_, i) => (each[0][i] + each[1][i] + each[2][i]) / 3);
    assertClose(await together.predict(x), mean, 1e-6);
    const loaded = await engine.load(await together.save());
    assert.deepEqual(await loaded.predict(x), await together.predict(x));
    const small = await together.quantize({ calibration: x });
    assert.equal((await small.predict(x)).length, mean.length);
    for (const model of [...models, together, loaded, small]) await model.dispose();
  });

  test('of several inputs and outputs; of one', async () => {
    const [model, other] = [await twins(), await twins()];
    await other.setWeights(
      (await other.getWeights()).map((w) => ({ ...w, data: w.data.map((value) => -value) })),
    );
    const given = [Float32Array.of(1, 2, 3), Float32Array.of(-1, 0, 1)];
    const parts = /** @type {any} */ ([await model.predict(given), await other.predict(given)]);
    const together = await ensemble([model, other], { name: 'pair' });
    assert.equal(together.name, 'pair');
    const found = /** @type {any} */ (await together.predict(given));
    for (const place of [0, 1]) {
      const mean = parts[0][place].map(
        (/** @type {number} */ value, /** @type {number} */ i) => (value + parts[1][place][i]) / 2,
      );
      assertClose(found[place], mean, 1e-6);
    }
    const alone = await ensemble([model]);
    assert.deepEqual(await alone.predict(given), parts[0]);
    for (const each of [model, other, together, alone]) await each.dispose();
  });

  test('of other shapes, or none, is refused', async () => {
    const [model, other] = [await chain(), await twins()];
    await assert.rejects(ensemble([model, other]), {
      code: 'E_SHAPE',
      message: /inputs of model 0 are \[8, 8, 3\], those of model 1 \[3\] and \[3\]/,
    });
    await assert.rejects(ensemble([]), { code: 'E_CONFIG', message: /1 or more/ });
    await assert.rejects(ensemble(/** @type {any} */ (model)), { message: /array of models/ });
    for (const each of [model, other]) await each.dispose();
  });
});

describe('softTargets', () => {
  test('are softmax(logits / temperature), of logits and of probabilities', async () => {
    const model = await chain();
    const logits = await model.predict(x);
    const sure = await cloneModel(model, {
      change: ({ name, units }) =>
        units === CLASSES ? layers.dense({ units, activation: 'softmax', name }) : undefined,
    });
    for (const temperature of [1, 4, 0.5]) {
      const found = await softTargets(model, x, { temperature, fromLogits: true });
      const wanted = Array.from(logits, (z) => Math.exp(z / temperature)).map((power, i, all) => {
        const row = Math.floor(i / CLASSES) * CLASSES;
        return power / all.slice(row, row + CLASSES).reduce((sum, value) => sum + value, 0);
      });
      assert.deepEqual(found.shape, [24, CLASSES]);
      assertClose(found, wanted, 1e-6);
      assertClose(await softTargets(sure, x, { temperature }), wanted, 1e-5);
    }
    for (const temperature of [0, -1, NaN, Infinity]) {
      await assert.rejects(softTargets(model, x, { temperature }), {
        code: 'E_CONFIG',
        message: /temperature must be above 0/,
      });
    }
    for (const each of [model, sure]) await each.dispose();
  });

  test('a certain teacher stays certain', async () => {
    const model = await engine.sequential([layers.rescaling({ scale: 1, inputShape: [3] })]);
    const found = await softTargets(model, Float32Array.of(1, 0, 0));
    assert.deepEqual(Array.from(found), [1, 0, 0]);
    const large = await softTargets(model, Float32Array.of(4000, 0, 3996), { fromLogits: true });
    assertClose(large, [1 / (1 + Math.exp(-1)), 0, 1 / (1 + Math.E)], 1e-6);
    await model.dispose();
  });
});

describe('kFold', () => {
  test('every sample is validated once; folds differ by one at most', () => {
    const folds = kFold(23, { folds: 4, seed: 2 });
    assert.deepEqual(
      folds.map(({ validation }) => validation.length),
      [6, 6, 6, 5],
    );
    const all = folds.flatMap(({ validation }) => Array.from(validation));
    assert.deepEqual(
      all.sort((a, b) => a - b),
      Array.from({ length: 23 }, (_, i) => i),
    );
    for (const { train, validation } of folds) {
      const both = [...train, ...validation].sort((a, b) => a - b);
      assert.deepEqual(both, all);
      assert.deepEqual(train, train.slice().sort());
    }
    assert.deepEqual(kFold(23, { folds: 4, seed: 2 }), folds);
    assert.notDeepEqual(kFold(23, { folds: 4, seed: 3 }), folds);
    assert.equal(kFold(10).length, 5);
  });

  test('every fold has its share of each class', () => {
    const labels = Array.from({ length: 50 }, (_, i) => (i < 31 ? 7 : i % 2));
    for (const { validation } of kFold(50, { labels, seed: 1 })) {
      const count = (/** @type {number} */ label) =>
        validation.filter((sample) => labels[sample] === label).length;
      assert.equal(validation.length, 10);
      assert.ok(count(7) >= 6 && count(7) <= 7);
      assert.ok(count(0) >= 1 && count(0) <= 2 && count(1) >= 1 && count(1) <= 2);
    }
  });

  test('odd options are refused', () => {
    assert.throws(() => kFold(0), { code: 'E_CONFIG' });
    assert.throws(() => kFold(4), { code: 'E_LIMIT', message: /5 folds .* found 4/ });
    assert.throws(() => kFold(9, { folds: 1 }), { code: 'E_CONFIG' });
    assert.throws(() => kFold(9, { labels: [1] }), { code: 'E_SHAPE', message: /1 numbers for 9/ });
  });
});

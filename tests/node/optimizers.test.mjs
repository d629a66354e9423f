/** Optimizers and their common options: training, state in files, bits over threads, averages, refusals. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, layers, optimizers } from 'tabgrad';
import { exponentialDecay } from 'tabgrad/schedules';
import { decode, encode } from '../../web/lib/io/safetensors.js';
import { FROM_LOGITS, convLayers, corners, denseLayers, pictures, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

/** Every optimizer, every slot, and every common option. @type {[string, any][]} */
const EVERY = [
  ['sgd', optimizers.sgd({ learningRate: 0.1 })],
  ['sgd, momentum', optimizers.sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 0.01 })],
  ['adam', optimizers.adam({ learningRate: 0.01 })],
  ['adam, amsgrad', optimizers.adam({ learningRate: 0.01, amsgrad: true })],
  ['adamw', optimizers.adamw({ learningRate: 0.01, weightDecay: 0.1 })],
  ['adamax', optimizers.adamax({ learningRate: 0.02 })],
  ['nadam', optimizers.nadam({ learningRate: 0.01 })],
  ['adagrad', optimizers.adagrad({ learningRate: 0.1 })],
  ['rmsprop', optimizers.rmsprop({ learningRate: 0.005 })],
  ['rmsprop, centered', optimizers.rmsprop({ learningRate: 0.002, centered: true, momentum: 0.8 })],
  ['adadelta', optimizers.adadelta({ learningRate: 1, rho: 0.9, epsilon: 1e-5 })],
  ['lion', optimizers.lion({ learningRate: 0.003 })],
  ['adafactor', optimizers.adafactor({ learningRate: 0.1 })],
  ['muon', optimizers.muon({ learningRate: 0.02 })],
  ['clipValue', optimizers.sgd({ learningRate: 0.2, clipValue: 0.05 })],
  ['clipNorm', optimizers.sgd({ learningRate: 0.2, clipNorm: 0.1 })],
  ['globalClipNorm', optimizers.adam({ learningRate: 0.01, globalClipNorm: 0.1 })],
  ['accumulation', optimizers.adam({ learningRate: 0.02, gradientAccumulationSteps: 3 })],
  [
    'averages',
    optimizers.adam({
      learningRate: 0.02,
      useEma: true,
      emaMomentum: 0.9,
      emaOverwriteFrequency: 5,
    }),
  ],
  ['lookahead', optimizers.adam({ learningRate: 0.02, lookahead: {} })],
  [
    'everything',
    optimizers.muon({
      learningRate: 0.05,
      clipNorm: 0.5,
      gradientAccumulationSteps: 2,
      useEma: true,
      emaMomentum: 0.8,
      lookahead: { steps: 2, alpha: 0.7 },
      excludeLayers: ['dense'],
    }),
  ],
];

const DATA = pictures(100);
const FIT = { epochs: 3, batchSize: 16 };

/** @param {import('tabgrad').Engine} on @param {any} optimizer */
async function start(on, optimizer) {
  const model = await on.sequential(convLayers(), { seed: 7 });
  await model.compile({ ...FROM_LOGITS, optimizer });
  return { model, data: await on.dataset(DATA) };
}

for (const [name, optimizer] of EVERY) {
  describe(name, () => {
    test('trains a small network', async () => {
      const { x, y } = corners(60);
      const model = await engine.sequential(denseLayers(), { seed: 3 });
      await model.compile({ ...FROM_LOGITS, optimizer });
      const before = await model.evaluate(x, y);
      await model.fit(x, y, { epochs: 60, batchSize: 10 });
      const { loss, accuracy } = await model.evaluate(x, y);
      assert.ok(loss < before.loss / 2, `the loss went from ${before.loss} to ${loss}`);
      assert.ok(/** @type {number} */ (accuracy) > 0.95, `accuracy ${accuracy}`);
    });

    test('has the same bits for 1, 2 and 3 threads', async () => {
      const hashes = [];
      for (const threads of [1, 2, 3]) {
        const own = await createEngine({ threads, deterministic: true });
        const { model, data } = await start(own, optimizer);
        await model.fit(data, FIT);
        hashes.push(await weightHash(model));
        await own.dispose();
      }
      assert.equal(new Set(hashes).size, 1, hashes.join('\n'));
    });

    test('goes on from a checkpoint with the same bits', async () => {
      const { model: straight, data } = await start(engine, optimizer);
      await straight.fit(data, FIT);
      // Step 11 is in the middle of an epoch, of an accumulation, and between two averages.
      const { model } = await start(engine, optimizer);
      let steps = 0;
      await model.fit(data, {
        ...FIT,
        yieldEvery: 0,
        onBatchEnd: () => {
          if (++steps === 11) model.stopTraining();
        },
      });
      const loaded = await engine.load(await model.save());
      assert.deepEqual(await loaded.save(), await model.save());
      for (const each of [loaded, model]) {
        await each.fit(data, { ...FIT, resume: true });
        assert.equal(await weightHash(each), await weightHash(straight));
      }
    });

    test('its learning rate can change', async () => {
      const { model, data } = await start(engine, optimizer);
      await model.fit(data, { ...FIT, epochs: 1 });
      const before = await weightHash(model);
      await model.setLearningRate(0);
      // At 0 nothing moves, but for averages and for velocities that were gathered before.
      const { useEma, lookaheadSteps, momentum } = optimizer.hyperparameters;
      if (!useEma && !lookaheadSteps && (!momentum || optimizer.type === 'muon')) {
        await model.fit(data, { ...FIT, initialEpoch: 1, epochs: 2 });
        assert.equal(await weightHash(model), before);
      }
      await model.setLearningRate(0.01);
      await model.fit(data, { ...FIT, initialEpoch: 2, epochs: 3 });
      assert.notEqual(await weightHash(model), before);
    });
  });
}

test('a name stands for the defaults', async () => {
  for (const [, { type }] of EVERY) {
    const { model, data } = await start(engine, type);
    const { history } = await model.fit(data, { ...FIT, epochs: 1 });
    assert.ok(Number.isFinite(history.loss[0]));
  }
});

/** @param {any} model */
async function tensorsOf(model) {
  return decode(await model.save()).tensors;
}

describe('state in files', () => {
  test('Adafactor keeps rows and columns of matrices, and vectors whole', async () => {
    const { model } = await start(engine, 'adafactor');
    const tensors = await tensorsOf(model);
    const shape = (/** @type {string} */ name) => tensors.get(`optimizer:${name}`)?.shape;
    assert.deepEqual(shape('rowMoment:conv2d/kernel'), [3, 3, 3]);
    assert.deepEqual(shape('columnMoment:conv2d/kernel'), [3, 3, 5]);
    assert.equal(shape('secondMoment:conv2d/kernel'), undefined);
    assert.equal(shape('rowMoment:conv2d/bias'), undefined);
    assert.deepEqual(shape('secondMoment:conv2d/bias'), [5]);
  });

  test('Muon keeps second moments only of what it leaves to Adam', async () => {
    const { model } = await start(engine, optimizers.muon({ excludeLayers: ['dense'] }));
    const tensors = await tensorsOf(model);
    assert.deepEqual(tensors.get('optimizer:momentum:conv2d/kernel')?.shape, [3, 3, 3, 5]);
    assert.ok(!tensors.has('optimizer:secondMoment:conv2d/kernel'));
    assert.ok(tensors.has('optimizer:secondMoment:conv2d/bias'));
    assert.ok(tensors.has('optimizer:secondMoment:dense/kernel'));
  });

  test('slots that the options do not need are not there', async () => {
    const names = async (/** @type {any} */ optimizer) => {
      const { model } = await start(engine, optimizer);
      const keys = [...(await tensorsOf(model)).keys()];
      const found = keys.filter((key) => key.startsWith('optimizer:')).map((key) => key.split(':'));
      return [...new Set(found.map(([, slot]) => slot))].sort();
    };
    assert.deepEqual(await names('rmsprop'), ['secondMoment']);
    const all = optimizers.rmsprop({ momentum: 0.5, centered: true });
    assert.deepEqual(await names(all), ['firstMoment', 'momentum', 'secondMoment']);
    const common = { gradientAccumulationSteps: 2, useEma: true, lookahead: {} };
    assert.deepEqual(await names(optimizers.lion(common)), [
      'average',
      'gradientSum',
      'momentum',
      'slowWeights',
    ]);
  });

  test('a file from before amsgrad and weightDecay loads', async () => {
    const { model, data } = await start(engine, 'adam');
    await model.fit(data, { ...FIT, epochs: 1 });
    const { tensors, metadata } = decode(await model.save());
    const training = JSON.parse(metadata.get('training') ?? '');
    training.compiled.optimizer.hyperparameters = {
      learningRate: 0.001,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-7,
    };
    metadata.set('training', JSON.stringify(training));
    const loaded = await engine.load(encode({ tensors: [...tensors.values()], metadata }));
    for (const each of [model, loaded]) await each.fit(data, { ...FIT, resume: true });
    assert.equal(await weightHash(loaded), await weightHash(model));
  });
});

describe('averages of weights', () => {
  const ema = { learningRate: 0.05, useEma: true, emaMomentum: 0.75 };

  /** @param {any} model @returns {Promise<number[]>} */
  const flat = async (model) =>
    (await model.getWeights()).flatMap((/** @type {any} */ { data }) => [...data]);

  test('fit ends with the moving average of the weights after each update', async () => {
    const { model, data } = await start(engine, optimizers.sgd(ema));
    /** @type {number[]} */
    let average = [];
    await model.fit(data, {
      ...FIT,
      epochs: 2,
      yieldEvery: 0,
      onBatchEnd: async () => {
        const now = await flat(model);
        average = now.map((w, i) => (average.length ? 0.75 * average[i] + 0.25 * w : w));
        if (average.length !== now.length) average = now;
      },
    });
    (await flat(model)).forEach((w, i) => assert.ok(Math.abs(w - average[i]) < 1e-5));
  });

  test('stopped, the weights stay themselves until the average is asked for', async () => {
    const { model, data } = await start(engine, optimizers.sgd(ema));
    await assert.rejects(model.useAveragedWeights(), { code: 'E_STATE', message: /one update/ });
    /** @type {number[]} */
    let last = [];
    await model.fit(data, {
      ...FIT,
      yieldEvery: 0,
      onBatchEnd: async (batch) => {
        last = await flat(model);
        if (batch === 3) model.stopTraining();
      },
    });
    assert.deepEqual(await flat(model), last);
    const average = decode(await model.save()).tensors.get('optimizer:average:dense/kernel')?.data;
    await model.useAveragedWeights();
    const kernel = (await model.getWeights()).find(({ name }) => name === 'dense/kernel')?.data;
    assert.deepEqual(kernel, average);
    // Predictions had packed the weights of before.
    const loaded = await engine.load(await model.save());
    assert.deepEqual(await model.evaluate(data), await loaded.evaluate(data));
  });

  test('without useEma there is none', async () => {
    const { model, data } = await start(engine, 'sgd');
    await model.fit(data, { ...FIT, epochs: 1 });
    await assert.rejects(model.useAveragedWeights(), { code: 'E_STATE', message: /useEma/ });
  });
});

test('what is excluded from weight decay keeps its weights, in files too', async () => {
  const rate = 0.1;
  const decay = 0.3;
  /** @param {any} options @param {'sgd' | 'muon'} kind */
  const stepped = async (options, kind = 'sgd') => {
    const model = await engine.sequential(convLayers(), { seed: 7 });
    const optimizer = optimizers[kind]({ learningRate: rate, ...options });
    await model.compile({ ...FROM_LOGITS, optimizer });
    const before = await model.getWeights();
    await model.trainOnBatch(await engine.dataset(DATA));
    return { model, before, after: await model.getWeights() };
  };
  for (const kind of /** @type {const} */ (['sgd', 'muon'])) {
    const none = kind === 'muon' ? { weightDecay: 0, adamWeightDecay: 0 } : {};
    const some = { weightDecay: decay, ...(kind === 'muon' && { adamWeightDecay: decay }) };
    const bare = await stepped(none, kind);
    const excludeFromWeightDecay = ['BIAS', 'dense/kernel'];
    const partly = await stepped({ ...some, excludeFromWeightDecay }, kind);
    for (const [i, { name, data }] of partly.after.entries()) {
      const kept = name.endsWith('bias') || name === 'dense/kernel';
      const share = kept ? 0 : rate * decay;
      data.forEach((w, n) => {
        const expected = bare.after[i].data[n] - share * bare.before[i].data[n];
        assert.ok(Math.abs(w - expected) < 1e-6, `${kind} ${name}: ${w}, expected ${expected}`);
        if (kept) assert.equal(w, bare.after[i].data[n]);
      });
    }
    const loaded = await engine.load(await partly.model.save());
    for (const each of [loaded, partly.model]) await each.trainOnBatch(await engine.dataset(DATA));
    assert.equal(await weightHash(loaded), await weightHash(partly.model));
  }
});

describe('numbers that change while training runs', () => {
  test('weight decay from the next epoch on, kept in files beside a schedule', async () => {
    const train = async (/** @type {number} */ first, /** @type {number} */ second) => {
      const { model, data } = await start(
        engine,
        optimizers.adamw({
          learningRate: exponentialDecay({
            initialLearningRate: 0.01,
            decaySteps: 5,
            decayRate: 0.5,
          }),
          weightDecay: first,
        }),
      );
      await model.fit(data, {
        ...FIT,
        onEpochEnd: async (epoch) => {
          if (epoch === 0) await model.setHyperparameter('weightDecay', second);
        },
      });
      return model;
    };
    const [steady, changed] = [await train(0.1, 0.1), await train(0.1, 3)];
    assert.notEqual(await weightHash(changed), await weightHash(steady));
    const loaded = await engine.load(await changed.save());
    assert.equal(await loaded.getLearningRate(), await changed.getLearningRate());
    const data = await engine.dataset(DATA);
    for (const each of [changed, loaded]) await each.fit(data, { ...FIT, resume: true, epochs: 4 });
    assert.equal(await weightHash(loaded), await weightHash(changed));
  });

  test('refusals', async () => {
    const { model } = await start(engine, 'adam');
    const set = (/** @type {any} */ name, /** @type {any} */ value) =>
      model.setHyperparameter(name, value);
    await assert.rejects(set('momentum', 0.5), { code: 'E_CONFIG', message: /'momentum'/ });
    await assert.rejects(set('clipNorm', -1), { code: 'E_HYPERPARAM', field: 'clipNorm' });
    await assert.rejects(set('useEma', 1), { code: 'E_STATE', message: /compile again/ });
    await set('clipNorm', 1);
    await assert.rejects(set('clipValue', 1), { code: 'E_HYPERPARAM', message: /one of clipNorm/ });
  });
});

test('steps of one accumulation make the update of one large batch', async () => {
  const { x, y } = corners(40);
  /** @param {any} options @param {number} batchSize */
  const train = async (options, batchSize) => {
    const model = await engine.sequential(denseLayers(), { seed: 3 });
    await model.compile({ ...FROM_LOGITS, optimizer: optimizers.adam(options) });
    await model.fit(x, y, { epochs: 5, batchSize, shuffle: false });
    return (await model.getWeights()).flatMap(({ data }) => [...data]);
  };
  const whole = await train({ learningRate: 0.01 }, 40);
  const parts = await train({ learningRate: 0.01, gradientAccumulationSteps: 4 }, 10);
  whole.forEach((w, i) => assert.ok(Math.abs(w - parts[i]) < 1e-5, `${w} and ${parts[i]}`));
});

test('a dead row crossing a dead column is no 0 / 0 in Adafactor', async () => {
  const model = await engine.sequential([
    layers.dense({ units: 3, activation: 'relu', useBias: false, inputShape: [4] }),
    layers.dense({ units: 2 }),
  ]);
  await model.compile({ loss: 'meanSquaredError', optimizer: 'adafactor' });
  // The first feature is always 0, and the second unit never fires.
  const weights = await model.getWeights();
  const kernel = weights[0].data;
  for (let row = 0; row < 4; row++) kernel[row * 3 + 1] = -1;
  await model.setWeights(weights);
  const x = Float32Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 0 : 0.5 + (i % 7)));
  const y = new Float32Array(20).fill(1);
  await model.fit(x, y, { epochs: 3 });
  for (const { data } of await model.getWeights()) assert.ok(data.every(Number.isFinite));
  assert.equal((await model.getWeights())[0].data[1], -1);
});

describe('bad hyperparameters are refused by name and range', () => {
  /** @type {[any, RegExp][]} */
  const refused = [
    [optimizers.rmsprop({ rho: 1 }), /rho is 1, it must be from 0 to/],
    [optimizers.adagrad({ initialAccumulatorValue: -1 }), /initialAccumulatorValue is -1/],
    [optimizers.lion({ beta1: 0 }), /beta1 is 0/],
    [optimizers.adafactor({ beta2Decay: 0.5 }), /beta2Decay is 0\.5, it must be from -1 to 0/],
    [optimizers.muon({ nsSteps: 2.5 }), /nsSteps is 2\.5, it must be whole and from 1 to 100/],
    [optimizers.adamw({ weightDecay: -0.1 }), /weightDecay is -0\.1/],
    [optimizers.sgd({ clipNorm: NaN }), /clipNorm is (nan|NaN)/i],
    [
      optimizers.sgd({ clipNorm: 1, clipValue: 1 }),
      /one of clipNorm, clipValue and globalClipNorm/,
    ],
    [optimizers.sgd({ gradientAccumulationSteps: 1.5 }), /gradientAccumulationSteps is 1\.5/],
    [optimizers.sgd({ useEma: true, emaMomentum: 1.1 }), /emaMomentum is 1\.1.* from 0 to 1/],
    [optimizers.sgd({ emaOverwriteFrequency: 0.5 }), /emaOverwriteFrequency is 0\.5/],
    [optimizers.sgd({ lookahead: { steps: -1 } }), /lookaheadSteps is -1/],
    [optimizers.sgd({ lookahead: { alpha: 2 } }), /lookaheadAlpha is 2/],
  ];
  for (const [optimizer, message] of refused) {
    test(String(message), async () => {
      const { model, data } = await start(engine, 'adam');
      await assert.rejects(model.compile({ ...FROM_LOGITS, optimizer }), {
        code: 'E_HYPERPARAM',
        message,
      });
      await model.compile(FROM_LOGITS);
      await model.fit(data, { ...FIT, epochs: 1 });
    });
  }

  test('options that an optimizer does not have', () => {
    const any = /** @type {any} */ (optimizers);
    assert.throws(() => any.sgd({ beta1: 0.9 }), { code: 'E_CONFIG', field: 'beta1' });
    assert.throws(() => any.adam({ excludeLayers: [] }), { code: 'E_CONFIG' });
    assert.throws(() => any.adam({ lookaheadSteps: 5 }), { code: 'E_CONFIG' });
    assert.throws(() => any.sgd({ lookahead: { step: 5 } }), {
      code: 'E_CONFIG',
      message: /'steps'/,
    });
    assert.throws(() => any.muon({ excludeLayers: 'dense' }), {
      code: 'E_CONFIG',
      field: 'excludeLayers',
    });
    assert.throws(() => any.adam({ amsgrad: 'yes' }), { code: 'E_HYPERPARAM', field: 'amsgrad' });
    assert.throws(() => any.adam({ beta1: null }), { code: 'E_HYPERPARAM', field: 'beta1' });
  });
});

/** Learning-rate schedules: their formulas, and that every single step of a training has its rate. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { createEngine, optimizers } from 'tabgrad';
import * as schedules from 'tabgrad/schedules';
import { FEATURES, FROM_LOGITS, corners, denseLayers, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
after(() => engine.dispose());

const COUNT = 50;
const BATCH = 8;
const STEPS = Math.ceil(COUNT / BATCH);
const EPOCHS = 3;

/** @param {any} learningRate */
async function netWith(learningRate) {
  const model = await engine.sequential(denseLayers(), { seed: 3 });
  await model.compile({
    ...FROM_LOGITS,
    optimizer: optimizers.sgd({ learningRate, momentum: 0.5 }),
  });
  return model;
}

const cosine = () => schedules.cosineDecay({ initialLearningRate: 0.5, decaySteps: 18 });
/** What that is, step by step. @param {number} step */
const byHand = (step) => 0.25 * (1 + Math.cos(Math.PI * Math.min(step / 18, 1)));

/** The weights after training whose rate was set by hand before every step. */
async function hashByHand() {
  const model = await netWith(0);
  const { x, y } = corners(COUNT);
  for (let step = 0; step < EPOCHS * STEPS; step++) {
    await model.setLearningRate(byHand(step));
    const first = (step % STEPS) * BATCH;
    await model.trainOnBatch(x, y, { first, count: Math.min(BATCH, COUNT - first) });
  }
  return weightHash(model);
}

test('rates are those of Keras and PyTorch, step by step', async () => {
  const file = await readFile(new URL('../golden/schedules.json', import.meta.url), 'utf8');
  const cases = JSON.parse(file);
  assert.ok(cases.length > 20);
  for (const { schedule: name, options, rates } of cases) {
    const builder = /** @type {any} */ (schedules)[name];
    const schedule = builder(options);
    rates.forEach((/** @type {number} */ expected, /** @type {number} */ step) => {
      const found = schedules.rateAt(schedule, step);
      const what = `${name} ${JSON.stringify(options)} step ${step}: ${found}, expected ${expected}`;
      assert.ok(Math.abs(found - expected) <= 1e-12 * Math.abs(expected) + 1e-16, what);
    });
  }
});

test('rates stay finite and constant after the end', () => {
  const one = schedules.oneCycle({ maxLearningRate: 1, totalSteps: 10 });
  assert.equal(schedules.rateAt(one, 9), 1 / 25 / 1e4);
  assert.equal(schedules.rateAt(one, 1e9), 1 / 25 / 1e4);
  const short = schedules.oneCycle({ maxLearningRate: 1, totalSteps: 1, pctStart: 1 });
  assert.equal(schedules.rateAt(short, 0), 1);
  const warm = schedules.linearWarmup({ warmupSteps: 0, after: 0.1 });
  assert.equal(schedules.rateAt(warm, 0), 0.1);
  const decay = schedules.polynomialDecay({ initialLearningRate: 1, decaySteps: 4 });
  assert.equal(schedules.rateAt(decay, 1e6), 1e-4);
});

test('each step has its rate, whatever the slices, with schedules and functions', async () => {
  const expected = await hashByHand();
  const { x, y } = corners(COUNT);
  /** @type {number[]} */
  const asked = [];
  const spy = (/** @type {number} */ step) => {
    asked.push(step);
    return byHand(step);
  };
  for (const rate of [cosine(), byHand, spy]) {
    for (const yieldEvery of [0, 40]) {
      asked.length = 0;
      const model = await netWith(rate);
      const fit = { epochs: EPOCHS, batchSize: BATCH, shuffle: false, yieldEvery };
      await model.fit(x, y, fit);
      assert.equal(await weightHash(model), expected);
      assert.ok(Math.abs((await model.getLearningRate()) - byHand(EPOCHS * STEPS)) < 1e-15);
      await model.dispose();
    }
  }
  const all = Array.from({ length: EPOCHS * STEPS + 1 }, (_, step) => step);
  assert.deepEqual(asked, all, 'a function is asked once a step, in order');
});

test('trainOnBatch follows the schedule', async () => {
  const { x, y } = corners(COUNT);
  const hashes = [];
  for (const rate of [cosine(), byHand]) {
    const model = await netWith(rate);
    for (let step = 0; step < 4; step++) await model.trainOnBatch(x, y);
    hashes.push(await weightHash(model));
    await model.dispose();
  }
  assert.equal(hashes[0], hashes[1]);
});

test('a checkpoint keeps the schedule; a function must be given again', async () => {
  const { x, y } = corners(COUNT);
  const fit = { epochs: EPOCHS, batchSize: BATCH, shuffle: false, yieldEvery: 0 };
  const expected = await hashByHand();
  for (const rate of [schedules.linearWarmup({ warmupSteps: 0, after: cosine() }), byHand]) {
    const model = await netWith(rate);
    await model.fit(x, y, {
      ...fit,
      onBatchEnd: (batch, _logs, { epoch }) => {
        if (epoch === 1 && batch === 3) model.stopTraining();
      },
    });
    const bytes = await model.save();
    const loaded = await engine.load(bytes);
    if (rate === byHand) {
      const hash = await weightHash(loaded);
      const refused = { code: 'E_STATE', field: 'learningRate', message: /setLearningRate/ };
      await assert.rejects(loaded.fit(x, y, { ...fit, resume: true }), refused);
      await assert.rejects(loaded.trainOnBatch(x, y), refused);
      await assert.rejects(loaded.getLearningRate(), refused);
      assert.equal(await weightHash(loaded), hash);
      await loaded.setLearningRate(byHand);
    }
    await loaded.fit(x, y, { ...fit, resume: true });
    assert.equal(await weightHash(loaded), expected);
    await loaded.dispose();
  }
});

test('setLearningRate takes numbers and schedules, also while training', async () => {
  const { x, y } = corners(COUNT);
  const model = await netWith(cosine());
  await model.setLearningRate(0.125);
  assert.equal(await model.getLearningRate(), 0.125);
  await model.trainOnBatch(x, y);
  assert.equal(await model.getLearningRate(), 0.125);
  await model.setLearningRate(cosine());
  assert.equal(await model.getLearningRate(), byHand(1));
  const rates = [];
  await model.fit(x, y, {
    epochs: 4,
    batchSize: COUNT,
    onEpochEnd: async (epoch) => {
      rates.push(await model.getLearningRate());
      if (epoch === 0) await model.setLearningRate((step) => 1 / (1 + step));
      if (epoch === 2) await model.setLearningRate(0.25);
    },
  });
  rates.push(await model.getLearningRate());
  assert.deepEqual(rates, [byHand(2), 1 / 4, 1 / 5, 0.25, 0.25]);
  await assert.rejects(model.setLearningRate(-1), { code: 'E_HYPERPARAM', field: 'learningRate' });
  await assert.rejects(model.setLearningRate(/** @type {any} */ ({ type: 'cosine' })), {
    code: 'E_CONFIG',
    message: /schedule 'cosine'/,
  });
  assert.equal(await model.getLearningRate(), 0.25);
  await model.dispose();
});

test('a bad rate of a function ends training before its step', async () => {
  const { x, y } = corners(COUNT);
  const cases = [
    {
      rate: (/** @type {number} */ step) => (step === 2 ? NaN : 0.1),
      code: 'E_HYPERPARAM',
      steps: 2,
    },
    {
      rate: (/** @type {number} */ step) => (step === 1 ? -1 : 0.1),
      code: 'E_HYPERPARAM',
      steps: 1,
    },
    { rate: () => /** @type {any} */ ('0.1'), code: 'E_CONFIG', steps: 0 },
  ];
  for (const { rate, code, steps } of cases) {
    const model = await netWith(rate);
    const good = await netWith(0.1);
    await assert.rejects(model.fit(x, y, { batchSize: BATCH, shuffle: false }), {
      code,
      field: 'learningRate',
    });
    for (let step = 0; step < steps; step++) {
      await good.trainOnBatch(x, y, { first: step * BATCH, count: BATCH });
    }
    assert.equal(await weightHash(model), await weightHash(good));
  }
  const broken = await netWith(() => {
    throw new RangeError('mine');
  });
  await assert.rejects(broken.fit(x, y), { name: 'RangeError', message: 'mine' });
  await assert.rejects(broken.trainOnBatch(x, y), { name: 'RangeError', message: 'mine' });
  await assert.rejects(broken.predict(new Float32Array(FEATURES + 1)), { code: 'E_SHAPE' });
});

test('wrong options are refused, naming field and found value', () => {
  /** @type {[string, any, RegExp][]} */
  const cases = [
    ['exponentialDecay', { decaySteps: 1, decayRate: 1 }, /initialLearningRate must .* found none/],
    [
      'exponentialDecay',
      { initialLearningRate: 1, decaySteps: 0, decayRate: 1 },
      /decaySteps .* found 0/,
    ],
    ['inverseTimeDecay', { initialLearningRate: NaN, decaySteps: 1, decayRate: 1 }, /found NaN/],
    [
      'polynomialDecay',
      { initialLearningRate: 1, decaySteps: 1, cycle: 1 },
      /cycle must be true or false, found 1/,
    ],
    [
      'cosineDecay',
      { initialLearningRate: 1, decaySteps: 1, alpha: 2 },
      /alpha must be .* to 1, found 2/,
    ],
    [
      'cosineDecay',
      { initialLearningRate: 1, decaySteps: 1, warmupTarget: '1' },
      /warmupTarget .* found '1'/,
    ],
    [
      'cosineDecayRestarts',
      { initialLearningRate: 1, firstDecaySteps: 1, tMul: 0.5 },
      /tMul .* found 0.5/,
    ],
    [
      'oneCycle',
      { maxLearningRate: 1, totalSteps: 9, annealStrategy: 'cosine' },
      /annealStrategy .* 'cosine'/,
    ],
    [
      'piecewiseConstantDecay',
      { boundaries: [2, 1], values: [1, 1, 1] },
      /boundaries .* array of 2/,
    ],
    ['piecewiseConstantDecay', { boundaries: [1], values: [1] }, /values .* 1 boundaries, found 1/],
    ['linearWarmup', { warmupSteps: 1, after: () => 1 }, /after .* found a function/],
  ];
  for (const [name, options, message] of cases) {
    const build = /** @type {any} */ (schedules)[name];
    assert.throws(() => build(options), { code: 'E_HYPERPARAM', message }, `${name} ${message}`);
  }
  assert.throws(() => schedules.cosineDecay(/** @type {any} */ ({ decayStep: 1 })), {
    code: 'E_CONFIG',
    message: /Did you mean 'decaySteps'/,
  });
  /** @type {any} */
  let deep = 0.1;
  assert.throws(
    () => {
      for (let i = 0; i < 12; i++) deep = schedules.linearWarmup({ warmupSteps: 1, after: deep });
    },
    { code: 'E_HYPERPARAM', field: 'after' },
  );
});

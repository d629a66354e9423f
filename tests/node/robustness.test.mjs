/** Attacks: against the closed form of a linear model, and on a convolutional one. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, input, layers } from 'tabgrad';
import { fgsm, pgd } from 'tabgrad/robustness';
import { CLASSES, convLayers, pictures } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

/** @type {import('tabgrad').CompileOptions} */
const CLASSES_OF_LOGITS = {
  loss: 'sparseCategoricalCrossentropy',
  fromLogits: true,
  metrics: ['accuracy'],
};

describe('two classes by one dense layer', () => {
  // The gradient of the loss is p(other) · (kernel of the other class − kernel of the class).
  const kernel = Float32Array.of(1, -1, 0.5, 2, 0, 0, 0, 0.25);
  const x = Float32Array.of(0.5, 0.5, 0.5, 0.5, 0.01, 0.99, 0.2, 0.99);
  const y = Int32Array.of(0, 1);
  const towards1 = [-1, 1, 0, 1];

  /** @type {import('tabgrad').Model} */
  let model;
  before(async () => {
    model = await engine.sequential([layers.dense({ units: 2, inputShape: [4] })]);
    const bias = { name: 'dense/bias', shape: [2], data: new Float32Array(2) };
    await model.setWeights([{ name: 'dense/kernel', shape: [4, 2], data: kernel }, bias]);
    await model.compile(CLASSES_OF_LOGITS);
  });

  /** @param {number} epsilon @param {number} [direction] */
  const moved = (epsilon, direction = 1) =>
    Float32Array.from(x, (value, index) => {
      const sign = direction * (index < 4 ? 1 : -1) * towards1[index % 4];
      return Math.min(Math.max(value + epsilon * sign, 0), 1);
    });

  test('fgsm moves every value against its class, within 0 and 1', async () => {
    const found = await fgsm(model, x, y, { epsilon: 0.125 });
    assert.deepEqual(found.shape, [2, 4]);
    assert.deepEqual(Array.from(found), Array.from(moved(0.125)));
  });

  test('towards a class, if targeted', async () => {
    const found = await fgsm(model, x, y, { epsilon: 0.125, targeted: true });
    assert.deepEqual(Array.from(found), Array.from(moved(0.125, -1)));
  });

  test('pgd ends where fgsm does, since the gradient keeps its sign', async () => {
    const options = { epsilon: 0.125, steps: 12, stepSize: 0.03125, randomStart: false };
    assert.deepEqual(Array.from(await pgd(model, x, y, options)), Array.from(moved(0.125)));
    const few = await pgd(model, x, y, { ...options, steps: 2 });
    assert.deepEqual(Array.from(few), Array.from(moved(0.0625)));
  });

  test('other limits than 0 and 1', async () => {
    const found = await fgsm(model, x, y, { epsilon: 0.5, min: -1, max: 0.75 });
    assert.equal(found[0], 0);
    assert.equal(found[1], 0.75);
    assert.equal(found[4], Math.fround(Math.fround(0.01) + 0.5));
  });
});

describe('a convolutional network', () => {
  const { x, y } = pictures(48);
  /** @type {import('tabgrad').Model} */
  let model;
  before(async () => {
    model = await engine.sequential(convLayers(), { seed: 1 });
    await model.compile(CLASSES_OF_LOGITS);
    await model.fit(x, y, { epochs: 20, batchSize: 8 });
  });

  test('errs under attack, and more under the stronger one', async () => {
    const clean = await model.evaluate(x, y);
    const fast = await model.evaluate(await fgsm(model, x, y, { epsilon: 0.06 }), y);
    const strong = await model.evaluate(await pgd(model, x, y, { epsilon: 0.06, steps: 20 }), y);
    assert.ok((clean.accuracy ?? 0) > 0.9, `${clean.accuracy}`);
    assert.ok(fast.loss > 1.5 * clean.loss, `${clean.loss}, ${fast.loss}`);
    assert.ok(strong.loss >= 0.99 * fast.loss, `${fast.loss}, ${strong.loss}`);
  });

  test('stays within epsilon, within the pixels, and is decided by the seed', async () => {
    const options = { epsilon: 0.1, steps: 3, seed: 5, batchSize: 7 };
    const found = await pgd(model, x, y, options);
    assert.deepEqual(found.shape, [48, 8, 8, 3]);
    for (const [index, value] of found.entries()) {
      const distance = Math.abs(value - Math.fround(x[index] / 255));
      assert.ok(value >= 0 && value <= 1 && distance <= 0.1 + 1e-7, `${index}: ${value}`);
    }
    assert.deepEqual(await pgd(model, x, y, options), found);
    assert.notDeepEqual(await pgd(model, x, y, { ...options, seed: 6 }), found);
  });

  test('targets draw it to one class', async () => {
    const wanted = new Int32Array(48).fill(CLASSES - 1);
    const before = await model.evaluate(x, wanted);
    const found = await pgd(model, x, wanted, { epsilon: 0.1, targeted: true });
    const now = await model.evaluate(found, wanted);
    assert.ok(now.loss < 0.8 * before.loss, `${before.loss}, ${now.loss}`);
  });

  /** @type {[string, any, any, string, RegExp][]} */
  const REFUSED = [
    ['no change', x, { epsilon: 0 }, 'E_CONFIG', /epsilon must be above 0, found 0/],
    ['no number', x, { epsilon: NaN }, 'E_CONFIG', /epsilon must be above 0, found NaN/],
    ['no steps', x, { steps: 0 }, 'E_CONFIG', /steps .* from 1 .* found 0/],
    ['no room', x, { min: 1, max: 1 }, 'E_CONFIG', /min must be less than max, found 1 and 1/],
    ['an unknown option', x, { eps: 1 }, 'E_CONFIG', /'eps'.*'steps'|'eps'/],
    ['samples in a list', [[1]], {}, 'E_TYPE', /Uint8Array or Float32Array, found an array/],
  ];
  for (const [name, samples, options, code, message] of REFUSED) {
    test(name, () => assert.rejects(pgd(model, samples, y, options), { code, message }));
  }

  test('a model of two inputs, and one that is not compiled', async () => {
    const [a, b] = [input({ shape: [2] }), input({ shape: [2] })];
    const two = await engine.model({ inputs: [a, b], outputs: layers.add().apply([a, b]) });
    await assert.rejects(fgsm(two, new Float32Array(2), [0]), { message: /1 input, found 2/ });
    const plain = await engine.sequential([layers.dense({ units: 2, inputShape: [2] })]);
    await assert.rejects(fgsm(plain, new Float32Array(2), [0]), { code: 'E_STATE' });
  });
});

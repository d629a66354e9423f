/** Parts of data sets that share memory, cross-validation, and balanced weights. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, layers } from 'tabgrad';
import { classWeights, kFold, split } from 'tabgrad/data';
import { Random } from '../../web/lib/data/random.js';
import { rejects } from './data-fixtures.mjs';
import { weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 1 });
});
after(() => engine.dispose());

/** Sample i is [i, 2 i]; labels as given. @param {number[]} y */
const numbered = (y, options = {}) =>
  engine.dataset({ x: y.flatMap((_, i) => [i, 2 * i]), y, shape: [2], ...options });
const NINE_TO_ONE = Array.from({ length: 200 }, (_, i) => Number(i % 10 === 3));

/** The numbers of a part's samples. @param {import('tabgrad').Dataset} data */
async function numbersOf(data) {
  const { x } = await data.read();
  return Array.from({ length: data.count }, (_, i) => x[2 * i]);
}
/** @param {ArrayLike<number>} labels */
const ones = (labels) => Array.from(labels).filter((label) => label === 1).length;

describe('subset', () => {
  test('shares memory and reads as copies would', async () => {
    const before = (await engine.info()).memory.datasets;
    const y = Array.from({ length: 1000 }, (_, i) => i % 7);
    const x = Float32Array.from({ length: 1000 * 300 }, (_, i) => i);
    const data = await engine.dataset({ x, y, shape: [10, 10, 3], classNames: ['a', 'b'] });
    const whole = (await engine.info()).memory.datasets - before;
    const view = await data.subset([999, 3, 3, 0]);
    assert.equal((await engine.info()).memory.datasets - before - whole, 16);
    const again = await view.subset([2, 0]);
    await view.dispose();
    await data.dispose();
    await assert.rejects(data.read(), { code: 'E_DISPOSED' });
    // The memory stays as long as somebody uses it.
    assert.deepEqual([again.count, again.shape, again.labels], [2, [10, 10, 3], 'classes']);
    assert.deepEqual([...again.classNames], ['a', 'b']);
    const read = await again.read();
    assert.deepEqual([...(read.y ?? [])], [3, 999 % 7]);
    assert.deepEqual(read.x, Float32Array.from([...x.subarray(900, 1200), ...x.subarray(299_700)]));
    assert.deepEqual([...(await again.readLabels(1))], [999 % 7]);
    await again.dispose();
    assert.equal((await engine.info()).memory.datasets, before);
  });

  test('trains, evaluates and predicts with the bits of copies, weights included', async () => {
    const random = new Random(1);
    const draw = (/** @type {number} */ n) =>
      Float32Array.from({ length: n }, () => random.next() / 2 ** 31 - 1);
    const [x, w] = [draw(60 * 4), draw(60)];
    const y = Int32Array.from({ length: 60 }, (_, i) => i % 3);
    const rows = Array.from({ length: 25 }, () => random.below(60));
    const whole = await engine.dataset({ x, y, shape: [4], sampleWeight: w });
    const view = await whole.subset(rows);
    const copy = await engine.dataset({
      x: rows.flatMap((row) => [...x.subarray(row * 4, row * 4 + 4)]),
      y: Int32Array.from(rows, (row) => y[row]),
      sampleWeight: rows.map((row) => w[row]),
      shape: [4],
    });
    const results = [];
    for (const data of [view, copy]) {
      const model = await engine.sequential([
        layers.dense({ units: 8, activation: 'relu', inputShape: [4] }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ]);
      model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
      const { history } = await model.fit(data, { epochs: 3, batchSize: 7, validationSplit: 0.2 });
      results.push([
        history,
        await weightHash(model),
        await model.evaluate(data),
        [...(await model.predict(data))],
      ]);
      await model.dispose();
    }
    assert.deepEqual(results[0], results[1]);
    for (const data of [view, copy, whole]) await data.dispose();
  });

  test('of several inputs and outputs', async () => {
    const y = {
      c: [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
      d: [5, 6, 7],
    };
    const data = await engine.dataset({ x: { a: [[1], [2], [3]], b: [[4], [5], [6]] }, y });
    const part = await data.subset([2, 0]);
    const read = /** @type {any} */ (await part.read());
    assert.deepEqual(
      [[...read.x.a], [...read.x.b]],
      [
        [3, 1],
        [6, 4],
      ],
    );
    assert.deepEqual(
      [[...read.y.c], [...read.y.d]],
      [
        [1, 1, 1, 0],
        [7, 5],
      ],
    );
    await data.dispose();
    await part.dispose();
  });

  test('resized as copies are, with labels, weights and normalisation', async () => {
    const x = Uint8Array.from({ length: 5 * 48 }, (_, i) => i);
    const sampleWeight = [1, 2, 3, 4, 5];
    const data = await engine.dataset({
      x,
      y: [0, 1, 2, 3, 4],
      sampleWeight,
      shape: [4, 4, 3],
      mean: 0.5,
    });
    const view = await data.subset([4, 1]);
    const [whole, part] = [await data.resize([2, 3]), await view.resize([2, 3])];
    const all = (await whole.read()).x;
    const read = await part.read();
    assert.deepEqual([...read.x], [...all.subarray(72), ...all.subarray(18, 36)]);
    assert.deepEqual([[...(read.y ?? [])], part.weighted], [[4, 1], true]);
    for (const each of [data, view, whole, part]) await each.dispose();
  });

  test('without, and what is refused', async () => {
    const data = await numbered([0, 1, 2, 3]);
    assert.deepEqual(await numbersOf(await data.without([1, 1])), [0, 2, 3]);
    assert.deepEqual(await numbersOf(await data.without([])), [0, 1, 2, 3]);
    await rejects(data.without([0, 1, 2, 3]), 'E_EMPTY');
    await rejects(data.subset([]), 'E_EMPTY');
    await rejects(data.subset([4]), 'E_INDEX_RANGE', /index 0 is 4.*0 to 3/);
    for (const bad of [[-1], [0.5], ['0'], [NaN], [undefined]]) {
      await rejects(data.subset(/** @type {any} */ (bad)), 'E_INDEX_RANGE');
    }
    for (const bad of [null, 3, '01', { length: 1 }]) {
      await rejects(data.subset(/** @type {any} */ (bad)), 'E_TYPE');
    }
  });
});

describe('split', () => {
  test('by shares: complete, apart, in order, the same for a seed', async () => {
    const data = await numbered(NINE_TO_ONE);
    const parts = await data.split({ train: 0.7, validation: 0.2, test: 0.1, seed: 3 });
    const numbers = await Promise.all(Object.values(parts).map(numbersOf));
    assert.deepEqual(Object.keys(parts), ['train', 'validation', 'test']);
    assert.deepEqual(
      numbers.map((part) => part.length),
      [140, 40, 20],
    );
    assert.deepEqual(
      numbers.flat().sort((a, b) => a - b),
      NINE_TO_ONE.map((_, i) => i),
    );
    for (const part of numbers)
      assert.deepEqual(
        part,
        part.toSorted((a, b) => a - b),
      );
    const again = await split(data, { train: 0.7, validation: 0.2, test: 0.1, seed: 3 });
    assert.deepEqual(await numbersOf(again.test), numbers[2]);
    const other = await data.split({ train: 0.7, validation: 0.2, test: 0.1, seed: 4 });
    assert.notDeepEqual(await numbersOf(other.test), numbers[2]);
    // A change of these numbers changes everybody's parts.
    assert.deepEqual(numbers[2].slice(0, 5), [0, 3, 20, 24, 29]);
    const usual = await data.split();
    assert.deepEqual(
      Object.values(usual).map(({ count }) => count),
      [160, 20, 20],
    );
  });

  test('stratified: each class in its share, wherever its labels stand', async () => {
    const oneHot = NINE_TO_ONE.flatMap((label) => [1 - label, label]);
    const x = NINE_TO_ONE.flatMap((_, i) => [i, 2 * i]);
    for (const data of [
      await numbered(NINE_TO_ONE),
      await engine.dataset({ x, y: oneHot, shape: [2], labels: 'values' }),
      await engine.dataset({ x, y: NINE_TO_ONE, shape: [2], labels: 'values' }),
    ]) {
      const parts = await data.split({ train: 0.8, validation: 0.1, test: 0.1, stratified: true });
      for (const [part, count] of [
        ['train', 16],
        ['validation', 2],
        ['test', 2],
      ]) {
        const numbers = await numbersOf(parts[part]);
        assert.equal(numbers.filter((i) => NINE_TO_ONE[i] === 1).length, count, String(part));
      }
    }
  });

  test('a part of the whole, and any names', async () => {
    const data = await numbered(NINE_TO_ONE);
    const { few } = await data.split({ few: 0.05 });
    assert.equal(few.count, 10);
    const thirds = await data.split({ a: 1 / 3, b: 1 / 3, c: 1 / 3 });
    assert.deepEqual(
      Object.values(thirds)
        .map(({ count }) => count)
        .sort(),
      [66, 67, 67],
    );
  });

  test('refused', async () => {
    const data = await numbered([0, 1, 2]);
    await rejects(data.split({ train: 0.9, test: 0.2 }), 'E_CONFIG', /more than 1/);
    await rejects(data.split({ train: 0.9, test: 0 }), 'E_CONFIG', /test must be above 0/);
    await rejects(data.split({ train: 0.9, test: -1 }), 'E_CONFIG', /test/);
    await rejects(data.split({ train: NaN }), 'E_CONFIG', /train/);
    await rejects(data.split({ train: /** @type {any} */ ('0.9') }), 'E_CONFIG', /train/);
    await rejects(data.split({ train: 0.99, test: 0.01 }), 'E_EMPTY', /test 0.01 of 3 samples/);
    await rejects(data.split({ seed: -1 }), 'E_CONFIG', /seed/);
    await rejects(data.split({ stratified: /** @type {any} */ (1) }), 'E_CONFIG', /stratified/);
    const bare = await engine.dataset({ x: [[1], [2]] });
    await rejects(bare.split({ train: 0.5, test: 0.5, stratified: true }), 'E_CONFIG', /no labels/);
    await data.dispose();
    await rejects(data.split({ train: 0.5, test: 0.5 }), 'E_DISPOSED');
  });
});

describe('kFold', () => {
  test('each sample is validated once; stratified folds have the classes in equal numbers', async () => {
    const data = await numbered(NINE_TO_ONE.slice(0, 103));
    const positives = ones(NINE_TO_ONE.slice(0, 103));
    for (const stratified of [false, true]) {
      const folds = await kFold(data, { k: 4, stratified, seed: 7 });
      assert.equal(folds.length, 4);
      assert.deepEqual(
        folds.flatMap((fold) => fold.validationIndices).sort((a, b) => a - b),
        Array.from({ length: 103 }, (_, i) => i),
      );
      for (const { train, validation, trainIndices, validationIndices } of folds) {
        assert.ok(Math.abs(validation.count - 103 / 4) < 1);
        assert.deepEqual(await numbersOf(validation), validationIndices);
        assert.deepEqual(await numbersOf(train), trainIndices);
        assert.equal(new Set([...trainIndices, ...validationIndices]).size, 103);
        const found = ones(validationIndices.map((i) => NINE_TO_ONE[i]));
        if (stratified) assert.ok(Math.abs(found - positives / 4) < 1);
      }
    }
    await rejects(kFold(data, { k: 1 }), 'E_CONFIG', /k must be a whole number from 2/);
    await rejects(kFold(data, { k: 104 }), 'E_EMPTY', /103 samples cannot make 104 parts/);
  });
});

test('classWeights: as scikit-learn balances them', async () => {
  // compute_class_weight('balanced', classes=[0, 1, 4], y=…): 9 / (3 * [5, 3, 1]).
  const labels = [0, 0, 0, 0, 0, 1, 1, 1, 4];
  const expected = { 0: 0.6, 1: 1, 4: 3 };
  assert.deepEqual(await classWeights(labels), expected);
  assert.deepEqual(await classWeights(Int32Array.from(labels)), expected);
  assert.deepEqual(await classWeights(Uint8Array.from(labels)), expected);
  const data = await numbered(labels);
  assert.deepEqual(await classWeights(data), expected);
  const model = await engine.sequential([layers.dense({ units: 5, inputShape: [2] })]);
  model.compile({ loss: 'sparseCategoricalCrossentropy', fromLogits: true, optimizer: 'sgd' });
  await model.fit(data, { classWeight: await classWeights(data) });
  await rejects(classWeights([]), 'E_EMPTY');
  await rejects(classWeights([0, 1.5]), 'E_LABEL_RANGE', /sample 1 has label 1.5/);
  await rejects(classWeights([-1]), 'E_LABEL_RANGE');
  await rejects(classWeights(/** @type {any} */ (null)), 'E_TYPE');
});

test('random numbers are known, even and shuffled without bias', () => {
  const random = new Random(0);
  assert.deepEqual(
    Array.from({ length: 4 }, () => random.next()),
    [648153708, 1151698062, 2768253920, 2822324004],
  );
  const counts = new Array(6).fill(0);
  for (let i = 0; i < 60_000; i++) counts[random.below(6)]++;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, String(counts));
  /** @type {Record<string, number>} */
  const orders = {};
  for (let i = 0; i < 24_000; i++) {
    const order = random.shuffle([0, 1, 2, 3]).join('');
    orders[order] = (orders[order] ?? 0) + 1;
  }
  assert.equal(Object.keys(orders).length, 24);
  for (const count of Object.values(orders)) assert.ok(Math.abs(count - 1000) < 200, String(count));
  assert.notEqual(new Random(2 ** 32).next(), new Random(0).next());
  assert.notEqual(new Random(1, 1).next(), new Random(1).next());
});

/** Same seed, same bits: over threads, slices, interruptions, saving and loading. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, optimizers } from 'tabgrad';
import { FROM_LOGITS, convLayers, pictures, weightHash } from './nets.mjs';

const DATA = pictures(100);
const OPTIONS = { epochs: 3, batchSize: 16 };

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

/**
 * @param {import('tabgrad').Engine} on
 * @param {number} [seed]
 */
async function start(on, seed = 7) {
  const model = await on.sequential(convLayers(), { seed });
  await model.compile(FROM_LOGITS);
  return { model, data: await on.dataset(DATA) };
}

/** Hash and history of an uninterrupted run. */
async function straight() {
  const { model, data } = await start(engine);
  const { history } = await model.fit(data, OPTIONS);
  return { hash: await weightHash(model), history };
}

test('bits are equal over 1, 2, 3 and 4 threads', async () => {
  const hashes = [];
  for (const threads of [1, 2, 3, 4]) {
    const own = await createEngine({ threads, deterministic: true });
    assert.equal((await own.info()).threads, threads);
    const { model, data } = await start(own);
    await model.fit(data, OPTIONS);
    hashes.push(await weightHash(model));
    await own.dispose();
  }
  assert.equal(new Set(hashes).size, 1, hashes.join('\n'));
});

test('another seed gives other weights, the same seed the same', async () => {
  const hashes = [];
  for (const seed of [7, 7, 8]) hashes.push(await weightHash((await start(engine, seed)).model));
  assert.equal(hashes[0], hashes[1]);
  assert.notEqual(hashes[0], hashes[2]);
});

test('the length of slices and a prediction in between change nothing', async () => {
  const { hash } = await straight();
  const { model, data } = await start(engine);
  await model.fit(data, {
    ...OPTIONS,
    yieldEvery: 0,
    onBatchEnd: async () => {
      await model.predict(DATA.x.subarray(0, 192 * 3), { batchSize: 2 });
      await model.evaluate(data, { count: 20 });
    },
  });
  assert.equal(await weightHash(model), hash);
});

describe('an interrupted run that goes on has the bits and history of a straight one', () => {
  for (const stopAt of [0, 3, 6, 7, 12, 20]) {
    test(`stopped at step ${stopAt}, saved, loaded in another engine`, async () => {
      const { hash, history } = await straight();
      const { model, data } = await start(engine);
      let step = 0;
      const before = await model.fit(data, {
        ...OPTIONS,
        yieldEvery: 0,
        onBatchEnd: () => {
          if (step++ === stopAt) model.stopTraining();
        },
      });
      assert.equal(before.stopped, true);
      const file = await model.save();

      const other = await createEngine({ threads: 1, deterministic: true });
      const loaded = await other.load(file);
      const after = await loaded.fit(await other.dataset(DATA), { ...OPTIONS, resume: true });
      assert.equal(await weightHash(loaded), hash);
      assert.deepEqual([...before.history.loss, ...after.history.loss], history.loss);
      assert.deepEqual([...before.epoch, ...after.epoch], [0, 1, 2]);
      await other.dispose();

      // Saving disturbed nothing: the first model goes on as well.
      await model.fit(data, { ...OPTIONS, resume: true });
      assert.equal(await weightHash(model), hash);
    });
  }

  test('aborted, several times', async () => {
    const { hash } = await straight();
    const { model, data } = await start(engine);
    for (let round = 0; round < 3; round++) {
      const controller = new AbortController();
      let steps = 0;
      const fitting = model.fit(data, {
        ...OPTIONS,
        resume: true,
        yieldEvery: 0,
        signal: controller.signal,
        onBatchEnd: () => {
          if (++steps === 4) controller.abort('enough');
        },
      });
      await assert.rejects(fitting, { code: 'E_ABORTED', name: 'AbortError', cause: 'enough' });
    }
    await model.fit(data, { ...OPTIONS, resume: true });
    assert.equal(await weightHash(model), hash);
  });

  test('epoch by epoch with initialEpoch', async () => {
    const { hash } = await straight();
    const { model, data } = await start(engine);
    for (let epoch = 0; epoch < 3; epoch++) {
      await model.fit(data, { ...OPTIONS, initialEpoch: epoch, epochs: epoch + 1 });
    }
    assert.equal(await weightHash(model), hash);
  });
});

test('resuming in the middle of an epoch with another batch size is refused', async () => {
  const { model, data } = await start(engine);
  await model.fit(data, {
    ...OPTIONS,
    yieldEvery: 0,
    onBatchEnd: (batch) => batch === 2 && model.stopTraining(),
  });
  const hash = await weightHash(model);
  await assert.rejects(model.fit(data, { ...OPTIONS, batchSize: 8, resume: true }), {
    code: 'E_STATE',
    field: 'batchSize',
    message: /batch 3 .* 16, found 8/,
  });
  assert.equal(await weightHash(model), hash);
});

for (const optimizer of [
  optimizers.sgd({ learningRate: 0.05 }),
  optimizers.sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
  optimizers.adam({ learningRate: 0.002, beta1: 0.8 }),
]) {
  test(`a checkpoint keeps the state of ${JSON.stringify(optimizer)}`, async () => {
    const { model, data } = await start(engine);
    await model.compile({ ...FROM_LOGITS, optimizer });
    await model.fit(data, { ...OPTIONS, epochs: 2 });
    await model.setLearningRate(0.01);
    const loaded = await engine.load(await model.save());
    for (const each of [model, loaded]) await each.fit(data, { ...OPTIONS, resume: true });
    assert.equal(await weightHash(loaded), await weightHash(model));
    assert.deepEqual(await loaded.save(), await model.save());
  });
}

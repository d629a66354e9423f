/** Abort, stop, pause, busy, dispose, worker death, memory: what a long-lived program relies on. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, layers, optimizers } from 'tabgrad';
import {
  FROM_LOGITS,
  convLayers,
  corners,
  denseLayers,
  pictures,
  sleep,
  weightHash,
} from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {import('tabgrad').Dataset} */
let data;
const FOREVER = { epochs: 1_000_000 };

before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
  data = await engine.dataset(pictures(200));
});
after(() => engine.dispose());

async function convModel(on = engine) {
  const model = await on.sequential(convLayers(), { seed: 5 });
  await model.compile(FROM_LOGITS);
  return model;
}

/** A model in the middle of a fit that would never end. */
async function training() {
  const model = await convModel();
  const controller = new AbortController();
  /** @type {Promise<void>} */
  let begun = Promise.resolve();
  const fitting = new Promise((resolve, reject) => {
    begun = new Promise((started) => {
      const { signal } = controller;
      model.fit(data, { ...FOREVER, signal, onBatchEnd: () => started() }).then(resolve, reject);
    });
  });
  fitting.catch(() => {});
  await begun;
  return { model, controller, fitting };
}

/** @param {() => Promise<unknown>} run */
async function milliseconds(run) {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

describe('during a fit', () => {
  test('abort rejects within 200 ms with the reason', async () => {
    const { model, controller, fitting } = await training();
    const reason = { own: 'reason', uncloneable: () => {} };
    const time = await milliseconds(() => {
      controller.abort(reason);
      return assert.rejects(fitting, { code: 'E_ABORTED', name: 'AbortError', cause: reason });
    });
    assert.ok(time < 200, `${time} ms`);
    await model.fit(data);
    await model.dispose();
  });

  test('a signal that fired before refuses at once', async () => {
    const model = await convModel();
    const hash = await weightHash(model);
    const signal = AbortSignal.abort('early');
    await assert.rejects(model.fit(data, { signal }), { code: 'E_ABORTED', cause: 'early' });
    await assert.rejects(model.evaluate(data, { signal }), { code: 'E_ABORTED' });
    await assert.rejects(model.predict(data, { signal }), { code: 'E_ABORTED' });
    assert.equal(await weightHash(model), hash);
  });

  test('stopTraining resolves with the whole epochs', async () => {
    const { model, fitting } = await training();
    const time = await milliseconds(() => {
      model.stopTraining();
      return fitting;
    });
    const { stopped, epoch, history } = await fitting;
    assert.equal(stopped, true);
    assert.equal(history.loss.length, epoch.length);
    assert.ok(time < 200, `${time} ms`);
  });

  test('predict, evaluate, save, info and another model are answered within 200 ms', async () => {
    const { model, controller, fitting } = await training();
    const other = await convModel();
    for (const [name, run] of Object.entries({
      predict: () => model.predict(data, { count: 1 }),
      evaluate: () => model.evaluate(data, { count: 32 }),
      save: () => model.save(),
      info: () => engine.info(),
      other: () => other.predict(data, { count: 1 }),
      setLearningRate: () => model.setLearningRate(1e-4),
    })) {
      const time = await milliseconds(/** @type {() => Promise<unknown>} */ (run));
      assert.ok(time < 200, `${name}: ${time} ms`);
    }
    // Two models train side by side.
    await other.fit(data, { epochs: 2 });
    controller.abort();
    await assert.rejects(fitting, { code: 'E_ABORTED' });
  });

  test('what would change the model is refused as busy', async () => {
    const { model, controller, fitting } = await training();
    const { x, y } = pictures(4);
    await assert.rejects(model.fit(data), { code: 'E_BUSY' });
    await assert.rejects(model.trainOnBatch(x, y), { code: 'E_BUSY' });
    await assert.rejects(async () => model.compile(FROM_LOGITS), { code: 'E_BUSY' });
    await assert.rejects(model.setWeights(await model.getWeights()), { code: 'E_BUSY' });
    await assert.rejects(model.loadWeights(await model.save()), { code: 'E_BUSY' });
    controller.abort();
    await assert.rejects(fitting, { code: 'E_ABORTED' });
    await model.fit(data);
  });

  test('pause holds the weights still, resume goes on', async () => {
    const { model, controller, fitting } = await training();
    model.pause();
    await sleep(150);
    const hash = await weightHash(model);
    await sleep(150);
    assert.equal(await weightHash(model), hash);
    model.resume();
    await sleep(150);
    assert.notEqual(await weightHash(model), hash);
    model.pause();
    controller.abort();
    await assert.rejects(fitting, { code: 'E_ABORTED' });
  });

  test('a callback that throws or rejects ends it with that error', async () => {
    const model = await convModel();
    for (const name of ['onTrainBegin', 'onBatchEnd', 'onEpochEnd']) {
      for (const callback of [
        () => {
          throw new RangeError(name);
        },
        () => Promise.reject(new RangeError(name)),
      ]) {
        const options = { epochs: 1000, [name]: callback };
        await assert.rejects(model.fit(data, options), { name: 'RangeError', message: name });
      }
    }
    const again = { onBatchEnd: () => model.fit(data) };
    await assert.rejects(model.fit(data, again), { code: 'E_BUSY' });
    await model.fit(data);
  });

  test('a callback that never returns does not stop an abort', async () => {
    const model = await convModel();
    const controller = new AbortController();
    const fitting = model.fit(data, {
      ...FOREVER,
      signal: controller.signal,
      onBatchEnd: () => {
        setTimeout(() => controller.abort(), 20);
        return new Promise(() => {});
      },
    });
    await assert.rejects(fitting, { code: 'E_ABORTED' });
  });

  test('the caller may change or transfer the arrays after the call', async () => {
    const hashes = [];
    for (const spoil of [false, true]) {
      const model = await convModel();
      const { x, y } = pictures(50);
      const fitting = model.fit(x, y, { epochs: 2 });
      if (spoil) {
        y.fill(0);
        structuredClone(x, { transfer: [x.buffer] });
      }
      await fitting;
      hashes.push(await weightHash(model));
    }
    assert.equal(hashes[0], hashes[1]);
  });
});

describe('dispose', () => {
  test('every method of a disposed model says so; a second dispose does nothing', async () => {
    const model = await convModel();
    const bytes = await model.save();
    const weights = await model.getWeights();
    const { x, y } = pictures(4);
    await model.dispose();
    await model.dispose();
    for (const run of [
      () => model.compile(FROM_LOGITS),
      () => model.fit(x, y),
      () => model.evaluate(x, y),
      () => model.predict(x),
      () => model.trainOnBatch(x, y),
      () => model.setLearningRate(1),
      () => model.getWeights(),
      () => model.setWeights(weights),
      () => model.save(),
      () => model.loadWeights(bytes),
      () => model.memory(),
      () => model.fitIterator(x, y).next(),
    ]) {
      await assert.rejects(async () => run(), { code: 'E_DISPOSED' }, String(run));
    }
  });

  test('of a model during fit, also from a callback, rejects the fit', async () => {
    const { model, fitting } = await training();
    await model.dispose();
    await assert.rejects(fitting, { code: 'E_ABORTED', message: /model was disposed/ });
    const other = await convModel();
    const inside = other.fit(data, { ...FOREVER, onBatchEnd: () => other.dispose() });
    await assert.rejects(inside, { code: 'E_ABORTED' });
  });

  test('of a data set in use waits for its end', async () => {
    const model = await convModel();
    const own = await engine.dataset(pictures(100));
    await model.fit(own, { epochs: 5, onEpochEnd: () => own.dispose() });
    await assert.rejects(model.fit(own), { code: 'E_DISPOSED' });
    await assert.rejects(own.read(), { code: 'E_DISPOSED' });
  });

  test('of the engine settles everything', async () => {
    const own = await createEngine({ threads: 2 });
    const model = await convModel(own);
    const ownData = await own.dataset(pictures(100));
    const fitting = model.fit(ownData, FOREVER);
    const waiting = own.info();
    await own.dispose();
    await own.dispose();
    await assert.rejects(fitting, { code: 'E_ABORTED' });
    await waiting.catch((error) => assert.equal(error.code, 'E_DISPOSED'));
    await assert.rejects(own.info(), { code: 'E_DISPOSED' });
    await assert.rejects(model.predict(new Uint8Array(192)), { code: 'E_DISPOSED' });
    await assert.rejects(own.sequential(denseLayers()), { code: 'E_DISPOSED' });
    await model.dispose();
  });

  test('objects of two engines do not mix', async () => {
    const own = await createEngine({ threads: 1 });
    const model = await convModel(own);
    await assert.rejects(model.fit(data), { code: 'E_CONFIG', message: /another engine/ });
    await own.dispose();
  });
});

describe('memory', () => {
  test('a step allocates nothing, and 1,000 steps leave the memory as it was', async () => {
    const model = await convModel();
    /** @type {any[]} */
    const seen = [];
    await model.fit(data, {
      epochs: 143,
      yieldEvery: 0,
      onBatchEnd: async (batch) => {
        if (batch % 3 === 0) seen.push((await engine.info()).memory);
      },
    });
    const within = seen.slice(0, 3).map(({ allocations }) => allocations);
    assert.equal(new Set(within).size, 1, `allocations in an epoch: ${within}`);
    for (const key of ['live', 'liveAllocations', 'heap']) {
      const values = new Set(seen.slice(3).map((memory) => memory[key]));
      assert.equal(values.size, 1, `${key}: ${[...values]}`);
    }
    await model.dispose();
  });

  test('a thousand models and data sets made and freed leave nothing', async () => {
    const { memory } = await engine.info();
    for (let round = 0; round < 200; round++) {
      const model = await engine.sequential(denseLayers());
      model.compile(FROM_LOGITS);
      const { x, y } = corners(9);
      await model.trainOnBatch(x, y);
      await model.predict(x);
      await model.dispose();
    }
    const after = (await engine.info()).memory;
    assert.equal(after.liveAllocations, memory.liveAllocations);
    assert.equal(after.live, memory.live);
    assert.equal(after.heap, memory.heap);
  });

  test('more memory than there is gives E_OOM or E_LIMIT, and the model goes on', async () => {
    const model = await engine.sequential([
      layers.conv2d({ filters: 64, kernelSize: 3, padding: 'same', inputShape: [224, 224, 3] }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ]);
    await model.compile({ ...FROM_LOGITS, optimizer: optimizers.sgd() });
    const count = 256;
    const big = await engine.dataset({
      x: new Uint8Array(count * 150_528),
      y: new Uint8Array(count),
      shape: [224, 224, 3],
    });
    const hash = await weightHash(model);
    await assert.rejects(model.fit(big, { batchSize: count }), (/** @type {any} */ error) => {
      assert.match(error.code, /^E_(OOM|LIMIT)$/);
      assert.match(error.message, /\d{9,}/, 'names the bytes');
      return true;
    });
    assert.equal(await weightHash(model), hash);
    await model.fit(big, { batchSize: 1, count: 1 });
    await big.dispose();
    await model.dispose();
  });
});

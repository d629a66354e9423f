/** Training and evaluation on samples that come one after the other, and data sets made of them. */

import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { createEngine, layers } from 'tabgrad';
import { stream } from 'tabgrad/data';
import { Random } from '../../web/lib/data/random.js';
import { rejects } from './data-fixtures.mjs';
import { weightHash } from './nets.mjs';

const FEATURES = 6;
const COUNT = 53;
const random = new Random(1);
const x = Float32Array.from({ length: COUNT * FEATURES }, () => random.next() / 2 ** 31 - 1);
const y = Int32Array.from({ length: COUNT }, () => random.below(3));
const sample = (/** @type {number} */ i) => x.subarray(i * FEATURES, (i + 1) * FEATURES);

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {Awaited<ReturnType<typeof trained>>} */
let inMemory;
before(async () => {
  engine = await createEngine({ threads: 1 });
  const data = await engine.dataset({ x, y, shape: [FEATURES] });
  inMemory = await trained(data);
  await data.dispose();
});
after(() => engine.dispose());

async function makeModel() {
  const model = await engine.sequential([
    layers.dense({ units: 9, activation: 'relu', inputShape: [FEATURES] }),
    layers.dropout({ rate: 0.2 }),
    layers.dense({ units: 3, activation: 'softmax' }),
  ]);
  const metrics = /** @type {const} */ (['accuracy', 'f1Score']);
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics });
  return model;
}
const OPTIONS = { epochs: 3, batchSize: 8, shuffle: false };

/** What training on a source leads to. @param {any} source @param {any} [options] */
async function trained(source, options = {}) {
  const model = await makeModel();
  const { history } = await model.fit(source, { ...OPTIONS, ...options });
  const result = { history, weights: await weightHash(model) };
  await model.dispose();
  return result;
}

function* singles() {
  for (let i = 0; i < COUNT; i++) yield { x: sample(i), y: y[i] };
}
/** In groups of 1, 2, 3 … samples. */
async function* groups() {
  for (let i = 0, size = 1; i < COUNT; i += size++) {
    const end = Math.min(i + size, COUNT);
    if (size % 3 === 0) await wait(1);
    yield [x.slice(i * FEATURES, end * FEATURES), y.slice(i, end)];
  }
}

describe('fit: the bits of a data set in memory', () => {
  const sources = {
    'a generator function': singles,
    'an async generator function': groups,
    'a function that promises an array': async () => [...singles()],
    'an array in a stream': stream([...singles()]),
    'an iterable object': { [Symbol.iterator]: singles },
    'an async iterable object': { [Symbol.asyncIterator]: groups },
    'a stream of two batches': stream(groups, {
      prefetch: 2,
      labels: 'classes',
      shape: [FEATURES],
    }),
    'one item of everything': () => [[x, y]],
    'nested arrays': () => [...singles()].map((item) => [[...item.x], item.y]),
  };
  for (const [name, source] of Object.entries(sources)) {
    test(name, async () => assert.deepEqual(await trained(source), inMemory));
  }

  test('whole batches alone, weights of samples, one-hot labels, values, bytes', async () => {
    const compare = async (
      /** @type {any} */ given,
      /** @type {any} */ loss,
      /** @type {any} */ options,
    ) => {
      const results = [];
      const items = function* () {
        for (let i = 0; i < 40; i++) {
          const row = (/** @type {any} */ all) =>
            all.slice((i * all.length) / 40, ((i + 1) * all.length) / 40);
          const { x, y, sampleWeight } = given;
          yield { x: row(x), y: row(y), ...(sampleWeight && { sampleWeight: sampleWeight[i] }) };
        }
      };
      for (const source of [
        await engine.dataset({ ...given, ...options, shape: [FEATURES] }),
        stream(items, options),
      ]) {
        const model = await engine.sequential([layers.dense({ units: 3, inputShape: [FEATURES] })]);
        model.compile({ optimizer: 'sgd', loss, fromLogits: /entropy/.test(loss) });
        const { history } = await model.fit(/** @type {any} */ (source), OPTIONS);
        results.push([history, await weightHash(model)]);
      }
      assert.deepEqual(results[1], results[0]);
    };
    const bytes = Uint8Array.from({ length: 40 * FEATURES }, () => random.below(256));
    const oneHot = Float32Array.from({ length: 120 }, (_, i) =>
      Number(i % 3 === y[Math.floor(i / 3)]),
    );
    const sampleWeight = Array.from({ length: 40 }, (_, i) => 1 + (i % 3));
    const x40 = x.slice(0, 40 * FEATURES);
    await compare({ x: x40, y: y.slice(0, 40) }, 'sparseCategoricalCrossentropy', {});
    await compare({ x: x40, y: y.slice(0, 40), sampleWeight }, 'sparseCategoricalCrossentropy', {});
    await compare({ x: bytes, y: oneHot }, 'categoricalCrossentropy', {});
    await compare({ x: bytes, y: oneHot }, 'meanSquaredError', { scale: 0.1, mean: 2, std: 3 });
  });

  test('on several threads, with validation, callbacks and a pause', async () => {
    const data = await engine.dataset({ x, y, shape: [FEATURES] });
    /** @type {number[]} */
    const batches = [];
    const model = await makeModel();
    const fitting = model.fit(singles, {
      ...OPTIONS,
      validationData: data,
      yieldEvery: 0,
      onBatchEnd: (
        /** @type {number} */ batch,
        /** @type {any} */ _,
        /** @type {any} */ progress,
      ) => {
        batches.push(batch);
        // Of the first epoch nobody knows how long it is.
        assert.equal(progress.batches, progress.epoch === 0 ? 0 : 7);
        if (batches.length === 3) {
          model.pause();
          setTimeout(() => model.resume(), 20);
        }
      },
    });
    const { history } = await fitting;
    assert.deepEqual(history.loss, inMemory.history.loss);
    assert.equal(history.valLoss?.length, 3);
    assert.deepEqual(batches, [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6]);
    await data.dispose();
  });

  test('interrupted anywhere and resumed, also from a file', async () => {
    for (const stop of [1, 6, 7, 9, 20]) {
      const model = await makeModel();
      let steps = 0;
      await model.fit(groups, {
        ...OPTIONS,
        yieldEvery: 0,
        onBatchEnd: () => {
          if (++steps === stop) model.stopTraining();
        },
      });
      const again = await engine.load(await model.save());
      for (const each of [model, again]) {
        await each.fit(groups, { ...OPTIONS, resume: true });
        assert.equal(await weightHash(each), inMemory.weights, `stopped after ${stop}`);
        await each.dispose();
      }
    }
  });

  test('setBatchSize from the next epoch on', async () => {
    const sizes = await Promise.all(
      [singles, [...singles()]].map(async (source) => {
        const model = await makeModel();
        const data =
          typeof source === 'function' ? source : await engine.dataset({ x, y, shape: [FEATURES] });
        await model.fit(/** @type {any} */ (data), {
          ...OPTIONS,
          onEpochEnd: (/** @type {number} */ epoch) => model.setBatchSize(epoch ? 8 : 5),
        });
        return weightHash(model);
      }),
    );
    assert.equal(sizes[0], sizes[1]);
  });
});

describe('epochs', () => {
  test('a function is told the epoch; stepsPerEpoch cuts', async () => {
    /** @type {number[]} */
    const asked = [];
    let closed = 0;
    async function* endless(/** @type {number} */ epoch) {
      asked.push(epoch);
      try {
        for (;;) yield* singles();
      } finally {
        closed++;
      }
    }
    const model = await makeModel();
    const { history } = await model.fit(endless, { ...OPTIONS, initialEpoch: 1, stepsPerEpoch: 4 });
    assert.deepEqual([asked, history.loss.length], [[1, 2], 2]);
    await wait(5);
    assert.equal(closed, 2);
  });

  test('a generator goes on where it was; without steps it ends after an epoch', async () => {
    let taken = 0;
    function* endless() {
      for (;;) {
        taken++;
        yield [sample(taken % COUNT), y[taken % COUNT]];
      }
    }
    const generator = endless();
    const model = await makeModel();
    await model.fit(generator, { ...OPTIONS, stepsPerEpoch: 3 });
    // 3 epochs of 3 batches of 8, and nothing beyond: an epoch is read when it is wanted.
    assert.equal(taken, 72);
    assert.equal(generator.next().done, false);
    await rejects(model.fit(singles(), OPTIONS), 'E_EMPTY', /the stream gave no sample/);
  });

  test('shuffleBuffer: each epoch an order of its own, the same for a seed, every sample once', async () => {
    const orders = async (/** @type {any} */ options) => {
      /** @type {number[]} */
      const seen = [];
      const model = await engine.sequential([layers.dense({ units: 1, inputShape: [1] })]);
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      const items = () => Array.from({ length: 40 }, (_, i) => [[i], [0]]);
      // With a rate of 0 the loss of a batch of one shows which sample it was.
      await model.setWeights([
        { name: 'dense/kernel', shape: [1, 1], data: Float32Array.of(1) },
        { name: 'dense/bias', shape: [1], data: Float32Array.of(0) },
      ]);
      await model.setLearningRate(0);
      let sum = 0;
      await model.fit(stream(/** @type {any} */ (items), options), {
        epochs: 2,
        batchSize: 1,
        onBatchEnd: (batch, { loss }) => {
          const now = loss * (batch + 1);
          seen.push(Math.round(Math.sqrt(now - (batch === 0 ? 0 : sum))));
          sum = now;
        },
      });
      return [seen.slice(0, 40), seen.slice(40)];
    };
    const all = Array.from({ length: 40 }, (_, i) => i);
    const [first, second] = await orders({ shuffleBuffer: 10, seed: 3 });
    for (const order of [first, second])
      assert.deepEqual(
        order.toSorted((a, b) => a - b),
        all,
      );
    assert.notDeepEqual(first, second);
    assert.notDeepEqual(first, all);
    // Nothing comes before it was read: at place i among the first i + 11.
    first.forEach((value, place) => assert.ok(value <= place + 10));
    assert.deepEqual(await orders({ shuffleBuffer: 10, seed: 3 }), [first, second]);
    assert.notDeepEqual((await orders({ shuffleBuffer: 10, seed: 4 }))[0], first);
    const [whole] = await orders({ shuffleBuffer: 1000 });
    assert.deepEqual(
      whole.toSorted((a, b) => a - b),
      all,
    );
  });
});

describe('memory', () => {
  test('a source is read no further ahead than the queue; engine memory is that of the queue', async () => {
    const features = 50_000;
    const model = await engine.sequential([layers.dense({ units: 2, inputShape: [features] })]);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    let read = 0;
    let done = 0;
    let ahead = 0;
    let peak = 0;
    const before = (await engine.info()).memory.datasets;
    async function* large() {
      for (; read < 400; read++) {
        ahead = Math.max(ahead, read - done * 4);
        if (read % 40 === 0) {
          const { memory } = await engine.info();
          peak = Math.max(peak, memory.datasets - before);
        }
        yield { x: new Float32Array(features).fill(read / 1e6), y: [0, 1] };
      }
    }
    let buffers = 0;
    await model.fit(stream(large, { prefetch: 3 }), {
      batchSize: 4,
      yieldEvery: 0,
      onBatchEnd: () => {
        done++;
        buffers = Math.max(buffers, process.memoryUsage().arrayBuffers);
      },
    });
    assert.equal(read, 400);
    // 3 in the queue, 2 on the way, one being made, and those whose callbacks were on their way.
    assert.ok(ahead <= 4 * 9, `${ahead} samples ahead`);
    assert.ok(peak > 0 && peak <= 3 * 4 * (features + 2) * 4 + 1000, `${peak} bytes`);
    await wait(5);
    assert.equal((await engine.info()).memory.datasets, before);
    await model.dispose();
  });
});

describe('refused, with nothing left behind', () => {
  const broken = new Error('the disk is gone');
  /** @type {[string, any, string | Error, RegExp][]} */
  const CASES = [
    [
      'a source that throws',
      function* () {
        yield* singles();
        throw broken;
      },
      broken,
      /disk/,
    ],
    [
      'one that throws at once',
      () => {
        throw broken;
      },
      broken,
      /disk/,
    ],
    ['one that rejects', async () => Promise.reject(broken), broken, /disk/],
    ['no iterable', () => 7, 'E_TYPE', /iterable of samples, found/],
    ['no sample', () => [], 'E_EMPTY', /no sample/],
    ['items that are none', () => [3], 'E_TYPE', /item 0 of the stream.*found/],
    ['no labels', () => [{ x: sample(0) }], 'E_TYPE', /no y/],
    [
      'other sizes',
      () => [
        [sample(0), 1],
        [[1, 2], 1],
      ],
      'E_SHAPE',
      /item 1.*2 values.*6/,
    ],
    ['two labels', () => [[sample(0), [1, 2]]], 'E_SHAPE', /item 0/],
    [
      'other types',
      () => [
        [sample(0), 1],
        [new Uint8Array(6), 1],
      ],
      'E_TYPE',
      /samples uint8.*float32/,
    ],
    ['a class that is none', () => [[sample(0), 3]], 'E_LABEL_RANGE', /3/],
    ['a fraction for a class', () => [[sample(0), 0.5]], 'E_LABEL_RANGE', /0\.5/],
    ['NaN', () => [[sample(0).map(() => NaN), 1]], 'E_NON_FINITE', /batch 0 of the stream/],
    ['strings', () => [['abc', 1]], 'E_TYPE', /item 0/],
    [
      'items whose accessors throw',
      () => [
        {
          get x() {
            throw broken;
          },
        },
      ],
      'E_TYPE',
      /disk/,
    ],
  ];
  for (const [name, source, wanted, message] of CASES) {
    test(name, async () => {
      const model = await makeModel();
      const before = await weightHash(model);
      const memory = (await engine.info()).memory.datasets;
      const error = await model.fit(source, { epochs: 1, batchSize: 64 }).catch((reason) => reason);
      if (wanted === broken) assert.equal(error, broken);
      else assert.equal(error.code, wanted, String(error.stack));
      assert.match(error.message, message);
      assert.equal(await weightHash(model), before);
      assert.equal((await engine.info()).memory.datasets, memory);
      // The model trains on.
      await model.fit(singles, { batchSize: 8 });
      await model.dispose();
    });
  }

  test('options that make no sense', async () => {
    const model = await makeModel();
    for (const options of [
      { first: 1 },
      { count: 3 },
      { sampleWeight: [1] },
      { validationSplit: 0.5 },
    ]) {
      await rejects(model.fit(singles, options), 'E_CONFIG', new RegExp(Object.keys(options)[0]));
    }
    await rejects(model.fit(singles, { stepsPerEpoch: 0 }), 'E_CONFIG', /stepsPerEpoch/);
    await rejects(model.fit(x, y, { stepsPerEpoch: 2 }), 'E_CONFIG', /stepsPerEpoch/);
    await rejects(model.fit(singles, y, {}), 'E_CONFIG', /y must be left out/);
    for (const options of [
      { prefetch: 1 },
      { shuffleBuffer: -1 },
      { seed: 0.5 },
      { labels: 'ints' },
      { batch: 3 },
    ]) {
      assert.throws(() => stream(singles, /** @type {any} */ (options)), { code: 'E_CONFIG' });
    }
    assert.throws(() => stream(/** @type {any} */ (7)), { code: 'E_TYPE' });
    assert.throws(() => stream(singles, { shape: [0] }), { code: 'E_CONFIG' });
  });

  test('abort, stop and dispose, also of a source that never answers', async () => {
    async function* stuck() {
      yield [x.slice(0, 16 * FEATURES), y.slice(0, 16)];
      await new Promise(() => {});
    }
    const model = await makeModel();
    const memory = (await engine.info()).memory.datasets;
    const aborted = await model
      .fit(stuck, { batchSize: 8, signal: AbortSignal.timeout(50) })
      .catch((reason) => reason);
    assert.deepEqual([aborted.code, aborted.cause.name], ['E_ABORTED', 'TimeoutError']);
    setTimeout(() => model.stopTraining(), 50);
    assert.equal((await model.fit(stuck, { batchSize: 8 })).stopped, true);
    assert.equal((await engine.info()).memory.datasets, memory);
    const fitting = model.fit(stuck, { batchSize: 8 }).catch((reason) => reason);
    await wait(30);
    await model.dispose();
    assert.equal((await fitting).code, 'E_ABORTED');
    const other = await createEngine({ threads: 1 });
    const own = await other.sequential([layers.dense({ units: 3, inputShape: [FEATURES] })]);
    own.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', fromLogits: true });
    const last = own.fit(stuck, { batchSize: 8 }).catch((reason) => reason);
    await wait(30);
    await other.dispose();
    assert.equal((await last).code, 'E_ABORTED');
  });
});

describe('dataset({ samples })', () => {
  test('is the data set of all of them', async () => {
    for (const samples of [singles, singles(), groups(), [...singles()], groups]) {
      const data = await engine.dataset({
        samples,
        shape: [FEATURES],
        classNames: ['a', 'b', 'c'],
      });
      const read = await data.read();
      assert.deepEqual([read.x, read.y], [x, y]);
      assert.deepEqual([...data.classNames], ['a', 'b', 'c']);
      await data.dispose();
    }
    const bare = await engine.dataset({
      samples: [[sample(0)], { x: sample(1) }],
      shape: [FEATURES],
    });
    assert.deepEqual([bare.labels, bare.count], ['none', 2]);
  });

  test('is refused', async () => {
    await rejects(engine.dataset({ samples: singles }), 'E_CONFIG', /shape/);
    await rejects(engine.dataset({ samples: singles, x, shape: [6] }), 'E_CONFIG', /samples or x/);
    await rejects(engine.dataset({ samples: [], shape: [6] }), 'E_EMPTY');
    await rejects(engine.dataset({ samples: singles, shape: [7] }), 'E_SHAPE', /item 0/);
    const signal = AbortSignal.abort();
    await rejects(engine.dataset({ samples: singles, shape: [6], signal }), 'E_ABORTED');
    const memory = (await engine.info()).memory.datasets;
    const bad = [[sample(0).map(() => Infinity), 1]];
    await rejects(
      engine.dataset({ samples: /** @type {any} */ (bad), shape: [6] }),
      'E_NON_FINITE',
    );
    assert.equal((await engine.info()).memory.datasets, memory);
  });
});

describe('evaluate: the values of a data set in memory', () => {
  /** @type {any} */
  let model;
  /** @type {any} */
  let data;
  before(async () => {
    model = await makeModel();
    data = await engine.dataset({ x, y, shape: [FEATURES] });
    await model.fit(data, OPTIONS);
  });
  after(async () => {
    await data.dispose();
    await model.dispose();
  });

  test('every kind of source, every metric, whole and short batches', async () => {
    for (const batchSize of [8, 53, 100]) {
      const expected = await model.evaluate(data, { batchSize });
      assert.ok(Number.isFinite(expected.f1Score));
      for (const source of [singles, groups, stream([...singles()]), singles()]) {
        assert.deepEqual(await model.evaluate(source, { batchSize }), expected);
      }
    }
    const sampleWeight = Float32Array.from(y, (_, i) => 1 + (i % 4));
    const weighted = stream(() => [[x, y, sampleWeight]]);
    assert.deepEqual(await model.evaluate(weighted), await model.evaluate(x, y, { sampleWeight }));
  });

  test('tells how far it is, and how much there is where that is known', async () => {
    /** @type {any[]} */
    const told = [];
    const onProgress = (/** @type {any} */ progress) => void told.push(progress);
    await model.evaluate(stream(singles, { count: COUNT }), { onProgress });
    assert.deepEqual(told.at(-1), { done: COUNT, total: COUNT });
    await model.evaluate(groups, { onProgress });
    assert.deepEqual(told.at(-1), { done: COUNT, total: undefined });
  });

  test('while the model trains, on another stream', async () => {
    const [history, logs] = await Promise.all([
      model.fit(groups, { ...OPTIONS, epochs: 4 }),
      model.evaluate(groups),
    ]);
    assert.equal(history.history.loss.length, 4);
    assert.ok(Number.isFinite(logs.loss));
  });

  test('refused, empty, failed, aborted; and then as before', async () => {
    const expected = await model.evaluate(data);
    await rejects(
      model.evaluate(singles, { first: 3 }),
      'E_CONFIG',
      /evaluate: first must be left out/,
    );
    await rejects(model.evaluate(singles, { count: 3 }), 'E_CONFIG', /evaluate: count/);
    await rejects(
      model.evaluate(singles, { sampleWeight: [1] }),
      'E_CONFIG',
      /evaluate: sampleWeight/,
    );
    await rejects(model.evaluate(singles, y), 'E_CONFIG', /evaluate: y must be left out/);
    await rejects(
      model.evaluate([][Symbol.iterator]()),
      'E_EMPTY',
      /evaluate: the stream gave no sample/,
    );
    await rejects(
      model.evaluate(() => [{ x: [1] }]),
      'E_TYPE',
      /evaluate: item 0 of the stream has no y/,
    );
    const far = () => [{ x: sample(0), y: 7 }];
    await rejects(model.evaluate(far), 'E_LABEL_RANGE', /./);
    const failing = function* () {
      yield { x: sample(0), y: 1 };
      throw new RangeError('gone');
    };
    await assert.rejects(model.evaluate(failing), new RangeError('gone'));
    const stop = new AbortController();
    const endless = async function* () {
      for (;;) {
        await wait(1);
        yield { x: sample(0), y: 1 };
      }
    };
    const running = model.evaluate(endless, { signal: stop.signal, batchSize: 2 });
    setTimeout(() => stop.abort(), 30);
    await rejects(running, 'E_ABORTED', /./);
    assert.deepEqual(await model.evaluate(data), expected);
  });
});

/** Pictures of folders that are read while a model trains. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createEngine, layers } from 'tabgrad';
import { classWeights } from 'tabgrad/data';
import { rejects, tar } from './data-fixtures.mjs';
import { makeZip, rgbPng, writeFiles } from './image-fixtures.mjs';
import { weightHash } from './nets.mjs';

const CLASSES = ['ant', 'bee', 'cat'];
const SIZE = /** @type {[number, number]} */ ([6, 5]);
const EACH = 15;

/** Fifteen PNGs a class, of different sizes. @type {Record<string, Uint8Array>} */
const files = {};
for (const [c, name] of CLASSES.entries()) {
  for (let i = 0; i < EACH; i++) {
    const value = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ k) =>
      (c * 70 + i * 11 + x * 5 + y * 3 + k) & 255;
    files[`${name}/${10 + i}.png`] = rgbPng(8 + (i % 4), 9 + c, value);
  }
}
const paths = Object.keys(files).sort();
const COUNT = paths.length;

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {string} */
let root;
before(async () => {
  engine = await createEngine({ threads: 1 });
  root = await mkdtemp(join(tmpdir(), 'tabgrad-image-stream-'));
  await writeFiles(root, files);
});
after(async () => {
  await engine.dispose();
  await rm(root, { recursive: true });
});

/** @returns {Promise<any>} */
const open = (/** @type {any} */ source, /** @type {any} */ options = {}) =>
  engine.datasets.imageStream(source, { imageSize: SIZE, ...options });
/** @returns {Promise<any>} */
const load = (/** @type {any} */ source, /** @type {any} */ options = {}) =>
  engine.datasets.imageFolder(source, { imageSize: SIZE, ...options });
const asMap = (/** @type {Record<string, Uint8Array>} */ all) => new Map(Object.entries(all));

/** What the pictures of an epoch are, one after the other. @param {any} stream */
async function readAll(stream, epoch = 0) {
  /** @type {number[]} */
  const x = [];
  /** @type {number[]} */
  const y = [];
  for await (const [samples, labels = []] of stream.open(epoch)) {
    x.push(...samples);
    y.push(...labels);
  }
  return { x, y };
}

/** @param {any} source @param {any} [options] */
async function trained(source, { units = 3, loss = 'sparseCategoricalCrossentropy', ...fit } = {}) {
  const model = await engine.sequential([
    layers.flatten({ inputShape: [...SIZE, 3] }),
    layers.dense({ units: 8, activation: 'relu' }),
    layers.dropout({ rate: 0.3 }),
    layers.dense({ units }),
  ]);
  model.compile({ optimizer: 'adam', loss, fromLogits: true, metrics: ['accuracy'] });
  const { history } = await model.fit(source, { epochs: 2, batchSize: 8, shuffle: false, ...fit });
  const result = { history, weights: await weightHash(model) };
  await model.dispose();
  return result;
}

/** @param {any} source @param {any} options */
async function evaluated(source, { units = 3, loss = 'sparseCategoricalCrossentropy' }) {
  const model = await engine.sequential([
    layers.flatten({ inputShape: [...SIZE, 3] }),
    layers.dense({ units }),
  ]);
  model.compile({ loss, fromLogits: true, metrics: ['accuracy'] });
  const logs = await model.evaluate(source, { batchSize: 7 });
  await model.dispose();
  return logs;
}

describe('in the order of the paths: the bits of imageFolder', () => {
  /** @param {any} source @param {any} options @param {any} [training] */
  async function compare(source, options, training) {
    const whole = await load(source, options);
    const stream = await open(source, { ...options, shuffle: false });
    assert.deepEqual([stream.count, stream.shape], [whole.count, whole.shape]);
    assert.deepEqual([...stream.files], [...whole.files]);
    assert.deepEqual([...stream.classNames], [...whole.classNames]);
    const { x, y } = await whole.read();
    if (whole.labels === 'classes') assert.deepEqual(stream.classes, y);
    if (whole.labels === 'none') assert.equal(stream.classes, null);
    assert.deepEqual(await readAll(stream), { x: [...x], y: [...(y ?? [])] });
    if (training) {
      assert.deepEqual(await evaluated(stream, training), await evaluated(whole, training));
      assert.deepEqual(await trained(stream, training), await trained(whole, training));
    }
    await stream.dispose();
    await whole.dispose();
  }
  const entries = paths.map((path) => ({ path: `photos/${path}`, body: files[path] }));

  test('a folder: classes', () => compare(root, {}, {}));
  test('contents by their paths: one value a class', () =>
    compare(
      asMap(files),
      { labelMode: 'categorical' },
      { loss: 'categoricalCrossentropy', epochs: 3 },
    ));
  test('a zip archive: two classes, scaled by hand', () =>
    compare(
      makeZip(entries),
      { labelMode: 'binary', classNames: ['cat', 'ant'], scale: 0.01, mean: 1, std: [2, 3, 4] },
      { units: 1, loss: 'binaryCrossentropy' },
    ));
  test('grey, cut to their shape, antialiased, another part of the folder', () =>
    compare(root, {
      colorMode: 'grayscale',
      cropToAspectRatio: true,
      antialias: true,
      validationSplit: 0.4,
      subset: 'validation',
      seed: 5,
    }));
  test('no labels', async () => {
    await compare(join(root, 'ant'), { labels: null });
    const stream = await open(join(root, 'ant'), { labels: null });
    await rejects(trained(stream), 'E_TYPE', /no y/);
    await stream.dispose();
  });
});

describe('shuffled', () => {
  /** Numbers of the pictures in the order in which an epoch has them. @param {any} stream @param {number} epoch */
  async function orderOf(stream, epoch) {
    const whole = await load(root);
    const { x } = await whole.read();
    await whole.dispose();
    const size = x.length / COUNT;
    const known = new Map(paths.map((_, i) => [x.slice(i * size, (i + 1) * size).join(), i]));
    const { x: seen, y } = await readAll(stream, epoch);
    const order = paths.map((_, i) => known.get(seen.slice(i * size, (i + 1) * size).join()));
    assert.deepEqual(
      y,
      order.map((sample) => Math.floor(Number(sample) / EACH)),
    );
    assert.deepEqual(
      order.toSorted((a, b) => Number(a) - Number(b)),
      [...paths.keys()],
    );
    return order;
  }

  test('every epoch has each picture once, in an order of its own, by the seed', async () => {
    const stream = await open(root, { seed: 3 });
    const orders = [await orderOf(stream, 0), await orderOf(stream, 1)];
    assert.notDeepEqual(orders[0], orders[1]);
    assert.notDeepEqual(orders[0], [...paths.keys()]);
    const same = await open(root, { seed: 3 });
    assert.deepEqual([await orderOf(same, 0), await orderOf(same, 1)], orders);
    const other = await open(root, { seed: 4 });
    assert.notDeepEqual(await orderOf(other, 0), orders[0]);
    for (const each of [stream, same, other]) await each.dispose();
  });

  test('training is repeatable, and goes on within an epoch', async () => {
    const stream = await open(root, { seed: 1 });
    const whole = await trained(stream, { epochs: 3 });
    assert.deepEqual(await trained(stream, { epochs: 3 }), whole);
    const model = await engine.sequential([
      layers.flatten({ inputShape: [...SIZE, 3] }),
      layers.dense({ units: 8, activation: 'relu' }),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 3 }),
    ]);
    const loss = 'sparseCategoricalCrossentropy';
    model.compile({ optimizer: 'adam', loss, fromLogits: true, metrics: ['accuracy'] });
    const options = /** @type {const} */ ({
      epochs: 3,
      batchSize: 8,
      shuffle: false,
      yieldEvery: 0,
    });
    let steps = 0;
    await model.fit(stream, {
      ...options,
      onBatchEnd: () => void (++steps === 9 && model.stopTraining()),
    });
    assert.equal(steps, 9);
    await model.fit(stream, { ...options, resume: true });
    assert.equal(await weightHash(model), whole.weights);
    await model.dispose();
    await stream.dispose();
  });

  test('several workers: the same order', async () => {
    const one = await open(root, { seed: 1, workers: 1 });
    const three = await open(root, { seed: 1, workers: 3 });
    assert.deepEqual(await trained(three), await trained(one));
    // 45 pictures are one group; of larger ones a group is one.
    const large = /** @type {const} */ ({ imageSize: [1800, 1600], seed: 2 });
    const some = { 'ant/1.png': 0, 'bee/2.png': 1, 'cat/3.png': 2, 'cat/4.png': 3, 'cat/5.png': 4 };
    const source = new Map(Object.entries(some).map(([path, i]) => [path, files[paths[i * 9]]]));
    const labels = [];
    for (const workers of [1, 2, 4]) {
      const stream = await engine.datasets.imageStream(source, { ...large, workers });
      const sums = [];
      for await (const [x, y] of stream) {
        sums.push([x.length, x.reduce((sum, value) => sum + value, 0), ...(y ?? [])]);
      }
      labels.push(sums);
      await stream.dispose();
    }
    assert.equal(labels[0].length, 5);
    assert.deepEqual(labels[1], labels[0]);
    assert.deepEqual(labels[2], labels[0]);
    await one.dispose();
    await three.dispose();
  });

  test('the length of the first epoch is told', async () => {
    const stream = await open(root, { prefetch: 2 });
    /** @type {number[]} */
    const told = [];
    await trained(stream, {
      onBatchEnd: (
        /** @type {any} */ _step,
        /** @type {any} */ _logs,
        /** @type {any} */ { batches },
      ) => void told.push(batches),
    });
    assert.deepEqual(told, new Array(12).fill(6));
    await stream.dispose();
  });
});

describe('bad files', () => {
  const damaged = {
    ...files,
    'ant/12.png': files['ant/12.png'].slice(0, 60),
    'bee/9.png': new Uint8Array(3),
  };

  test('are left out and told, as imageFolder does', async () => {
    const whole = await load(asMap(damaged));
    const stream = await open(asMap(damaged), { shuffle: false });
    assert.deepEqual([stream.count, stream.skipped], [COUNT + 1, []]);
    assert.deepEqual(await trained(stream), await trained(whole));
    assert.deepEqual(stream.skipped, [...whole.skipped]);
    assert.equal(stream.skipped.length, 2);
    await stream.dispose();
    await whole.dispose();
  });

  test('nothing else: an error that says why', async () => {
    const bad = Object.fromEntries(paths.map((path) => [path, new Uint8Array(9)]));
    const stream = await open(asMap(bad));
    await rejects(
      trained(stream),
      'E_EMPTY',
      /none of 45 pictures can be read: (ant|bee|cat)\/\d+\.png/,
    );
    await stream.dispose();
  });

  test('a file that is gone by the time it is wanted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tabgrad-image-stream-'));
    await writeFiles(folder, files);
    const stream = await open(folder);
    await rm(join(folder, 'bee/11.png'));
    const { y } = await readAll(stream);
    assert.equal(y.length, COUNT - 1);
    assert.deepEqual(
      stream.skipped.map((/** @type {any} */ { file, code }) => [file, code]),
      [['bee/11.png', 'E_MISSING']],
    );
    await stream.dispose();
    await rm(folder, { recursive: true });
  });
});

test('class weights of a folder whose classes are not alike', async () => {
  const some = paths.filter((path, i) => path.startsWith('ant') || i % 3 === 0);
  const source = new Map(some.map((path) => [path, files[path]]));
  const [stream, whole] = [await open(source), await load(source)];
  assert.deepEqual(await classWeights(stream.classes), await classWeights(whole));
  await stream.dispose();
  await whole.dispose();
});

test('memory does not grow with the number of pictures', async () => {
  const many = new Map(
    Array.from({ length: 300 }, (_, i) => [`${CLASSES[i % 3]}/${i}.png`, files[paths[i % COUNT]]]),
  );
  const own = await createEngine({ threads: 1 });
  const imageSize = /** @type {[number, number]} */ ([128, 128]);
  const stream = await own.datasets.imageStream(many, { imageSize, prefetch: 2 });
  const model = await own.sequential([
    layers.globalAveragePooling2d({ inputShape: [...imageSize, 3] }),
    layers.dense({ units: 3 }),
  ]);
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', fromLogits: true });
  await model.fit(stream, { batchSize: 10 });
  // Two batches wait, one is shuffled into floats; all pictures are 14.7 MB.
  const { peak } = (await own.info()).memory;
  assert.ok(peak < 8e6, `${peak} bytes`);
  await own.dispose();
});

describe('refused', () => {
  test('what cannot be read in any order', async () => {
    const archive = await tar(paths.map((path) => ({ name: path, body: files[path] })));
    await rejects(open(archive), 'E_CONFIG', /imageStream: a tar archive/);
  });

  test('options, naming imageStream', async () => {
    for (const [options, pattern] of /** @type {[any, RegExp][]} */ ([
      [{ subset: 'both', validationSplit: 0.2 }, /imageStream: subset/],
      [{ subset: 'training' }, /imageStream: validationSplit and subset/],
      [{ shuffel: true }, /imageStream: .*shuffel.*shuffle/],
      [{ labelMode: 'binary' }, /imageStream: labelMode 'binary' takes two classes, found 3/],
      [{ prefetch: 1 }, /prefetch/],
      [{ shuffle: 1 }, /imageStream: shuffle/],
      [{ workers: 0 }, /imageStream: workers/],
      [{ workers: 17 }, /workers must be at most 16, found 17/],
    ])) {
      await rejects(open(root, options), 'E_CONFIG', pattern);
    }
    await rejects(open(join(root, 'none')), 'E_MISSING', /none/);
    await rejects(open(new Map()), 'E_EMPTY', /imageStream/);
    await rejects(open(root, { folder: 'rain' }), 'E_MISSING', /imageStream: .*rain/);
  });

  test('aborted before and while it opens', async () => {
    await rejects(open(root, { signal: AbortSignal.abort() }), 'E_ABORTED', /./);
    const stop = new AbortController();
    const opening = open(root, { signal: stop.signal });
    stop.abort();
    await rejects(opening, 'E_ABORTED', /./);
  });
});

describe('the end', () => {
  test('a disposed stream gives nothing more', async () => {
    const stream = await open(root);
    await stream.dispose();
    await stream.dispose();
    await rejects(trained(stream), 'E_DISPOSED', /stream of pictures was disposed/);
  });

  test('of the engine ends its streams', async () => {
    const own = await createEngine({ threads: 1 });
    const stream = await own.datasets.imageStream(root, { imageSize: SIZE });
    await own.dispose();
    await rejects(readAll(stream), 'E_DISPOSED', /./);
    await rejects(own.datasets.imageStream(root), 'E_DISPOSED', /./);
  });

  test('of training frees nothing of the stream: it serves the next one', async () => {
    const stream = await open(root);
    const stop = new AbortController();
    const running = trained(stream, { signal: stop.signal, onBatchEnd: () => stop.abort() });
    await rejects(running, 'E_ABORTED', /./);
    assert.equal((await readAll(stream)).y.length, COUNT);
    await stream.dispose();
  });
});

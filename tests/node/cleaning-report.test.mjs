/** What is wrong with a data set, found; and the example that cleans, divides and trains. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createEngine, datasets, dispose, layers, optimizers } from 'tabgrad';
import { cleaningReport } from 'tabgrad/data';
import { confidentErrors } from '../../web/lib/data/confident-learning.js';
import { Random } from '../../web/lib/data/random.js';
import { encodeRgbPng } from '../../web/tools/encode-png.mjs';
import { rejects } from './data-fixtures.mjs';
import { rgbPng, writeFiles } from './image-fixtures.mjs';
import { runScript } from './run-script.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 1 });
});
after(() => engine.dispose());

/** 60 pictures of 16 x 16 x 3: a gradient of its own each. */
function pictures(count = 60) {
  const random = new Random(2);
  return Array.from({ length: count }, () => {
    const [a, b, c] = [random.below(5), random.below(5), random.below(60)];
    const [p, q] = [1 + random.below(12), 1 + random.below(12)];
    return Uint8Array.from({ length: 768 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 16, Math.floor(i / 48)];
      return c + a * x + b * y + (x > p ? 40 : 0) + (y > q ? 30 : 0) + (i % 3);
    });
  });
}

/** @param {Uint8Array[]} list @param {any} [options] */
const datasetOf = (list, options = {}) =>
  engine.dataset({ x: list, y: list.map((_, i) => i % 3), shape: [16, 16, 3], ...options });

describe('samples that are there twice', () => {
  test('exactly: each is told with the first; views and labels are seen', async () => {
    const list = pictures();
    list[17] = list[4].slice();
    list[40] = list[4].slice();
    list[33] = list[32].slice();
    const data = await datasetOf(list, { classNames: ['a', 'b', 'c', 'd'] });
    const report = await cleaningReport(data, { near: false });
    assert.deepEqual(report.duplicates, [
      { index: 17, of: 4, sameLabel: false },
      { index: 33, of: 32, sameLabel: false },
      { index: 40, of: 4, sameLabel: true },
    ]);
    assert.deepEqual([report.count, report.indices], [60, [17, 33, 40]]);
    assert.deepEqual(
      [report.emptyClasses, report.nearDuplicates, report.mislabelled],
      [['d'], [], []],
    );
    const clean = await data.without(report.indices);
    assert.deepEqual((await cleaningReport(clean, { near: false })).duplicates, []);
    const view = await data.subset([40, 2, 17]);
    const { duplicates } = await cleaningReport(view);
    assert.deepEqual(duplicates, [{ index: 2, of: 0, sameLabel: false }]);
  });

  test('nearly: brighter, shifted by noise or stored as JPEG would; others are not', async () => {
    const list = pictures();
    const random = new Random(9);
    list[50] = list[3].map((value) => value + random.below(3) - 1);
    list[51] = list[8].map((value) => value + 3);
    const data = await datasetOf(list);
    const { nearDuplicates, duplicates, indices } = await cleaningReport(data);
    const pairs = nearDuplicates.map(({ index, of }) => [index, of]);
    assert.deepEqual(pairs, [
      [50, 3],
      [51, 8],
    ]);
    assert.deepEqual([duplicates, indices], [[], []]);
    const floats = await engine.dataset({
      x: list.map((one) => Float32Array.from(one, (v) => v / 99)),
      shape: [16, 16, 3],
    });
    const again = await cleaningReport(floats);
    assert.deepEqual(
      again.nearDuplicates.map(({ index, of }) => [index, of]),
      pairs,
    );
    const flat = await engine.dataset({
      x: [
        [1, 2],
        [1, 2],
        [1, 2.001],
      ],
    });
    const small = await cleaningReport(flat);
    assert.deepEqual([small.duplicates.length, small.nearDuplicates], [1, []]);
  });
});

describe('samples that held-out data have too', () => {
  test('exactly and nearly, beside those that are there twice', async () => {
    const list = pictures();
    const random = new Random(9);
    const testing = pictures(70).slice(60);
    testing[3] = list[5].slice();
    testing[8] = list[20].map((value) => value + random.below(3) - 1);
    list[30] = list[5].slice();
    const data = await datasetOf(list, { classNames: ['a', 'b', 'c'] });
    // The same names in another order: class 0 is b here.
    const against = await datasetOf(testing, { classNames: ['b', 'a', 'c'] });
    const report = await cleaningReport(data, { against });
    assert.deepEqual(report.leaks, [
      { index: 5, of: 3, sameLabel: false },
      { index: 30, of: 3, sameLabel: false },
    ]);
    assert.deepEqual(
      report.nearLeaks.map(({ index, of, sameLabel }) => [index, of, sameLabel]),
      [[20, 8, true]],
    );
    assert.deepEqual(report.duplicates, [{ index: 30, of: 5, sameLabel: false }]);
    assert.deepEqual(report.indices, [5, 30]);
    const clean = await data.without(report.indices);
    const again = await cleaningReport(clean, { against, near: false });
    assert.deepEqual([again.leaks, again.nearLeaks, again.indices], [[], [], []]);
    assert.deepEqual((await cleaningReport(data)).leaks, []);
    const unlabelled = await engine.dataset({ x: testing, shape: [16, 16, 3] });
    const { leaks } = await cleaningReport(data, { against: unlabelled });
    assert.deepEqual(
      leaks.map(({ sameLabel }) => sameLabel),
      [true, true],
    );
  });

  test('folders: paths of both', async () => {
    const picture = (/** @type {number} */ i) => rgbPng(20, 20, (x, y, c) => x * i + y * 3 + c);
    const train = { 'cat/a.png': picture(2), 'dog/b.png': picture(5) };
    const testing = { 'cat/c.png': picture(7), 'dog/d.png': picture(2) };
    const { leaks, indices } = await cleaningReport(train, { against: testing });
    assert.deepEqual(leaks, [
      { index: 0, file: 'cat/a.png', of: 1, ofFile: 'dog/d.png', sameLabel: false },
    ]);
    assert.deepEqual(indices, [0]);
    await dispose();
  });

  test('refused: another shape, another kind', async () => {
    const data = await datasetOf(pictures(4));
    const other = await engine.dataset({ x: [[1, 2]] });
    await rejects(
      cleaningReport(data, { against: other }),
      'E_SHAPE',
      /against are 1 x 1 x 2 as float32, expected 16 x 16 x 3 as uint8/,
    );
    await rejects(cleaningReport(data, { against: {} }), 'E_CONFIG', /against/);
    await rejects(cleaningReport({}, { against: data }), 'E_CONFIG', /against/);
  });
});

describe('doubtful labels', () => {
  test('the confident joint of a small example, by hand', () => {
    // Thresholds: class 0 (0.9 + 0.8 + 0.1) / 3 = 0.6, class 1 (0.7 + 0.6 + 0.15) / 3 = 0.483.
    const rows = [0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.3, 0.7, 0.4, 0.6, 0.85, 0.15];
    const labels = Int32Array.of(0, 0, 0, 1, 1, 1);
    const expected = [
      { index: 2, suggested: 1, confidence: 0.9, ownConfidence: 0.1 },
      { index: 5, suggested: 0, confidence: 0.85, ownConfidence: 0.15 },
    ];
    assert.deepEqual(confidentErrors(rows, labels, 2), expected);
    const logits = rows.map((p) => Math.log(p) + 3);
    const close = confidentErrors(logits, labels, 2);
    assert.deepEqual(
      close.map(({ index, suggested }) => [index, suggested]),
      [
        [2, 1],
        [5, 0],
      ],
    );
    const one = rows.filter((_, i) => i % 2 === 1);
    assert.deepEqual(
      confidentErrors(one, labels, 1).map(({ index }) => index),
      [2, 5],
    );
    const odds = one.map((p) => Math.log(p / (1 - p)));
    assert.deepEqual(
      confidentErrors(odds, labels, 1).map(({ index }) => index),
      [2, 5],
    );
  });

  test('one label in ten changed: found by models that did not see the sample, or by a model', async () => {
    const random = new Random(5);
    const count = 300;
    const truth = Array.from({ length: count }, (_, i) => i % 3);
    const x = truth.flatMap((label) =>
      [0, 1, 2].map((axis) => (axis === label ? 1 : 0) + (random.next() / 2 ** 32 - 0.5) * 0.8),
    );
    const wrong = new Random(6).shuffle(truth.map((_, i) => i)).slice(0, 30);
    const y = truth.slice();
    for (const i of wrong) y[i] = (y[i] + 1 + (i % 2)) % 3;
    const data = await engine.dataset({ x, y, shape: [3], classNames: ['p', 'q', 'r'] });
    const makeModel = async () => {
      const model = await engine.sequential([layers.dense({ units: 3, inputShape: [3] })]);
      const loss = 'sparseCategoricalCrossentropy';
      model.compile({ optimizer: optimizers.adam({ learningRate: 0.05 }), loss, fromLogits: true });
      return model;
    };
    const before = (await engine.info()).memory.liveAllocations;
    /** @type {any[]} */
    const told = [];
    const report = await cleaningReport(data, {
      makeModel,
      k: 4,
      fit: { epochs: 20 },
      onProgress: (progress) => told.push(progress),
    });
    assert.equal((await engine.info()).memory.liveAllocations, before);
    assert.deepEqual(told.at(-1), { phase: 'train', done: 4, total: 4 });
    const found = report.mislabelled.map(({ index }) => index);
    const hits = found.filter((index) => wrong.includes(index)).length;
    // A class's threshold is a mean, so some are always below it; hardly any right label is doubted.
    assert.ok(hits >= 24 && found.length <= hits + 2, `${hits} of 30 found, ${found.length} told`);
    for (const one of report.mislabelled.slice(0, 20)) {
      assert.deepEqual([one.label, one.suggested], [y[one.index], truth[one.index]]);
      assert.deepEqual(
        [one.labelName, one.suggestedName],
        ['pqr'[one.label], 'pqr'[one.suggested]],
      );
      assert.ok(one.confidence > one.ownConfidence);
    }
    assert.deepEqual(
      report.indices,
      found.toSorted((a, b) => a - b),
    );

    const clean = await engine.dataset({ x, y: truth, shape: [3] });
    const model = await makeModel();
    await model.fit(clean, { epochs: 20 });
    const by = await cleaningReport(data, { model });
    const predictions = await model.predict(data);
    const same = await cleaningReport(data, { predictions });
    assert.deepEqual(same.mislabelled, by.mislabelled);
    const sure = await cleaningReport(data, { predictions, minConfidence: 0.9 });
    assert.deepEqual(
      sure.mislabelled,
      by.mislabelled.filter(({ confidence }) => confidence >= 0.9),
    );
    const { length } = sure.mislabelled;
    assert.ok(length > 0 && length < by.mislabelled.length, `${length}`);
    assert.ok(by.mislabelled.filter(({ index }) => wrong.includes(index)).length >= 24);
  });

  test('refused', async () => {
    const data = await datasetOf(pictures(6));
    await rejects(
      cleaningReport(data, { predictions: [1, 2, 3] }),
      'E_SHAPE',
      /3 predictions for 6/,
    );
    await rejects(
      cleaningReport(data, { predictions: [1], makeModel: async () => /** @type {any} */ (0) }),
      'E_CONFIG',
      /not both/,
    );
    await rejects(
      cleaningReport(data, { makeModel: async () => /** @type {any} */ (7), k: 2 }),
      'E_CONFIG',
      /makeModel/,
    );
    await rejects(
      cleaningReport(data, { k: 1, makeModel: async () => /** @type {any} */ (7) }),
      'E_CONFIG',
      /k must/,
    );
    await rejects(cleaningReport(data, /** @type {any} */ ({ models: 1 })), 'E_CONFIG', /models/);
    for (const minConfidence of [-0.1, 90, NaN]) {
      await rejects(cleaningReport(data, { minConfidence }), 'E_CONFIG', /minConfidence/);
    }
    await rejects(cleaningReport(data, { signal: AbortSignal.abort() }), 'E_ABORTED');
    await data.dispose();
    await rejects(cleaningReport(data), 'E_DISPOSED');
  });
});

describe('folders', () => {
  /** @type {string} */
  let root;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'tabgrad-clean-'));
  });
  after(async () => {
    await dispose();
    await rm(root, { recursive: true });
  });

  test('a report of a folder names its files', async () => {
    const make = (/** @type {number} */ seed) =>
      rgbPng(20, 20, (x, y, c) => (seed * x + 3 * y + c * 9) & 255);
    await writeFiles(join(root, 'small'), {
      'a/0.png': make(1),
      'a/1.png': make(5),
      'a/again.png': make(1),
      'b/0.png': make(9),
      'b/bad.png': new Uint8Array(5),
      'c/bad.png': new Uint8Array(5),
    });
    const report = await cleaningReport(join(root, 'small'), { near: false });
    assert.deepEqual(report.duplicates, [
      { index: 2, file: 'a/again.png', of: 0, ofFile: 'a/0.png', sameLabel: true },
    ]);
    assert.deepEqual(
      report.unreadable.map(({ file }) => file),
      ['b/bad.png', 'c/bad.png'],
    );
    assert.deepEqual(report.emptyClasses, ['c']);
    assert.deepEqual(structuredClone(report), report);
  });

  test('examples/clean-and-split.mjs: CIFAR-10 as files, with what is wrong put in', async () => {
    const { test: images } = await datasets.cifar10({ parts: ['test'] });
    const { x, y } = /** @type {{ x: Uint8Array, y: Int32Array }} */ (await images.read(0, 600));
    const names = new Map([
      [0, 'airplane'],
      [1, 'automobile'],
      [6, 'frog'],
    ]);
    /** @type {Record<string, Uint8Array>} */
    const files = {};
    for (let i = 0; i < 600; i++) {
      const name = names.get(Number(y?.[i]));
      if (!name) continue;
      files[`${name}/${i}.png`] = new Uint8Array(
        encodeRgbPng(x.subarray(i * 3072, (i + 1) * 3072), 32, 32),
      );
    }
    const [first, second] = Object.keys(files).filter((path) => path.startsWith('frog/'));
    files['frog/copy.png'] = files[first];
    files['frog/broken.png'] = files[second].subarray(0, 300);
    const folder = join(root, 'photos');
    await writeFiles(folder, files);
    const script = join(ROOT, 'examples', 'clean-and-split.mjs');
    const { code, output } = await runScript(script, [folder, '--epochs', '6'], { cwd: ROOT });
    assert.equal(code, 0, output);
    const count = Object.keys(files).length - 1;
    assert.match(output, new RegExp(`^${count} pictures of airplane, automobile, frog\n`));
    assert.match(output, /\nunreadable: frog\/broken\.png: /);
    assert.match(output, /\nduplicate: frog\/copy\.png of frog\//);
    const parts =
      /\n(\d+) to train, (\d+) to validate, (\d+) to test\n/.exec(output)?.slice(1).map(Number) ??
      [];
    const doubtful = output.match(/^mislabelled\?/gm)?.length ?? 0;
    assert.equal(
      parts.reduce((sum, part) => sum + part, 0),
      count - 1 - doubtful,
      output,
    );
    // Three classes: chance is 33 %.
    const accuracy = Number(/test accuracy (\d+\.\d\d) %/.exec(output)?.[1]);
    assert.ok(accuracy > 50, output);
  });
});

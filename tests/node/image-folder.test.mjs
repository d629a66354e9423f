/** Folders and archives of pictures as data sets, and row I08 of the bad-input catalogue. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createEngine, layers, optimizers } from 'tabgrad';
import { cropToShape } from '../../web/lib/data/crop.js';
import { rejects, tar } from './data-fixtures.mjs';
import { makeZip, rgbJpeg, rgbPng, writeFiles } from './image-fixtures.mjs';

const CLASSES = ['ant', 'bee', 'cat'];
const SIZE = /** @type {[number, number]} */ ([6, 5]);
const valueOf =
  (/** @type {number} */ c, /** @type {number} */ i) =>
  (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ k) =>
    (c * 70 + i * 11 + x * 5 + y * 3 + k) & 255;

/** Four PNGs a class, of different sizes. @type {Record<string, Uint8Array>} */
const files = {};
for (const [c, name] of CLASSES.entries()) {
  for (let i = 0; i < 4; i++) files[`${name}/${i}.png`] = rgbPng(8 + i, 9 + c, valueOf(c, i));
}
const paths = Object.keys(files).sort();

/** What each file is in the data set, by the engine's own resizing. @type {Record<string, Uint8Array>} */
const pixels = {};
async function resizeAll() {
  for (const path of paths) {
    const c = CLASSES.indexOf(path.split('/')[0]);
    const i = Number(path.split('/')[1][0]);
    const shape = [9 + c, 8 + i, 3];
    const x = new Uint8Array(shape[0] * shape[1] * 3);
    for (let at = 0; at < x.length; at++) {
      const pixel = Math.floor(at / 3);
      x[at] = valueOf(c, i)(pixel % shape[1], Math.floor(pixel / shape[1]), at % 3);
    }
    const data = await engine.dataset({ x, shape });
    const resized = await data.resize(SIZE);
    pixels[path] = /** @type {Uint8Array} */ ((await resized.read()).x);
    await data.dispose();
    await resized.dispose();
  }
}

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {string} */
let root;
before(async () => {
  engine = await createEngine({ threads: 1 });
  root = await mkdtemp(join(tmpdir(), 'tabgrad-images-'));
  await writeFiles(join(root, 'plain'), files);
  await resizeAll();
});
after(async () => {
  await engine.dispose();
  await rm(root, { recursive: true });
});

/** @returns {Promise<any>} */
const load = (/** @type {any} */ source, options = {}) =>
  engine.datasets.imageFolder(source, { imageSize: SIZE, ...options });
const asMap = (/** @type {Record<string, Uint8Array>} */ all, prefix = '') =>
  new Map(Object.entries(all).map(([path, bytes]) => [prefix + path, bytes]));

/** @param {any} data */
async function isWhole(data) {
  assert.deepEqual([data.count, data.shape, data.labels], [12, [...SIZE, 3], 'classes']);
  assert.deepEqual([...data.classNames], CLASSES);
  assert.deepEqual([...data.files], paths);
  assert.deepEqual([...data.skipped], []);
  const { x, y } = await data.read();
  assert.deepEqual([...y], [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  assert.deepEqual(x, Uint8Array.from(paths.flatMap((path) => [...pixels[path]])));
  await data.dispose();
}

describe('sources', () => {
  const entries = paths.map((path) => ({ path: `photos/train/${path}`, body: files[path] }));
  const tarEntries = paths
    .toReversed()
    .map((path) => ({ name: `photos/train/${path}`, body: files[path] }));

  test('a path, with and without a slash, and a file: URL', async () => {
    await isWhole(await load(join(root, 'plain')));
    await isWhole(await load(join(root, 'plain/')));
    await isWhole(await load(pathToFileURL(join(root, 'plain'))));
    await isWhole(await load(root, { folder: 'plain' }));
  });

  test('contents by their paths, in any order, below other folders or not', async () => {
    await isWhole(await load(asMap(files)));
    await isWhole(await load(Object.fromEntries([...asMap(files)].reverse())));
    await isWhole(await load(asMap(files, 'a/b/')));
    await isWhole(await load(asMap(files, 'a\\b\\')));
    const others = { 'test/ant/0.png': files['ant/0.png'], 'train/readme.txt': files['ant/0.png'] };
    await isWhole(
      await load(new Map([...asMap(files, 'train/'), ...asMap(others)]), { folder: 'train' }),
    );
    // Folders around both need not be named.
    const inside = new Map([...asMap(files, 'a/b/train/'), ...asMap(others, 'a/b/')]);
    await isWhole(await load(inside, { folder: 'train' }));
    await isWhole(await load(inside, { folder: 'b/train/' }));
    await isWhole(await load(inside, { folder: 'a/b/train' }));
    await rejects(load(inside, { folder: 'rain' }), 'E_MISSING', /rain/);
  });

  test('Files with the paths that a page gives them', async () => {
    const list = paths.map((path) => {
      const file = new File([/** @type {any} */ (files[path])], path.split('/')[1]);
      return Object.defineProperty(file, 'webkitRelativePath', { value: `top/${path}` });
    });
    await isWhole(await load(list));
  });

  test('zip: stored, deflated, zip64, with a comment; as bytes, Blob, File, path', async () => {
    const zip = makeZip(entries);
    await isWhole(await load(zip));
    await isWhole(await load(makeZip(entries.map((entry) => ({ ...entry, method: 0 })))));
    await isWhole(
      await load(makeZip(entries, { zip64: true, comment: 'PK\x05\x06 in a comment' })),
    );
    await isWhole(await load(new Blob([zip])));
    await isWhole(await load([new File([zip], 'photos.zip')]));
    await writeFiles(root, { 'photos.zip': zip });
    await isWhole(await load(join(root, 'photos.zip')));
  });

  test('tar and tar.gz', async () => {
    const plain = await tar(tarEntries);
    await isWhole(await load(plain));
    await isWhole(await load(new Uint8Array(gzipSync(plain))));
    await writeFiles(root, { 'photos.tar.gz': gzipSync(plain) });
    await isWhole(await load(join(root, 'photos.tar.gz')));
  });

  test('what is no source', async () => {
    for (const source of [undefined, null, 7, {}, [], [7], new Map([['a/b.png', 7]])]) {
      const error = await load(source).catch((/** @type {any} */ reason) => reason);
      assert.match(String(error.code), /^E_(TYPE|EMPTY)$/, String(source));
    }
    await rejects(load(join(root, 'nowhere')), 'E_MISSING', /nowhere/);
    await rejects(load(join(root, 'plain/ant/0.png')), 'E_GZIP', /a PNG picture/);
    await rejects(load(join(root, 'plain/ant')), 'E_EMPTY');
    await rejects(load(asMap(files), { folder: 'elsewhere' }), 'E_MISSING', /elsewhere/);
    await rejects(load(new Blob([''])), 'E_GZIP');
  });
});

describe('options', () => {
  test('labelMode, colorMode, classNames, labels', async () => {
    const categorical = await load(asMap(files), { labelMode: 'categorical' });
    const { y } = await categorical.read(3, 2);
    assert.deepEqual([...y], [1, 0, 0, 0, 1, 0]);
    await rejects(load(asMap(files), { labelMode: 'binary' }), 'E_CONFIG', /two classes, found 3/);
    const two = await load(asMap(files), { labelMode: 'binary', classNames: ['cat', 'ant'] });
    assert.deepEqual([two.labels, two.count], ['values', 8]);
    assert.deepEqual([...(await two.readLabels())], [1, 1, 1, 1, 0, 0, 0, 0]);
    const none = await load(asMap(files), { labelMode: null });
    assert.deepEqual([none.labels, await none.readLabels()], ['none', null]);
    const flat = Object.fromEntries(paths.map((path) => [path.replace('/', '-'), files[path]]));
    assert.equal((await load(flat, { labels: null })).count, 12);
    const own = await load(flat, { labels: Array.from({ length: 12 }, (_, i) => i % 5) });
    assert.deepEqual([...(await own.readLabels(4, 3))], [4, 0, 1]);
    await rejects(load(flat, { labels: [1, 2] }), 'E_SHAPE', /2 labels for 12 pictures/);
    const grey = await load(asMap(files), { colorMode: 'grayscale' });
    assert.deepEqual(grey.shape, [...SIZE, 1]);
  });

  test('resizing', async () => {
    const plain = await load(asMap(files), { imageSize: [4, 4] });
    for (const option of [
      { antialias: true },
      { cropToAspectRatio: true },
      { interpolation: 'nearest' },
    ]) {
      const other = await load(asMap(files), { imageSize: [4, 4], ...option });
      assert.notDeepEqual((await other.read()).x, (await plain.read()).x);
    }
  });

  test('cropToAspectRatio takes the largest centred window, as Keras does', () => {
    const numbered = (/** @type {number} */ height, /** @type {number} */ width) => {
      const data = Uint8Array.from({ length: height * width }, (_, i) => i);
      return { height, width, channels: 1, data };
    };
    // 4 x 4, from column 3 on.
    const square = [3, 4, 5, 6, 13, 14, 15, 16, 23, 24, 25, 26, 33, 34, 35, 36];
    assert.deepEqual([...cropToShape(numbered(4, 10), [8, 8]).data], square);
    // 2 x 2, from row 3 on (7 rows are left over).
    assert.deepEqual([...cropToShape(numbered(9, 2), [5, 5]).data], [6, 7, 8, 9]);
    assert.equal(cropToShape(numbered(4, 10), [1, 1000]).height, 1);
    assert.equal(cropToShape(numbered(9, 2), [1000, 1]).width, 1);
  });

  test('a split is the same for both parts, and complete', async () => {
    const split = { validationSplit: 0.25, seed: 4 };
    const [training, validation] = await load(asMap(files), { ...split, subset: 'both' });
    const first = await load(asMap(files), { ...split, subset: 'training' });
    const second = await load(asMap(files), { ...split, subset: 'validation' });
    assert.deepEqual([training.count, validation.count], [9, 3]);
    assert.deepEqual([first.files, second.files], [training.files, validation.files]);
    assert.deepEqual([...training.files, ...validation.files].sort(), paths);
    const other = await load(asMap(files), { ...split, seed: 5, subset: 'validation' });
    assert.notDeepEqual(other.files, validation.files);
    assert.deepEqual(
      [...(await validation.readLabels())],
      validation.files.map((/** @type {string} */ path) => CLASSES.indexOf(path.split('/')[0])),
    );
  });

  test('refused, naming the option', async () => {
    for (const [options, code, field] of /** @type {[any, string, string][]} */ ([
      [{ imageSize: 224 }, 'E_CONFIG', 'imageSize'],
      [{ imageSize: [224, 0] }, 'E_CONFIG', 'imageSize'],
      [{ imageSize: [2 ** 20, 2 ** 20] }, 'E_LIMIT', ''],
      [{ labels: 'auto' }, 'E_CONFIG', 'labels'],
      [{ labelMode: 'one-hot' }, 'E_CONFIG', 'labelMode'],
      [{ colorMode: 'rgba' }, 'E_CONFIG', 'colorMode'],
      [{ interpolation: 'cubic' }, 'E_CONFIG', 'interpolation'],
      [{ interpolation: 'nearest', antialias: true }, 'E_CONFIG', 'antialias'],
      [{ validationSplit: 0.2 }, 'E_CONFIG', 'subset'],
      [{ subset: 'both' }, 'E_CONFIG', 'validationSplit'],
      [{ validationSplit: 1, subset: 'both' }, 'E_CONFIG', 'validationSplit'],
      [{ validationSplit: 0.01, subset: 'both' }, 'E_CONFIG', 'validationSplit'],
      [{ batchSize: 32 }, 'E_CONFIG', ''],
      [{ std: 0 }, 'E_CONFIG', 'std'],
    ])) {
      const error = await load(asMap(files), options).catch((/** @type {any} */ reason) => reason);
      assert.equal(error.code, code, JSON.stringify(options));
      if (field) assert.ok(error.message.includes(field), error.message);
    }
  });
});

describe('I08: files that cannot be read', () => {
  test('are left out and told; labels and files follow', async () => {
    const bad = {
      ...files,
      'ant/0.png': new TextEncoder().encode('<svg/>'),
      'bee/2.png': files['bee/2.png'].subarray(0, 60),
      'bee/9.gif': new TextEncoder().encode('GIF89a\x01\0\x01\0'),
      'cat/notes.txt': new Uint8Array(3),
      'cat/.DS_Store.png': new Uint8Array(3),
      '__MACOSX/ant/._0.png': new Uint8Array(3),
      'loose.png': files['ant/1.png'],
    };
    const archive = makeZip([
      ...Object.entries(bad).map(([path, body]) => ({ path, body })),
      { path: 'cat/secret.png', body: files['cat/0.png'], flags: 1 },
      { path: 'cat/odd.png', body: files['cat/0.png'], crc: 5 },
      { path: 'cat/large.png', body: files['cat/0.png'], size: 2 ** 31 },
    ]);
    for (const source of [asMap(bad), archive]) {
      const data = await load(source);
      const kept = paths.filter((path) => !/ant\/0|bee\/2/.test(path));
      assert.deepEqual([...data.files], kept);
      const { x, y } = await data.read();
      assert.deepEqual(
        [...y],
        kept.map((path) => CLASSES.indexOf(path.split('/')[0])),
      );
      assert.deepEqual(x, Uint8Array.from(kept.flatMap((path) => [...pixels[path]])));
      const told = data.skipped.map((/** @type {any} */ one) => `${one.file} ${one.code}`);
      assert.deepEqual(told.slice(0, 3), [
        'ant/0.png E_IMAGE',
        'bee/2.png E_IMAGE',
        'bee/9.gif E_IMAGE',
      ]);
      if (source === archive) {
        assert.deepEqual(told.slice(3), [
          'cat/large.png E_LIMIT',
          'cat/odd.png E_ZIP',
          'cat/secret.png E_ZIP',
        ]);
      }
      await data.dispose();
    }
  });

  test('a class without a picture', async () => {
    const names = ['ant', 'bee', 'cat', 'dog'];
    await rejects(
      load(asMap(files), { classNames: names }),
      'E_EMPTY_CLASS',
      /the class "dog" has/,
    );
    const data = await load(asMap(files), { classNames: names, allowEmptyClasses: true });
    assert.deepEqual([data.count, [...data.classNames]], [12, names]);
    const broken = { ...files, 'dog/0.png': new Uint8Array(9), 'dog/1.png': new Uint8Array(9) };
    await rejects(load(asMap(broken)), 'E_EMPTY_CLASS', /"dog".*dog\/0\.png/);
    await rejects(load({ 'a/0.png': new Uint8Array(9) }), 'E_EMPTY_CLASS', /"a"/);
    // What was refused has left nothing behind.
    const { memory } = await engine.info();
    const again = await load(asMap(files));
    await again.dispose();
    assert.equal((await engine.info()).memory.datasets, memory.datasets);
  });

  test('folders that look alike, odd names', async () => {
    const twins = { 'Cat/0.png': files['cat/0.png'], 'cat/0.png': files['cat/0.png'] };
    await rejects(load(twins), 'E_DUPLICATE', /"Cat" and "cat"/);
    const forms = { 'caf\u00e9/0.png': files['cat/0.png'], 'cafe\u0301/0.png': files['cat/0.png'] };
    await rejects(load(forms), 'E_DUPLICATE');
    const both = await load(twins, { classNames: ['cat', 'Cat'] });
    assert.deepEqual([...(await both.readLabels())], [1, 0]);
    const odd = ['<img src=x onerror=alert(1)>', '__proto__', 'constructor', '\u202egnp', '..'];
    const strange = new Map(odd.map((name) => [`${name}/0.png`, files['ant/0.png']]));
    const data = await load(strange);
    // Hidden folders are none.
    assert.deepEqual([...data.classNames], odd.filter((name) => name !== '..').sort());
  });

  test('10,000 files of which one in a hundred is bad', async () => {
    /** @type {Map<string, Uint8Array>} */
    const many = new Map();
    for (let i = 0; i < 10_000; i++) {
      many.set(`${i % 7}/${i}.png`, i % 100 === 50 ? new Uint8Array(20) : files['ant/0.png']);
    }
    /** @type {any[]} */
    const told = [];
    const data = await load(many, {
      imageSize: [2, 2],
      onProgress: (/** @type {any} */ p) => told.push(p),
    });
    assert.deepEqual([data.count, data.skipped.length], [9900, 100]);
    assert.deepEqual(told.at(-1), { phase: 'load', done: 10_000, total: 10_000 });
    assert.ok(told.every(({ done }, i) => i === 0 || done >= told[i - 1].done));
    await data.dispose();
  });
});

describe('damaged zip archives', () => {
  const entries = paths.map((path) => ({ path, body: files[path] }));
  const good = makeZip(entries);

  test('cut at any byte', async () => {
    for (let size = 0; size < good.length; size += 13) {
      const error = await load(good.subarray(0, size)).catch((/** @type {any} */ reason) => reason);
      assert.match(String(error?.code), /^E_(ZIP|GZIP)$/, `${size} bytes`);
    }
  });

  test('every flipped bit is found, or harmless', async () => {
    for (let at = 0; at < good.length; at += 29) {
      const bytes = good.slice();
      bytes[at] ^= 1 << (at % 8);
      const found = await load(bytes).catch((/** @type {any} */ reason) => reason);
      if (found instanceof Error)
        assert.match(
          /** @type {any} */ (found).code,
          /^E_(ZIP|GZIP|LIMIT|EMPTY|EMPTY_CLASS|DUPLICATE)$/,
        );
      else await found.dispose();
    }
  });

  test('lies about sizes and places', async () => {
    const one = { path: 'a/0.png', body: files['ant/0.png'] };
    await rejects(load(makeZip([one], { count: 2 })), 'E_ZIP', /damaged at member 1/);
    await rejects(load(makeZip([one], { zip64: true, count: 2 ** 40 })), 'E_LIMIT', /members/);
    await rejects(load(makeZip([one], { directory: 2 ** 31 })), 'E_ZIP', /cut short/);
    const bomb = { ...one, body: new Uint8Array(100), packed: undefined, size: 10 };
    for (const bad of [
      { ...one, offset: 2 ** 30 },
      { ...one, offset: 1 },
      { ...one, method: 14 },
      { ...one, packed: new Uint8Array(50).fill(7) },
      bomb,
    ]) {
      await rejects(load(makeZip([bad])), 'E_EMPTY_CLASS', /a\/0\.png/);
    }
  });
});

test('progress, cancel and memory', async () => {
  const controller = new AbortController();
  const many = new Map(Array.from({ length: 5000 }, (_, i) => [`a/${i}.png`, files['ant/0.png']]));
  const loading = load(many, {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error('enough')),
  });
  const error = await loading.catch((/** @type {any} */ reason) => reason);
  assert.deepEqual([error.code, error.cause.message], ['E_ABORTED', 'enough']);
  await rejects(load(asMap(files), { signal: AbortSignal.abort() }), 'E_ABORTED');
  const { memory } = await engine.info();
  const data = await load(join(root, 'plain'));
  // Behind the last sample are 16 bytes that vectors may read.
  const bytes = 12 * 6 * 5 * 3 + 16 + 12 * 4;
  assert.equal((await engine.info()).memory.datasets - memory.datasets, bytes);
  await data.dispose();
});

test('a network learns from a folder of JPEG and PNG files', async () => {
  /** @type {Record<string, Uint8Array>} */
  const photos = {};
  for (let i = 0; i < 24; i++) {
    const make = i % 2 ? rgbPng : rgbJpeg;
    photos[`dark/${i}.${i % 2 ? 'png' : 'jpg'}`] = make(20, 16, (x, y) => 20 + ((x * y + i) % 40));
    photos[`light/${i}.jpg`] = make(16, 20, (x, y) => 190 + ((x * y + i) % 40));
  }
  const data = await load(photos, { imageSize: [8, 8], labelMode: 'binary' });
  const model = await engine.sequential([
    layers.flatten({ inputShape: [8, 8, 3] }),
    layers.dense({ units: 1, activation: 'sigmoid' }),
  ]);
  const optimizer = optimizers.adam({ learningRate: 0.05 });
  model.compile({ optimizer, loss: 'binaryCrossentropy', metrics: ['accuracy'] });
  const { history } = await model.fit(data, { epochs: 30, batchSize: 8 });
  assert.ok(Number(history.accuracy?.at(-1)) === 1, `${history.accuracy?.at(-1)}`);
});

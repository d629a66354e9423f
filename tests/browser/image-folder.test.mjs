/** Folders of pictures in a page: dropped, chosen, opened by a handle, in archives; with Node's pixels. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createEngine } from 'tabgrad';
import { decodeImage } from '../../web/lib/data/decode-image.js';
import { tar } from '../node/data-fixtures.mjs';
import { makeZip, rgbJpeg, rgbPng, withOrientation, writeFiles } from '../node/image-fixtures.mjs';
import { launchBrowser, newPage } from './support/browser.mjs';
import { serveFiles } from './support/servers.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('./support/servers.mjs').Served} */
let served;
/** @type {string} */
let root;

/** @type {Record<string, Uint8Array>} */
const files = {};
for (const [c, name] of ['ant', 'bee'].entries()) {
  for (let i = 0; i < 3; i++) {
    const value = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ k) =>
      (c * 90 + i * 20 + x * 4 + y * 3 + k * 5) & 255;
    files[`photos/${name}/${i}.png`] = rgbPng(20 + i, 18, value);
    files[`photos/${name}/${i}.jpg`] = withOrientation(rgbJpeg(24, 16 + i, value), 6);
  }
}
files['photos/bee/bad.jpg'] = new TextEncoder().encode('<svg/>');

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'tabgrad-photos-'));
  await writeFiles(root, files);
  served = await serveFiles();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await served?.close();
  await rm(root, { recursive: true });
});

test('every source gives the same pixels, which are those of Node', async () => {
  const { page, context, errors } = await newPage(browser);
  await page.goto(new URL('tests/browser/support/image-folder.html', served.url).href);
  /** @type {Record<string, any>} */
  const found = {};
  const taken = (/** @type {string} */ name) =>
    page.evaluate((key) => /** @type {any} */ (window).taken(key), name);

  await page.setInputFiles('#folder', join(root, 'photos'));
  found.chosen = await taken('chosen');

  const session = await context.newCDPSession(page);
  const box = await page.locator('#drop').boundingBox();
  assert.ok(box);
  const data = { items: [], files: [join(root, 'photos')], dragOperationsMask: 1 };
  for (const type of /** @type {const} */ (['dragEnter', 'dragOver', 'drop'])) {
    await session.send('Input.dispatchDragEvent', { type, x: box.x + 5, y: box.y + 5, data });
  }
  found.dropped = await taken('dropped');

  const plain = Object.entries(files);
  const archives = {
    zip: makeZip(plain.map(([path, body]) => ({ path, body }))),
    tar: gzipSync(await tar(plain.map(([name, body]) => ({ name, body })))),
  };
  for (const [kind, bytes] of Object.entries(archives)) {
    const buffer = Buffer.from(bytes);
    await page.setInputFiles('#archive', { name: `photos.${kind}`, mimeType: '', buffer });
    found[kind] = await taken('archive');
  }
  const list = plain.map(([path, body]) => [path, [...body]]);
  found.handle = await page.evaluate((all) => /** @type {any} */ (window).fromHandle(all), list);

  const engine = await createEngine({ threads: 1, deterministic: true });
  const own = await engine.datasets.imageFolder(join(root, 'photos'), { imageSize: [12, 10] });
  const { x } = await own.read();
  await engine.dispose();
  for (const [name, { paths, skipped, classNames, pixels }] of Object.entries(found)) {
    assert.deepEqual(paths, [...own.files], name);
    assert.deepEqual(classNames, ['ant', 'bee'], name);
    assert.deepEqual(skipped, ['bee/bad.jpg E_IMAGE'], name);
    assert.deepEqual(pixels, [...x], name);
  }
  assert.deepEqual(errors, []);
  await context.close();
});

test('JPEG with colours at half of the size, as cameras write it: the pixels of Node', async () => {
  const { page, context, errors } = await newPage(browser);
  await page.goto(new URL('tests/browser/support/image-folder.html', served.url).href);
  for (const [width, height] of [
    [64, 48],
    [37, 29],
  ]) {
    /** @type {{ bytes: number[], pixels: number[] }} */
    const { bytes, pixels } = await page.evaluate(
      (size) => /** @type {any} */ (window).encoded(...size),
      [width, height],
    );
    // The first component's sampling factors in the frame header: twice as many rows and columns of luma.
    const frame = Buffer.from(bytes).indexOf(Buffer.from([0xff, 0xc0]));
    assert.equal(bytes[frame + 11], 0x22);
    const picture = await decodeImage(Uint8Array.from(bytes), { name: 'it', channels: 3 });
    assert.deepEqual([picture.width, picture.height], [width, height]);
    assert.deepEqual([...picture.data], pixels);
  }
  assert.deepEqual(errors, []);
  await context.close();
});

test('a folder is read while a model trains: the bits of training on it in memory', async () => {
  const { page, context, errors } = await newPage(browser);
  await page.goto(new URL('tests/browser/support/image-folder.html', served.url).href);
  const list = Object.entries(files).map(([path, body]) => [path, [...body]]);
  const [streamed, inMemory] = await page.evaluate(
    (all) => /** @type {any} */ (window).trained(all),
    list,
  );
  assert.deepEqual(streamed, inMemory);
  assert.equal(streamed.losses.length, 3);
  assert.deepEqual(streamed.skipped, ['bee/bad.jpg E_IMAGE']);
  assert.deepEqual(errors, []);
  await context.close();
});

test('EXIF orientation: as the browser itself turns a photo', async () => {
  const { page, context, errors } = await newPage(browser);
  await page.goto(new URL('tests/browser/support/image-folder.html', served.url).href);
  const picture = rgbJpeg(20, 12, (x, y, c) => x * 9 + y * 5 + c * 20);
  for (let orientation = 1; orientation <= 8; orientation++) {
    const bytes = [...withOrientation(picture, orientation)];
    const [own, browsers] = await page.evaluate(
      (file) => /** @type {any} */ (window).upright(file),
      bytes,
    );
    assert.deepEqual(own, browsers, `orientation ${orientation}`);
  }
  assert.deepEqual(errors, []);
  await context.close();
});

test('what is loaded for a page without pictures has no decoder', async () => {
  const entry = await readFile(new URL('../../dist/index.js', import.meta.url), 'utf8');
  assert.ok(!/createImageBitmap|webkitGetAsEntry.*readEntries/.test(entry));
});

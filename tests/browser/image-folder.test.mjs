/** Folders of pictures in a page: dropped, chosen, opened by a handle, in archives; with Node's pixels. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createEngine } from 'tabgrad';
import { tar } from '../node/data-fixtures.mjs';
import { makeZip, rgbJpeg, rgbPng, writeFiles } from '../node/image-fixtures.mjs';
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
    files[`photos/${name}/${i}.jpg`] = turned(rgbJpeg(24, 16 + i, value));
  }
}
files['photos/bee/bad.jpg'] = new TextEncoder().encode('<svg/>');

/** A JPEG file whose EXIF says that it lies on its side. @param {Uint8Array} jpeg */
function turned(jpeg) {
  const tiff = [
    0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0,
  ];
  const body = [...Buffer.from('Exif\0\0'), ...tiff];
  const exif = [0xff, 0xe1, 0, body.length + 2, ...body];
  return Uint8Array.from([...jpeg.subarray(0, 2), ...exif, ...jpeg.subarray(2)]);
}

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

test('every source gives the same pixels, which for PNG are those of Node', async () => {
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

  const engine = await createEngine({ threads: 1 });
  const own = await engine.datasets.imageFolder(join(root, 'photos'), { imageSize: [12, 10] });
  const { x } = await own.read();
  await engine.dispose();
  const size = 12 * 10 * 3;
  for (const [name, { paths, skipped, classNames, pixels }] of Object.entries(found)) {
    assert.deepEqual(paths, [...own.files], name);
    assert.deepEqual(classNames, ['ant', 'bee'], name);
    assert.deepEqual(skipped, ['bee/bad.jpg E_IMAGE'], name);
    assert.deepEqual(pixels, found.chosen.pixels, name);
    own.files.forEach((path, i) => {
      const differences = pixels
        .slice(i * size, (i + 1) * size)
        .map((/** @type {number} */ value, /** @type {number} */ at) =>
          Math.abs(value - x[i * size + at]),
        );
      // Decoders of JPEG may differ in how they interpolate colours.
      const most = path.endsWith('png') ? 0 : 12;
      assert.ok(Math.max(...differences) <= most, `${name}, ${path}: ${Math.max(...differences)}`);
    });
  }
  assert.deepEqual(errors, []);
  await context.close();
});

test('what is loaded for a page without pictures has no decoder', async () => {
  const entry = await readFile(new URL('../../dist/index.js', import.meta.url), 'utf8');
  assert.ok(!/createImageBitmap|webkitGetAsEntry.*readEntries/.test(entry));
});

/** Photos of the person's own folder: dropped, chosen, in an archive; what is wrong with it in plain words. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createEngine } from 'tabgrad';
import { makeZip, rgbPng, writeFiles } from '../node/image-fixtures.mjs';
import { launchBrowser, newPage } from './support/browser.mjs';
import {
  numberOf,
  openDemo,
  setField,
  textOf,
  untilState,
  withoutData,
} from './support/demo-page.mjs';
import { servePage } from './support/servers.mjs';

const SAMPLE = fileURLToPath(new URL('../../web/public/sample/', import.meta.url));

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('./support/servers.mjs').Served} */
let served;
/** Where the folders are. @type {string} */
let root;
/** PNG files of CIFAR-10 by their paths, such as train/frog/3.png. @type {Record<string, Uint8Array>} */
let pictures;

before(async () => {
  pictures = await cifarPictures({ train: 50, test: 15 });
  root = await mkdtemp(join(tmpdir(), 'tabgrad-folder-'));
  served = await servePage();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await served?.close();
  await rm(root, { recursive: true });
});

/** Images of CIFAR-10 from the sample of the page, as files. @param {Record<'train' | 'test', number>} perClass */
async function cifarPictures(perClass) {
  const engine = await createEngine({ threads: 1 });
  const sample = await engine.datasets.cifar10Sample({ source: SAMPLE });
  /** @type {Record<string, Uint8Array>} */
  const files = {};
  for (const part of /** @type {const} */ (['train', 'test'])) {
    /** @type {{ x: Uint8Array, y: Int32Array }} */
    const { x, y } = await sample[part].read();
    for (const name of ['ship', 'frog', 'truck']) {
      const label = sample.classNames.indexOf(name);
      const members = [...y.keys()].filter((i) => y[i] === label).slice(0, perClass[part]);
      for (const i of members) {
        const at = (/** @type {number} */ h, /** @type {number} */ w, /** @type {number} */ c) =>
          x[i * 3072 + (h * 32 + w) * 3 + c];
        files[`${part}/${name}/${i}.png`] = rgbPng(32, 32, (w, h, c) => at(h, w, c));
      }
    }
  }
  await engine.dispose();
  return files;
}

/** Some of the pictures, elsewhere. @param {RegExp} which @param {string} to with $1 … of it */
function some(which, to) {
  return Object.fromEntries(
    Object.entries(pictures)
      .filter(([path]) => which.test(path))
      .map(([path, bytes]) => [path.replace(which, to), bytes]),
  );
}

/** The page with S2 chosen and small pictures. @param {number} side */
async function openPhotos(side) {
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, served.url);
  await page.check('input[name=preset][value=S2]');
  await untilState(page, 'waiting');
  await setField(page, 'imageSize', side);
  return { page, context, errors };
}

/** @param {import('playwright-core').Page} page @param {Record<string, Uint8Array>} files @param {string} name */
async function chooseZip(page, files, name = 'photos.zip') {
  const zip = makeZip(Object.entries(files).map(([path, body]) => ({ path, body })));
  const buffer = Buffer.from(zip);
  await page.setInputFiles('#folder-archive', { name, mimeType: 'application/zip', buffer });
}

/** @param {import('playwright-core').Page} page */
async function untilFolder(page) {
  await page.waitForSelector('body[data-images="folder"][data-state="idle"]', { timeout: 30_000 });
}

test('train and test folders: read, told about, learned, and a photo of one gets its name', async () => {
  const { page, context, errors } = await openPhotos(48);
  assert.equal(await page.isDisabled('#primary'), true);
  assert.equal(await page.isVisible('#get-folder'), true);
  const folder = join(root, 'own');
  const files = some(/^(train|test)\/(ship|frog)\//, 'own/$1/$2/');
  const [twice] = Object.keys(files).filter((path) => path.includes('train/ship'));
  files['own/train/ship/broken.jpg'] = new TextEncoder().encode('<svg/>');
  files['own/train/frog/a-copy.png'] = files[twice];
  const [leaked] = Object.keys(files).filter((path) => path.includes('train/frog'));
  files['own/test/frog/z-copy.png'] = files[leaked];
  await writeFiles(root, files);
  await page.setInputFiles('#folder-files', folder);
  await untilFolder(page);

  assert.equal(await textOf(page, 'data-title'), 'own');
  assert.equal(await textOf(page, 'data-note'), '101 to train, 31 to test');
  const classes = await page.locator('#classes li').allTextContents();
  assert.deepEqual(classes, ['frog51', 'ship50']);
  assert.match(
    await textOf(page, 'folder-report'),
    /132 photos\. The folder for testing is used for validation/,
  );
  assert.match(await textOf(page, 'folder-report'), /One file could not be read and is left out/);
  assert.match(await textOf(page, 'folder-report'), /train\/ship\/broken\.jpg: /);
  assert.match(
    await textOf(page, 'folder-report'),
    /train\/ship\/\d+\.png is train\/frog\/a-copy\.png, in another class/,
  );
  assert.match(
    await textOf(page, 'folder-report'),
    /test\/frog\/z-copy\.png is train\/frog\/\d+\.png(?!, in another)/,
  );

  await setField(page, 'epochs', 12);
  await page.click('#primary');
  await page.waitForSelector('#results-body:not([hidden])', { timeout: 60_000 });
  await untilState(page, 'idle');
  assert.ok((await numberOf(page, 'val-accuracy')) >= 70, await textOf(page, 'val-accuracy'));
  assert.equal(await page.locator('#confusion button').count(), 4);
  assert.match(await textOf(page, 'summary'), /46 × 46 × 32/);
  const own = Object.keys(files).find((path) => path.includes('test/ship')) ?? '';
  await page.setInputFiles('#own-file', join(root, own));
  await page.waitForSelector('#own-answers .answer-name:not(:empty)');
  assert.match(await textOf(page, 'own-answers'), /^(ship|frog)\d+ %(ship|frog)\d+ %/);
  assert.match(await textOf(page, 'own-size'), /^48 × 48/);

  // What the network sees of the file is what it was tested with, to the bit.
  const same = await page.evaluate(() => {
    const bytes = (/** @type {HTMLCanvasElement} */ canvas) =>
      canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data.join() ?? '';
    const seen = bytes(/** @type {HTMLCanvasElement} */ (document.getElementById('own-small')));
    const cards = /** @type {NodeListOf<HTMLCanvasElement>} */ (
      document.querySelectorAll('#cards canvas')
    );
    return [...cards].some((canvas) => bytes(canvas) === seen);
  });
  assert.equal(same, true);

  // Another size reads the folder again; what was learned goes with the network.
  await setField(page, 'imageSize', 56);
  await page.waitForFunction(() =>
    document.getElementById('summary')?.textContent?.includes('54 × 54 × 32'),
  );
  assert.equal(await page.isHidden('#problem'), true, await textOf(page, 'problem-message'));
  assert.deepEqual(errors, []);
  await context.close();
});

test('a folder dropped while another network is chosen: three classes, a fifth kept back', async () => {
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, served.url);
  await writeFiles(root, some(/^train\/(ship|frog|truck)\//, 'dropped/$1/'));
  const session = await context.newCDPSession(page);
  const data = { items: [], files: [join(root, 'dropped')], dragOperationsMask: 1 };
  for (const type of /** @type {const} */ (['dragEnter', 'dragOver', 'drop'])) {
    await session.send('Input.dispatchDragEvent', { type, x: 500, y: 300, data });
  }
  await untilFolder(page);
  assert.equal(await page.isChecked('input[name=preset][value=S2]'), true);
  assert.equal(await textOf(page, 'data-title'), 'dropped');
  assert.equal(await textOf(page, 'data-note'), '120 to train, 30 to test');
  assert.match(await textOf(page, 'folder-report'), /150 photos, all of them readable\. A fifth/);
  assert.match(await textOf(page, 'summary'), /222 × 222 × 32/);
  await setField(page, 'batchSize', 4);
  await page.click('#step');
  await page.waitForFunction(() => document.body.dataset.steps === '1');
  await page.check('input[name=preset][value=S1]');
  await page.waitForSelector('body[data-images="sample"][data-state="idle"]');
  assert.equal(await page.isHidden('#get-folder'), true);
  assert.equal(await page.isHidden('#folder-report'), true);
  await page.check('input[name=preset][value=S2]');
  await untilFolder(page);
  assert.deepEqual(errors, []);
  await context.close();
});

test('an archive with folders around its train and test, and Cancel', async () => {
  const { page, context, errors } = await openPhotos(48);
  const many = Object.fromEntries(
    Array.from({ length: 6000 }, (_, i) => [`${i % 2 ? 'a' : 'b'}/${i}.png`, SMALL]),
  );
  await chooseZip(page, many, 'many.zip');
  await page.click('#work-cancel');
  await untilState(page, 'waiting');
  assert.equal(await page.isHidden('#problem'), true, await textOf(page, 'problem-message'));
  assert.equal(await page.getAttribute('body', 'data-images'), 'none');

  await chooseZip(page, some(/^(train|test)\/(ship|frog)\//, 'a/b/$1/$2/'));
  await untilFolder(page);
  assert.equal(await textOf(page, 'data-title'), 'photos.zip');
  assert.equal(await textOf(page, 'data-note'), '100 to train, 30 to test');
  assert.deepEqual(errors, []);
  await context.close();
});

const SMALL = rgbPng(2, 2, () => 99);
const BROKEN = new TextEncoder().encode('no picture');

test('folders that cannot be learned from: what is wrong, and where', async () => {
  const { page, context, errors } = await openPhotos(48);
  /** @type {[what: string, files: Record<string, Uint8Array>, code: string, message: RegExp][]} */
  const cases = [
    ['loose', { '1.png': SMALL, '2.png': SMALL }, 'E_EMPTY', /“loose.zip” has no class folder/],
    [
      'one',
      { 'x/cat/1.png': SMALL, 'x/cat/2.png': SMALL },
      'E_ONE_CLASS',
      /one class folder only, “cat”/,
    ],
    [
      'unreadable',
      { 'cat/1.png': SMALL, 'dog/2.png': BROKEN },
      'E_EMPTY_CLASS',
      /“unreadable.zip”: the class "dog" has no picture that can be read: /,
    ],
    [
      'unlike',
      { 'train/a/1.png': SMALL, 'train/b/1.png': SMALL, 'val/a/1.png': SMALL },
      'E_CLASSES',
      /the classes “a”, “b” in train, but “a” in val/,
    ],
    [
      'bare',
      { 'train/1.png': SMALL, 'test/1.png': SMALL },
      'E_NO_CLASSES',
      /pictures in “test”, “train”, but no folders of classes/,
    ],
    ['few', { 'a/1.png': SMALL, 'b/1.png': SMALL }, 'E_TOO_FEW', /has 2 pictures in all, too few/],
  ];
  for (const [name, files, code, message] of cases) {
    await chooseZip(page, files, `${name}.zip`);
    await page.waitForSelector(`#problem[data-code="${code}"]:not([hidden])`);
    assert.match(await textOf(page, 'problem-message'), message);
    await untilState(page, 'waiting');
  }
  await page.setInputFiles('#folder-archive', {
    name: 'cut.zip',
    mimeType: '',
    buffer: Buffer.from('PK..'),
  });
  await page.waitForSelector('#problem[data-code="E_ZIP"]:not([hidden])');
  assert.match(await textOf(page, 'problem-message'), /“cut.zip”/);
  await untilState(page, 'waiting');

  // Six gigabytes.
  await setField(page, 'imageSize', 1024);
  const many = Object.fromEntries(
    Array.from({ length: 2000 }, (_, i) => [`${i % 2 ? 'a' : 'b'}/${i}.png`, SMALL]),
  );
  await chooseZip(page, many, 'many.zip');
  await page.waitForSelector('#problem:is([data-code="E_OOM"], [data-code="E_LIMIT"])');
  assert.match(
    await textOf(page, 'problem-message'),
    /“many.zip” has too many pictures for the memory of this tab at 1024 × 1024 pixels/,
  );
  await untilState(page, 'waiting');
  assert.deepEqual(errors, []);
  await context.close();
});

/** The page where something is missing: no isolation, no data, no engine; and files that people bring. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cacheFolder } from '../../wasm-build/cache.mjs';
import { launchBrowser, newPage } from './support/browser.mjs';
import { openDemo, textOf, untilState, untilSteps, withoutData } from './support/demo-page.mjs';
import { serveDevelopment, servePage } from './support/servers.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('./support/servers.mjs').Served} */
let served;
before(async () => {
  served = await servePage();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await served?.close();
});

test('without COOP and COEP it trains on one thread and says why', async () => {
  const plain = await servePage({ isolated: false });
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, plain.url);
  assert.match(await textOf(page, 'engine-chip'), /, 1 thread$/);
  assert.equal(await page.getAttribute('body', 'data-isolated'), 'false');
  assert.match(await textOf(page, 'engine-facts'), /isolated/i);
  assert.match((await page.textContent('[data-fact="why this build"]')) ?? '', /COOP|isolat/);
  await page.click('#primary');
  await untilSteps(page, 20);
  await page.click('#stop');
  await untilState(page, 'idle');
  assert.deepEqual(errors, []);
  await context.close();
  await plain.close();
});

test('the dev server serves worker and engines: threads where the machine has them', async () => {
  const development = await serveDevelopment();
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, development.url);
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  const threads = Number(await page.getAttribute('body', 'data-threads'));
  assert.ok(cores === 1 || threads > 1, `${threads} threads on ${cores} cores`);
  await page.click('#primary');
  await untilSteps(page, 20);
  assert.deepEqual(errors, []);
  await context.close();
  await development.close();
});

test('without CIFAR-10 it starts with the sample, which can be tested and trained on', async () => {
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, served.url);
  assert.equal(await page.getAttribute('body', 'data-images'), 'sample');
  assert.match(await textOf(page, 'data-note'), /^A sample/);
  assert.equal(await page.isVisible('#get-data'), true);
  assert.equal(await page.locator('#classes canvas').count(), 10);
  await page.click('#evaluate');
  await page.waitForSelector('#results-body:not([hidden])');
  assert.match(await textOf(page, 'test-count'), /of 500 test images/);

  // A file that is not CIFAR-10 is refused with its code; the sample stays.
  await page.setInputFiles('#data-files', {
    name: 'data_batch_1.bin',
    mimeType: 'application/octet-stream',
    buffer: Buffer.alloc(3073),
  });
  await page.waitForSelector('#problem:not([hidden])');
  assert.match(await textOf(page, 'problem-code'), /^E_(MISSING|FORMAT|CHECKSUM)$/);
  assert.equal(await page.getAttribute('body', 'data-images'), 'sample');
  await page.click('#problem-close');
  await page.click('#step');
  await untilSteps(page, 1);
  assert.deepEqual(errors, []);
  await context.close();
});

test('the six official .bin files, chosen by hand, become the whole data set', async () => {
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, served.url);
  const names = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`).concat('test_batch.bin');
  await page.setInputFiles(
    '#data-files',
    names.map((name) => join(cacheFolder('cifar10'), name)),
  );
  await page.waitForSelector('body[data-images="full"][data-state="idle"]', { timeout: 60_000 });
  assert.match(await textOf(page, 'data-note'), /^50,000 to train, 10,000 to test$/);
  assert.equal(await page.isHidden('#get-data'), true);
  await page.click('#step');
  await untilSteps(page, 1);
  assert.deepEqual(errors, []);
  await context.close();
});

test('a picture of the person is dropped, shown as 32 x 32 and classified', async () => {
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, served.url);
  await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 300, height: 200 });
    const paint = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    paint.fillStyle = '#2a6fd0';
    paint.fillRect(0, 0, 300, 200);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve));
    const data = new DataTransfer();
    data.items.add(new File([/** @type {Blob} */ (blob)], 'sky.png', { type: 'image/png' }));
    const at = document.getElementById('own-drop');
    at?.dispatchEvent(
      new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }),
    );
  });
  await page.waitForSelector('#own-answers .answer-name:not(:empty)');
  const answers = await page.locator('#own-answers li').allTextContents();
  assert.equal(answers.length, 3);
  for (const answer of answers) assert.match(answer, /^[a-z]+\d+ %$/);
  const pixel = await page.evaluate(() => {
    const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById('own-small'));
    const data = canvas.getContext('2d')?.getImageData(16, 16, 1, 1).data ?? [];
    return [canvas.width, canvas.height, ...data];
  });
  assert.deepEqual(pixel, [32, 32, 0x2a, 0x6f, 0xd0, 255]);

  await page.setInputFiles('#own-file', {
    name: 'not-a-picture.png',
    mimeType: 'image/png',
    buffer: Buffer.from('no picture'),
  });
  await page.waitForSelector('#problem[data-code="E_IMAGE"]:not([hidden])');
  assert.deepEqual(errors, []);
  await context.close();
});

test('weights can be saved and loaded; those of another network are refused', async () => {
  const { page, context } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, served.url);
  await page.click('#step');
  await untilSteps(page, 1);
  const [saved] = await Promise.all([page.waitForEvent('download'), page.click('#save-weights')]);
  assert.equal(saved.suggestedFilename(), 'tabgrad-s1.safetensors');
  const file = await saved.path();
  await page.setInputFiles('#load-weights', file);
  await page.waitForSelector('#results-body:not([hidden])');
  await untilState(page, 'idle');
  assert.equal(await page.isHidden('#problem'), true);
  await page.check('input[name=preset][value=S4]');
  await untilState(page, 'idle');
  await page.setInputFiles('#load-weights', file);
  await page.waitForSelector('#problem[data-code="E_MODEL_MISMATCH"]:not([hidden])');
  await context.close();
});

test('an engine that cannot be fetched is E_LOAD, in words', async () => {
  const { page, context } = await newPage(browser);
  await context.route('**/*.wasm', (route) => route.abort());
  await page.goto(served.url);
  await page.waitForSelector('#problem[data-code="E_LOAD"]:not([hidden])');
  await untilState(page, 'failed');
  assert.match(await textOf(page, 'problem-message'), /engine/);
  assert.equal(await textOf(page, 'problem-close'), 'Reload');
  await context.close();
});

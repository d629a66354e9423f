/** Every network of the page learns a little: one output or ten, other labels, other sizes, other pictures each epoch. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launchBrowser, newPage } from './support/browser.mjs';
import {
  numberOf,
  openDemo,
  setField,
  textOf,
  untilState,
  untilSteps,
  withoutData,
} from './support/demo-page.mjs';
import { servePage } from './support/servers.mjs';

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

/** Opens the page with a network and fewer images. @param {string} preset @param {number} limit */
async function openPreset(preset, limit) {
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, served.url);
  const before = await page.textContent('#summary');
  await page.check(`input[name=preset][value=${preset}]`);
  await page.waitForFunction(
    (text) => document.getElementById('summary')?.textContent !== text,
    before,
  );
  await untilState(page, 'idle');
  await setField(page, 'limit', limit);
  await page.waitForFunction(
    (text) => document.getElementById('data-note')?.textContent?.includes(text),
    `${limit} to train`,
  );
  await untilState(page, 'idle');
  return { page, context, errors };
}

/** Trains for an epoch, to the test results. @param {import('playwright-core').Page} page */
async function trainOneEpoch(page) {
  await setField(page, 'epochs', 1);
  await page.click('#primary');
  await page.waitForSelector('#results-body:not([hidden])');
  await untilState(page, 'idle');
}

test('cat or not: one output, two classes in every panel', async () => {
  const { page, context, errors } = await openPreset('S3', 600);
  assert.equal(await page.inputValue('#learning-rate'), '0.01');
  assert.match(await textOf(page, 'data-note'), /600 to train, 500 to test/);
  const classes = await page.locator('#classes li').allTextContents();
  assert.match(classes.join(' '), /^not cat5\d\d cat\d\d$/);
  await trainOneEpoch(page);
  assert.match(await textOf(page, 'test-count'), /of 500 test images right/);
  assert.match(await textOf(page, 'baseline'), /^Always “not cat” would be right for 9\d\.\d %\.$/);
  assert.ok((await numberOf(page, 'val-accuracy')) > 80);

  const counts = (await page.locator('#confusion button').allTextContents()).map(Number);
  assert.equal(counts.length, 4);
  assert.equal(
    counts.reduce((sum, n) => sum + n, 0),
    500,
  );
  const right = await page.getAttribute('#test-accuracy', 'data-correct');
  assert.equal(right, String(counts[0] + counts[3]));
  // What the engine counted with one output is what the page counts with two probabilities.
  assert.equal(await textOf(page, 'val-accuracy'), `${((100 * Number(right)) / 500).toFixed(1)} %`);
  assert.equal(await page.locator('#per-class li').count(), 2);

  const answers = await page.locator('#cards .card').first().locator('li').allTextContents();
  const shares = answers.slice(0, 2).map((text) => Number(/(\d+) %$/.exec(text)?.[1]));
  assert.equal(shares[0] + shares[1], 100);
  assert.ok(shares[0] >= shares[1]);
  await page.setInputFiles('#own-file', {
    name: 'own.png',
    mimeType: 'image/png',
    buffer: await readFile(new URL('../../web/public/sample/test-500.png', import.meta.url)),
  });
  await page.waitForSelector('#own-answers .answer-name:not(:empty)');
  assert.match(await textOf(page, 'own-answers'), /(not )?cat\d+ %(not )?cat\d+ %/);

  // Back to ten classes: the same images have their own labels again.
  await page.check('input[name=preset][value=S1]');
  await page.waitForFunction(() => document.querySelectorAll('#classes li').length === 10);
  await untilState(page, 'idle');
  assert.equal(await page.inputValue('#learning-rate'), '0.001');
  assert.match((await page.textContent('#cards .card-truth')) ?? '', /^cat$/);
  assert.deepEqual(errors, []);
  await context.close();
});

test('at 224 x 224: the network resizes, with the numbers of ImageNet', async () => {
  const { page, context, errors } = await openPreset('S5', 32);
  assert.equal(await page.inputValue('#batch-size'), '64');
  assert.match(await textOf(page, 'summary'), /224 × 224 × 3/);
  assert.match(await textOf(page, 'summary'), /7 × 7 × 64/);
  assert.equal(await page.isDisabled('#pretrained'), true);
  await trainOneEpoch(page);
  assert.match(await textOf(page, 'test-count'), /of 32 test images right, loss \d/);
  assert.equal(await page.locator('#confusion button').count(), 100);
  assert.equal(await page.isHidden('#problem'), true);
  assert.deepEqual(errors, []);
  await context.close();
});

test('ResNet-20 takes steps on images that are shifted and mirrored', async () => {
  const { page, context, errors } = await openPreset('ResNet20', 96);
  assert.equal(await page.inputValue('#optimizer'), 'sgd');
  assert.equal(await page.inputValue('#learning-rate'), '0.1');
  assert.match(await textOf(page, 'summary'), /274,042/);
  await setField(page, 'batchSize', 32);
  for (let step = 1; step <= 4; step++) {
    await page.click('#step');
    await untilSteps(page, step);
  }
  // Three batches are an epoch, which ends with validation; the fourth is of the next one.
  assert.ok((await numberOf(page, 'val-accuracy')) >= 0);
  assert.ok((await numberOf(page, 'loss')) > 0);
  assert.equal(await page.isHidden('#problem'), true, await textOf(page, 'problem-message'));
  assert.deepEqual(errors, []);
  await context.close();
});

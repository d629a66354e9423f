/** A person trains on CIFAR-10 in the page, and drives it: pause, step, stop, reset, learning rate. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, newPage } from './support/browser.mjs';
import {
  numberOf,
  openDemo,
  stepsOf,
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

/** Begins to note every main-thread task over 50 ms. @param {import('playwright-core').Page} page */
async function watchLongTasks(page) {
  await page.evaluate(() => {
    /** @type {number[]} */
    const seen = [];
    Object.assign(window, { longTasks: seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.push(Math.round(entry.duration));
    }).observe({ type: 'longtask' });
  });
}

/** Those since the last look, in milliseconds. @param {import('playwright-core').Page} page */
async function takeLongTasks(page) {
  return page.evaluate(() =>
    /** @type {number[]} */ (/** @type {any} */ (window).longTasks).splice(0),
  );
}

test('300 steps on CIFAR-10: accuracy rises and the page is never kept waiting', async () => {
  const { page, context, errors } = await newPage(browser);
  await openDemo(page, served.url);
  assert.match(await textOf(page, 'data-note'), /50,000 to train, 10,000 to test/);
  assert.match(await textOf(page, 'engine-chip'), /SIMD, \d+ threads?$/);
  // After loading, before training: what loading costs is not training's.
  await page.waitForTimeout(500);
  await watchLongTasks(page);
  await page.click('#primary');
  await untilState(page, 'training');
  await untilSteps(page, 8);
  const early = await numberOf(page, 'accuracy');
  await untilSteps(page, 300);
  const late = await numberOf(page, 'accuracy');
  assert.ok(late > 25 && late > early + 5, `accuracy went from ${early} % to ${late} %`);
  assert.ok((await numberOf(page, 'images-per-second')) > 0);
  assert.ok((await numberOf(page, 'ms-per-step')) > 0);
  assert.match(await textOf(page, 'epoch'), /^1 \/ 10$/);
  assert.match(await textOf(page, 'eta'), /\d+ (s|min)/);
  await page.waitForSelector('#cards [data-verdict="right"], #cards [data-verdict="wrong"]');
  // A busy machine can stretch any task; a page that is slow by itself is slow every time.
  let longTasks = await takeLongTasks(page);
  for (let again = 0; again < 2 && longTasks.length > 0; again++) {
    await untilSteps(page, (await stepsOf(page)) + 300);
    longTasks = await takeLongTasks(page);
  }
  assert.deepEqual(longTasks, [], 'main-thread tasks over 50 ms in 300 steps, three times over');
  await page.click('#stop');
  await untilState(page, 'idle');
  assert.deepEqual(errors, []);
  await context.close();
});

test('pause, step, resume, stop and reset', async () => {
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, served.url);

  await page.click('#step');
  await untilSteps(page, 1);
  await page.click('#step');
  await untilSteps(page, 2);
  assert.equal(await stepsOf(page), 2);

  await page.fill('#epochs', '500');
  await page.press('#epochs', 'Tab');
  await page.click('#primary');
  await untilSteps(page, 40);
  assert.equal(await textOf(page, 'primary'), 'Pause');
  await page.click('#primary');
  await untilState(page, 'paused');
  const paused = await stepsOf(page);
  await page.waitForTimeout(300);
  assert.equal(await stepsOf(page), paused, 'nothing happens while paused');
  await page.click('#step');
  await untilSteps(page, paused + 1);
  await page.waitForTimeout(300);
  assert.equal(await stepsOf(page), paused + 1, 'one step is one step');
  await untilState(page, 'paused');

  await page.click('#primary');
  await untilSteps(page, paused + 40);
  await page.fill('#learning-rate', '0.0001');
  await page.press('#learning-rate', 'Tab');
  await untilSteps(page, (await stepsOf(page)) + 20);
  assert.equal(await page.isHidden('#problem'), true);

  await page.click('#stop');
  await untilState(page, 'idle');
  assert.equal(await textOf(page, 'primary'), 'Train');
  assert.ok((await stepsOf(page)) > paused);

  await page.click('#reset');
  await untilSteps(page, 0);
  await page.waitForFunction(() => document.body.dataset.steps === '0');
  assert.equal(await textOf(page, 'accuracy'), '–');
  assert.deepEqual(errors, []);
  await context.close();
});

test('training to the end classifies the test images', async () => {
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, served.url);
  await page.check('input[name=preset][value=S4]');
  await untilState(page, 'idle');
  await page.fill('#epochs', '2');
  await page.press('#epochs', 'Tab');
  await page.click('#primary');
  await page.waitForSelector('#results-body:not([hidden])');
  assert.match(await textOf(page, 'test-count'), /of 500 test images right/);
  assert.equal(await page.locator('#epochs-table tbody tr').count(), 2);
  assert.equal(await page.locator('#per-class li').count(), 10);
  const counts = await page.locator('#confusion button').allTextContents();
  assert.equal(counts.length, 100);
  assert.equal(
    counts.reduce((sum, text) => sum + Number(text), 0),
    500,
  );
  const right = counts.reduce((sum, text, i) => sum + (i % 11 === 0 ? Number(text) : 0), 0);
  assert.equal(await page.getAttribute('#test-accuracy', 'data-correct'), String(right));
  assert.deepEqual(errors, []);
  await context.close();
});

test('quick presses do one thing at a time, and stale answers never stay', async () => {
  const { page, context, errors } = await newPage(browser);
  await withoutData(page);
  await openDemo(page, served.url);
  // As fast as a page can be pressed: three steps, then a run, all in one task.
  await page.evaluate(() => {
    for (const id of ['step', 'step', 'step', 'primary']) document.getElementById(id)?.click();
  });
  await untilSteps(page, 20);
  await page.click('#primary');
  await untilState(page, 'paused');

  // Results of a paused network stay until it learns on.
  await page.click('#evaluate');
  await page.waitForSelector('#results-body:not([hidden])');
  await untilState(page, 'paused');
  await page.waitForTimeout(1200);
  assert.equal(await page.isVisible('#results-body'), true);
  await page.click('#step');
  await page.waitForSelector('#results-body[hidden]', { state: 'attached' });

  // Another optimizer in the middle of an epoch: it begins anew, with the weights as they are.
  await page.click('#stop');
  await page.selectOption('#optimizer', 'sgd');
  assert.equal(await page.inputValue('#learning-rate'), '0.01');
  const before = await stepsOf(page);
  await page.click('#primary');
  await untilSteps(page, before + 5);
  await page.evaluate(() => {
    for (const id of ['reset', 'reset']) document.getElementById(id)?.click();
  });
  await page.waitForFunction(() => document.body.dataset.steps === '0');
  await untilState(page, 'idle');
  assert.equal(await page.isHidden('#problem'), true, await textOf(page, 'problem-message'));
  assert.deepEqual(errors, []);
  await context.close();
});

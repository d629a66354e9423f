/** The same seed gives the same weights in Chromium and in Node, bit by bit (plain SIMD build). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, newPage } from './support/browser.mjs';
import { serveFiles } from './support/servers.mjs';
import { trainAndHash } from './support/train-and-hash.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('./support/servers.mjs').Served} */
let served;
before(async () => {
  served = await serveFiles();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await served?.close();
});

test('SHA-256 of the weights after 60 steps: Node, Chromium with threads, Chromium with one', async () => {
  const node = await trainAndHash(await import('../../dist/index.node.js'), { threads: 2 });
  assert.match(node.build, /^simd/);
  const { page, context, errors } = await newPage(browser);
  await page.goto(`${served.url}tests/browser/support/same-bits.html`);
  for (const threads of [2, 1]) {
    await page.fill('#threads', String(threads));
    await page.click('#run');
    await page.waitForSelector('#hash[data-done]', { timeout: 60_000 });
    assert.equal(await page.textContent('#hash'), node.hash, `${threads} threads`);
    assert.match((await page.textContent('#build')) ?? '', /^simd/);
  }
  assert.deepEqual(errors, []);
  await context.close();
});

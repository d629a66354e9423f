/** Every entry of the library works in a page, and gives what it gives in Node. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ENTRIES as BUILT } from '../../wasm-build/build-library.mjs';
import { launchBrowser, newPage } from './support/browser.mjs';
import { ENTRIES, useAllEntries } from './support/all-entries.mjs';
import { serveFiles } from './support/servers.mjs';

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

test('training, explaining, attacking, LoRA, ensembles and a search: bit by bit as in Node', async () => {
  assert.deepEqual(['index', ...ENTRIES].sort(), [...BUILT].sort());
  /** @type {Record<string, any>} */
  const library = { tabgrad: await import('../../dist/index.node.js') };
  for (const name of ENTRIES) library[name] = await import(`../../dist/${name}.node.js`);
  const node = await useAllEntries(library);
  for (const [what, values] of Object.entries(node)) {
    assert.ok(values.length > 0 && values.every(Number.isFinite), what);
    assert.ok(new Set(values).size > 1 || values.length <= 3, `${what}: all the same`);
  }

  const { page, context, errors } = await newPage(browser);
  await page.goto(`${served.url}tests/browser/support/all-entries.html`);
  await page.click('#run');
  await page.waitForSelector('#found[data-done]', { timeout: 60_000, state: 'attached' });
  assert.deepEqual(
    JSON.parse((await page.textContent('#found')) ?? ''),
    JSON.parse(JSON.stringify(node)),
  );
  assert.deepEqual(errors, []);
  await context.close();
});

/** The shipped weights give, in a browser, the accuracy of their model card: to the image. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launchBrowser, newPage } from './support/browser.mjs';
import { openDemo, textOf, untilState } from './support/demo-page.mjs';
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

test('Run pretrained reports the accuracy of the model card', async () => {
  const path = new URL('../../web/public/pretrained/s1.json', import.meta.url);
  const card = JSON.parse(await readFile(path, 'utf8'));
  const { page, context, errors } = await newPage(browser);
  await openDemo(page, served.url);
  await page.check('input[name=preset][value=S4]');
  await untilState(page, 'idle');
  await page.click('#pretrained');
  await page.waitForSelector('#card-check:not([hidden])', { timeout: 60_000 });
  assert.equal(await textOf(page, 'problem-message'), '');
  assert.equal(
    Number(await page.getAttribute('#test-accuracy', 'data-correct')),
    card.testCorrect,
    'images answered right',
  );
  assert.equal(await page.getAttribute('#card-check', 'data-match'), 'true');
  assert.equal(await page.isChecked('input[name=preset][value=S1]'), true);

  // The filters leave what they say, and a cell of the matrix leads to its images.
  await page.click('[data-filter=wrong]');
  await page.waitForFunction(() => !document.querySelector('#cards [data-verdict=right]'));
  const wrong = card.testCount - card.testCorrect;
  assert.match(await textOf(page, 'page-note'), new RegExp(`of ${wrong.toLocaleString('en')}$`));
  const cell = page.locator('#confusion button').nth(3 * 10 + 5);
  const count = await cell.textContent();
  await cell.click();
  await page.waitForFunction(
    (n) => document.getElementById('page-note')?.textContent?.endsWith(`of ${n}`),
    count,
  );
  assert.equal(await textOf(page, 'cell-filter'), 'cat called dog');
  assert.deepEqual(errors, []);
  await context.close();
});

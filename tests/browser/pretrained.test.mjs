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

/** @param {string} name */
async function readCard(name) {
  const path = new URL(`../../web/public/pretrained/${name}.json`, import.meta.url);
  return JSON.parse(await readFile(path, 'utf8'));
}

/** @param {import('playwright-core').Page} page @param {any} card */
async function runPretrained(page, card) {
  await page.click('#pretrained');
  await page.waitForSelector('#card-check:not([hidden])', { timeout: 60_000 });
  assert.equal(await textOf(page, 'problem-message'), '');
  const correct = Number(await page.getAttribute('#test-accuracy', 'data-correct'));
  assert.ok(Object.values(card.testCorrectByBuild).includes(correct), `${correct} answered right`);
  assert.equal(await page.getAttribute('#card-check', 'data-match'), 'true');
}

test('Run pretrained reports the accuracy of the model card, for each network', async () => {
  const card = await readCard('s1');
  const { page, context, errors } = await newPage(browser);
  await openDemo(page, served.url);
  for (const preset of ['ResNet20', 'S4']) {
    await page.check(`input[name=preset][value=${preset}]`);
    await untilState(page, 'idle');
    await runPretrained(page, await readCard(preset.toLowerCase()));
    await untilState(page, 'idle');
  }
  await page.check('input[name=preset][value=S1]');
  await untilState(page, 'idle');
  await page.waitForSelector('#card-check', { state: 'hidden' });
  await runPretrained(page, card);

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

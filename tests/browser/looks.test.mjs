/** Everybody can use the page: screen readers, keyboard, phone, light and dark. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { LAPTOP, PHONE, launchBrowser, newPage } from './support/browser.mjs';
import { openDemo, untilState, untilSteps, withoutData } from './support/demo-page.mjs';
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

/** Trained a little and tested, so that every panel shows something. @param {import('playwright-core').Page} page */
async function openTested(page) {
  await withoutData(page);
  await openDemo(page, served.url);
  await page.click('#step');
  await untilSteps(page, 1);
  await page.click('#evaluate');
  await page.waitForSelector('#results-body:not([hidden])');
  await untilState(page, 'idle');
}

/** @param {import('playwright-core').Page} page */
async function violations(page) {
  const { violations: found } = await new AxeBuilder({ page }).analyze();
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
  test(`axe finds nothing serious, ${colorScheme}`, async () => {
    const { page, context } = await newPage(browser, { colorScheme });
    await openTested(page);
    assert.deepEqual(await violations(page), []);
    await page.setInputFiles('#own-file', {
      name: 'broken.png',
      mimeType: 'image/png',
      buffer: Buffer.from('?'),
    });
    await page.waitForSelector('#problem:not([hidden])');
    assert.deepEqual(await violations(page), [], 'with an error shown');
    await context.close();
  });
}

for (const [name, viewport] of Object.entries({ phone: PHONE, laptop: LAPTOP })) {
  test(`nothing scrolls sideways on a ${name}`, async () => {
    const { page, context } = await newPage(browser, { viewport });
    await openTested(page);
    const { scroll, client } = await page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      client: document.documentElement.clientWidth,
    }));
    assert.equal(scroll, client);
    assert.equal(client, viewport.width);
    await context.close();
  });
}

test('the keyboard alone trains, pauses and walks the confusion matrix', async () => {
  const { page, context } = await newPage(browser, { reducedMotion: 'reduce' });
  await openTested(page);
  await page.focus('#primary');
  await page.keyboard.press('Enter');
  await untilState(page, 'training');
  await untilSteps(page, 5);
  await page.keyboard.press('Enter');
  await untilState(page, 'paused');
  await page.focus('#stop');
  await page.keyboard.press('Enter');
  await untilState(page, 'idle');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'primary');
  await page.click('#evaluate');
  await page.waitForSelector('#results-body:not([hidden])');
  await untilState(page, 'idle');
  await page.focus('#confusion button[tabindex="0"]');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  const label = await page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  assert.match(label ?? '', /images of automobile called automobile$/);
  await context.close();
});

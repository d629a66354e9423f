/** What a person does with the page and reads from it. */

/** @typedef {import('playwright-core').Page} Page */

/**
 * Opens the page and waits until it can be used.
 * @param {Page} page
 * @param {string} url
 */
export async function openDemo(page, url) {
  await page.goto(url);
  await page.waitForSelector('body:is([data-state="idle"], [data-state="failed"])', {
    timeout: 60_000,
  });
  // What went wrong is worth more than "not idle".
  const problem = await textOf(page, 'problem-message');
  if (problem) throw new Error(`The page started with: ${problem}`);
  await page.waitForSelector('#cards canvas[aria-label]');
}

/**
 * @param {Page} page
 * @param {string} state
 * @param {number} [timeout]
 */
export async function untilState(page, state, timeout = 30_000) {
  await page.waitForSelector(`body[data-state="${state}"]`, { timeout });
}

/**
 * @param {Page} page
 * @param {number} steps
 * @param {number} [timeout]
 */
export async function untilSteps(page, steps, timeout = 60_000) {
  await page.waitForFunction((n) => Number(document.body.dataset.steps) >= n, steps, { timeout });
}

/** @param {Page} page @param {string} id */
export async function textOf(page, id) {
  return (await page.textContent(`#${id}`)) ?? '';
}

/** The first number of an element's text. @param {Page} page @param {string} id */
export async function numberOf(page, id) {
  return Number.parseFloat((await textOf(page, id)).replaceAll(',', ''));
}

/** Steps since the weights were made. @param {Page} page */
export async function stepsOf(page) {
  return page.evaluate(() => Number(document.body.dataset.steps));
}

/** Makes the page start as where nobody put CIFAR-10: with the sample. @param {Page} page */
export async function withoutData(page) {
  await page.route('**/data/cifar10/**', (route) => route.fulfill({ status: 404, body: '' }));
}

/** Writes a number into a setting. @param {Page} page @param {string} name @param {number} value */
export async function setField(page, name, value) {
  const field = `#settings-form [name=${name}]`;
  await page.fill(field, String(value));
  await page.press(field, 'Tab');
}

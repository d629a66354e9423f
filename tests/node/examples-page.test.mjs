/** The example page trains in Chromium as it stands. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { withPage } from '../../bench/chromium.mjs';

it('page.html trains on the sample and shows its accuracy', { timeout: 120_000 }, async () => {
  await withPage('examples/page.html', async (page) => {
    /** @type {string[]} */
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    const log = page.locator('#log');
    await log.filter({ hasText: 'test accuracy' }).waitFor({ timeout: 90_000 });
    const text = (await log.textContent()) ?? '';
    assert.deepEqual(errors, []);
    const accuracies = Array.from(
      text.matchAll(/epoch \d+: loss [\d.]+, accuracy ([\d.]+)/g),
      (match) => Number(match[1]),
    );
    assert.equal(accuracies.length, 10);
    assert.ok(accuracies[9] > accuracies[0] + 0.1, `accuracy rises: ${accuracies}`);
  });
});

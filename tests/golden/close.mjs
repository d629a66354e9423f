/** PyTorch's `assert_close` for float32 results: |found - expected| <= 1e-5 + 1.3e-6 |expected|. */

import assert from 'node:assert/strict';

const ABSOLUTE = 1e-5;
const RELATIVE = 1.3e-6;

/**
 * @param {ArrayLike<number>} found
 * @param {ArrayLike<number>} expected
 * @param {string} what
 */
export function assertClose(found, expected, what) {
  assert.equal(found.length, expected.length, `${what}: number of elements`);
  let worst = 0;
  let where = 0;
  for (let i = 0; i < expected.length; i++) {
    const distance =
      Math.abs(found[i] - expected[i]) / (ABSOLUTE + RELATIVE * Math.abs(expected[i]));
    // Written so that NaN counts as the worst.
    if (!(distance <= worst)) [worst, where] = [distance, i];
  }
  assert.ok(
    worst <= 1,
    `${what}[${where}]: found ${found[where]}, expected ${expected[where]}, ` +
      `${worst.toFixed(2)} tolerances apart`,
  );
}

/** A bit for each of n numbers: bit i % 8 of byte i >> 3. Masks of pruned weights, and places of sparse tensors. */

/** Bytes of n bits. @param {number} n */
export const bytesFor = (n) => Math.ceil(n / 8);

/** @param {Uint8Array} bitmap @param {number} i */
export const hasBit = (bitmap, i) => ((bitmap[i >> 3] >> (i & 7)) & 1) === 1;

/**
 * @param {number} n
 * @param {(i: number) => boolean} test
 * @returns {Uint8Array}
 */
export function bitmapOf(n, test) {
  const bitmap = new Uint8Array(bytesFor(n));
  for (let i = 0; i < n; i++) if (test(i)) bitmap[i >> 3] |= 1 << (i & 7);
  return bitmap;
}

/** How many bits are 1. @param {Uint8Array} bitmap */
export function countBits(bitmap) {
  let count = 0;
  for (let byte of bitmap) for (; byte; byte &= byte - 1) count++;
  return count;
}

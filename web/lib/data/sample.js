/**
 * Loads the sample that ships with the page: the first 1,000 training and 500 test images of
 * CIFAR-10, for the first second of the page and for tests without a network.
 *
 * A sample is a folder of `sample.json` and one PNG per part. A picture is 1,024 pixels wide; each
 * of its rows is one 32 x 32 image in row-major order, so its pixels are the samples [n, 32, 32, 3]
 * without any rearrangement.
 */

import { ChecksumError, FormatError, LabelRangeError, LimitError } from '../errors.js';
import { openBytes, readAll } from './byte-source.js';
import { SAMPLE_BYTES } from './cifar10-facts.js';
import { decodeRgbPng } from './png.js';
import { inside } from './inside.js';
import { sha256Hex } from './sha256.js';

/** Largest file of a sample that is read: a full part of 10,000 images has 23 MB. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;

/**
 * @typedef {import('./cifar10.js').SampleSink} SampleSink
 *
 * @typedef {object} SamplePart one entry of `parts` in sample.json
 * @property {string} file name of the PNG, in the same folder
 * @property {string} sha256 of the decoded pixels
 * @property {number[]} labels one per row of the picture, 0 … classes − 1
 */

/**
 * @param {string | URL} base URL of the sample's folder, or in Node with `openPath` its path
 * @param {{ train?: SampleSink, test?: SampleSink }} sinks only the wanted parts; the contract is
 *   that of `loadCifar10`
 * @param {object} [options]
 * @param {AbortSignal} [options.signal]
 * @param {import('./byte-source.js').OpenPath} [options.openPath]
 * @returns {Promise<{ train: number, test: number, classes: string[] }>} samples written
 * @throws {LoadError} {IoError} {MissingError} a file cannot be read
 * @throws {FormatError} sample.json is not what it should be, or a picture of another size
 * @throws {ImageError} {LimitError} a picture that cannot be decoded
 * @throws {LabelRangeError} a label outside the classes
 * @throws {ChecksumError} other pixels than sample.json states
 * @throws {AbortedError} the signal fired
 */
export async function loadSample(base, sinks, options = {}) {
  const sample = await readDescription(base, options);
  const counts = { train: 0, test: 0 };
  /** @type {SampleSink[]} */
  const reserved = [];
  try {
    for (const part of /** @type {const} */ (['train', 'test'])) {
      const sink = sinks[part];
      if (!sink) continue;
      const { pixels, labels } = await readPart(base, sample, part, options);
      reserved.push(sink);
      await sink.reserve(labels.length);
      sink.writeChunk(0, pixels, labels);
      counts[part] = labels.length;
    }
  } catch (error) {
    for (const sink of reserved) sink.discard?.();
    throw error;
  }
  return { ...counts, classes: sample.classes };
}

/**
 * @param {string | URL} base
 * @param {import('./byte-source.js').OpenOptions} options
 * @returns {Promise<{ classes: string[], parts: Map<string, SamplePart> }>}
 */
async function readDescription(base, options) {
  const bytes = await readFile(base, 'sample.json', options);
  let json;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FormatError('sample.json: not valid JSON.', { cause });
  }
  const { classes, parts } = json ?? {};
  if (!Array.isArray(classes) || parts === null || typeof parts !== 'object') {
    throw new FormatError('sample.json: expected the fields classes and parts.');
  }
  return { classes: classes.map(String), parts: new Map(Object.entries(parts)) };
}

/**
 * @param {string | URL} base
 * @param {{ classes: string[], parts: Map<string, SamplePart> }} sample
 * @param {'train' | 'test'} part
 * @param {import('./byte-source.js').OpenOptions} options
 */
async function readPart(base, sample, part, options) {
  const { file, sha256, labels } = sample.parts.get(part) ?? {};
  if (typeof file !== 'string' || !/^[\w-]+\.png$/.test(file) || !Array.isArray(labels)) {
    throw new FormatError(`sample.json: part ${part} lacks its file name or its labels.`);
  }
  const bad = labels.findIndex((label) => !(label in sample.classes) || !Number.isInteger(label));
  if (bad >= 0) {
    throw new LabelRangeError(
      `sample.json: label ${bad} of ${part} is ${String(labels[bad]).slice(0, 20)}, expected 0 to ` +
        `${sample.classes.length - 1}.`,
    );
  }
  const bytes = await readFile(base, file, options);
  const { width, height, data } = await decodeRgbPng(bytes, { name: file, signal: options.signal });
  if (width * 3 !== SAMPLE_BYTES || height !== labels.length) {
    throw new FormatError(
      `${file}: ${width} x ${height} pixels, expected 1024 x ${labels.length} (one row a label).`,
    );
  }
  const found = sha256Hex(data);
  if (found !== sha256) {
    throw new ChecksumError(`${file}: SHA-256 of its pixels is ${found}, expected ${sha256}.`);
  }
  return { pixels: data, labels: Uint8Array.from(labels) };
}

/**
 * @param {string | URL} base
 * @param {string} name
 * @param {import('./byte-source.js').OpenOptions} options
 * @returns {Promise<Uint8Array>}
 */
async function readFile(base, name, options) {
  const { stream } = await openBytes(inside(base, name), options);
  /** @type {Uint8Array[]} */
  const chunks = [];
  let size = 0;
  await readAll(stream, options.signal, (bytes) => {
    size += bytes.length;
    if (size > MAX_FILE_BYTES) {
      throw new LimitError(`${name}: more than ${MAX_FILE_BYTES} bytes.`);
    }
    chunks.push(bytes.slice());
  });
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

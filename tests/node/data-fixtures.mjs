/** Small data sets in the CIFAR-10 binary layout, archives of them, and a sink that records. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { packTar } from 'modern-tar';

export const RECORD = 3073;

/** A reproducible byte. */
const byteAt = (/** @type {number} */ seed, /** @type {number} */ i) =>
  (Math.imul(i + 1, 2654435761 + seed * 97) >>> 13) & 255;

/**
 * Bytes of `count` records.
 * @param {number} count
 * @param {number} seed
 */
export function records(count, seed) {
  const bytes = new Uint8Array(count * RECORD);
  for (let i = 0; i < bytes.length; i++) bytes[i] = byteAt(seed, i);
  for (let r = 0; r < count; r++) bytes[r * RECORD] = byteAt(seed, r) % 10;
  return bytes;
}

/**
 * The table and the contents of a data set of three files: 7 + 5 training records, 6 for test.
 * The content is `any`: tests put other sources in its place.
 */
export function smallDataSet() {
  /** @type {Map<string, any>} */
  const contents = new Map([
    ['data_batch_1.bin', records(7, 1)],
    ['data_batch_2.bin', records(5, 2)],
    ['test_batch.bin', records(6, 3)],
  ]);
  const files = Array.from(contents, ([name, bytes]) => ({
    name,
    bytes: bytes.length,
    count: bytes.length / RECORD,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    part: /** @type {'test' | 'train'} */ (name.startsWith('test') ? 'test' : 'train'),
  }));
  return { contents, files };
}

/**
 * What the records of files are as samples and labels, computed the slow way.
 * @param {Uint8Array[]} files
 */
export function expected(...files) {
  const samples = [];
  const labels = [];
  for (const bytes of files) {
    for (let at = 0; at < bytes.length; at += RECORD) {
      labels.push(bytes[at]);
      for (let p = 0; p < 1024; p++) {
        for (let c = 0; c < 3; c++) samples.push(bytes[at + 1 + c * 1024 + p]);
      }
    }
  }
  return { samples: Uint8Array.from(samples), labels: Uint8Array.from(labels) };
}

/** A sink that checks the contract while it records. */
export class RecordingSink {
  /** @type {any} */
  samples;
  /** @type {any} */
  labels;
  written = 0;
  discarded = 0;

  /** @param {number} count */
  async reserve(count) {
    assert.equal(this.samples, undefined, 'reserve is called once');
    this.samples = new Uint8Array(count * 3072);
    this.labels = new Uint8Array(count);
  }

  /**
   * @param {number} first
   * @param {Uint8Array} samples
   * @param {Uint8Array} labels
   */
  writeChunk(first, samples, labels) {
    assert.equal(this.discarded, 0, 'nothing is written after discard');
    assert.equal(samples.length, labels.length * 3072);
    assert.ok(first >= 0 && first + labels.length <= this.labels.length);
    this.samples.set(samples, first * 3072);
    this.labels.set(labels, first);
    this.written += labels.length;
    // The loader owns these arrays: a sink may not rely on them, nor they on it.
    samples.fill(0xa5);
  }

  discard() {
    this.discarded++;
  }
}

export const sinks = () => ({ train: new RecordingSink(), test: new RecordingSink() });

/**
 * A tar archive.
 * @param {any[]} entries `{ name, body?, ...header }`
 */
export function tar(entries) {
  return packTar(
    entries.map(({ name, body = new Uint8Array(0), ...header }) => ({
      header: { name, size: body.length, ...header },
      body,
    })),
  );
}

/**
 * @param {any[]} entries
 * @param {import('node:zlib').ZlibOptions} [options]
 */
export async function tarGz(entries, options) {
  return new Uint8Array(gzipSync(await tar(entries), options));
}

/**
 * Entries of a data set, in the folder that the official archive has.
 * @param {Map<string, Uint8Array>} contents
 */
export function entriesOf(contents) {
  return Array.from(contents, ([name, body]) => ({ name: `cifar-10-batches-bin/${name}`, body }));
}

/**
 * A stream of `bytes` in pieces of the given size.
 * @param {Uint8Array} bytes
 * @param {number} piece
 */
export function streamOf(bytes, piece) {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += piece)));
      else controller.close();
    },
  });
}

/**
 * Asserts a rejection with a code, a short message that matches, and discarded sinks.
 * @param {Promise<unknown>} promise
 * @param {string} code
 * @param {RegExp} [pattern]
 * @param {Record<string, RecordingSink>} [used]
 * @returns {Promise<any>}
 */
export async function rejects(promise, code, pattern, used) {
  const error = await promise.then(
    () => assert.fail(`expected ${code}, but it resolved`),
    (/** @type {any} */ reason) => reason,
  );
  assert.equal(error.code, code, error.stack);
  assert.ok(error.message.length < 500);
  if (pattern) assert.match(error.message, pattern);
  for (const sink of Object.values(used ?? {})) {
    assert.equal(sink.discarded, sink.samples ? 1 : 0, 'a reserved sink is discarded once');
  }
  return error;
}

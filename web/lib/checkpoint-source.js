/** The bytes of a checkpoint, from wherever a program has them. */

import { readFile } from '#platform';
import { InputTypeError } from './errors.js';
import { describe } from './options.js';

/**
 * @typedef {Uint8Array | ArrayBuffer | Blob | URL | string} CheckpointSource a file's content, its
 *   URL, or in Node its path
 */

/**
 * @param {unknown} source
 * @param {string} what
 * @returns {Promise<Uint8Array<ArrayBuffer>>} a copy, to be transferred
 */
export async function readCheckpoint(source, what) {
  if (source instanceof Uint8Array) return new Uint8Array(source);
  if (source instanceof ArrayBuffer) return new Uint8Array(source.slice(0));
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (typeof source === 'string' || source instanceof URL) {
    return new Uint8Array(await readFile(source));
  }
  throw new InputTypeError(
    `${what}: expected bytes, a Blob, a URL or a path, found ${describe(source)}.`,
  );
}

/** Bytes that are read where they are wanted, of a Blob, an array, a path or a URL: what a zip archive needs. */

import { openFile } from '#image-platform';
import { InputTypeError, LimitError } from '../errors.js';
import { isFetchable, openBytes, readAll } from './byte-source.js';

/**
 * @typedef {object} RandomAccess
 * @property {number} size
 * @property {(from: number, to: number) => Promise<Uint8Array>} read what there is of it
 * @property {() => Promise<void>} close
 */

/** An archive behind an address is kept whole while it is read. */
const MAX_DOWNLOAD = 4 * 1024 ** 3;

/**
 * @param {unknown} source Blob, Uint8Array, ArrayBuffer, URL or, in Node, path
 * @param {object} options
 * @param {AbortSignal} [options.signal]
 * @param {(loaded: number, total: number | undefined) => void} [options.onDownload]
 * @returns {Promise<RandomAccess>}
 * @throws {InputTypeError} {LoadError} {MissingError} {IoError} {LimitError} {AbortedError}
 */
export async function openRandomAccess(source, { signal, onDownload }) {
  if (source instanceof Blob) return ofBlob(source);
  if (source instanceof ArrayBuffer) return ofBlob(new Blob([source]));
  if (source instanceof Uint8Array) {
    return {
      size: source.length,
      read: async (from, to) => source.subarray(from, to),
      close: async () => {},
    };
  }
  if (typeof source === 'string' || source instanceof URL) {
    const file = isFetchable(source) ? undefined : await openFile(source);
    return file ?? ofBlob(await download(source, signal, onDownload));
  }
  const found = Object.prototype.toString.call(source);
  throw new InputTypeError(
    `Expected a folder, dropped files, an archive, a URL or a path, found ${found}.`,
    { field: 'source' },
  );
}

/** @param {Blob} blob @returns {RandomAccess} */
function ofBlob(blob) {
  return {
    size: blob.size,
    read: async (from, to) => new Uint8Array(await blob.slice(from, to).arrayBuffer()),
    close: async () => {},
  };
}

/**
 * A Blob, which browsers may keep on disk.
 *
 * @param {string | URL} url
 * @param {AbortSignal | undefined} signal
 * @param {((loaded: number, total: number | undefined) => void) | undefined} onDownload
 */
async function download(url, signal, onDownload) {
  const { stream, size } = await openBytes(url, { signal });
  /** @type {Blob[]} */
  const parts = [];
  let loaded = 0;
  await readAll(stream, signal, (bytes) => {
    loaded += bytes.length;
    if (loaded > MAX_DOWNLOAD) {
      throw new LimitError(`${url}: more than ${MAX_DOWNLOAD} bytes.`);
    }
    parts.push(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)]));
    onDownload?.(loaded, size);
  });
  return new Blob(parts);
}

/**
 * The bytes as a stream, read when they are wanted.
 *
 * @param {RandomAccess} access
 * @returns {ReadableStream<Uint8Array>}
 */
export function streamOf(access) {
  let at = 0;
  /** @type {UnderlyingDefaultSource<Uint8Array>} */
  const source = {
    async pull(controller) {
      if (at >= access.size) return controller.close();
      const from = at;
      at += 256 * 1024;
      controller.enqueue(await access.read(from, at));
    },
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

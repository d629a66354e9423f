/**
 * One way to read bytes from whatever a user has: a Blob or File, a typed array, a stream, a URL,
 * or (in Node, where the caller passes `openPath`) a path. Every failure on the way is a typed
 * error, and an abort ends a pending read at once.
 */

import {
  IoError,
  InputTypeError,
  LoadError,
  TabgradError,
  UnsupportedError,
  abortedError,
  throwIfAborted,
} from '../errors.js';

/**
 * @typedef {Blob | Uint8Array | ArrayBuffer | ReadableStream<Uint8Array> | URL | string} ByteSource
 *   a string is an http(s), blob: or data: URL, in a page also a URL relative to it, in Node a path
 *
 * @typedef {object} OpenBytes
 * @property {ReadableStream<Uint8Array>} stream
 * @property {number | undefined} size bytes to come, where known
 *
 * @typedef {(path: string | URL) => Promise<OpenBytes>} OpenPath opens a file of the file system
 *
 * @typedef {object} OpenOptions
 * @property {AbortSignal} [signal]
 * @property {OpenPath} [openPath] without it paths and file: URLs give E_UNSUPPORTED
 */

/** In-memory sources are handed on in pieces of this size, so that an abort is seen in between. */
const PIECE_BYTES = 256 * 1024;

/** Longest time without giving the event loop a turn: signals and messages arrive only there. */
const TURN_MS = 30;

/**
 * @param {ByteSource} source
 * @param {OpenOptions} options
 * @returns {Promise<OpenBytes>}
 * @throws {LoadError} the URL cannot be fetched or answers with an error status
 * @throws {IoError} the file cannot be opened
 * @throws {UnsupportedError} a path without `openPath`
 * @throws {InputTypeError} anything else
 */
export async function openBytes(source, { signal, openPath } = {}) {
  throwIfAborted(signal, 'Loading');
  if (source instanceof Uint8Array) return fromArray(source);
  if (source instanceof ArrayBuffer) return fromArray(new Uint8Array(source));
  if (source instanceof Blob) return fromBlob(source);
  if (source instanceof ReadableStream) return { stream: source, size: undefined };
  if (typeof source === 'string' || source instanceof URL) {
    if (isFetchable(source)) return fetchBytes(source, signal);
    if (!openPath) {
      throw new UnsupportedError(`Reading the path ${source} needs Node: pass a File or a URL.`);
    }
    return openPath(source);
  }
  const found = Object.prototype.toString.call(source);
  throw new InputTypeError(
    `Expected a Blob, File, Uint8Array, ReadableStream, URL or path, found ${found}.`,
  );
}

/**
 * Whether `fetch` is the way to read a string or URL: absolute URLs other than file: anywhere, and
 * relative ones where there is a page or worker to be relative to.
 *
 * @param {string | URL} source
 */
export function isFetchable(source) {
  const text = String(source);
  if (/^file:/i.test(text)) return false;
  return /^[a-z][a-z0-9+.-]+:/i.test(text) || typeof globalThis.location === 'object';
}

/**
 * @param {Uint8Array} bytes
 * @returns {OpenBytes}
 */
function fromArray(bytes) {
  let offset = 0;
  /** @type {UnderlyingDefaultSource<Uint8Array>} */
  const source = {
    pull(controller) {
      if (offset < bytes.length)
        controller.enqueue(bytes.subarray(offset, (offset += PIECE_BYTES)));
      else controller.close();
    },
  };
  return { stream: new ReadableStream(source, { highWaterMark: 0 }), size: bytes.length };
}

/**
 * Not `blob.stream()`: Node gives a Blob in memory as one chunk, which no progress or abort can
 * interrupt.
 *
 * @param {Blob} blob
 * @returns {OpenBytes}
 */
function fromBlob(blob) {
  let offset = 0;
  /** @type {UnderlyingDefaultSource<Uint8Array>} */
  const source = {
    async pull(controller) {
      if (offset >= blob.size) return controller.close();
      const piece = blob.slice(offset, (offset += PIECE_BYTES));
      controller.enqueue(new Uint8Array(await piece.arrayBuffer()));
    },
  };
  return { stream: new ReadableStream(source, { highWaterMark: 0 }), size: blob.size };
}

/**
 * @param {string | URL} url
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<OpenBytes>}
 */
async function fetchBytes(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    if (signal?.aborted) throw abortedError(signal, 'Loading');
    throw new LoadError(
      `Could not fetch ${url}: the server did not answer, or does not allow other sites to read ` +
        'it (CORS). Download the file and pass it as a File instead.',
      { cause },
    );
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new LoadError(`Could not fetch ${url}: HTTP status ${response.status}, expected 200.`);
  }
  if (!response.body) throw new LoadError(`Could not fetch ${url}: the answer has no body.`);
  // With a content encoding the header counts compressed bytes, the stream gives decoded ones.
  const length = response.headers.get('content-encoding')
    ? null
    : response.headers.get('content-length');
  const body = reportedAs(response.body, (cause) => {
    return new LoadError(`The download of ${url} broke off before its end.`, { cause });
  });
  return { stream: body, size: length === null ? undefined : Number(length) };
}

/**
 * The same stream, with foreign errors turned into ours.
 *
 * @param {ReadableStream<Uint8Array>} stream
 * @param {(cause: unknown) => TabgradError} describe
 * @returns {ReadableStream<Uint8Array>}
 */
export function reportedAs(stream, describe) {
  const reader = stream.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (cause) {
          controller.error(cause instanceof TabgradError ? cause : describe(cause));
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/**
 * Reads a stream to its end. Cancels it when the signal fires (a pending read then ends at once),
 * and when `each` throws. Gives the event loop a turn every 30 ms.
 *
 * @param {ReadableStream<Uint8Array>} stream
 * @param {AbortSignal | undefined} signal
 * @param {(bytes: Uint8Array) => void} each must not keep `bytes`
 * @returns {Promise<void>}
 * @throws {AbortedError} after the signal fired
 * @throws {IoError} a File that changed or vanished while being read
 */
export async function readAll(stream, signal, each) {
  throwIfAborted(signal, 'Loading');
  const reader = stream.getReader();
  const stop = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener('abort', stop, { once: true });
  let turn = performance.now();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      throwIfAborted(signal, 'Loading');
      if (done) return;
      requireBytes(value);
      each(value);
      if (performance.now() - turn > TURN_MS) {
        await nextTurn();
        throwIfAborted(signal, 'Loading');
        turn = performance.now();
      }
    }
  } catch (cause) {
    const error = signal?.aborted ? abortedError(signal, 'Loading') : cause;
    // Not awaited: the source may never answer a cancel.
    reader.cancel(error).catch(() => {});
    throw asReadError(error);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * @param {unknown} chunk of a stream that came from outside
 * @returns {asserts chunk is Uint8Array}
 * @throws {InputTypeError}
 */
export function requireBytes(chunk) {
  if (chunk instanceof Uint8Array) return;
  throw new InputTypeError(`Expected a stream of Uint8Array, found one of ${typeof chunk}.`);
}

/** @param {unknown} error */
function asReadError(error) {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotReadableError' || name === 'NotFoundError') {
    return new IoError('The file changed or was removed while being read: choose it again.', {
      cause: error,
    });
  }
  return error;
}

/** Waits for one turn of the event loop. @returns {Promise<void>} */
export function nextTurn() {
  return new Promise((resolve) => setTimeout(resolve));
}

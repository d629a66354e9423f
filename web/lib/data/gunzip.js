/**
 * Unpacks a gzip stream through the platform's own decompressor, with the checks it leaves to its
 * user: one member and nothing after it, and a cap on what a small file may unpack to.
 */

import { GzipError, LimitError, TabgradError } from '../errors.js';
import { requireBytes } from './byte-source.js';
import { decompress } from './decompress.js';
import { looksLikeHint } from './looks-like.js';

/** Enough for the gzip magic and for the "ustar" mark of a tar header at offset 257. */
const SNIFF_BYTES = 512;

/**
 * @typedef {object} GunzipOptions
 * @property {number} maxBytes most bytes the stream may unpack to
 * @property {(bytes: number) => void} [onBytes] called with the bytes of the input read so far
 * @property {(error: unknown) => void} onError told of the first fault, before it travels on
 */

/**
 * A tar stream from a gzipped or plain one. Plain ones come from servers that declare
 * `Content-Encoding: gzip`: the browser then unpacks on the way.
 *
 * A file of two gzip members, which command-line tools join, is refused: browsers refuse it too.
 *
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {GunzipOptions} options
 * @returns {Promise<ReadableStream<Uint8Array>>} fails with GzipError (not gzip, damaged,
 *   truncated, more than one member), LimitError (above `maxBytes`) or the error of the input
 */
export async function gunzipTar(reader, { maxBytes, onBytes, onError }) {
  let unpacked = 0;
  /** Last four bytes of the input: gzip's own count of the unpacked bytes, modulo 2^32. */
  let tail = new Uint8Array(0);
  let read = 0;
  /**
   * An error of the input itself, which must not be reported as damaged gzip.
   * @type {{ error: unknown } | undefined}
   */
  let inputFault;

  const nextBytes = async () => {
    const { done, value } = await reader.read();
    if (done) return undefined;
    requireBytes(value);
    read += value.length;
    onBytes?.(read);
    const last = value.slice(-4);
    if (last.length === 4) tail = last;
    else tail = Uint8Array.of(...tail, ...last).slice(-4);
    return value;
  };
  const next = () =>
    nextBytes().catch((error) => {
      inputFault = { error };
      throw error;
    });

  const head = await readHead(next);
  const gzip = head[0] === 0x1f && head[1] === 0x8b;
  if (!gzip && String.fromCharCode(...head.subarray(257, 262)) !== 'ustar') {
    throw new GzipError(`Not a gzip archive.${looksLikeHint(head)}`);
  }

  /** @type {Uint8Array | undefined} */
  let pending = head;
  const input = async () => {
    const bytes = pending ?? (await next());
    pending = undefined;
    return bytes;
  };
  const plain = { read: input, cancel: () => {} };
  const output = gzip ? decompress('gzip', input) : plain;

  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const bytes = await output.read();
          unpacked += bytes?.length ?? 0;
          if (unpacked > maxBytes) {
            throw new LimitError(`The archive unpacks to more than ${maxBytes} bytes: stopped.`);
          }
          if (bytes) return controller.enqueue(bytes);
          if (gzip) checkCount(tail, unpacked);
          controller.close();
        } catch (cause) {
          const error = inputFault ? inputFault.error : asGzipError(cause);
          onError(error);
          controller.error(error);
          output.cancel(error);
        }
      },
      cancel: (reason) => output.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/**
 * @param {() => Promise<Uint8Array | undefined>} next
 * @returns {Promise<Uint8Array>} the first chunks joined: 512 bytes or more, or the whole stream
 */
async function readHead(next) {
  const first = await next();
  if (!first) throw new GzipError('Not a gzip archive: it is empty (0 bytes).');
  let head = first;
  while (head.length < SNIFF_BYTES) {
    const more = await next();
    if (!more) break;
    const joined = new Uint8Array(head.length + more.length);
    joined.set(head);
    joined.set(more, head.length);
    head = joined;
  }
  return head;
}

/**
 * @param {Uint8Array} tail
 * @param {number} unpacked
 */
function checkCount(tail, unpacked) {
  const stated = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (stated === unpacked % 2 ** 32) return;
  throw new GzipError(
    `The gzip archive ends with a count of ${stated} bytes but unpacked to ${unpacked}: ` +
      'it has a second member, or other data follows it.',
  );
}

/** @param {unknown} cause */
function asGzipError(cause) {
  if (cause instanceof TabgradError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new GzipError(`The gzip archive is damaged or cut short: ${reason}`, { cause });
}

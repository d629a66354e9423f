/**
 * Streams the members of a (gzipped) tar archive to a consumer. Nothing of the archive is used as
 * a path: the caller picks members by their exact base name.
 *
 * The reading of tar itself is modern-tar's, in its strict mode, which checks every header's
 * checksum and numbers, refuses a truncated archive and anything but zeros after its end. Around
 * it stand the checks it does not make: how much a small archive may unpack to, how many members
 * it may have, and no size changed by an extended (pax) header.
 */

import { createTarDecoder } from 'modern-tar';
import { LimitError, TabgradError, TarError, abortedError, throwIfAborted } from '../errors.js';
import { readAll, reportedAs } from './byte-source.js';
import { gunzipTar } from './gunzip.js';

/** The official archive has 9 members; its folder may have been packed again with more. */
const MAX_MEMBERS = 1000;

/**
 * @typedef {object} TarMember
 * @property {string} name base name: what follows the last slash
 * @property {string} path as the archive has it
 * @property {number} size bytes
 * @property {boolean} regular false for folders, links, devices and pipes
 *
 * @typedef {object} MemberConsumer
 * @property {(bytes: Uint8Array) => void} push gets the member's next bytes; must not keep them
 * @property {() => void | Promise<void>} end called after the last byte, and awaited
 */

/**
 * @param {ReadableStream<Uint8Array>} stream gzipped or plain; cancelled on any failure
 * @param {object} options
 * @param {number} options.maxBytes most bytes the archive may unpack to
 * @param {number} [options.maxMembers] default 1,000
 * @param {AbortSignal} [options.signal]
 * @param {(bytes: number) => void} [options.onBytes] called with the bytes read of `stream` so far
 * @param {(member: TarMember) => MemberConsumer | undefined} options.onMember undefined: skip it
 * @returns {Promise<void>}
 * @throws {GzipError} not gzip, damaged, truncated, or more than one gzip member
 * @throws {TarError} damaged, truncated or refused archive
 * @throws {LimitError} unpacks to more than `maxBytes`, or has over `maxMembers`
 * @throws {AbortedError} the signal fired
 * @throws whatever the stream or a callback throws
 */
export async function readTar(
  stream,
  { maxBytes, maxMembers = MAX_MEMBERS, signal, onBytes, onMember },
) {
  throwIfAborted(signal, 'Loading');
  // A fault runs down the chain of streams and surfaces in several places; the first is the cause.
  /** @type {unknown[]} */
  const faults = [];
  const onError = (/** @type {unknown} */ error) => void faults.push(error);

  const source = stream.getReader();
  const decoder = createTarDecoder({ strict: true });
  const entries = decoder.readable.getReader();
  // Cancelling both ends makes every pending read return at once. Not awaited: a source may never
  // answer.
  const stop = () => {
    source.cancel(signal?.reason).catch(() => {});
    entries.cancel(signal?.reason).catch(() => {});
  };
  signal?.addEventListener('abort', stop, { once: true });

  try {
    const tar = await gunzipTar(source, { maxBytes, onBytes, onError });
    const feeding = tar.pipeTo(decoder.writable).catch((cause) => onError(asTarError(cause)));
    for (let members = 0; ; members++) {
      const { done, value } = await entries.read().catch((cause) => {
        throw asTarError(cause);
      });
      throwIfAborted(signal, 'Loading');
      if (done) break;
      if (members === maxMembers) {
        throw new LimitError(`The archive has more than ${maxMembers} members.`);
      }
      const consumer = onMember(memberOf(value.header));
      const body = reportedAs(value.body, asTarError);
      await readAll(body, signal, (bytes) => consumer?.push(bytes));
      await consumer?.end();
    }
    await feeding;
  } catch (error) {
    onError(error);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  if (faults.length === 0) return;
  stop();
  throw signal?.aborted ? abortedError(signal, 'Loading') : faults[0];
}

/**
 * @param {import('modern-tar').TarHeader} header
 * @returns {TarMember}
 */
function memberOf(header) {
  if (header.pax && Object.keys(header.pax).some((key) => /^(size|GNU\.sparse\..*)$/.test(key))) {
    throw new TarError('A member of the archive has its size in an extended header: refused.');
  }
  const name = header.name.slice(header.name.lastIndexOf('/') + 1);
  return { name, path: header.name, size: header.size, regular: header.type === 'file' };
}

/**
 * @param {unknown} cause
 * @returns {TabgradError} errors of the stages before are ours already; the rest is modern-tar's
 */
function asTarError(cause) {
  if (cause instanceof TabgradError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TarError(`The tar archive is damaged or cut short: ${reason}`, { cause });
}

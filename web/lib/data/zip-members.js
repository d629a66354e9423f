/**
 * The members of a zip archive, by its central directory, each read and unpacked when it is wanted. Nothing of the
 * archive is used as a path. Zip64 is read; encrypted members, several disks and methods other than stored and
 * deflated are refused. A member unpacks to the size that the directory states and not to a byte more, and its
 * checksum is compared.
 *
 * Format: PKWARE's APPNOTE.TXT, 6.3.
 */

import { LimitError, TabgradError, ZipError, throwIfAborted } from '../errors.js';
import { crc32 } from './crc32.js';
import { decompress } from './decompress.js';
import { looksLikeHint } from './looks-like.js';

/**
 * @typedef {import('./random-access.js').RandomAccess} RandomAccess
 *
 * @typedef {object} ZipMember a file, no folder
 * @property {string} path as the archive has it
 * @property {number} size bytes unpacked
 * @property {(signal?: AbortSignal) => Promise<Uint8Array>} read
 */

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
/** The record at the end, and a comment of at most 65,535 bytes behind it. */
const END_BYTES = 22;
const MAX_COMMENT = 65_535;
const MAX_MEMBERS = 1_000_000;
const MAX_DIRECTORY = 256 * 1024 * 1024;

/**
 * @param {RandomAccess} archive
 * @returns {Promise<ZipMember[]>}
 * @throws {ZipError} {LimitError} more than a million members
 */
export async function readZip(archive) {
  const { count, size, offset } = await findDirectory(archive);
  if (count > MAX_MEMBERS || size > MAX_DIRECTORY) {
    throw new LimitError(
      `The zip archive has ${count} members, its directory ${size} bytes; the limits are ` +
        `${MAX_MEMBERS} and ${MAX_DIRECTORY}.`,
    );
  }
  if (offset + size > archive.size) throw new ZipError('The zip archive is cut short.');
  const directory = viewOf(await archive.read(offset, offset + size));
  /** @type {ZipMember[]} */
  const members = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + 46 > size || directory.getUint32(at, true) !== CENTRAL) {
      throw new ZipError(`The directory of the zip archive is damaged at member ${index}.`);
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((from) =>
      directory.getUint16(at + from, true),
    );
    const end = at + 46 + nameBytes + extraBytes + commentBytes;
    if (end > size) throw new ZipError(`Member ${index} of the zip archive is cut short.`);
    const bytes = new Uint8Array(directory.buffer, directory.byteOffset + at + 46, nameBytes);
    const path = new TextDecoder().decode(bytes);
    if (!path.endsWith('/')) members.push(memberAt(archive, directory, at, path));
    at = end;
  }
  return members;
}

/**
 * @param {RandomAccess} archive
 * @returns {Promise<{ count: number, size: number, offset: number }>}
 */
async function findDirectory(archive) {
  const start = Math.max(0, archive.size - END_BYTES - MAX_COMMENT);
  const tail = viewOf(await archive.read(start, archive.size));
  let at = tail.byteLength - END_BYTES;
  while (at >= 0 && !isEnd(tail, at)) at--;
  if (at < 0) {
    const head = await archive.read(0, 64);
    throw new ZipError(`Not a whole zip archive: it has no end record.${looksLikeHint(head)}`);
  }
  if (tail.getUint16(at + 4, true) !== tail.getUint16(at + 6, true)) {
    throw new ZipError('The zip archive is spread over several files: join them.');
  }
  const place = {
    count: tail.getUint16(at + 10, true),
    size: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
  };
  const large =
    place.count === 0xffff || place.size === 2 ** 32 - 1 || place.offset === 2 ** 32 - 1;
  if (!large || at < 20 || tail.getUint32(at - 20, true) !== LOCATOR_64) return place;
  const record = whole(tail.getBigUint64(at - 12, true));
  const bytes = viewOf(await archive.read(record, record + 56));
  if (bytes.byteLength < 56 || bytes.getUint32(0, true) !== END_64) {
    throw new ZipError('The zip archive has no large end record where it says so.');
  }
  const [count, size, offset] = [32, 40, 48].map((from) => whole(bytes.getBigUint64(from, true)));
  return { count, size, offset };
}

/** Its comment ends with the file. @param {DataView} tail @param {number} at */
function isEnd(tail, at) {
  return (
    tail.getUint32(at, true) === END &&
    at + END_BYTES + tail.getUint16(at + 20, true) === tail.byteLength
  );
}

/**
 * @param {RandomAccess} archive
 * @param {DataView} directory
 * @param {number} at of the member's record
 * @param {string} path
 * @returns {ZipMember}
 */
function memberAt(archive, directory, at, path) {
  const flags = directory.getUint16(at + 8, true);
  const method = directory.getUint16(at + 10, true);
  const checksum = directory.getUint32(at + 16, true);
  const sizes = { size: 24, packed: 20, offset: 42 };
  const found = { size: 0, packed: 0, offset: 0 };
  for (const key of /** @type {const} */ (['size', 'packed', 'offset'])) {
    found[key] = directory.getUint32(at + sizes[key], true);
  }
  widen(directory, at, found);
  return {
    path,
    size: found.size,
    async read(signal) {
      if (flags & 1) throw new ZipError(`${path}: the member is encrypted.`);
      if (method !== 0 && method !== 8) {
        throw new ZipError(`${path}: packed by method ${method}; stored and deflated are read.`);
      }
      const packed = await packedBytes(archive, found, path);
      const bytes = method === 0 ? packed : await inflate(packed, found.size, path, signal);
      if (bytes.length !== found.size || crc32(bytes) !== checksum) {
        throw new ZipError(`${path}: the member is damaged, its checksum or size is wrong.`);
      }
      return bytes;
    },
  };
}

/**
 * Numbers that do not fit 32 bits stand in an extra field, in this order.
 *
 * @param {DataView} directory
 * @param {number} at
 * @param {{ size: number, packed: number, offset: number }} found
 */
function widen(directory, at, found) {
  let from = at + 46 + directory.getUint16(at + 28, true);
  const end = from + directory.getUint16(at + 30, true);
  while (from + 4 <= end) {
    const id = directory.getUint16(from, true);
    const next = from + 4 + directory.getUint16(from + 2, true);
    if (id === 1 && next <= end) {
      let field = from + 4;
      for (const key of /** @type {const} */ (['size', 'packed', 'offset'])) {
        if (found[key] !== 2 ** 32 - 1) continue;
        if (field + 8 > next) throw new ZipError('The zip archive lacks the size of a member.');
        found[key] = whole(directory.getBigUint64(field, true));
        field += 8;
      }
    }
    from = next;
  }
}

/**
 * @param {RandomAccess} archive
 * @param {{ packed: number, offset: number }} found
 * @param {string} path
 */
async function packedBytes(archive, { packed, offset }, path) {
  const head = viewOf(await archive.read(offset, offset + 30));
  if (head.byteLength < 30 || head.getUint32(0, true) !== LOCAL) {
    throw new ZipError(`${path}: the zip archive has no member where its directory says so.`);
  }
  const start = offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  if (start + packed > archive.size) throw new ZipError(`${path}: the zip archive is cut short.`);
  return archive.read(start, start + packed);
}

/**
 * @param {Uint8Array} packed
 * @param {number} size
 * @param {string} path
 * @param {AbortSignal | undefined} signal
 */
async function inflate(packed, size, path, signal) {
  const out = new Uint8Array(size);
  let filled = 0;
  /** @type {Uint8Array | undefined} */
  let input = packed;
  const stream = decompress('deflate-raw', async () => {
    const bytes = input;
    input = undefined;
    return bytes;
  });
  try {
    for (;;) {
      const bytes = await stream.read();
      throwIfAborted(signal, `Reading ${path}`);
      if (!bytes) return out.subarray(0, filled);
      if (filled + bytes.length > size) {
        throw new ZipError(`${path}: it unpacks to more than the ${size} bytes it states.`);
      }
      out.set(bytes, filled);
      filled += bytes.length;
    }
  } catch (cause) {
    stream.cancel(cause);
    if (cause instanceof TabgradError) throw cause;
    throw new ZipError(`${path}: the packed bytes are damaged.`, { cause });
  }
}

/** @param {Uint8Array} bytes */
const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** @param {bigint} value */
function whole(value) {
  if (value <= Number.MAX_SAFE_INTEGER) return Number(value);
  throw new ZipError(`The zip archive states a size of ${value} bytes.`);
}

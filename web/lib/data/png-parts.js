/** The parts of a PNG file: chunks, compressed rows, filters (PNG specification, 2nd edition). */

import { ImageError, TabgradError, throwIfAborted } from '../errors.js';
import { crc32 } from './crc32.js';
import { decompress } from './decompress.js';
import { looksLikeHint } from './looks-like.js';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * @typedef {object} PngHeader
 * @property {number} width
 * @property {number} height
 * @property {number} depth bits a channel, of a palette a pixel
 * @property {number} colour type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha
 * @property {number} interlace 1: seven pictures one after the other
 *
 * @typedef {object} PngParts
 * @property {PngHeader} header
 * @property {Uint8Array | undefined} palette red, green, blue of each entry
 * @property {Uint8Array[]} compressed
 */

/**
 * Walks all chunks of a PNG file: order, checksums, and that it is whole. Chunks that a reader need not know
 * (colour profiles, texts, frames of an animation) are left out.
 *
 * @param {Uint8Array} bytes
 * @param {string} name
 * @param {(header: PngHeader) => void} checkHeader throws to refuse a picture before anything else is read
 * @returns {PngParts}
 * @throws {ImageError}
 */
export function readChunks(bytes, name, checkHeader) {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    throw new ImageError(`${name}: not a PNG file.${looksLikeHint(bytes)}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  /** @type {Uint8Array[]} */
  const compressed = [];
  /** @type {PngHeader} */
  let header = { width: 0, height: 0, depth: 0, colour: 0, interlace: 0 };
  /** @type {Uint8Array | undefined} */
  let palette;
  for (let at = 8, index = 0; ; index++) {
    if (at + 12 > bytes.length) throw new ImageError(`${name}: cut short at byte ${bytes.length}.`);
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length) {
      throw new ImageError(`${name}: a chunk ends at byte ${end}, the file at ${bytes.length}.`);
    }
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (view.getUint32(end - 4) !== crc32(bytes.subarray(at + 4, end - 4))) {
      throw new ImageError(`${name}: the chunk at byte ${at} has a wrong checksum.`);
    }
    const body = bytes.subarray(at + 8, end - 4);
    if ((index === 0) !== (type === 'IHDR')) {
      throw new ImageError(`${name}: chunk ${index} is ${type}; IHDR must be the first and only.`);
    }
    if (type === 'IHDR') checkHeader((header = readHeader(body, name)));
    else if (type === 'PLTE' && !palette && compressed.length === 0) palette = body;
    else if (type === 'IDAT') compressed.push(body);
    else if (type === 'IEND') {
      if (end !== bytes.length) {
        throw new ImageError(`${name}: ${bytes.length - end} bytes follow the end of the picture.`);
      }
      return { header, palette, compressed };
    } else if (/^[A-Z]/.test(type)) {
      // A capital letter marks a chunk that a reader must understand.
      throw new ImageError(`${name}: chunk ${type} is not expected.`);
    }
    at = end;
  }
}

/**
 * @param {Uint8Array} body
 * @param {string} name
 * @returns {PngHeader}
 */
function readHeader(body, name) {
  if (body.length !== 13) throw new ImageError(`${name}: IHDR of ${body.length} bytes, not 13.`);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const [depth, colour, compression, filter, interlace] = body.subarray(8);
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw new ImageError(
      `${name}: compression ${compression}, filter ${filter}, interlace ${interlace}; expected 0, 0, 0 or 1.`,
    );
  }
  return { width: view.getUint32(0), height: view.getUint32(4), depth, colour, interlace };
}

/**
 * @param {Uint8Array[]} chunks emptied
 * @param {number} size bytes expected
 * @param {string} name
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<Uint8Array>}
 * @throws {ImageError} damaged, or of another size: more is never unpacked
 */
export async function inflate(chunks, size, name, signal) {
  const out = new Uint8Array(size);
  let filled = 0;
  const inflated = decompress('deflate', async () => chunks.shift());
  try {
    for (;;) {
      const bytes = await inflated.read();
      throwIfAborted(signal, `Reading ${name}`);
      if (!bytes) break;
      if (filled + bytes.length > size) {
        throw new ImageError(`${name}: more than the ${size} bytes of pixels its header states.`);
      }
      out.set(bytes, filled);
      filled += bytes.length;
    }
  } catch (cause) {
    inflated.cancel(cause);
    if (cause instanceof TabgradError) throw cause;
    throw new ImageError(`${name}: its compressed pixels are damaged.`, { cause });
  }
  if (filled !== size) {
    throw new ImageError(`${name}: ${filled} bytes of pixels, expected ${size}.`);
  }
  return out;
}

/**
 * Undoes one row's filter (PNG specification, section 9).
 *
 * @param {number} filter 0 … 4
 * @param {Uint8Array} row the filtered row, `stride` bytes
 * @param {Uint8Array} data all rows; rows above `y` are done
 * @param {number} y
 * @param {number} stride bytes of a row
 * @param {string} name
 * @param {number} distance bytes to the pixel on the left
 */
export function unfilter(filter, row, data, y, stride, name, distance) {
  const at = y * stride;
  const above = y === 0 ? new Uint8Array(stride) : data.subarray(at - stride, at);
  const out = data.subarray(at, at + stride);
  switch (filter) {
    case 0:
      out.set(row);
      return;
    case 1:
      for (let i = 0; i < stride; i++) out[i] = row[i] + (i < distance ? 0 : out[i - distance]);
      return;
    case 2:
      for (let i = 0; i < stride; i++) out[i] = row[i] + above[i];
      return;
    case 3:
      for (let i = 0; i < stride; i++) {
        const left = i < distance ? 0 : out[i - distance];
        out[i] = row[i] + ((left + above[i]) >> 1);
      }
      return;
    case 4:
      for (let i = 0; i < stride; i++) {
        const left = i < distance ? 0 : out[i - distance];
        const corner = i < distance ? 0 : above[i - distance];
        out[i] = row[i] + paeth(left, above[i], corner);
      }
      return;
    default:
      throw new ImageError(`${name}: row ${y} has filter ${filter}, expected 0 to 4.`);
  }
}

/**
 * The neighbour closest to left + above − corner, ties in that order.
 *
 * @param {number} left
 * @param {number} above
 * @param {number} corner
 */
function paeth(left, above, corner) {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/**
 * A strict reader of the one kind of PNG that data comes in here: 8-bit RGB, not interlaced.
 *
 * Why not the browser's decoder: its pixels come back only through a canvas, and browsers that
 * resist fingerprinting (Brave, Firefox with that setting, Tor) add noise to what a canvas returns.
 * Training data must be exact. The same code then serves Node, and inflating is the platform's.
 * Pictures that people choose themselves go through the browser's decoder instead.
 */

import { ImageError, LimitError, TabgradError, throwIfAborted } from '../errors.js';
import { crc32 } from './crc32.js';
import { decompress } from './decompress.js';
import { looksLikeHint } from './looks-like.js';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CHANNELS = 3;
/** Ten thousand 32 x 32 images in one picture: the largest that the data sets here need. */
const MAX_PIXELS = 1024 * 10000;

/**
 * @param {Uint8Array} bytes a whole PNG file
 * @param {object} [options]
 * @param {string} [options.name] file name, for messages
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<{ width: number, height: number, data: Uint8Array }>} data [height, width, 3]
 * @throws {ImageError} not a PNG, damaged, or of another kind
 * @throws {LimitError} more than 10,240,000 pixels; found before anything is inflated
 * @throws {AbortedError} the signal fired
 */
export async function decodeRgbPng(bytes, { name = 'PNG', signal } = {}) {
  const { width, height, compressed } = readChunks(bytes, name);
  const stride = width * CHANNELS;
  const raw = await inflate(compressed, height * (stride + 1), name, signal);
  const data = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const from = y * (stride + 1);
    unfilter(raw[from], raw.subarray(from + 1, from + 1 + stride), data, y, stride, name);
  }
  return { width, height, data };
}

/**
 * @param {Uint8Array} bytes
 * @param {string} name
 */
function readChunks(bytes, name) {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    throw new ImageError(`${name}: not a PNG file.${looksLikeHint(bytes)}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  /** @type {Uint8Array[]} */
  const compressed = [];
  let size = { width: 0, height: 0 };
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
    if (type === 'IHDR') size = readHeader(body, name);
    else if (type === 'IDAT') compressed.push(body);
    else if (type === 'IEND') {
      if (end !== bytes.length) {
        throw new ImageError(`${name}: ${bytes.length - end} bytes follow the end of the picture.`);
      }
      return { ...size, compressed };
    } else if (/^[A-Z]/.test(type)) {
      // A capital letter marks a chunk that a reader must understand.
      throw new ImageError(`${name}: chunk ${type} is not supported, expected an RGB picture.`);
    }
    at = end;
  }
}

/**
 * @param {Uint8Array} body
 * @param {string} name
 */
function readHeader(body, name) {
  if (body.length !== 13) throw new ImageError(`${name}: IHDR of ${body.length} bytes, not 13.`);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const [depth, colour, compression, filter, interlace] = body.subarray(8);
  if (depth !== 8 || colour !== 2 || compression !== 0 || filter !== 0 || interlace !== 0) {
    throw new ImageError(
      `${name}: bit depth ${depth}, colour type ${colour}, interlace ${interlace}; ` +
        'expected 8, 2 (RGB), 0.',
    );
  }
  // Both factors are below 2^32 and the limit below 2^24: a product rounded above 2^53 is still over.
  if (width === 0 || height === 0 || width * height > MAX_PIXELS) {
    throw new LimitError(`${name}: ${width} x ${height} pixels, expected 1 to ${MAX_PIXELS}.`);
  }
  return { width, height };
}

/**
 * @param {Uint8Array[]} chunks emptied
 * @param {number} size bytes expected
 * @param {string} name
 * @param {AbortSignal | undefined} signal
 */
async function inflate(chunks, size, name, signal) {
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
 */
function unfilter(filter, row, data, y, stride, name) {
  const at = y * stride;
  const above = y === 0 ? new Uint8Array(stride) : data.subarray(at - stride, at);
  const out = data.subarray(at, at + stride);
  switch (filter) {
    case 0:
      out.set(row);
      return;
    case 1:
      for (let i = 0; i < stride; i++) out[i] = row[i] + (i < CHANNELS ? 0 : out[i - CHANNELS]);
      return;
    case 2:
      for (let i = 0; i < stride; i++) out[i] = row[i] + above[i];
      return;
    case 3:
      for (let i = 0; i < stride; i++) {
        const left = i < CHANNELS ? 0 : out[i - CHANNELS];
        out[i] = row[i] + ((left + above[i]) >> 1);
      }
      return;
    case 4:
      for (let i = 0; i < stride; i++) {
        const left = i < CHANNELS ? 0 : out[i - CHANNELS];
        const corner = i < CHANNELS ? 0 : above[i - CHANNELS];
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

/**
 * What kind of picture a file holds and how large it is, from its own bytes: names lie, and a picture of a few
 * bytes may unpack to gigabytes, so its size is read before anything is decoded.
 */

import { ImageError, LimitError } from '../errors.js';
import { looksLikeHint } from './looks-like.js';

/**
 * @typedef {'png' | 'jpeg' | 'gif' | 'webp' | 'bmp' | 'avif'} ImageType
 * @typedef {{ type: ImageType, width: number, height: number }} ImageHeader
 */

/** Names of files that may be pictures; what they are is read from their bytes. */
export const IMAGE_NAME = /\.(png|apng|jpe?g|jfif|gif|webp|bmp|avif)$/i;

/** The largest picture that is decoded unless the caller says otherwise: 200 MB as RGBA. */
export const MAX_PIXELS = 50_000_000;

/** More scans than any encoder makes (about 10): hostile files have thousands, each a pass over the picture. */
const MAX_SCANS = 100;

/** Where the boxes of an AVIF file with its sizes lie: in front of the coded picture. */
const AVIF_HEADER_BYTES = 64 * 1024;

/**
 * @param {Uint8Array} bytes a whole file
 * @param {string} name for messages
 * @param {number} [maxPixels]
 * @returns {ImageHeader}
 * @throws {ImageError} no picture, one that is cut short, or of a kind that is not read (SVG among them)
 * @throws {LimitError} more than `maxPixels`
 */
export function readImageHeader(bytes, name, maxPixels = MAX_PIXELS) {
  const type = sniff(bytes);
  if (!type) throw notAPicture(bytes, name);
  const [width, height] = SIZE_OF[type](bytes, name);
  if (!(width > 0 && height > 0)) {
    throw new ImageError(`${name}: a ${type} picture of ${width} x ${height} pixels.`);
  }
  // Both are below 2^32: a product rounded above 2^53 is still over the limit.
  if (width * height > maxPixels) {
    throw new LimitError(`${name}: ${width} x ${height} pixels, the limit is ${maxPixels}.`);
  }
  return { type, width, height };
}

/** @param {Uint8Array} bytes @returns {ImageType | undefined} */
function sniff(bytes) {
  const start = text(bytes, 0, 16);
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (start.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (/^GIF8[79]a/.test(start)) return 'gif';
  if (/^RIFF....WEBP/s.test(start)) return 'webp';
  if (start.startsWith('BM')) return 'bmp';
  if (/^....ftypavi[fs]/s.test(start)) return 'avif';
  return undefined;
}

/** @param {Uint8Array} bytes @param {string} name */
function notAPicture(bytes, name) {
  const start = text(bytes, 0, 512);
  if (bytes.length === 0) return new ImageError(`${name}: the file is empty.`);
  if (/<svg[\s/>]/i.test(start) || /\.svgz?$/i.test(name)) {
    return new ImageError(`${name}: SVG is refused, it may hold scripts and links; export a PNG.`);
  }
  return new ImageError(`${name}: not a picture that is known here.${looksLikeHint(bytes)}`);
}

/** @type {Record<ImageType, (bytes: Uint8Array, name: string) => [width: number, height: number]>} */
const SIZE_OF = {
  png(bytes, name) {
    if (text(bytes, 12, 16) !== 'IHDR')
      throw new ImageError(`${name}: its first chunk is no IHDR.`);
    return [be32(bytes, 16, name), be32(bytes, 20, name)];
  },
  jpeg: jpegSize,
  gif: (bytes, name) => [le16(bytes, 6, name), le16(bytes, 8, name)],
  webp: webpSize,
  bmp(bytes, name) {
    // The oldest header has 16-bit sizes; a negative height means rows from the top.
    if (le32(bytes, 14, name) === 12) return [le16(bytes, 18, name), le16(bytes, 20, name)];
    return [Math.abs(le32(bytes, 18, name) | 0), Math.abs(le32(bytes, 22, name) | 0)];
  },
  avif: avifSize,
};

/**
 * Walks all markers of a JPEG file: the frame's size, and that the file is whole.
 *
 * @param {Uint8Array} bytes
 * @param {string} name
 * @returns {[number, number]}
 */
function jpegSize(bytes, name) {
  /** @type {[number, number] | undefined} */
  let size;
  let scans = 0;
  for (let at = 2; ;) {
    // Any number of 0xFF may stand before a marker's code.
    if (bytes[at] !== 0xff) throw new ImageError(`${name}: no JPEG marker at byte ${at}.`);
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at++];
    if (marker === undefined) break;
    if (marker === 0xd9) {
      if (size && scans > 0) return size;
      throw new ImageError(`${name}: a JPEG file without a picture.`);
    }
    if (marker === 0xd8 || marker === 1 || (marker >= 0xd0 && marker <= 0xd7)) continue;
    const length = be16(bytes, at, name);
    if (length < 2 || at + length > bytes.length) break;
    if (isFrame(marker)) {
      if (size) throw new ImageError(`${name}: a JPEG file of two frames.`);
      size = frameSize(bytes, at, marker, name);
    }
    at += length;
    if (marker !== 0xda) continue;
    if (++scans > MAX_SCANS) {
      throw new ImageError(`${name}: more than ${MAX_SCANS} scans; save it anew.`);
    }
    at = endOfScan(bytes, at);
  }
  throw new ImageError(`${name}: the JPEG file is cut short at byte ${bytes.length}.`);
}

/** SOF0 … SOF15 without the tables that lie between them. @param {number} marker */
const isFrame = (marker) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/**
 * @param {Uint8Array} bytes
 * @param {number} at of the segment's length
 * @param {number} marker
 * @param {string} name
 * @returns {[number, number]}
 */
function frameSize(bytes, at, marker, name) {
  const [bits, components] = [bytes[at + 2], bytes[at + 7]];
  const kind =
    marker > 0xc2
      ? 'lossless, hierarchical or arithmetic coding'
      : bits !== 8
        ? `${bits} bits a sample`
        : components !== 1 && components !== 3
          ? `${components} colour channels`
          : undefined;
  if (kind) {
    throw new ImageError(`${name}: JPEG with ${kind} is not read; save it as RGB of 8 bits.`);
  }
  return [be16(bytes, at + 5, name), be16(bytes, at + 3, name)];
}

/**
 * Coded data ends at a marker that is neither a restart nor a stuffed zero.
 *
 * @param {Uint8Array} bytes
 * @param {number} from
 */
function endOfScan(bytes, from) {
  let at = bytes.indexOf(0xff, from);
  while (at >= 0) {
    const next = bytes[at + 1];
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7)) return at;
    at = bytes.indexOf(0xff, at + 2);
  }
  return bytes.length;
}

/**
 * @param {Uint8Array} bytes
 * @param {string} name
 * @returns {[number, number]}
 */
function webpSize(bytes, name) {
  const kind = text(bytes, 12, 16);
  if (le32(bytes, 4, name) + 8 > bytes.length) {
    throw new ImageError(`${name}: the WebP file is cut short at byte ${bytes.length}.`);
  }
  if (kind === 'VP8 ') return [le16(bytes, 26, name) & 0x3fff, le16(bytes, 28, name) & 0x3fff];
  if (kind === 'VP8L') {
    const packed = le32(bytes, 21, name);
    return [(packed & 0x3fff) + 1, ((packed >>> 14) & 0x3fff) + 1];
  }
  if (kind === 'VP8X') {
    const three = (/** @type {number} */ at) => le16(bytes, at, name) | (bytes[at + 2] << 16);
    return [three(24) + 1, three(27) + 1];
  }
  throw new ImageError(`${name}: a WebP file of the unknown kind ${JSON.stringify(kind)}.`);
}

/**
 * The largest size that a property box states.
 *
 * @param {Uint8Array} whole
 * @param {string} name
 * @returns {[number, number]}
 */
function avifSize(whole, name) {
  const bytes = whole.subarray(0, AVIF_HEADER_BYTES);
  /** @type {[number, number]} */
  let size = [0, 0];
  for (let at = bytes.indexOf(0x69); at >= 0; at = bytes.indexOf(0x69, at + 1)) {
    if (text(bytes, at, at + 4) !== 'ispe') continue;
    const found = [be32(bytes, at + 8, name), be32(bytes, at + 12, name)];
    if (found[0] * found[1] > size[0] * size[1]) size = [found[0], found[1]];
  }
  return size;
}

/** @param {Uint8Array} bytes @param {number} from @param {number} to */
function text(bytes, from, to) {
  return String.fromCharCode(...bytes.subarray(from, to));
}

/** @param {number} size @param {boolean} little @returns {(bytes: Uint8Array, at: number, name: string) => number} */
const reader = (size, little) => (bytes, at, name) => {
  if (at + size > bytes.length) {
    throw new ImageError(`${name}: the file is cut short at byte ${bytes.length}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return size === 2 ? view.getUint16(at, little) : view.getUint32(at, little);
};
const be16 = reader(2, false);
const be32 = reader(4, false);
const le16 = reader(2, true);
const le32 = reader(4, true);

/** Pictures, and zip archives with whatever is wrong with them, made byte by byte. */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32, deflateRawSync, deflateSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { crc32 as ownCrc32 } from '../../web/lib/data/crc32.js';

// Node has its own from 20.15 on.
const checksum = crc32 ?? ownCrc32;

/**
 * @param {string} type
 * @param {Uint8Array} body
 */
export function chunk(type, body = new Uint8Array(0)) {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, 'latin1');
  out.set(body, 8);
  out.writeUInt32BE(checksum(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}

/**
 * @param {number} width
 * @param {number} height
 * @param {{ depth?: number, colour?: number, interlace?: number }} [kind]
 */
export function ihdr(width, height, { depth = 8, colour = 2, interlace = 0 } = {}) {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  body.set([depth, colour, 0, 0, interlace], 8);
  return chunk('IHDR', body);
}

/** @param {...Uint8Array} chunks */
export function pngOf(...chunks) {
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return new Uint8Array(Buffer.concat([signature, ...chunks]));
}

/**
 * A plain RGB picture.
 *
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number, c: number) => number} value
 */
export function rgbPng(width, height, value) {
  const raw = Buffer.alloc(height * (1 + width * 3));
  let at = 0;
  for (let y = 0; y < height; y++) {
    at++;
    for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) raw[at++] = value(x, y, c);
  }
  return pngOf(ihdr(width, height), chunk('IDAT', deflateSync(raw)), chunk('IEND'));
}

/**
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number, c: number) => number} value
 * @param {number} [quality]
 */
export function rgbJpeg(width, height, value, quality = 95) {
  const data = Buffer.alloc(width * height * 4, 255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) data[(y * width + x) * 4 + c] = value(x, y, c);
    }
  }
  return new Uint8Array(jpeg.encode({ width, height, data }, quality).data);
}

/**
 * A JPEG file whose EXIF note says how the camera was held.
 *
 * @param {Uint8Array} jpegFile
 * @param {number} orientation
 * @param {boolean} [little] the order of the note's bytes
 */
export function withOrientation(jpegFile, orientation, little = false) {
  const tiff = new DataView(new ArrayBuffer(26));
  tiff.setUint16(0, little ? 0x4949 : 0x4d4d);
  tiff.setUint16(2, 42, little);
  tiff.setUint32(4, 8, little);
  // One entry: tag, type, count, value.
  tiff.setUint16(8, 1, little);
  tiff.setUint16(10, 0x0112, little);
  tiff.setUint16(12, 3, little);
  tiff.setUint32(14, 1, little);
  tiff.setUint16(18, orientation, little);
  const body = [...Buffer.from('Exif\0\0'), ...new Uint8Array(tiff.buffer)];
  const note = [0xff, 0xe1, 0, body.length + 2, ...body];
  return Uint8Array.from([...jpegFile.subarray(0, 2), ...note, ...jpegFile.subarray(2)]);
}

/**
 * @typedef {object} ZipEntry
 * @property {string} path
 * @property {Uint8Array} [body]
 * @property {number} [method] 0 stored, 8 deflated (default)
 * @property {number} [flags]
 * @property {number} [size] that the directory states
 * @property {number} [crc]
 * @property {Uint8Array} [packed]
 * @property {number} [offset] that the directory states
 */

/**
 * @param {ZipEntry[]} entries
 * @param {{ comment?: string, zip64?: boolean, count?: number, directory?: number }} [options]
 */
export function makeZip(entries, { comment = '', zip64 = false, count, directory } = {}) {
  /** @type {Buffer[]} */
  const parts = [];
  /** @type {Buffer[]} */
  const central = [];
  let at = 0;
  for (const entry of entries) {
    const { path, body = new Uint8Array(0), method = 8, flags = 0x800 } = entry;
    const packed = entry.packed ?? (method === 8 ? deflateRawSync(body) : body);
    const name = Buffer.from(path);
    const size = entry.size ?? body.length;
    const large = (/** @type {number} */ value) => (zip64 ? 0xffffffff : value);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const extra = Buffer.alloc(zip64 ? 28 : 0);
    if (zip64) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      [size, packed.length, entry.offset ?? at].forEach((value, i) =>
        extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i),
      );
    }
    const head = Buffer.alloc(46);
    head.writeUInt32LE(0x02014b50, 0);
    head.writeUInt16LE(flags, 8);
    head.writeUInt16LE(method, 10);
    head.writeUInt32LE(entry.crc ?? checksum(body), 16);
    head.writeUInt32LE(large(packed.length), 20);
    head.writeUInt32LE(large(size), 24);
    head.writeUInt16LE(name.length, 28);
    head.writeUInt16LE(extra.length, 30);
    head.writeUInt32LE(large(entry.offset ?? at), 42);
    central.push(head, name, extra);
    parts.push(local, name, Buffer.from(packed));
    at += 30 + name.length + packed.length;
  }
  const list = Buffer.concat(central);
  const number = count ?? entries.length;
  const start = directory ?? at;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip64 ? 0xffff : number, 8);
  end.writeUInt16LE(zip64 ? 0xffff : number, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : list.length, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : start, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  const wide = Buffer.alloc(zip64 ? 76 : 0);
  if (zip64) {
    wide.writeUInt32LE(0x06064b50, 0);
    [number, list.length, start].forEach((value, i) =>
      wide.writeBigUInt64LE(BigInt(value), 32 + 8 * i),
    );
    wide.writeUInt32LE(0x07064b50, 56);
    wide.writeBigUInt64LE(BigInt(at + list.length), 64);
  }
  return new Uint8Array(Buffer.concat([...parts, list, wide, end, Buffer.from(comment)]));
}

/**
 * @param {string} root
 * @param {Record<string, Uint8Array | string>} files
 */
export async function writeFiles(root, files) {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

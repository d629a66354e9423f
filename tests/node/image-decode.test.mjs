/** Pictures of every kind, and damaged ones: rows I01 to I07 of the bad-input catalogue. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { convertIndexedToRgb, decode } from 'fast-png';
import { decodeImage } from '../../web/lib/data/decode-image.js';
import { readImageHeader } from '../../web/lib/data/image-header.js';
import { decodePng } from '../../web/lib/data/png-any.js';
import { rejects } from './data-fixtures.mjs';
import { chunk, ihdr, pngOf, rgbJpeg, rgbPng, withOrientation } from './image-fixtures.mjs';
import { randomNumbers } from './nets.mjs';

const name = 'a.png';
const rgb = (/** @type {Uint8Array} */ bytes, options = {}) =>
  decodeImage(bytes, { name, channels: 3, ...options });

const KINDS = /** @type {const} */ ([
  [0, 1, [1, 2, 4, 8, 16]],
  [2, 3, [8, 16]],
  [3, 1, [1, 2, 4, 8]],
  [4, 2, [8, 16]],
  [6, 4, [8, 16]],
]);
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/**
 * Rows of samples, packed and with filter 0, of the passes of a picture.
 *
 * @param {number[][]} pixels samples of each pixel, row after row
 * @param {number} width
 * @param {number} height
 * @param {number} depth
 * @param {number[][]} passes
 */
function packed(pixels, width, height, depth, passes) {
  /** @type {number[]} */
  const bytes = [];
  for (const [left, top, across, down] of passes) {
    for (let y = top; y < height && left < width; y += down) {
      bytes.push(0);
      let bits = '';
      for (let x = left; x < width; x += across) {
        for (const sample of pixels[y * width + x]) bits += sample.toString(2).padStart(depth, '0');
      }
      while (bits.length % 8) bits += '0';
      for (let at = 0; at < bits.length; at += 8) bytes.push(parseInt(bits.slice(at, at + 8), 2));
    }
  }
  return Uint8Array.from(bytes);
}

test('every kind of PNG, plain and interlaced', async () => {
  const random = randomNumbers(1);
  for (const [colour, channels, depths] of KINDS) {
    for (const depth of depths) {
      for (const [width, height] of [
        [1, 1],
        [3, 2],
        [13, 9],
        [4, 17],
      ]) {
        const pixels = Array.from({ length: width * height }, () =>
          Array.from({ length: channels }, () => Math.floor(random() * 2 ** depth)),
        );
        const palette = Uint8Array.from(
          { length: 3 * 2 ** Math.min(depth, 8) },
          () => random() * 256,
        );
        const eight = (/** @type {number} */ value) =>
          depth === 16 ? value >> 8 : depth === 8 ? value : (value * 255) / (2 ** depth - 1);
        const expected = pixels.flatMap((samples) => {
          if (colour === 3) return [...palette.subarray(samples[0] * 3, samples[0] * 3 + 3)];
          const grey = eight(samples[0]);
          return channels < 3 ? [grey, grey, grey] : samples.slice(0, 3).map(eight);
        });
        for (const interlace of [0, 1]) {
          const passes = interlace ? ADAM7 : [[0, 0, 1, 1]];
          const file = pngOf(
            ihdr(width, height, { depth, colour, interlace }),
            // What is left out: gamma, and a colour profile of rubbish.
            chunk('gAMA', Uint8Array.of(0, 0, 0xb1, 0x8f)),
            chunk('iCCP', Buffer.from('x\0\0not deflated')),
            ...(colour === 3 ? [chunk('PLTE', palette), chunk('tRNS', Uint8Array.of(0))] : []),
            chunk('IDAT', deflateSync(packed(pixels, width, height, depth, passes))),
            chunk('IEND'),
          );
          const what = `colour ${colour}, ${depth} bits, ${width} x ${height}, interlace ${interlace}`;
          const found = await rgb(file);
          assert.deepEqual([...found.data], expected, what);
          assert.deepEqual([found.width, found.height, found.channels], [width, height, 3]);
        }
      }
    }
  }
});

test('the pixels are those of another reader, whatever the filter', async () => {
  const random = randomNumbers(2);
  for (const [colour, channels] of KINDS) {
    const [width, height] = [11, 10];
    const raw = Uint8Array.from({ length: height * (1 + width * channels) }, () => random() * 256);
    for (let y = 0; y < height; y++) raw[y * (1 + width * channels)] = y % 5;
    const palette = Uint8Array.from({ length: 768 }, () => random() * 256);
    const file = pngOf(
      ihdr(width, height, { colour }),
      ...(colour === 3 ? [chunk('PLTE', palette)] : []),
      chunk('IDAT', deflateSync(raw).subarray(0, 40)),
      chunk('IDAT', deflateSync(raw).subarray(40)),
      chunk('IEND'),
    );
    const other = decode(file);
    const data = colour === 3 ? convertIndexedToRgb(other) : other.data;
    const ours = await decodePng(file, { name });
    const step = data.length / (width * height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < ours.channels; c++) {
        assert.equal(
          ours.data[i * ours.channels + c],
          data[i * step + c],
          `colour ${colour}, pixel ${i}`,
        );
      }
    }
  }
});

test('I01, I02: damaged PNG', async () => {
  const row = Buffer.alloc(4);
  const idat = chunk('IDAT', deflateSync(row));
  const end = chunk('IEND');
  const bad = {
    'depth 3': pngOf(ihdr(1, 1, { depth: 3, colour: 0 }), idat, end),
    'RGB of 4 bits': pngOf(ihdr(1, 1, { depth: 4 }), idat, end),
    'colour 5': pngOf(ihdr(1, 1, { colour: 5 }), idat, end),
    'interlace 2': pngOf(ihdr(1, 1, { interlace: 2 }), idat, end),
    'no palette': pngOf(ihdr(1, 1, { colour: 3 }), idat, end),
    'two palettes': pngOf(
      ihdr(1, 1, { colour: 3 }),
      chunk('PLTE', row),
      chunk('PLTE', row),
      idat,
      end,
    ),
    'index beyond the palette': pngOf(
      ihdr(1, 1, { colour: 3 }),
      chunk('PLTE', Uint8Array.of(1, 2, 3)),
      chunk('IDAT', deflateSync(Uint8Array.of(0, 1))),
      end,
    ),
    'bytes after the end': pngOf(ihdr(1, 1), idat, end, Buffer.from('<script>')),
    'a bomb in the pixels': pngOf(ihdr(1, 1), chunk('IDAT', deflateSync(Buffer.alloc(50e6))), end),
    '0 x 1': pngOf(ihdr(0, 1), idat, end),
    'no chunk': pngOf(),
    'empty file': new Uint8Array(0),
  };
  for (const [what, bytes] of Object.entries(bad)) {
    await assert.doesNotReject(rejects(rgb(bytes), 'E_IMAGE', /^a\.png: /), what);
  }
  const good = rgbPng(5, 4, (x, y, c) => x * 40 + y * 9 + c);
  for (let size = 0; size < good.length; size++)
    await rejects(rgb(good.subarray(0, size)), 'E_IMAGE');
  for (let at = 0; at < good.length; at++) {
    const bytes = good.slice();
    bytes[at] ^= 1 << (at % 8);
    const error = await rgb(bytes).then(
      () => undefined,
      (reason) => reason,
    );
    // A flipped size is over the limit before its checksum is looked at.
    assert.match(String(error?.code), /^E_(IMAGE|LIMIT)$/, `bit of byte ${at}`);
  }
});

test('I02, I03: sizes are read before anything is unpacked', async () => {
  const started = performance.now();
  for (const [width, height] of [
    [65_535, 65_535],
    [1, 2 ** 31],
    [50_000, 50_000],
    [2 ** 32 - 1, 2 ** 32 - 1],
  ]) {
    await rejects(rgb(pngOf(ihdr(width, height))), 'E_LIMIT', /pixels, the limit is 50000000/);
  }
  await rejects(
    rgb(
      rgbPng(11, 10, () => 0),
      { maxPixels: 100 },
    ),
    'E_LIMIT',
    /11 x 10/,
  );
  const jpeg = rgbJpeg(16, 16, () => 9);
  const frame = Buffer.from(jpeg).indexOf(Buffer.from([0xff, 0xc0]));
  const large = Buffer.from(jpeg);
  large.writeUInt16BE(65_500, frame + 5);
  large.writeUInt16BE(65_500, frame + 7);
  await rejects(rgb(large), 'E_LIMIT', /65500 x 65500/);
  assert.ok(performance.now() - started < 1000);
});

test('I04: the bytes tell the kind, not the name', async () => {
  const jpeg = rgbJpeg(8, 8, () => 200);
  assert.equal(readImageHeader(jpeg, 'a.png').type, 'jpeg');
  assert.equal((await rgb(jpeg)).width, 8);
  const text = (/** @type {string} */ content) => new TextEncoder().encode(content);
  await rejects(
    rgb(text('<svg xmlns="http://www.w3.org/2000/svg"/>')),
    'E_IMAGE',
    /SVG is refused/,
  );
  await rejects(rgb(text('<svg/>')), 'E_IMAGE', /SVG is refused/);
  await rejects(rgb(text('<?xml version="1.0"?>\n<svg onload="alert(1)">')), 'E_IMAGE', /SVG/);
  await rejects(rgb(text('<!doctype html><p>404')), 'E_IMAGE', /an HTML page/);
  await rejects(rgb(text('GIF89a\x08\0\x09\0')), 'E_IMAGE', /Node reads PNG and JPEG, this is gif/);
  /** @type {[string, number[]][]} */
  const others = [
    ['gif', [...text('GIF89a'), 7, 0, 5, 0]],
    ['bmp', [...text('BM'), ...new Array(12).fill(0), 40, 0, 0, 0, 7, 0, 0, 0, 251, 255, 255, 255]],
    ['bmp', [...text('BM'), ...new Array(12).fill(0), 12, 0, 0, 0, 7, 0, 5, 0]],
    [
      'webp',
      [...text('RIFF'), 22, 0, 0, 0, ...text('WEBPVP8 '), ...new Array(10).fill(0), 7, 0, 5, 0],
    ],
    ['webp', [...text('RIFF'), 18, 0, 0, 0, ...text('WEBPVP8L'), 0, 0, 0, 0, 0x2f, 6, 0, 1, 0, 0]],
    [
      'webp',
      [
        ...text('RIFF'),
        22,
        0,
        0,
        0,
        ...text('WEBPVP8X'),
        ...new Array(8).fill(0),
        6,
        0,
        0,
        4,
        0,
        0,
      ],
    ],
    [
      'avif',
      [
        0,
        0,
        0,
        8,
        ...text('ftypavif'),
        0,
        0,
        0,
        20,
        ...text('ispe'),
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        7,
        0,
        0,
        0,
        5,
      ],
    ],
  ];
  for (const [type, bytes] of others) {
    const header = readImageHeader(Uint8Array.from(bytes), 'x');
    assert.deepEqual(header, { type, width: 7, height: 5 });
    for (let size = 0; size < bytes.length; size++) {
      await rejects(rgb(Uint8Array.from(bytes.slice(0, size))), 'E_IMAGE');
    }
  }
});

test('JPEG: pixels near what was put in; grey by the weights of the luma', async () => {
  const value = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ c) =>
    40 + 3 * x + 2 * y + 30 * c;
  const found = await rgb(rgbJpeg(32, 24, value, 98));
  let worst = 0;
  found.data.forEach((byte, i) => {
    const pixel = Math.floor(i / 3);
    worst = Math.max(worst, Math.abs(byte - value(pixel % 32, Math.floor(pixel / 32), i % 3)));
  });
  assert.ok(worst <= 6, `${worst} levels`);
  const grey = await decodeImage(
    rgbPng(2, 1, (x, _y, c) => [200, 100, 50][c] * (1 - x)),
    {
      name,
      channels: 1,
    },
  );
  // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
  assert.deepEqual([...grey.data], [124, 0]);
});

describe('EXIF orientation', () => {
  const picture = rgbJpeg(24, 16, (x, y, c) => x * 7 + y * 4 + c * 30);
  /** @param {Uint8Array} bytes */
  const turned = (bytes) => rgb(bytes, { applyExifOrientation: true });

  test('all eight: where the stored first row and column are to be seen', async () => {
    const stored = await rgb(picture);
    const pixel = (
      /** @type {any} */ { data, width },
      /** @type {number} */ x,
      /** @type {number} */ y,
    ) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)].join();
    const [left, top] = [0, 0];
    /** Where the corner of first row and column, and that of first row and last column, are then. */
    const corners = [
      [left, top, 23, top],
      [23, top, left, top],
      [23, 15, left, 15],
      [left, 15, 23, 15],
      [left, top, left, 23],
      [15, top, 15, 23],
      [15, 23, 15, top],
      [left, 23, left, top],
    ];
    for (const [i, [x0, y0, x1, y1]] of corners.entries()) {
      const upright = await turned(withOrientation(picture, i + 1));
      assert.deepEqual([upright.width, upright.height], i < 4 ? [24, 16] : [16, 24]);
      assert.equal(pixel(upright, x0, y0), pixel(stored, 0, 0), `orientation ${i + 1}`);
      assert.equal(pixel(upright, x1, y1), pixel(stored, 23, 0), `orientation ${i + 1}`);
      // Not asked for: as stored.
      assert.deepEqual(await rgb(withOrientation(picture, i + 1)), stored);
      const little = await turned(withOrientation(picture, i + 1, true));
      assert.deepEqual(little, upright, 'the other order of bytes');
    }
  });

  test('notes without sense leave the picture as it is', async () => {
    const stored = await rgb(picture);
    for (const value of [0, 9, 65535]) {
      assert.deepEqual(await turned(withOrientation(picture, value)), stored);
    }
    const good = withOrientation(picture, 6);
    const end = good.length - picture.length + 2;
    for (let at = 4; at < end; at++) {
      for (const byte of [0, 0xff]) {
        const bytes = good.slice();
        bytes[at] = byte;
        const error = await turned(bytes).then(
          () => undefined,
          (reason) => reason,
        );
        // The length of the note is a part of the JPEG file.
        if (error) assert.equal(error.code, 'E_IMAGE', `byte ${at}`);
      }
    }
  });
});

test('I06: JPEG files cut at every byte, of no height, of markers without an end', async () => {
  const good = rgbJpeg(16, 16, (x, y) => x * 9 + y);
  for (let size = 0; size < good.length; size++)
    await rejects(rgb(good.subarray(0, size)), 'E_IMAGE');
  const frame = Buffer.from(good).indexOf(Buffer.from([0xff, 0xc0]));
  const changed = (/** @type {number} */ at, /** @type {number[]} */ bytes) => {
    const copy = good.slice();
    copy.set(bytes, at);
    return copy;
  };
  await rejects(rgb(changed(frame + 5, [0, 0])), 'E_IMAGE', /16 x 0/);
  await rejects(rgb(changed(frame + 1, [0xc9])), 'E_IMAGE', /arithmetic/);
  await rejects(rgb(changed(frame + 4, [12])), 'E_IMAGE', /12 bits a sample/);
  await rejects(rgb(changed(frame + 9, [4])), 'E_IMAGE', /4 colour channels/);
  await rejects(rgb(changed(2, [0xff, 0xff, 0xff, 0xff])), 'E_IMAGE');
  await rejects(rgb(new Uint8Array(1e6).fill(0xff)), 'E_IMAGE');
});

test('I07: thousands of scans are refused at once', async () => {
  const good = Buffer.from(rgbJpeg(16, 16, () => 50));
  const scan = good.indexOf(Buffer.from([0xff, 0xda]));
  const head = good.subarray(scan, scan + 2 + good.readUInt16BE(scan + 2));
  const scans = Array.from({ length: 80_000 }, () => head);
  const bytes = Buffer.concat([good.subarray(0, scan), ...scans, good.subarray(scan)]);
  const started = performance.now();
  await rejects(rgb(bytes), 'E_IMAGE', /more than 100 scans/);
  assert.ok(performance.now() - started < 1000);
});

test('every flipped bit of a JPEG file ends within a second, in pixels or a typed error', async () => {
  const good = rgbJpeg(24, 16, (x, y, c) => x * 9 + y * 5 + c);
  for (let at = 0; at < good.length; at++) {
    const bytes = good.slice();
    bytes[at] ^= 1 << (at % 8);
    const started = performance.now();
    const error = await rgb(bytes).then(
      () => undefined,
      (reason) => reason,
    );
    if (error) assert.match(error.code, /^E_(IMAGE|LIMIT)$/, `byte ${at}: ${error.message}`);
    assert.ok(performance.now() - started < 1000, `byte ${at}`);
  }
});

/** The PNG reader, the checksums and the shipped sample. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { deflateSync } from 'node:zlib';
import { decode, encode } from 'fast-png';
import { CIFAR10_CLASSES } from '../../web/lib/data/cifar10.js';
import { crc32 } from '../../web/lib/data/crc32.js';
import { openPath } from '../../web/lib/data/node/open-path.js';
import { decodeRgbPng } from '../../web/lib/data/png.js';
import { loadSample } from '../../web/lib/data/sample.js';
import { Sha256, sha256Hex } from '../../web/lib/data/sha256.js';
import { encodeRgbPng } from '../../web/tools/encode-png.mjs';
import { records, rejects, sinks } from './data-fixtures.mjs';

const WIDTH = 13;
const HEIGHT = 9;
const pixels = records(1, 5).subarray(0, WIDTH * HEIGHT * 3);
const good = new Uint8Array(encodeRgbPng(pixels, WIDTH, HEIGHT));

/**
 * @param {string} type
 * @param {Uint8Array} body
 * @param {{ crc?: number }} [options]
 */
function chunk(type, body, { crc } = {}) {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, 'latin1');
  out.set(body, 8);
  out.writeUInt32BE(crc ?? crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}
/**
 * @param {number} width
 * @param {number} height
 */
function ihdr(width, height, { depth = 8, colour = 2, interlace = 0 } = {}) {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  body.set([depth, colour, 0, 0, interlace], 8);
  return chunk('IHDR', body);
}
const signature = good.subarray(0, 8);
const end = chunk('IEND', new Uint8Array(0));
const png = (/** @type {Uint8Array[]} */ ...chunks) =>
  new Uint8Array(Buffer.concat([signature, ...chunks]));
const data = (/** @type {Uint8Array} */ raw) => chunk('IDAT', deflateSync(raw));

test('sha256 and crc32 agree with other implementations', () => {
  for (let n = 0; n < 260; n++) {
    const bytes = records(1, n).subarray(0, n);
    assert.equal(sha256Hex(bytes), createHash('sha256').update(bytes).digest('hex'));
    const cut = n >> 1;
    const twice = new Sha256().update(bytes.subarray(0, cut)).update(bytes.subarray(cut)).hex();
    assert.equal(twice, sha256Hex(bytes));
  }
  assert.equal(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
});

test('pixels are those of another decoder, for every filter and for another encoder', async () => {
  const ours = await decodeRgbPng(good);
  assert.deepEqual(ours, { width: WIDTH, height: HEIGHT, data: pixels });
  assert.deepEqual(new Uint8Array(decode(good).data), pixels);
  const other = encode({ width: WIDTH, height: HEIGHT, data: pixels, channels: 3, depth: 8 });
  assert.deepEqual((await decodeRgbPng(other)).data, pixels);
  for (let filter = 0; filter <= 4; filter++) {
    const raw = Buffer.alloc(HEIGHT * (WIDTH * 3 + 1));
    for (let y = 0; y < HEIGHT; y++) {
      raw[y * (WIDTH * 3 + 1)] = filter;
      raw.set(pixels.subarray(y * WIDTH * 3, (y + 1) * WIDTH * 3), y * (WIDTH * 3 + 1) + 1);
    }
    const bytes = png(ihdr(WIDTH, HEIGHT), data(raw), end);
    assert.deepEqual((await decodeRgbPng(bytes)).data, new Uint8Array(decode(bytes).data));
  }
});

test('I01: every truncation is refused', async () => {
  for (let size = 0; size < good.length; size++) {
    await rejects(decodeRgbPng(good.subarray(0, size), { name: 'a.png' }), 'E_IMAGE', /a\.png/);
  }
});

test('I01: every flipped bit is refused', async () => {
  for (let at = 0; at < good.length; at++) {
    const bytes = good.slice();
    bytes[at] ^= 1 << (at % 8);
    await rejects(decodeRgbPng(bytes), 'E_IMAGE');
  }
});

test('I01 to I03: chunks and sizes', async () => {
  const row = Buffer.alloc(1 + 3);
  const one = [ihdr(1, 1), data(row), end];
  assert.equal((await decodeRgbPng(png(...one))).data.length, 3);
  const bad = {
    'no IHDR': png(data(row), end),
    'two IHDR': png(ihdr(1, 1), ...one),
    'late IHDR': png(data(row), ...one),
    'no IDAT': png(ihdr(1, 1), end),
    'no IEND': png(ihdr(1, 1), data(row)),
    'trailing data': png(...one, Buffer.from('<script>')),
    'unknown critical chunk': png(ihdr(1, 1), chunk('ABCD', row), data(row), end),
    palette: png(ihdr(1, 1, { colour: 3 }), data(row), end),
    alpha: png(ihdr(1, 1, { colour: 6 }), data(row), end),
    '16 bit': png(ihdr(1, 1, { depth: 16 }), data(row), end),
    interlaced: png(ihdr(1, 1, { interlace: 1 }), data(row), end),
    'filter 5': png(ihdr(1, 1), data(Buffer.from([5, 0, 0, 0])), end),
    'too few pixels': png(ihdr(1, 2), data(row), end),
    'too many pixels': png(ihdr(1, 1), data(Buffer.alloc(1e6)), end),
    'text for pixels': png(ihdr(1, 1), chunk('IDAT', row), end),
    'wrong crc': png(ihdr(1, 1), chunk('IDAT', deflateSync(row), { crc: 1 }), end),
  };
  for (const [name, bytes] of Object.entries(bad)) {
    await assert.doesNotReject(rejects(decodeRgbPng(bytes), 'E_IMAGE'), name);
  }
  for (const [w, h] of [
    [0, 0],
    [1, 0],
    [1, 2 ** 31],
    [65535, 65535],
    [50000, 50000],
    [2 ** 32 - 1, 2 ** 32 - 1],
  ]) {
    await rejects(
      decodeRgbPng(png(ihdr(w, h), data(row), end)),
      'E_LIMIT',
      new RegExp(`${w} x ${h}`),
    );
  }
  await rejects(decodeRgbPng(new TextEncoder().encode('<svg onload=x>')), 'E_IMAGE', /HTML page/);
  await rejects(decodeRgbPng(good, { signal: AbortSignal.abort() }), 'E_ABORTED');
});

const sampleFolder = new URL('../../web/public/sample/', import.meta.url);

test('the shipped sample', async () => {
  const used = sinks();
  const result = await loadSample(sampleFolder, used, { openPath });
  assert.deepEqual(result, { train: 1000, test: 500, classes: [...CIFAR10_CLASSES] });
  assert.deepEqual([...used.train.labels.subarray(0, 10)], [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]);
  assert.deepEqual([...used.test.labels.subarray(0, 10)], [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]);
  const picture = decode(await readFile(new URL('train-1000.png', sampleFolder)));
  assert.deepEqual(used.train.samples, new Uint8Array(picture.data));
  assert.deepEqual([...used.train.samples.subarray(0, 6)], [59, 62, 63, 43, 46, 45]);
});

test('samples that are not what they say', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tabgrad-test-'));
  try {
    const samples = records(2, 1).subarray(0, 2 * 3072);
    await writeFile(join(folder, 'a.png'), encodeRgbPng(samples, 1024, 2));
    const part = { file: 'a.png', sha256: sha256Hex(samples), labels: [0, 1] };
    const load = async (/** @type {any} */ change, /** @type {any} */ text = undefined) => {
      const json = { classes: ['a', 'b'], parts: { test: { ...part, ...change } } };
      await writeFile(join(folder, 'sample.json'), text ?? JSON.stringify(json));
      const used = { test: sinks().test };
      return { used, promise: loadSample(folder, used, { openPath }) };
    };
    assert.equal((await (await load({})).promise).test, 2);
    /** @type {any[][]} */
    const cases = [
      [{ file: '../a.png' }, 'E_FORMAT'],
      [{ file: 'none.png' }, 'E_MISSING'],
      [{ labels: [0] }, 'E_FORMAT'],
      [{ labels: [0, 2] }, 'E_LABEL_RANGE'],
      [{ labels: [0, 'length'] }, 'E_LABEL_RANGE'],
      [{ labels: [0, 0.5] }, 'E_LABEL_RANGE'],
      [{ labels: 'ab' }, 'E_FORMAT'],
      [{ sha256: 'x' }, 'E_CHECKSUM'],
      [{}, 'E_FORMAT', '{'],
      [{}, 'E_FORMAT', 'null'],
      [{}, 'E_FORMAT', '{"classes":[],"parts":{}}'],
    ];
    for (const [change, code, text] of cases) {
      const { used, promise } = await load(change, text);
      await rejects(promise, code, undefined, used);
    }
    const { promise } = await load({});
    await promise;
    await rejects(loadSample(join(folder, 'none'), sinks(), { openPath }), 'E_MISSING');
  } finally {
    await rm(folder, { recursive: true });
  }
});

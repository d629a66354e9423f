/** Damaged and hostile archives: rows D10 to D23 of the bad-input catalogue. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadCifar10 } from '../../web/lib/data/cifar10.js';
import { readTar } from '../../web/lib/data/tar-members.js';
import { entriesOf, rejects, sinks, smallDataSet, streamOf, tar, tarGz } from './data-fixtures.mjs';

const { contents, files } = smallDataSet();
const load = (/** @type {any} */ source, used = sinks()) => loadCifar10(source, used, { files });
const plain = await tar(entriesOf(contents));
const archive = new Uint8Array(gzipSync(plain));

const joined = (/** @type {Uint8Array[]} */ ...parts) => new Uint8Array(Buffer.concat(parts));
/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {(byte: number) => number} change
 */
const changed = (bytes, at, change) => {
  const copy = bytes.slice();
  copy[at] = change(copy[at]);
  return copy;
};

test('D10: gzip headers', async () => {
  const bad = {
    magic: changed(archive, 1, () => 0),
    method: changed(archive, 2, () => 7),
    'reserved flags': changed(archive, 3, () => 0xe0),
    crc: changed(archive, archive.length - 8, (b) => b ^ 1),
    size: changed(archive, archive.length - 1, (b) => b ^ 1),
    'second member, empty': joined(archive, gzipSync('')),
    'text after it': joined(archive, Buffer.from('trailing text')),
    'zeros after it': joined(archive, new Uint8Array(512)),
    empty: new Uint8Array(0),
    'one byte': Uint8Array.of(0x1f),
  };
  for (const [name, bytes] of Object.entries(bad)) {
    const used = sinks();
    await assert.doesNotReject(rejects(load(bytes, used), 'E_GZIP', undefined, used), name);
  }
  // Node's decompressor goes on with a second member, whose tar then follows the end of the first;
  // browsers' stop at it.
  const double = await load(joined(archive, archive)).catch((error) => error);
  assert.match(double.code, /^E_(GZIP|TAR)$/);
  const page = new TextEncoder().encode('\n<!DOCTYPE html><title>404</title>');
  await rejects(load(page), 'E_GZIP', /looks like an HTML page/);
  const zip = new TextEncoder().encode('PK\x03\x04 and so on');
  await rejects(load(zip), 'E_GZIP', /zip archive/);
});

test('D10: header with every optional field', async () => {
  const extra = new Uint8Array(65535);
  const head = [0x1f, 0x8b, 8, 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 0xff, 0xff];
  const names = new TextEncoder().encode('name\0comment\0');
  const bytes = joined(Uint8Array.from(head), extra, names, archive.subarray(10));
  const used = sinks();
  await load(bytes, used);
  assert.equal(used.train.written, 12);
});

test('D10: truncated at many offsets', async () => {
  const offsets = new Set();
  for (let i = 0; i < 40; i++)
    offsets
      .add(i)
      .add(Math.floor((i * archive.length) / 40))
      .add(archive.length - 1 - i);
  for (const offset of offsets) {
    const used = sinks();
    await rejects(load(archive.subarray(0, offset), used), 'E_GZIP', undefined, used);
  }
});

test('D11: a bomb stops at the cap with flat memory', async () => {
  const zeros = new Uint8Array(64 * 1024 * 1024);
  const bomb = new Uint8Array(gzipSync(joined(plain, zeros, zeros, zeros)));
  assert.ok(bomb.length < 250_000);
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().arrayBuffers)), 5);
  const used = sinks();
  try {
    await rejects(
      readTar(new Blob([bomb]).stream(), {
        maxBytes: 100e6,
        onMember: () => undefined,
      }),
      'E_LIMIT',
      /more than 100000000 bytes/,
    );
    await rejects(load(bomb, used), 'E_LIMIT', /unpacks to more than/, used);
  } finally {
    clearInterval(watch);
  }
  assert.ok(peak - before < 128e6, `${(peak - before) / 1e6} MB`);
  await rejects(load(new Uint8Array(gzipSync(archive))), 'E_TAR');
});

test('D12: bad deflate streams', async () => {
  const header = archive.subarray(0, 10);
  const streams = {
    'block type 3': [0x07],
    'stored length does not match': [0x01, 0x05, 0x00, 0x00, 0x00],
    'distance too far': [0x4b, 0x04, 0x20, 0x00],
    'over-subscribed code': [0x05, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  };
  for (const [name, bytes] of Object.entries(streams)) {
    const source = joined(header, Uint8Array.from(bytes), new Uint8Array(1024));
    await assert.doesNotReject(rejects(load(source), 'E_GZIP'), name);
  }
});

test('a plain tar is read too: browsers unpack what is declared as encoded', async () => {
  const used = sinks();
  await load(plain, used);
  assert.equal(used.train.written, 12);
});

test('D20: names are only compared, by exact base name', async () => {
  const junk = new Uint8Array(10);
  const strange = [
    '../../x',
    '/etc/passwd',
    'C:\\x',
    'a/../../b',
    'n'.repeat(100),
    `long/${'n'.repeat(10_000)}`,
    'data_batch_1.bin.exe',
    'DATA_BATCH_1.BIN',
    ' data_batch_1.bin',
    '<img src=x onerror=alert(1)>',
    '__proto__',
  ].map((name) => ({ name, body: junk }));
  const used = sinks();
  await load(await tarGz([...strange, ...entriesOf(contents)]), used);
  assert.equal(used.train.written, 12);
  // A member anywhere in the archive counts by its base name, and only once.
  const twice = [
    ...entriesOf(contents),
    { name: 'other/test_batch.bin', body: contents.get('test_batch.bin') },
  ];
  const again = sinks();
  await rejects(load(await tarGz(twice), again), 'E_DUPLICATE', /test_batch\.bin twice/, again);
});

test('D21: links, folders and devices are skipped; changed sizes are refused', async () => {
  const linkname = '/etc/passwd';
  for (const type of ['symlink', 'link', 'directory', 'character-device', 'block-device', 'fifo']) {
    const other = { name: 'data_batch_1.bin', type, linkname, size: 0 };
    const used = sinks();
    await load(await tarGz([other, ...entriesOf(contents)]), used);
    assert.equal(used.train.written, 12, type);
    const alone = sinks();
    const without = entriesOf(contents).slice(1);
    await rejects(load(await tarGz([other, ...without]), alone), 'E_MISSING', /batch_1/, alone);
  }
  const [first, ...rest] = entriesOf(contents);
  const sized = [{ ...first, pax: { size: String(first.body.length) } }, ...rest];
  await rejects(load(await tarGz(sized)), 'E_TAR', /extended header/);
  const sparse = [{ ...first, pax: { 'GNU.sparse.major': '1' } }, ...rest];
  await rejects(load(await tarGz(sparse)), 'E_TAR', /extended header/);
  const described = [{ ...first, pax: { comment: 'fine' } }, ...rest];
  await load(await tarGz(described));
});

/**
 * Rewrites a field of the first header and makes its checksum right again.
 * @param {number} at
 * @param {string} text
 */
function withField(at, text, { checksum = true } = {}) {
  const bytes = Buffer.from(plain);
  bytes.write(text, at, 'latin1');
  if (checksum) {
    bytes.fill(0x20, 148, 156);
    const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return new Uint8Array(gzipSync(bytes));
}

test('D22: sizes, checksums and ends', async () => {
  const bad = {
    'octal overflow': withField(124, '77777777777\0'),
    'base 256, 2^63': withField(124, '\x80\0\0\0\x80\0\0\0\0\0\0\0'),
    'base 256, negative': withField(124, '\xff'.repeat(12)),
    'not octal': withField(124, '0000009999x\0'),
    'minus sign': withField(124, '-0000000001\0'),
    'header checksum': withField(0, 'X', { checksum: false }),
    'no end blocks': new Uint8Array(gzipSync(plain.subarray(0, plain.length - 1024))),
    'one end block': new Uint8Array(gzipSync(plain.subarray(0, plain.length - 512))),
    'cut in a member': new Uint8Array(gzipSync(plain.subarray(0, 5000))),
    'cut in a header': new Uint8Array(gzipSync(plain.subarray(0, 300))),
    'text after the end': new Uint8Array(gzipSync(joined(plain, Buffer.from('text')))),
  };
  for (const [name, bytes] of Object.entries(bad)) {
    const used = sinks();
    const error = await load(bytes, used).then(
      () => assert.fail(name),
      (reason) => reason,
    );
    // A size that is a number but a wrong one is found by the size of the records.
    const wanted = name === 'octal overflow' ? 'E_FORMAT' : 'E_TAR';
    assert.equal(error.code, wanted, `${name}: ${error.message}`);
    assert.equal(used.train.discarded, 1, name);
  }
});

test('D23: a million empty members stop at the limit', async () => {
  const [header] = [await tar([{ name: 'x' }])].map((bytes) => bytes.subarray(0, 512));
  const one = Buffer.alloc(512 * 10_000);
  for (let i = 0; i < 10_000; i++) one.set(header, i * 512);
  const bytes = new Uint8Array(gzipSync(Buffer.concat(Array(100).fill(one)), { level: 1 }));
  const start = performance.now();
  await rejects(load(bytes), 'E_LIMIT', /more than 1000 members/);
  assert.ok(performance.now() - start < 2000);
});

test('every flipped bit of the container is found or harmless', async () => {
  for (let at = 0; at < archive.length; at += 257) {
    const used = sinks();
    const bytes = changed(archive, at, (byte) => byte ^ (1 << (at % 8)));
    const error = await load(bytes, used).then(
      () => undefined,
      (reason) => reason,
    );
    if (error) assert.match(error.code, /^E_(GZIP|TAR|FORMAT|MISSING|LIMIT|LABEL_RANGE|CHECKSUM)$/);
    else assert.equal(used.test.written, 6);
  }
});

test('streams that fail keep their own error', async () => {
  const broken = new Error('network cable');
  let sent = false;
  const stream = new ReadableStream({
    pull(controller) {
      if (sent) controller.error(broken);
      else controller.enqueue(archive.subarray(0, 10_000));
      sent = true;
    },
  });
  const used = sinks();
  await assert.rejects(load(stream, used), broken);
  assert.equal(used.train.discarded, 1);
  await rejects(load(new ReadableStream({ start: (c) => c.enqueue('text') })), 'E_TYPE');
});

test('a stream is cancelled when its content is refused', async () => {
  let cancelled = 0;
  const inner = streamOf(
    joined(withField(0, 'X', { checksum: false }), new Uint8Array(1 << 20)),
    512,
  );
  const reader = inner.getReader();
  const stream = new ReadableStream({
    async pull(controller) {
      const { value } = await reader.read();
      if (value) controller.enqueue(value);
    },
    cancel() {
      cancelled++;
    },
  });
  await rejects(load(stream), 'E_TAR');
  assert.equal(cancelled, 1);
});

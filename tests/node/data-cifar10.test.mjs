import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import * as cifar10 from '../../web/lib/data/cifar10.js';
import { openPath } from '../../web/lib/data/node/open-path.js';
import {
  RECORD,
  entriesOf,
  expected,
  records,
  rejects,
  sinks,
  smallDataSet,
  streamOf,
  tarGz,
} from './data-fixtures.mjs';

const { CIFAR10_CLASSES, CIFAR10_FILES } = cifar10;
/**
 * The tests also pass what its types forbid.
 * @type {any}
 */
const loadCifar10 = cifar10.loadCifar10;

const { contents, files } = smallDataSet();
const [one, two, three] = contents.values();
const train = expected(one, two);
const held = expected(three);
const file = (/** @type {string} */ name, /** @type {any} */ bytes) => new File([bytes], name);
const fileList = () => Array.from(contents, ([name, bytes]) => file(name, bytes));

/**
 * Not `AbortSignal.timeout`: its timer does not keep Node alive.
 * @param {number} milliseconds
 */
function abortedAfter(milliseconds) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), milliseconds);
  return controller.signal;
}

/** @param {ReturnType<typeof sinks>} used */
function assertLoaded(used) {
  assert.deepEqual(used.train.samples, train.samples);
  assert.deepEqual(used.train.labels, train.labels);
  assert.deepEqual(used.test.samples, held.samples);
  assert.deepEqual(used.test.labels, held.labels);
  assert.equal(used.train.discarded + used.test.discarded, 0);
}

test('the table describes CIFAR-10', () => {
  assert.equal(CIFAR10_CLASSES.length, 10);
  assert.equal(CIFAR10_FILES.length, 6);
  for (const { bytes, count, sha256 } of CIFAR10_FILES) {
    assert.equal(bytes, count * RECORD);
    assert.match(sha256, /^[0-9a-f]{64}$/);
  }
});

test('every form of source gives the same samples', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tabgrad-test-'));
  try {
    const archive = await tarGz(entriesOf(contents));
    for (const [name, bytes] of contents) await writeFile(join(folder, name), bytes);
    const path = join(folder, 'small.tar.gz');
    await writeFile(path, archive);
    const sources = {
      'archive as bytes': archive,
      'archive as ArrayBuffer': archive.buffer.slice(0),
      'archive as Blob': new Blob([archive]),
      'archive as File': file('cifar.tar.gz', archive),
      'archive as list of one File': [file('cifar.tar.gz', archive)],
      'archive as stream': streamOf(archive, 1000),
      'archive as path': path,
      'archive as file: URL': pathToFileURL(path),
      'archive as file: text': pathToFileURL(path).href,
      'list of Files': fileList(),
      'list of Files, other order, one more': [...fileList().reverse(), file('readme.html', 'x')],
      'Map of bytes': contents,
      'Map of streams': new Map(Array.from(contents, ([n, b]) => [n, streamOf(b, 100)])),
      'plain object': Object.fromEntries(contents),
      'folder path': folder,
      'folder path with slash': `${folder}/`,
      'folder URL': pathToFileURL(folder),
    };
    for (const [name, source] of Object.entries(sources)) {
      const used = sinks();
      const result = await loadCifar10(source, used, { files, openPath });
      assertLoaded(used);
      assert.equal(result.train, 12, name);
      assert.equal(result.test, 6, name);
      assert.ok(result.bytes > 0, name);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('pieces of any size give the same samples', async () => {
  for (const piece of [1, 7, 1024, RECORD - 1, RECORD, RECORD + 1, 5000, 1 << 20]) {
    const used = sinks();
    const source = new Map(Array.from(contents, ([n, b]) => [n, streamOf(b, piece)]));
    await loadCifar10(source, used, { files });
    assertLoaded(used);
  }
});

test('more records than one batch', async () => {
  const bytes = records(300, 9);
  const table = [{ name: 'a.bin', bytes: bytes.length, count: 300, sha256: '', part: 'train' }];
  const used = { train: sinks().train };
  await loadCifar10({ 'a.bin': streamOf(bytes, 65536) }, used, { files: table, verify: false });
  assert.deepEqual(used.train.samples, expected(bytes).samples);
});

test('one part alone needs only its own files', async () => {
  const used = { test: sinks().test };
  const source = file('test_batch.bin', three);
  const result = await loadCifar10(source, used, { files });
  assert.deepEqual(used.test.labels, held.labels);
  assert.equal(result.train, 0);
  await rejects(
    loadCifar10(source, sinks(), { files }),
    'E_MISSING',
    /lacks 2 of 3.*batch_1.*batch_2/,
  );
});

test('progress rises to the total', async () => {
  /** @type {any[]} */
  const seen = [];
  await loadCifar10(contents, sinks(), {
    files,
    onProgress: (/** @type {any} */ p) => seen.push(p),
  });
  const total = 18 * RECORD;
  assert.deepEqual(seen.at(-1), { phase: 'load', loaded: total, total });
  for (let i = 1; i < seen.length; i++) assert.ok(seen[i].loaded >= seen[i - 1].loaded);
});

test('D01: files of the wrong size', async () => {
  for (const size of [0, 1, 3072, 3074, RECORD * 6 - 1, RECORD * 6 + 1, RECORD * 7]) {
    const bytes = records(10, 3).subarray(0, size);
    for (const source of [bytes, streamOf(bytes, 999)]) {
      const used = sinks();
      const all = new Map(contents).set('test_batch.bin', source);
      await rejects(
        loadCifar10(all, used, { files, verify: false }),
        'E_FORMAT',
        /test_batch\.bin: \d+.*bytes, expected 18438.*3073/,
        used,
      );
    }
  }
});

test('D02: a label above 9 names its record', async () => {
  for (const label of [10, 11, 128, 255]) {
    for (const record of [0, 3, 5]) {
      const bytes = three.slice();
      bytes[record * RECORD] = label;
      const used = sinks();
      const all = new Map(contents).set('test_batch.bin', bytes);
      const pattern = new RegExp(`test_batch.bin: record ${record} has label ${label}, expected 0`);
      await rejects(loadCifar10(all, used, { files }), 'E_LABEL_RANGE', pattern, used);
    }
  }
});

test('D03: CIFAR-100 and the Python version are recognised', async () => {
  const all = new Map(contents).set('test_batch.bin', new Uint8Array(3074 * 6));
  await rejects(loadCifar10(all, sinks(), { files }), 'E_FORMAT', /looks like CIFAR-100/);
  const hundred = await tarGz([
    { name: 'cifar-100-binary/fine_label_names.txt' },
    { name: 'cifar-100-binary/train.bin', body: new Uint8Array(3074) },
  ]);
  await rejects(loadCifar10(hundred, sinks(), { files }), 'E_FORMAT', /CIFAR-100/);
  const python = await tarGz([{ name: 'cifar-10-batches-py/data_batch_1' }]);
  await rejects(loadCifar10(python, sinks(), { files }), 'E_FORMAT', /Python version/);
});

test('a changed byte is found and both hashes are named', async () => {
  const bytes = two.slice();
  bytes[1234] ^= 1;
  const all = new Map(contents).set('data_batch_2.bin', bytes);
  const used = sinks();
  const pattern = new RegExp(`data_batch_2.bin: SHA-256 [0-9a-f]{64}, expected ${files[1].sha256}`);
  await rejects(loadCifar10(all, used, { files }), 'E_CHECKSUM', pattern, used);
  await loadCifar10(all, sinks(), { files, verify: false });
});

test('missing and duplicate files', async () => {
  const some = new Map(contents);
  some.delete('data_batch_2.bin');
  const used = sinks();
  await rejects(loadCifar10(some, used, { files }), 'E_MISSING', /data_batch_2/, used);
  const archive = await tarGz(entriesOf(some));
  await rejects(loadCifar10(archive, used, { files }), 'E_MISSING', /data_batch_2/, used);
  const twice = [...fileList(), file('test_batch.bin', three)];
  await rejects(loadCifar10(twice, sinks(), { files }), 'E_DUPLICATE', /test_batch/);
  await rejects(loadCifar10([], sinks(), { files }), 'E_MISSING', /lacks 3 of 3/);
  await rejects(
    loadCifar10(join(tmpdir(), 'no such folder'), sinks(), { files, openPath }),
    'E_MISSING',
    /no file.*data_batch_1/,
  );
});

test('arguments of the wrong type', async () => {
  for (const source of [null, undefined, 3, true]) {
    await rejects(loadCifar10(source, sinks(), { files }), 'E_TYPE');
  }
  await rejects(loadCifar10([one], sinks(), { files }), 'E_TYPE', /File objects/);
  await rejects(
    loadCifar10({ ...Object.fromEntries(contents), 'test_batch.bin': 5 }, sinks(), { files }),
    'E_TYPE',
  );
  await rejects(loadCifar10(contents, {}, { files }), 'E_TYPE', /sink/);
  await rejects(loadCifar10('/some/folder', sinks(), { files }), 'E_UNSUPPORTED', /Node/);
  const text = new ReadableStream({
    start(controller) {
      controller.enqueue('text');
      controller.close();
    },
  });
  const all = new Map(contents).set('data_batch_1.bin', text);
  await rejects(loadCifar10(all, sinks(), { files }), 'E_TYPE', /stream of Uint8Array/);
});

test('errors of the sink and of the callback come through, after discard', async () => {
  const full = new Error('no memory');
  const used = sinks();
  used.test.reserve = async () => {
    throw full;
  };
  await assert.rejects(loadCifar10(contents, used, { files }), full);
  assert.equal(used.train.discarded, 1);
  assert.equal(used.test.discarded, 1);
  const other = sinks();
  other.train.writeChunk = () => {
    throw full;
  };
  await assert.rejects(loadCifar10(await tarGz(entriesOf(contents)), other, { files }), full);
  assert.equal(other.train.discarded, 1);
  const onProgress = () => {
    throw full;
  };
  const last = sinks();
  await assert.rejects(loadCifar10(contents, last, { files, onProgress }), full);
  assert.equal(last.train.discarded, 1);
});

test('a file that vanishes while being read gives E_IO', async () => {
  const gone = new ReadableStream({
    pull(controller) {
      controller.error(new DOMException('gone', 'NotReadableError'));
    },
  });
  const used = sinks();
  const all = new Map(contents).set('data_batch_2.bin', gone);
  await rejects(loadCifar10(all, used, { files }), 'E_IO', /changed or was removed/, used);
});

test('abort: before, while a read hangs, and in the middle of work', async () => {
  const before = sinks();
  const signal = AbortSignal.abort(new Error('why'));
  const error = await rejects(loadCifar10(contents, before, { files, signal }), 'E_ABORTED');
  assert.equal(error.name, 'AbortError');
  assert.equal(error.cause.message, 'why');

  const never = () => new ReadableStream({ pull: () => new Promise(() => {}) });
  for (const source of [never(), new Map(contents).set('data_batch_1.bin', never())]) {
    const used = sinks();
    const start = performance.now();
    const signal = abortedAfter(50);
    await rejects(loadCifar10(source, used, { files, signal }), 'E_ABORTED', /aborted/, used);
    assert.ok(performance.now() - start < 250);
  }

  // Far more work than 50 ms, all of it in memory: the loader has to look up from time to time.
  const large = new Uint8Array(30000 * RECORD);
  const table = [{ name: 'a', bytes: large.length, count: 30000, sha256: '', part: 'train' }];
  const used = { train: sinks().train };
  const start = performance.now();
  const source = new Map([['a', large]]);
  await rejects(
    loadCifar10(source, used, { files: table, signal: abortedAfter(50) }),
    'E_ABORTED',
    undefined,
    used,
  );
  assert.ok(performance.now() - start < 250);
});

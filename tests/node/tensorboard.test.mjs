/** Logs for TensorBoard, read back by a reader of our own: frames, both checksums, events, tags, values. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createEngine, optimizers } from 'tabgrad';
import { EventFile, tensorBoard } from 'tabgrad/callbacks';
import { decodeMessage } from '../../web/lib/onnx/wire.js';
import { FROM_LOGITS, corners, denseLayers } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {string} */
let folder;
before(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  folder = await mkdtemp(join(tmpdir(), 'tabgrad-tensorboard-'));
});
after(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

/** @typedef {import('../../web/lib/onnx/wire.js').Schema} Schema */

// The reader is that of ONNX files, which knows doubles as lists.
/** @type {Schema} */
const HISTOGRAM = {
  name: 'HistogramProto',
  fields: {
    1: ['min', 'doubles'],
    2: ['max', 'doubles'],
    3: ['num', 'doubles'],
    4: ['sum', 'doubles'],
    5: ['sumSquares', 'doubles'],
    6: ['bucketLimit', 'doubles'],
    7: ['bucket', 'doubles'],
  },
};
/** @type {Schema} */
const VALUE = {
  name: 'Value',
  fields: { 1: ['tag', 'string'], 2: ['simpleValue', 'float'], 5: ['histo', HISTOGRAM] },
};
/** @type {Schema} */
const SUMMARY = { name: 'Summary', fields: { 1: ['values', 'messages', VALUE] } };
/** @type {Schema} */
const EVENT = {
  name: 'Event',
  fields: {
    1: ['wallTime', 'doubles'],
    2: ['step', 'int'],
    3: ['fileVersion', 'string'],
    5: ['summary', SUMMARY],
  },
};
/** Castagnoli's, bit by bit. @param {Uint8Array} bytes */
function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** @param {Uint8Array} bytes */
function masked(bytes) {
  const crc = BigInt(crc32c(bytes));
  return Number(BigInt.asUintN(32, BigInt.asUintN(32, (crc >> 15n) | (crc << 17n)) + 0xa282ead8n));
}

/**
 * @param {Uint8Array} bytes
 * @returns {any[]} events; the first says the version
 */
function readEvents(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    assert.equal(
      view.getUint32(at + 8, true),
      masked(bytes.subarray(at, at + 8)),
      `length at ${at}`,
    );
    const content = bytes.subarray(at + 12, at + 12 + length);
    assert.equal(view.getUint32(at + 12 + length, true), masked(content), `content at ${at}`);
    events.push(decodeMessage(content, EVENT));
    at += 16 + length;
  }
  assert.equal(events[0].fileVersion, 'brain.Event:2');
  const [now] = events.at(-1)?.wallTime ?? [];
  assert.ok(Math.abs(now - Date.now() / 1000) < 60, String(now));
  return events;
}

/** @param {any[]} events @returns {[tag: string, step: number, value: number][]} the scalars, in their order */
const scalars = (events) =>
  events.flatMap(({ step = 0, summary }) =>
    (summary?.values ?? []).flatMap((/** @type {any} */ { tag, simpleValue }) =>
      simpleValue === undefined ? [] : [[tag, step, simpleValue]],
    ),
  );

const { x, y } = corners(48);

async function net() {
  const model = await engine.sequential(denseLayers(), { seed: 3 });
  await model.compile({ ...FROM_LOGITS, optimizer: optimizers.sgd({ learningRate: 0.25 }) });
  return model;
}

test('the checksum is Castagnoli’s', () => {
  // RFC 3720, B.4, and the check value of the catalogue of CRCs.
  assert.equal(crc32c(new TextEncoder().encode('123456789')), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
});

test('a training writes epochs, batches, validation and weights, with the tags of Keras', async () => {
  const model = await net();
  const logDir = join(folder, 'run');
  const board = tensorBoard({ logDir, updateFreq: 2, histogramFreq: 2, writeStepsPerSecond: true });
  const { history } = await model.fit(x, y, {
    epochs: 3,
    batchSize: 12,
    validationSplit: 0.25,
    callbacks: [board],
  });
  assert.deepEqual((await readdir(logDir)).sort(), ['train', 'validation']);
  /** @param {string} part */
  const read = async (part) => {
    const names = await readdir(join(logDir, part));
    assert.equal(names.length, 1);
    assert.match(names[0] ?? '', /^events\.out\.tfevents\.\d{10}\./);
    return readEvents(new Uint8Array(await readFile(join(logDir, part, names[0] ?? ''))));
  };
  const train = await read('train');
  const found = scalars(train);
  const of = (/** @type {string} */ tag) =>
    found.filter(([name]) => name === tag).map(([, step, value]) => [step, value]);
  const wanted = (/** @type {readonly number[] | undefined} */ values) =>
    (values ?? []).map((value, epoch) => [epoch, Math.fround(value)]);
  assert.deepEqual(of('epoch_loss'), wanted(history.loss));
  assert.deepEqual(of('epoch_accuracy'), wanted(history.accuracy));
  assert.deepEqual(of('epoch_learning_rate'), [
    [0, 0.25],
    [1, 0.25],
    [2, 0.25],
  ]);
  assert.equal(of('epoch_steps_per_second').length, 3);
  // Three steps an epoch: every second of nine.
  assert.deepEqual(
    of('batch_loss').map(([step]) => step),
    [2, 4, 6, 8],
  );
  assert.deepEqual(of('batch_loss')[2]?.[1], Math.fround(history.loss[1] ?? NaN));

  const held = scalars(await read('validation'));
  assert.deepEqual(
    held.filter(([tag]) => tag === 'epoch_loss').map(([, ...rest]) => rest),
    wanted(history.valLoss),
  );
  assert.deepEqual(
    held.filter(([tag]) => tag === 'evaluation_accuracy_vs_iterations').map(([, ...rest]) => rest),
    (history.valAccuracy ?? []).map((value, epoch) => [3 * (epoch + 1), Math.fround(value)]),
  );

  const histograms = train.flatMap(({ step = 0, summary }) =>
    (summary?.values ?? [])
      .filter((/** @type {any} */ { histo }) => histo)
      .map((/** @type {any} */ { tag, histo }) => ({ tag, step, histo })),
  );
  const weights = await model.getWeights();
  assert.deepEqual(
    histograms.map(({ tag, step }) => [tag, step]),
    [0, 2].flatMap((step) => weights.map(({ name }) => [`${name}/histogram`, step])),
  );
  weights.forEach(({ data }, index) => {
    const { histo } = histograms[weights.length + index];
    const { min, max, num, sum, sumSquares, bucketLimit, bucket } = histo;
    const total = data.reduce((all, value) => all + value, 0);
    assert.deepEqual([min[0], max[0], num[0]], [Math.min(...data), Math.max(...data), data.length]);
    assert.ok(Math.abs(sum[0] - total) < 1e-5);
    assert.ok(Math.abs(sumSquares[0] - data.reduce((all, value) => all + value * value, 0)) < 1e-5);
    assert.deepEqual([bucketLimit.length, bucket.length, bucketLimit[29]], [30, 30, max[0]]);
    bucket.forEach((/** @type {number} */ count, /** @type {number} */ i) => {
      const low = i === 0 ? -Infinity : bucketLimit[i - 1];
      const high = i === 29 ? Infinity : bucketLimit[i];
      assert.equal(
        count,
        data.filter((value) => value >= low && value < high).length,
        `bucket ${i}`,
      );
    });
  });
  await model.dispose();
});

test('files grow as training goes on, and a second training adds to them', async () => {
  const model = await net();
  const logDir = join(folder, 'growing');
  /** @type {number[]} */
  const sizes = [];
  const onEpochEnd = async () => {
    const [name = ''] = await readdir(join(logDir, 'train'));
    sizes.push((await stat(join(logDir, 'train', name))).size);
  };
  const board = tensorBoard({ logDir });
  await model.fit(x, y, { epochs: 2, callbacks: [board], onEpochEnd });
  await model.fit(x, y, { epochs: 4, initialEpoch: 2, callbacks: [board], onEpochEnd });
  const steps = sizes.map((size, i) => size - (sizes[i - 1] ?? 0));
  assert.ok(steps.every((step) => step > 0) && sizes.length === 4, String(sizes));
  const [name = '', ...more] = await readdir(join(logDir, 'train'));
  assert.deepEqual(more, []);
  const events = readEvents(new Uint8Array(await readFile(join(logDir, 'train', name))));
  assert.deepEqual(
    scalars(events)
      .filter(([tag]) => tag === 'epoch_loss')
      .map(([, step]) => step),
    [0, 1, 2, 3],
  );
  assert.equal(events.filter(({ fileVersion }) => fileVersion).length, 1);
  await model.dispose();
});

test('without a folder the bytes are kept, in a page too', async () => {
  const model = await net();
  const board = tensorBoard({ updateFreq: 'batch' });
  await model.fit(x, y, { epochs: 2, batchSize: 24, callbacks: [board] });
  const files = board.files();
  assert.deepEqual(
    files.map(({ name }) => name.replace(/\d+/g, '0')),
    ['train/events.out.tfevents.0.tabgrad.0.0'],
  );
  const tags = scalars(readEvents(files[0]?.bytes ?? new Uint8Array(0))).map(
    ([tag, step]) => `${tag} ${step}`,
  );
  assert.deepEqual(
    tags.filter((tag) => tag.startsWith('batch_loss')),
    [1, 2, 3, 4].map((step) => `batch_loss ${step}`),
  );
  assert.deepEqual(board.files()[0]?.bytes, files[0]?.bytes);

  // The browser's build, which needs nothing of a page.
  const { href } = new URL('../../dist/callbacks.js', import.meta.url);
  /** @type {typeof import('tabgrad/callbacks')} */
  const page = await import(href);
  const log = new page.EventFile();
  await log.scalars(7, { 'gan/critic': 0.5, bad: NaN });
  await log.histograms(8, { same: [2, 2, 2] });
  const events = readEvents(log.bytes());
  assert.deepEqual(scalars(events), [
    ['gan/critic', 7, 0.5],
    ['bad', 7, NaN],
  ]);
  const { histo } = events[2].summary.values[0];
  assert.deepEqual([histo.bucketLimit, histo.bucket, histo.num], [[2], [3], [3]]);
  await assert.rejects(new page.EventFile({ folder: 'logs' }).scalars(0, { a: 1 }), {
    code: 'E_IO',
    message: /A page cannot write the file logs\/events/,
  });
  await model.dispose();
});

test('steps beyond 32 bits, order without waiting, and what is refused', async () => {
  const log = new EventFile({ folder: join(folder, 'own') });
  const large = 2 ** 40 + 5;
  await Promise.all([0, 1, 2, large].map((step) => log.scalars(step, { value: step })));
  await log.scalars(3, {});
  const bytes = new Uint8Array(await readFile(join(folder, 'own', log.name)));
  assert.deepEqual(
    scalars(readEvents(bytes)).map(([, step]) => step),
    [0, 1, 2, large],
  );
  assert.equal(log.bytes().length, 0);
  assert.notEqual(new EventFile().name, new EventFile().name);

  const any = /** @type {any} */ (null);
  /** @type {[string, RegExp, () => unknown][]} */
  const wrong = [
    ['E_CONFIG', /folder must be a path/, () => new EventFile({ folder: '' })],
    ['E_CONFIG', /step must be a whole number/, () => log.scalars(1.5, { a: 1 })],
    [
      'E_TYPE',
      /a must be a number, found '1'/,
      () => log.scalars(1, { a: /** @type {any} */ ('1') }),
    ],
    ['E_TYPE', /a must be an array, found null/, () => log.histograms(1, { a: any })],
    ['E_EMPTY', /a is empty/, () => log.histograms(1, { a: [] })],
    ['E_NON_FINITE', /found NaN at 1/, () => log.histograms(1, { a: [1, NaN] })],
    [
      'E_CONFIG',
      /updateFreq must be 'epoch', 'batch' or a number/,
      () => tensorBoard({ updateFreq: /** @type {any} */ ('step') }),
    ],
    ['E_CONFIG', /logDir must be a path/, () => tensorBoard({ logDir: /** @type {any} */ (3) })],
    [
      'E_CONFIG',
      /no option 'logdir'. Did you mean 'logDir'/,
      () => tensorBoard(/** @type {any} */ ({ logdir: 'x' })),
    ],
  ];
  for (const [code, text, call] of wrong) {
    await assert.rejects(
      async () => call(),
      (/** @type {any} */ error) => {
        assert.equal(error.code, code, error.message);
        assert.match(error.message, text);
        return true;
      },
    );
  }
  const model = await net();
  const file = join(folder, 'own', log.name);
  await assert.rejects(model.fit(x, y, { callbacks: [tensorBoard({ logDir: file })] }), {
    code: 'E_IO',
  });
  assert.ok((await model.predict(x)).length > 0);
  await model.dispose();
});

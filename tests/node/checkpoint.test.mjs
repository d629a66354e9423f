/** Saving and loading: what a file keeps, and how files that do not fit are refused. */

import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createEngine, layers } from 'tabgrad';
import { decode, encode } from '../../web/lib/io/safetensors.js';
import { FROM_LOGITS, convLayers, corners, denseLayers, pictures, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {any} */
let model;
/** @type {Uint8Array} */
let file;
/** @type {string} */
let folder;
const { x, y } = corners(30);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabgrad-'));
  engine = await createEngine({ threads: 2, deterministic: true });
  model = await engine.sequential(denseLayers(), { seed: 3, name: 'corners' });
  await model.compile(FROM_LOGITS);
  await model.fit(x, y, { epochs: 2 });
  file = await model.save();
});
after(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

test('a loaded model is what was saved, compiled and named', async () => {
  for (const source of [file, file.slice().buffer, new Blob([/** @type {any} */ (file)])]) {
    const loaded = await engine.load(source);
    assert.equal(loaded.name, 'corners');
    assert.equal(loaded.seed, 3);
    assert.deepEqual(loaded.summary(), model.summary());
    assert.deepEqual(await loaded.evaluate(x, y), await model.evaluate(x, y));
    assert.deepEqual(await loaded.predict(x), await model.predict(x));
    assert.deepEqual(await loaded.save(), file);
    await loaded.dispose();
  }
});

test('by path and URL, written whole or not at all', async () => {
  const path = join(folder, 'model.safetensors');
  assert.deepEqual(await model.save(path), file);
  assert.deepEqual(await readdir(folder), ['model.safetensors']);
  assert.equal(await weightHash(await engine.load(path)), await weightHash(model));
  await assert.rejects(model.save(join(folder, 'no', 'where')), {
    code: 'E_IO',
    message: /ENOENT/,
  });
  await assert.rejects(engine.load(join(folder, 'nowhere')), { code: 'E_IO', message: /nowhere/ });
  await assert.rejects(engine.load(/** @type {any} */ (3)), { code: 'E_TYPE' });
});

test('every kind of layer comes back', async () => {
  const all = await engine.sequential(
    [
      layers.inputLayer({ inputShape: [8, 8, 3], name: 'picture' }),
      layers.conv2d({
        filters: 2,
        kernelSize: [3, 2],
        strides: [2, 1],
        padding: 'same',
        useBias: false,
        kernelInitializer: 'heNormal',
      }),
      layers.activation({ activation: 'sigmoid' }),
      layers.averagePooling2d({ poolSize: 2, strides: 1 }),
      layers.reLU(),
      layers.maxPooling2d(),
      layers.dropout({ rate: 0.5 }),
      layers.flatten(),
      layers.dense({ units: 3, biasInitializer: 'ones' }),
      layers.softmax(),
    ],
    { seed: 11 },
  );
  const loaded = await engine.load(await all.save());
  assert.deepEqual(loaded.summary(), all.summary());
  const images = pictures(5).x;
  assert.deepEqual(await loaded.predict(images), await all.predict(images));
  await assert.rejects(loaded.fit(images, [0, 0, 0, 0, 0]), { code: 'E_STATE' });
});

test('loadWeights takes the weights alone', async () => {
  const other = await engine.sequential(denseLayers(), { seed: 99 });
  await other.compile(FROM_LOGITS);
  await other.loadWeights(file);
  assert.equal(await weightHash(other), await weightHash(model));
});

/**
 * The file with other content.
 *
 * @param {(content: { tensors: any[], metadata: Map<string, string> }) => void} change
 */
function changed(change) {
  const { tensors, metadata } = decode(file);
  const content = { tensors: [...tensors.values()].map((tensor) => ({ ...tensor })), metadata };
  change(content);
  return encode(content);
}

/** @param {(training: any) => void} change @param {string} [key] */
const changedJson = (change, key = 'training') =>
  changed(({ metadata }) => {
    const value = JSON.parse(metadata.get(key) ?? '');
    change(value);
    metadata.set(key, JSON.stringify(value));
  });

describe('a file that does not fit is refused, and nothing changes', () => {
  const index = (/** @type {any[]} */ tensors, /** @type {string} */ name) =>
    tensors.findIndex((tensor) => tensor.name === name);
  /** @type {[string, string, RegExp, () => Uint8Array][]} */
  const both = [
    ['empty', 'E_FORMAT', /./, () => new Uint8Array(0)],
    ['cut', 'E_FORMAT', /./, () => file.slice(0, -1)],
    [
      'one bit flipped',
      'E_CHECKSUM',
      /./,
      () => {
        const copy = file.slice();
        copy[copy.length - 5] ^= 1;
        return copy;
      },
    ],
    [
      'safetensors of another program',
      'E_FORMAT',
      /tabgrad-checkpoint/,
      () => changed(({ metadata }) => metadata.clear()),
    ],
    [
      'a newer version',
      'E_VERSION',
      /'5'.*1, 2, 3, 4/,
      () => changed(({ metadata }) => metadata.set('formatVersion', '5')),
    ],
    [
      'no architecture',
      'E_FORMAT',
      /architecture/,
      () => changed(({ metadata }) => metadata.delete('architecture')),
    ],
    [
      'architecture no JSON',
      'E_FORMAT',
      /architecture/,
      () => changed(({ metadata }) => metadata.set('architecture', '{')),
    ],
    [
      'architecture null',
      'E_FORMAT',
      /null/,
      () => changed(({ metadata }) => metadata.set('architecture', 'null')),
    ],
    [
      'layers with __proto__',
      'E_CONFIG',
      /__proto__/,
      () =>
        changed(({ metadata }) =>
          metadata.set(
            'architecture',
            '{"layers":[{"type":"dense","units":2,"inputShape":[4],"__proto__":{}}]}',
          ),
        ),
    ],
    [
      'a missing tensor',
      'E_MISSING',
      /dense\/bias/,
      () => changed(({ tensors }) => tensors.splice(index(tensors, 'dense/bias'), 1)),
    ],
    [
      'an extra tensor',
      'E_EXTRA',
      /'more'/,
      () =>
        changed(({ tensors }) =>
          tensors.push({ name: 'more', dtype: 'F32', shape: [1], data: new Float32Array(1) }),
        ),
    ],
    [
      'another shape',
      'E_SHAPE',
      /\[4, 16\], found \[16, 4\]/,
      () => changed(({ tensors }) => (tensors[index(tensors, 'dense/kernel')].shape = [16, 4])),
    ],
    [
      'another type',
      'E_FORMAT',
      /F64/,
      () =>
        changed(({ tensors }) =>
          Object.assign(tensors[index(tensors, 'dense/bias')], {
            dtype: 'F64',
            data: new Float64Array(16),
          }),
        ),
    ],
    [
      'NaN',
      'E_NON_FINITE',
      /dense\/bias holds NaN/,
      () =>
        changed(
          ({ tensors }) =>
            (tensors[index(tensors, 'dense/bias')].data = new Float32Array(16).fill(NaN)),
        ),
    ],
  ];
  /** @type {typeof both} */
  const onlyLoad = [
    [
      'an unknown optimizer',
      'E_FORMAT',
      /optimizer/,
      () => changedJson((training) => (training.compiled.optimizer.type = 'constructor')),
    ],
    [
      'a rate as text',
      'E_FORMAT',
      /learningRate/,
      () =>
        changedJson((training) => (training.compiled.optimizer.hyperparameters.learningRate = '1')),
    ],
    [
      'a negative rate',
      'E_HYPERPARAM',
      /learningRate/,
      () =>
        changedJson((training) => (training.compiled.optimizer.hyperparameters.learningRate = -1)),
    ],
    [
      'a missing moment',
      'E_MISSING',
      /secondMoment:dense\/bias/,
      () =>
        changed(({ tensors }) =>
          tensors.splice(index(tensors, 'optimizer:secondMoment:dense/bias'), 1),
        ),
    ],
    [
      'a step of 1.5',
      'E_FORMAT',
      /step.*1\.5/,
      () => changedJson((training) => (training.step = 1.5)),
    ],
    [
      'a position without epoch',
      'E_FORMAT',
      /epoch/,
      () => changedJson((training) => delete training.position.epoch),
    ],
    [
      'huge layers',
      'E_(LIMIT|OOM|SHAPE|CONFIG)',
      /./,
      () => changedJson((value) => (value.layers[0].units = 2 ** 30), 'architecture'),
    ],
  ];
  for (const [name, code, message, make] of [...both, ...onlyLoad]) {
    test(`load: ${name}`, async () => {
      const { memory } = await engine.info();
      await assert.rejects(engine.load(make()), (/** @type {any} */ error) => {
        assert.match(error.code ?? '', new RegExp(`^${code}$`), String(error.stack));
        assert.match(error.message, message);
        return true;
      });
      assert.equal((await engine.info()).memory.liveAllocations, memory.liveAllocations);
    });
  }
  for (const [name, code, message, make] of both.filter(
    ([title]) => !title.includes('__proto__'),
  )) {
    test(`loadWeights: ${name}`, async () => {
      const hash = await weightHash(model);
      await assert.rejects(model.loadWeights(make()), { code, message });
      assert.equal(await weightHash(model), hash);
    });
  }

  test('loadWeights of another architecture names the layer', async () => {
    const other = await engine.sequential(convLayers());
    const hash = await weightHash(model);
    await assert.rejects(model.loadWeights(await other.save()), {
      code: 'E_MODEL_MISMATCH',
      message: /layer 0 .*2 layers has dense 'dense', .*6 has conv2d 'conv2d'/,
    });
    const wider = await engine.sequential([
      layers.dense({ units: 17, activation: 'relu', inputShape: [4] }),
      layers.dense({ units: 3 }),
    ]);
    await assert.rejects(model.loadWeights(await wider.save()), {
      code: 'E_MODEL_MISMATCH',
      message: /other options/,
    });
    assert.equal(await weightHash(model), hash);
  });
});

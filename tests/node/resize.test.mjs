/** `data.resize`: PyTorch's values, what stays, bits over threads, memory, and what is refused. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createEngine, layers } from 'tabgrad';
import { assertClose } from '../golden/close.mjs';
import { BUILDS, startEngine } from '../golden/engines.mjs';
import { readGolden } from '../golden/tensors.mjs';

const { cases, tensors } = readGolden('images');
const examples = /** @type {any} */ (cases).resize;

/** @param {number} value halves to the even one */
const rounded = (value) => {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
};

for (const build of BUILDS.keys()) {
  describe(`resize as PyTorch's interpolate, ${build} build`, () => {
    /** @type {any} */
    let engine;
    before(async () => {
      engine = await startEngine(build);
    });
    after(() => engine?.dispose());

    examples.forEach(
      (/** @type {any} */ { shape, size, ...options }, /** @type {number} */ index) => {
        const golden = (/** @type {string} */ name) => tensors.get(`${index}/${name}`)?.data ?? [];
        it(`[${shape}] to [${size}], ${JSON.stringify(options)}`, async () => {
          const bytes = await engine.dataset({ x: golden('bytes'), shape });
          const floats = await engine.dataset({ x: golden('floats'), shape });
          const fromBytes = await (await bytes.resize(size, options)).read();
          const fromFloats = await (await floats.resize(size, options)).read();
          assertClose(fromFloats.x, golden('of floats'), 'floats');
          const expected = golden('of bytes');
          assert.equal(fromBytes.x.constructor, Uint8Array);
          assert.equal(fromBytes.x.length, expected.length);
          fromBytes.x.forEach((/** @type {number} */ value, /** @type {number} */ i) => {
            // Next to a half, float and double may round to different sides.
            const nearHalf = Math.abs(expected[i] - Math.floor(expected[i]) - 0.5) < 1e-4;
            const distance = Math.abs(value - rounded(expected[i]));
            assert.ok(
              distance <= (nearHalf ? 1 : 0),
              `pixel ${i}: ${value}, expected ${expected[i]}`,
            );
          });
        });
      },
    );
  });
}

describe('resize', () => {
  /** @type {import('tabgrad').Engine} */
  let engine;
  before(async () => {
    engine = await createEngine({ threads: 2, deterministic: true });
  });
  after(() => engine.dispose());

  const x = Uint8Array.from({ length: 30 * 48 }, (_, index) => (index * 7919) % 251);
  const y = Int32Array.from({ length: 30 }, (_, index) => index % 3);
  const sampleWeight = Float32Array.from(y, (label) => 1 + label);

  it('keeps labels, weights, names of classes and normalisation', async () => {
    const options = {
      x,
      y,
      sampleWeight,
      shape: [4, 4, 3],
      classNames: ['a', 'b', 'c'],
      mean: [0.4, 0.5, 0.6],
    };
    const data = await engine.dataset(options);
    const same = await data.resize([4, 4]);
    const larger = await data.resize([6, 5]);
    assert.deepEqual(larger.shape, [6, 5, 3]);
    assert.deepEqual([larger.count, larger.labels, larger.weighted], [30, 'classes', true]);
    assert.deepEqual(larger.classNames, options.classNames);
    assert.deepEqual(await same.read(), await data.read());
    assert.deepEqual((await larger.read()).y, y);
    const model = await engine.sequential([
      layers.flatten({ inputShape: [4, 4, 3] }),
      layers.dense({ units: 3 }),
    ]);
    model.compile({ loss: 'sparseCategoricalCrossentropy', fromLogits: true });
    assert.deepEqual(await model.evaluate(same), await model.evaluate(data));
    assert.deepEqual(await model.predict(same), await model.predict(data));
    // The first is gone, its copies are whole.
    await data.dispose();
    assert.deepEqual((await same.read()).x, x);
    for (const one of [same, larger, model]) await one.dispose();
  });

  it('labels of several outputs come along', async () => {
    const second = Float32Array.from({ length: 60 }, (_, index) => index / 60);
    const data = await engine.dataset({ x, y: { kind: y, place: second }, shape: [4, 4, 3] });
    const smaller = await data.resize([2, 2], { antialias: true });
    assert.deepEqual((await smaller.read()).y, { kind: y, place: second });
    for (const one of [data, smaller]) await one.dispose();
  });

  it('the bits are the same for any number of threads', async () => {
    const found = [];
    for (const threads of [1, 2, 3]) {
      const own = await createEngine({ threads, deterministic: true });
      const data = await own.dataset({
        x: Float32Array.from(x, (value) => value / 7),
        shape: [4, 4, 3],
      });
      found.push((await (await data.resize([7, 3], { antialias: true })).read()).x);
      await own.dispose();
    }
    assert.deepEqual(found[1], found[0]);
    assert.deepEqual(found[2], found[0]);
  });

  it('an abort or a data set that is disposed meanwhile leaves nothing behind', async () => {
    const data = await engine.dataset({ x: new Uint8Array(2000 * 48), shape: [4, 4, 3] });
    const { liveAllocations, live } = (await engine.info()).memory;
    const controller = new AbortController();
    const resizing = data.resize([128, 128], { antialias: true, signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await assert.rejects(resizing, { code: 'E_ABORTED' });
    const { memory } = await engine.info();
    assert.deepEqual([memory.liveAllocations, memory.live], [liveAllocations, live]);
    const whole = data.resize([5, 5]);
    await data.dispose();
    assert.equal((await whole).count, 2000);
    await (await whole).dispose();
  });

  /** @type {[string, string, RegExp, unknown, any?][]} */
  const refused = [
    ['one number', 'E_SHAPE', /size must be \[height, width\]/, 8],
    ['three numbers', 'E_SHAPE', /size must be \[height, width\]/, [8, 8, 3]],
    ['size 0', 'E_CONFIG', /size must be a whole number from 1 .* found 0/, [0, 8]],
    ['size 1.5', 'E_CONFIG', /size must be a whole number from 1 .* found 1\.5/, [8, 1.5]],
    [
      'unknown interpolation',
      'E_CONFIG',
      /interpolation.*'cubic'/,
      [8, 8],
      { interpolation: 'cubic' },
    ],
    [
      'antialias that is no boolean',
      'E_CONFIG',
      /antialias must be true or false/,
      [8, 8],
      { antialias: 1 },
    ],
    [
      'antialias with nearest',
      'E_CONFIG',
      /antialias needs/,
      [8, 8],
      { interpolation: 'nearest', antialias: true },
    ],
    ['unknown option', 'E_CONFIG', /no option 'method'/, [8, 8], { method: 'bilinear' }],
    ['larger than memory', 'E_LIMIT', /sample of .* numbers/, [2 ** 20, 2 ** 20]],
  ];
  for (const [name, code, message, size, options] of refused) {
    it(`${name} is ${code}, with nothing made`, async () => {
      const data = await engine.dataset({ x, y, shape: [4, 4, 3] });
      const before = (await engine.info()).memory.liveAllocations;
      await assert.rejects(data.resize(/** @type {any} */ (size), options), { code, message });
      assert.equal((await engine.info()).memory.liveAllocations, before);
      await data.dispose();
    });
  }

  it('several inputs are refused, and a data set that was disposed', async () => {
    const data = await engine.dataset({ x: { a: x, b: x }, y, shape: [4, 4, 3] });
    await assert.rejects(data.resize([2, 2]), { code: 'E_CONFIG', message: /several inputs/ });
    await data.dispose();
    await assert.rejects(data.resize([2, 2]), { code: 'E_DISPOSED' });
  });
});

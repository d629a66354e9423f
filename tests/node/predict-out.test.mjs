/** Predictions written into memory that the program gives. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, input, layers } from 'tabgrad';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 1 });
});
after(() => engine.dispose());

const SAMPLES = 7;
const x = Float32Array.from({ length: SAMPLES * 3 }, (_, i) => Math.sin(i));

const oneOutput = () => engine.sequential([layers.dense({ units: 4, inputShape: [3] })]);

test('an earlier result is used again and left empty', async () => {
  const model = await oneOutput();
  const expected = await model.predict(x);
  const { buffer } = expected;
  const copy = expected.slice();
  for (const batchSize of [2, 32]) {
    const out = expected.slice();
    const result = await model.predict(x, { batchSize, out });
    assert.deepEqual([...result], [...copy]);
    assert.deepEqual(result.shape, [SAMPLES, 4]);
    assert.equal(out.length, 0);
  }
  const other = await model.predict(
    x.map((value) => -value),
    { out: expected },
  );
  assert.equal(buffer.byteLength, 0);
  assert.equal(other.length, SAMPLES * 4);
  assert.notDeepEqual([...other], [...copy]);
  await model.dispose();
});

test('of several outputs, each its own', async () => {
  const a = input({ shape: [3] });
  const outputs = [1, 2].map((units) => layers.dense({ units, name: `d${units}` }).apply(a));
  const model = await engine.model({ inputs: a, outputs });
  /** @typedef {import('tabgrad').Tensor[]} Tensors */
  const [one, two] = /** @type {Tensors} */ (await model.predict(x));
  const expected = [[...one], [...two]];
  const again = /** @type {Tensors} */ (await model.predict(x, { out: [one, two] }));
  assert.deepEqual(
    again.map((/** @type {Float32Array} */ each) => [...each]),
    expected,
  );
  for (const [out, code, pattern] of /** @type {[any, string, RegExp][]} */ ([
    [again[0], 'E_TYPE', /out must be an array of 2/],
    [[again[0]], 'E_TYPE', /out must be an array of 2/],
    [[again[1], again[0]], 'E_CONFIG', /out for 'd1' must have 7 numbers .* found 14/],
  ])) {
    await assert.rejects(model.predict(x, { out }), (/** @type {any} */ error) => {
      assert.equal(error.code, code);
      assert.match(error.message, pattern);
      return error.field === 'out';
    });
  }
  assert.equal(again[0].length, SAMPLES, 'what is refused is not taken');
  await model.dispose();
});

test('what cannot hold the result is refused and kept', async () => {
  const model = await oneOutput();
  const wide = new Float32Array(SAMPLES * 4 + 1);
  /** @type {[any, string, RegExp][]} */
  const cases = [
    [new Float32Array(5), 'E_CONFIG', /must have 28 numbers and nothing else, found 5/],
    [wide.subarray(1), 'E_CONFIG', /found a view of 116 bytes/],
    [new Float32Array(new SharedArrayBuffer(112)), 'E_TYPE', /of its own memory/],
    [new Float64Array(28), 'E_TYPE', /must be a Float32Array/],
    [null, 'E_TYPE', /must be a Float32Array/],
  ];
  for (const [out, code, pattern] of cases) {
    await assert.rejects(model.predict(x, { out }), (/** @type {any} */ error) => {
      assert.equal(error.code, code);
      return pattern.test(error.message);
    });
  }
  assert.equal(wide.length, SAMPLES * 4 + 1);
  await model.dispose();
});

/** What long calls tell on their way. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, layers } from 'tabgrad';
import { rejects } from './data-fixtures.mjs';

/** Long enough for calls of ten slices and more, so that an abort arrives before the end. */
const COUNT = 2000;
const SHAPE = [24, 24, 3];

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {import('tabgrad').Dataset} */
let data;
/** @type {import('tabgrad').Model} */
let model;
before(async () => {
  engine = await createEngine({ threads: 1 });
  const x = new Uint8Array(COUNT * 24 * 24 * 3).map((_, i) => i * 7);
  const y = new Int32Array(COUNT).map((_, i) => i % 2);
  data = await engine.dataset({ x, y, shape: SHAPE });
  model = await engine.sequential([
    layers.conv2d({ filters: 192, kernelSize: 5, inputShape: SHAPE }),
    layers.globalAveragePooling2d(),
    layers.dense({ units: 2, activation: 'softmax' }),
  ]);
  model.compile({ loss: 'sparseCategoricalCrossentropy' });
});
after(() => engine.dispose());

/** @type {Record<string, (options: any) => Promise<unknown>>} */
const CALLS = {
  evaluate: (options) => model.evaluate(data, options),
  predict: (options) => model.predict(data, options),
  resize: async (options) => (await data.resize([224, 224], options)).dispose(),
};

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name} tells how many samples are done, to the last`, async () => {
    /** @type {{ done: number, total: number }[]} */
    const told = [];
    await call({ onProgress: (/** @type {any} */ progress) => void told.push(progress) });
    assert.ok(told.length >= 2, `${told.length} times`);
    told.forEach(({ done, total }, i) => {
      assert.equal(total, COUNT);
      assert.ok(done > (told[i - 1]?.done ?? 0));
    });
    assert.equal(told.at(-1)?.done, COUNT);
    await rejects(call({ onProgress: 'loud' }), 'E_CONFIG', new RegExp(`${name}: onProgress`));
  });

  test(`${name} ends when its signal fires`, async () => {
    const stop = new AbortController();
    const running = call({ signal: stop.signal, onProgress: () => stop.abort() });
    await rejects(running, 'E_ABORTED', /./);
  });
}

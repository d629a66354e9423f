/** Threads that have nothing to do cost nothing. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from 'tabgrad';
import { FROM_LOGITS, convLayers, pictures, sleep } from './nets.mjs';

for (const threads of [2, 4, 16]) {
  test(`${threads} idle threads burn no processor time, before work and after it`, async () => {
    const engine = await createEngine({ threads, deterministic: true });
    assert.equal((await engine.info()).threads, threads);
    await burnsNothing('before');
    const model = await engine.sequential(convLayers(), { seed: 1 });
    model.compile(FROM_LOGITS);
    const { x, y } = pictures(64);
    await model.fit(x, y, { epochs: 3 });
    await burnsNothing('after');
    await engine.dispose();
  });
}

/** @param {string} when */
async function burnsNothing(when) {
  await sleep(100); // what a start leaves behind: compilation, timers
  const started = process.cpuUsage();
  await sleep(1000);
  const { user, system } = process.cpuUsage(started);
  const burnt = (user + system) / 1000;
  assert.ok(burnt < 100, `${when}: ${burnt} ms of processor time in a second`);
}

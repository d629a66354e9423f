/**
 * How busy the engine is while `fit` reads a stream: the time of a step on a data set in memory, as a share of that of a
 * step on a stream of the same samples, plain and through a shuffle buffer of 1,024.
 *
 *   node bench/stream.mjs [--threads 2] [--rounds 6]
 */

import { parseArgs } from 'node:util';
import { createEngine, layers } from 'tabgrad';
import { stream } from 'tabgrad/data';
import { describeMachine, today } from './machine.mjs';
import { median } from './statistics.mjs';

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '6' },
  },
});
const BATCH = 32;
const SHAPE = [32, 32, 3];
const FEATURES = 3072;

/** @type {Record<string, { steps: number, make: () => any[] }>} */
const NETWORKS = {
  S1: {
    steps: 200,
    make: () => [
      layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: SHAPE }),
      layers.maxPooling2d(),
      layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d(),
      layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
      layers.flatten(),
      layers.dense({ units: 64, activation: 'relu' }),
      layers.dense({ units: 10 }),
    ],
  },
  'one dense layer of 64': {
    steps: 1000,
    make: () => [
      layers.flatten({ inputShape: SHAPE }),
      layers.dense({ units: 64, activation: 'relu' }),
      layers.dense({ units: 10 }),
    ],
  },
};

console.log(`${describeMachine()}, ${values.threads} threads, ${today()}`);
const engine = await createEngine({ threads: Number(values.threads) });
for (const [name, { steps, make }] of Object.entries(NETWORKS)) {
  const x = Uint8Array.from(
    { length: steps * BATCH * FEATURES },
    (_, i) => (i * 2654435761) >>> 24,
  );
  const y = Int32Array.from({ length: steps * BATCH }, (_, i) => i % 10);
  const data = await engine.dataset({ x, y, shape: SHAPE });
  const model = await engine.sequential(make());
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', fromLogits: true });
  /** One sample after the other, as a program would read them from files. */
  function* samples() {
    for (let i = 0; i < y.length; i++) {
      yield [x.subarray(i * FEATURES, (i + 1) * FEATURES), y[i]];
    }
  }
  /** @type {Record<string, any>} */
  const sources = {
    memory: data,
    stream: stream(samples),
    shuffled: stream(samples, { shuffleBuffer: 1024 }),
  };
  /** @type {Record<string, number[]>} */
  const times = { memory: [], stream: [], shuffled: [] };
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const [kind, source] of Object.entries(sources)) {
      const started = performance.now();
      await model.fit(source, { batchSize: BATCH });
      // The first round warms up.
      if (round > 0) times[kind].push((performance.now() - started) / steps);
    }
  }
  const told = ['stream', 'shuffled'].map((kind) => {
    // Round by round: what disturbs the machine in a round disturbs both.
    const shares = times.memory.map((ms, round) => ms / times[kind][round]);
    return `${(100 * median(shares)).toFixed(0)} % of that ${kind}`;
  });
  console.log(
    `${name}: ${median(times.memory).toFixed(3)} ms a step in memory, ${told.join(', ')}`,
  );
  await data.dispose();
  await model.dispose();
}
await engine.dispose();

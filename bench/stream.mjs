/**
 * How busy the engine is while `fit` reads a stream: the time of a step on a data set in memory, as a share of that of a
 * step on a stream of the same samples, plain and through a shuffle buffer of 1,024; and of S2 on JPEG photos of 500x375
 * that are read, decoded and resized meanwhile.
 *
 *   node bench/stream.mjs [--threads 2] [--rounds 6]
 */

import { parseArgs } from 'node:util';
import jpeg from 'jpeg-js';
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

const PHOTOS = 128;

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
  await compare(name, model, steps, {
    memory: data,
    stream: stream(samples),
    shuffled: stream(samples, { shuffleBuffer: 1024 }),
  });
  await data.dispose();
  await model.dispose();
}
await comparePhotos();
await engine.dispose();

/** S2 on a folder. */
async function comparePhotos() {
  const folder = new Map(
    Array.from({ length: PHOTOS }, (_, i) => [`${i % 2 ? 'a' : 'b'}/${i}.jpg`, photo(i)]),
  );
  const options = /** @type {const} */ ({ imageSize: [224, 224], labelMode: 'binary' });
  const data = await engine.datasets.imageFolder(folder, options);
  const photos = await engine.datasets.imageStream(folder, options);
  const conv = (/** @type {number} */ filters, more = {}) => [
    layers.conv2d({ filters, kernelSize: 3, activation: 'relu', ...more }),
    layers.maxPooling2d(),
  ];
  const model = await engine.sequential([
    ...conv(32, { inputShape: [224, 224, 3] }),
    ...[64, 128, 128].flatMap((filters) => conv(filters)),
    layers.flatten(),
    layers.dense({ units: 512, activation: 'relu' }),
    layers.dense({ units: 1, activation: 'sigmoid' }),
  ]);
  model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy' });
  await compare('S2', model, PHOTOS / BATCH, { memory: data, photos });
}

/** A JPEG file of waves and noise. @param {number} seed */
function photo(seed) {
  const [width, height] = [500, 375];
  const data = new Uint8Array(width * height * 4).map((_, i) => {
    const [x, y] = [(i >> 2) % width, Math.floor((i >> 2) / width)];
    const waves = 60 * Math.sin(x / (10 + (seed % 7)) + (i & 3)) + 50 * Math.cos(y / 13);
    return 128 + waves + ((i * 2654435761) >>> 28);
  });
  return new Uint8Array(jpeg.encode({ width, height, data }, 85).data);
}

/**
 * @param {string} name
 * @param {any} model
 * @param {number} steps of an epoch
 * @param {Record<string, any>} sources `memory` and others
 */
async function compare(name, model, steps, sources) {
  /** @type {Record<string, number[]>} */
  const times = {};
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const [kind, source] of Object.entries(sources)) {
      const started = performance.now();
      await model.fit(source, { batchSize: BATCH });
      // The first round warms up.
      if (round > 0) (times[kind] ??= []).push((performance.now() - started) / steps);
    }
  }
  const { memory, ...others } = times;
  const told = Object.entries(others).map(([kind, list]) => {
    // Round by round: what disturbs the machine in a round disturbs both.
    const shares = memory.map((ms, round) => ms / list[round]);
    return `${(100 * median(shares)).toFixed(0)} % of that ${kind}`;
  });
  console.log(`${name}: ${median(memory).toFixed(3)} ms a step in memory, ${told.join(', ')}`);
}

/**
 * Odd sizes: ms an image at batch sizes, channels and thread counts that fit no tile, each beside what it is compared
 * with: the same network by direct convolution, or the even size next to it.
 *
 *     node bench/sizes.mjs [--only winograd,channels,batches,threads] [--seconds 0.05] [--rounds 12]
 *
 * Plain SIMD. Both sides run in turns, and of each the best turn counts: whatever else runs on the machine can only
 * slow one down.
 */

import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { createEngine, layers } from 'tabgrad';
import { cmakeBuild } from '../wasm-build/cmake.mjs';
import { withProgress } from '../wasm-build/progress.mjs';
import { main } from '../wasm-build/run-command.mjs';
import { ensureToolchain } from '../wasm-build/toolchain.mjs';
import { describeCommand, describeMachine, today } from './machine.mjs';
import { randomFloats, timed } from './works.mjs';

/**
 * @typedef {object} Side one of the two that are compared
 * @property {number[]} shape of a sample
 * @property {number[]} filters of 3x3 convolutions with ReLU
 * @property {number} batch
 * @property {number} threads
 * @property {boolean} [direct]
 *
 * @typedef {{ title: string, one: Side, other: Side }} Comparison other is what one may not be slower than
 */

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'winograd,channels,batches,threads' },
    seconds: { type: 'string', default: '0.05' },
    rounds: { type: 'string', default: '12' },
  },
});

const S1 = { shape: [32, 32, 3], filters: [32, 64, 64], batch: 32, threads: 1 };

/** @type {Record<string, Comparison[]>} */
const GROUPS = {
  winograd: [1, 2].flatMap((threads) =>
    [
      { shape: [6, 6, 64], filters: [64] },
      { shape: [15, 15, 32], filters: [64] },
      { shape: [8, 8, 16], filters: [16] },
      { shape: [32, 32, 16], filters: [16] },
      { shape: [32, 32, 3], filters: [32, 64, 64] },
    ].flatMap((network) =>
      [1, 2, 3, 7].map((batch) => {
        const one = { ...network, batch, threads };
        const name = `${network.shape.join('x')} -> ${network.filters.join(', ')}`;
        const title = `${name}, batch ${batch}, ${threads}T: as chosen / direct`;
        return { title, one, other: { ...one, direct: true } };
      }),
    ),
  ),
  channels: [1, 2].flatMap((threads) =>
    [
      [1, 2],
      [2, 4],
      [3, 4],
      [5, 8],
      [17, 20],
    ].map(([few, even]) => ({
      title: `32x32x${few} / 32x32x${even}, ${threads}T`,
      one: { ...S1, shape: [32, 32, few], threads },
      other: { ...S1, shape: [32, 32, even], threads },
    })),
  ),
  batches: [1, 2].flatMap((threads) =>
    [
      [7, 8],
      [33, 32],
      [1000, 1024],
    ].map(([odd, even]) => ({
      title: `S1, batch ${odd} / ${even}, ${threads}T`,
      one: { ...S1, batch: odd, threads },
      other: { ...S1, batch: even, threads },
    })),
  ),
  threads: [1, 7, 32].flatMap((batch) =>
    [3, 4, 8].map((threads) => ({
      title: `S1, batch ${batch}: ${threads}T / 2T`,
      one: { ...S1, batch, threads },
      other: { ...S1, batch, threads: 2 },
    })),
  ),
};

/** @returns {Promise<string>} the folder of engines without Winograd */
async function buildDirect() {
  return withProgress('direct convolution', async (onProgress) => {
    const toolchain = await ensureToolchain({ onProgress });
    const targets = ['engine-simd', 'engine-simd-threads'];
    const tree = { folder: 'cmake-direct', options: ['-DTG_DIRECT=ON'], targets, toolchain };
    return cmakeBuild(tree, onProgress);
  });
}

/**
 * @param {Side} side
 * @param {string} folder of the direct engines
 */
async function start({ shape, filters, batch, threads, direct }, folder) {
  const name = `engine-simd${threads > 1 ? '-threads' : ''}.wasm`;
  const wasmUrl = direct ? pathToFileURL(join(folder, name)).href : undefined;
  const engine = await createEngine({ threads, deterministic: true, wasmUrl });
  const model = await engine.sequential([
    layers.inputLayer({ inputShape: shape }),
    ...filters.flatMap((count, index) => [
      ...(index > 0 ? [layers.maxPooling2d()] : []),
      layers.conv2d({ filters: count, kernelSize: 3, activation: 'relu' }),
    ]),
    layers.flatten(),
    layers.dense({ units: 10 }),
  ]);
  // No state beside the weights: with Adam a step on one image would be mostly the update.
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', fromLogits: true });
  const count = batch * Math.max(1, Math.ceil(256 / batch));
  const size = shape.reduce((product, length) => product * length, count);
  const x = Uint8Array.from(randomFloats(size), (value) => 256 * value);
  const y = Int32Array.from({ length: count }, (_, index) => index % 10);
  const data = await engine.dataset({ x, y, shape });
  const works = {
    training: () => model.fit(data, { batchSize: batch, yieldEvery: 1000 }),
    inference: () => model.evaluate(data, { batchSize: batch }),
  };
  return { works, count, close: () => engine.dispose() };
}

/**
 * @param {Comparison} comparison
 * @param {string} folder
 */
async function compare({ title, one, other }, folder) {
  const sides = [await start(one, folder), await start(other, folder)];
  const seconds = Number(options.seconds);
  const cells = [title];
  for (const work of /** @type {const} */ (['training', 'inference'])) {
    for (const { works, count } of sides) await timed(works[work], count, seconds);
    const best = [0, 0];
    for (let round = 0; round < Number(options.rounds); round++) {
      for (const [index, { works, count }] of sides.entries()) {
        best[index] = Math.max(best[index], await timed(works[work], count, seconds));
      }
    }
    cells.push((1000 / best[0]).toFixed(4), (best[1] / best[0]).toFixed(2));
  }
  for (const { close } of sides) await close();
  return `| ${cells.join(' | ')} |`;
}

await main(async () => {
  const folder = await buildDirect();
  console.log(`${describeMachine()}, ${today()}: ${describeCommand()}\n`);
  console.log('| | training, ms an image | time ratio | inference, ms an image | time ratio |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const name of options.only.split(',')) {
    for (const comparison of GROUPS[name]) console.log(await compare(comparison, folder));
  }
});

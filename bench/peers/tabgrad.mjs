/** Our own engine through its public API, in Node and in a page. */

import { randomFloats, timed, unitsOfStep } from '../works.mjs';
import { kerasGraph } from './keras-graph.mjs';

/** @type {import('../contestants.mjs').Peer} */
export const peer = {
  name: 'tabgrad',
  contestants: [
    { place: 'node', threads: 1 },
    { place: 'node', threads: 2 },
    { place: 'page', threads: 1 },
    { place: 'page', threads: 2 },
    { place: 'page', threads: 2, label: 'tabgrad, plain SIMD', options: { deterministic: true } },
    .../** @type {const} */ (['node', 'page']).map((place) => ({
      place,
      threads: 2,
      label: 'tabgrad, int8',
      options: { int8: true },
      works: ['seed-cnn-infer-b100'],
    })),
  ],
};

/** Products in a call of predict: what crosses to the worker and back is shared by all of them. */
const PRODUCTS = 8;
/** About 0.1 s on a thread of 50 GFLOP/s. */
const PEAK_ITERATIONS = 250_000;

/** @type {import('../contestants.mjs').Prepare} */
export async function prepare(work, { place, threads, options }) {
  const library = await import(place === 'page' ? '/dist/index.js' : 'tabgrad');
  const { int8, ...settings } = options;
  const engine = await library.createEngine({ threads, ...settings });
  const info = await engine.info();
  const prepared = { train: training, infer: inference, gemm: product }[work.mode];
  const model = await engine.model({ ...kerasGraph(work.network, library), seed: 1 });
  const used = int8 ? await model.quantize({ calibration: images(work) }) : model;
  const run = await prepared(work, engine, used, library);
  return {
    version: `${info.version} (${info.build})`,
    threads: info.threads,
    run,
    peak: async () => (await engine.peak(PEAK_ITERATIONS)) / 1e9,
    close: () => engine.dispose(),
  };
}

/** @typedef {import('../works.mjs').Work} Work */

/**
 * Epochs of `fit`: samples are shuffled, gathered and scaled from bytes for every batch.
 *
 * @param {Work} work @param {any} engine @param {any} model @param {any} library
 */
async function training({ network, batch, batches }, engine, model, library) {
  const size = network.input.reduce((product, side) => product * side, 1);
  const samples = batch * batches;
  const x = Uint8Array.from(randomFloats(samples * size), (value) => 256 * value);
  const y = Int32Array.from(
    { length: samples },
    (_, i) => i % (network.head === 'binary' ? 2 : 10),
  );
  const data = await engine.dataset({ x, y, shape: network.input });
  const loss = network.head === 'binary' ? 'binaryCrossentropy' : 'sparseCategoricalCrossentropy';
  const { name, ...settings } = network.optimizer;
  model.compile({ optimizer: library.optimizers[name](settings), loss, fromLogits: true });
  let speed = 0;
  return async (/** @type {number} */ seconds) => {
    const epochs = Math.max(1, Math.ceil((1.05 * seconds * speed) / samples));
    const started = performance.now();
    await model.fit(data, { batchSize: batch, epochs });
    speed = (1000 * samples * epochs) / (performance.now() - started);
    return speed;
  };
}

/**
 * A call of `predict` for each batch: floats of the program in, floats out, through the worker.
 *
 * @param {Work} work @param {any} _engine @param {any} model
 */
async function inference(work, _engine, model) {
  const x = images(work);
  return (/** @type {number} */ seconds) =>
    timed(() => model.predict(x, { batchSize: work.batch }), unitsOfStep(work), seconds);
}

/** A batch. @param {Work} work */
function images({ batch, network }) {
  return randomFloats(network.input.reduce((product, side) => product * side, batch));
}

/** @param {Work} work @param {any} engine @param {any} model */
async function product({ batch, network }, engine, model) {
  const x = randomFloats(PRODUCTS * batch * network.input[0]);
  const data = await engine.dataset({ x, shape: network.input });
  // As a loop over video frames would: each result's memory is that of the one before.
  /** @type {Float32Array | undefined} */
  let out;
  const step = async () => {
    out = await model.predict(data, { batchSize: batch, out });
  };
  return (/** @type {number} */ seconds) => timed(step, PRODUCTS, seconds);
}

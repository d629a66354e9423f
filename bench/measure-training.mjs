/**
 * Training speed of S1 in this place (Node or a page): engines of one and two threads, of relaxed and of plain SIMD, take
 * turns, each beside the peak kernel, so that what disturbs the machine disturbs all of them. Imports nothing of Node.
 */

const BATCH = 32;
/** An epoch is short against a chunk, so that chunks are hardly longer than asked for. */
const SAMPLES = 64 * BATCH;
/** A chunk is at least this long, as short ones measure the timer and the scheduler. */
const CHUNK_SECONDS = 1;
/** About 0.1 s on a thread of 50 GFLOP/s. */
const PEAK_ITERATIONS = 250_000;

/**
 * @typedef {object} ThreadResult
 * @property {number} threads that worked
 * @property {string} build
 * @property {number[]} imagesPerSecond one a chunk
 * @property {number[]} peakGflops one a chunk, all threads together
 */

/**
 * @param {any} tabgrad the library
 * @param {{ chunks: number, threadCounts: number[] }} options
 * @returns {Promise<ThreadResult[]>}
 */
export async function measureTraining(tabgrad, { chunks, threadCounts }) {
  const { relaxedSimd } = await tabgrad.info();
  await tabgrad.dispose();
  const contestants = [];
  for (const deterministic of relaxedSimd ? [false, true] : [true]) {
    for (const threads of threadCounts) {
      contestants.push(await prepare(tabgrad, { threads, deterministic }));
    }
  }
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (const { engine, train, result } of contestants) {
      result.peakGflops.push((await engine.peak(PEAK_ITERATIONS)) / 1e9);
      result.imagesPerSecond.push(await train(CHUNK_SECONDS));
    }
  }
  for (const { engine } of contestants) await engine.dispose();
  return contestants.map(({ result }) => result);
}

/**
 * @param {any} tabgrad
 * @param {{ threads: number, deterministic: boolean }} options
 */
async function prepare({ createEngine, layers }, options) {
  const engine = await createEngine(options);
  const { build, threads } = await engine.info();
  const data = await engine.dataset(randomImages());
  const model = await engine.sequential(s1(layers), { seed: 1 });
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', fromLogits: true });
  // Compiles the WebAssembly with the optimising tier and tells how many epochs make a chunk.
  await engine.peak(PEAK_ITERATIONS);
  await epoch(SAMPLES, 2);
  let speed = await epoch(SAMPLES);
  /** @type {ThreadResult} */
  const result = { threads, build, imagesPerSecond: [], peakGflops: [] };
  return { engine, result, train };

  /** @param {number} seconds @returns {Promise<number>} images a second over at least that long */
  async function train(seconds) {
    const epochs = Math.ceil((1.1 * seconds * speed) / SAMPLES);
    speed = await epoch(SAMPLES, epochs);
    return speed;
  }

  /** @param {number} count @param {number} [epochs] */
  async function epoch(count, epochs = 1) {
    const started = performance.now();
    await model.fit(data, { batchSize: BATCH, count, epochs });
    return (count * epochs * 1000) / (performance.now() - started);
  }
}

/** Speed does not depend on what the images show. */
function randomImages() {
  const x = new Uint8Array(SAMPLES * 32 * 32 * 3);
  let state = 1;
  for (let i = 0; i < x.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    x[i] = state >>> 24;
  }
  return { x, y: Int32Array.from({ length: SAMPLES }, (_, i) => x[i] % 10), shape: [32, 32, 3] };
}

/** @param {any} layers */
function s1(layers) {
  return [
    layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [32, 32, 3] }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    layers.flatten(),
    layers.dense({ units: 64, activation: 'relu' }),
    layers.dense({ units: 10 }),
  ];
}

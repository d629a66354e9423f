/** Times a model and its quantised copy in turns. Runs in Node and in a page, so it imports nothing. */

/**
 * @typedef {object} Int8Options
 * @property {ArrayBuffer | Uint8Array | string} model checkpoint of the float model, or its URL
 * @property {number[]} threads
 * @property {number[]} batches
 * @property {number} rounds
 *
 * @typedef {object} Int8Row
 * @property {string} build
 * @property {number} threads
 * @property {number} batch
 * @property {number[]} floats milliseconds a batch, round by round
 * @property {number[]} int8
 */

/** Milliseconds that one round of one model takes at least. */
const ROUND_MS = 60;

/**
 * @param {any} library
 * @param {Int8Options} options
 * @returns {Promise<Int8Row[]>}
 */
export async function measureInt8Speed(library, { model: source, threads, batches, rounds }) {
  /** @type {Int8Row[]} */
  const rows = [];
  for (const count of threads) {
    const engine = await library.createEngine({ threads: count });
    const { build } = await engine.info();
    const model = await engine.load(source);
    const size = model.inputShape.reduce(
      (/** @type {number} */ a, /** @type {number} */ b) => a * b,
      1,
    );
    const most = Math.max(...batches, 100);
    // Any bytes will do: time does not depend on them.
    const x = Uint8Array.from({ length: most * size }, (_, i) => (i * 2654435761) >>> 24);
    const data = await engine.dataset({ x, shape: model.inputShape });
    const small = await model.quantize({ calibration: data });
    for (const batch of batches) {
      const runs = await runsFor(model, data, batch);
      await time(small, data, batch, runs);
      /** @type {Int8Row} */
      const row = { build, threads: count, batch, floats: [], int8: [] };
      for (let round = 0; round < rounds; round++) {
        row.floats.push(await time(model, data, batch, runs));
        row.int8.push(await time(small, data, batch, runs));
      }
      rows.push(row);
    }
    await engine.dispose();
  }
  return rows;
}

/**
 * Batches of one call, so that a call takes a round; also warms up.
 *
 * @param {any} model
 * @param {any} data
 * @param {number} batch
 */
async function runsFor(model, data, batch) {
  let runs = 1;
  while ((await time(model, data, batch, runs)) * runs < ROUND_MS) runs *= 2;
  return runs;
}

/**
 * Milliseconds a batch. A batch is a call of the program: there and back to the worker is part of it.
 *
 * @param {any} model
 * @param {any} data
 * @param {number} batch
 * @param {number} runs
 */
async function time(model, data, batch, runs) {
  const started = performance.now();
  for (let run = 0; run < runs; run++) {
    await model.predict(data, { count: batch, batchSize: batch });
  }
  return (performance.now() - started) / runs;
}

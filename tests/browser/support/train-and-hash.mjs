/**
 * The same short training in Node and in a page: every layer that draws random numbers, shuffling,
 * an odd last batch; then pruned, and trained for 8 bits. Plain JavaScript of both platforms only.
 */

const COUNT = 333;
const PIXELS = 32 * 32 * 3;

/** Images that are noise, yet the same everywhere. */
function makeData() {
  let state = 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  return {
    x: Uint8Array.from({ length: COUNT * PIXELS }, next),
    y: Int32Array.from({ length: COUNT }, () => next() % 10),
  };
}

/**
 * @param {any} tabgrad the library
 * @param {{ threads: number }} options
 * @returns {Promise<{ hash: string, build: string }>} SHA-256 of all weights
 */
export async function trainAndHash(tabgrad, { threads }) {
  const { createEngine, layers } = tabgrad;
  const engine = await createEngine({ deterministic: true, threads });
  const { build } = await engine.info();
  const data = await engine.dataset({ ...makeData(), shape: [32, 32, 3] });
  const model = await engine.sequential(
    [
      layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [32, 32, 3] }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 128, activation: 'relu' }),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
    { seed: 11 },
  );
  const compiled = {
    optimizer: 'adam',
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  };
  await model.compile(compiled);
  // 11 steps an epoch, the last of 13 images.
  await model.fit(data, undefined, { epochs: 6, batchSize: 32 });
  const floats = await model.getWeights();
  // What makes models smaller: pruned, in training for 8 bits with values in 16, through a file, in 8 bits.
  await model.prune({ sparsity: 0.5 });
  const aware = await model.quantizeAware({ calibration: data, count: 64 });
  await aware.compile({ ...compiled, activationStorage: 'bfloat16' });
  await aware.fit(data, undefined, { epochs: 1, batchSize: 32 });
  const file = await aware.save(undefined, { sparse: true, dtype: 'float16' });
  const small = await (await engine.load(file)).quantize();
  const weights = [...floats, ...(await small.getWeights())];
  await engine.dispose();
  const size = weights.reduce(
    (/** @type {number} */ sum, /** @type {any} */ w) => sum + w.data.length,
    0,
  );
  const flat = new Float32Array(size);
  let at = 0;
  for (const { data: values } of weights) {
    flat.set(values, at);
    at += values.length;
  }
  const digest = await crypto.subtle.digest('SHA-256', flat.buffer);
  const hash = [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, '0')).join('');
  return { hash, build };
}

/** TensorFlow.js in a page, for its two peers: the Layers API, on a backend. */

import { randomFloats, timed, unitsOfStep } from '../works.mjs';
import { kerasGraph } from './keras-graph.mjs';
import { loadScript } from './load-script.mjs';

export const PACKAGES = {
  '@tensorflow/tfjs': '4.22.0',
  '@tensorflow/tfjs-backend-wasm': '4.22.0',
};

/**
 * @param {import('../works.mjs').Work} work
 * @param {import('../contestants.mjs').Setting} setting
 * @param {'wasm' | 'cpu'} backend
 * @returns {Promise<import('../contestants.mjs').Prepared>}
 */
export async function prepareTfjs(work, { threads, base }, backend) {
  await loadScript(`${base}@tensorflow/tfjs/dist/tf.min.js`);
  const { tf } = /** @type {any} */ (globalThis);
  let used = 1;
  if (backend === 'wasm') {
    const folder = `${base}@tensorflow/tfjs-backend-wasm/dist/`;
    await loadScript(`${folder}tf-backend-wasm.min.js`);
    tf.wasm.setWasmPaths(folder);
    tf.wasm.setThreadsCount(threads);
  }
  await tf.setBackend(backend);
  await tf.ready();
  if (backend === 'wasm') used = tf.wasm.getThreadsCount();
  const step = await { train: training, infer: inference, gemm: product }[work.mode](tf, work);
  return {
    version: tf.version.tfjs,
    threads: used,
    run: (seconds) => timed(step, unitsOfStep(work), seconds),
  };
}

/**
 * Steps on batches that are already tensors.
 *
 * @param {any} tf @param {import('../works.mjs').Work} work
 */
async function training(tf, work) {
  const { batch, network } = work;
  const binary = network.head === 'binary';
  const model = tf.model(kerasGraph(work.network, tf));
  const loss = binary
    ? tf.losses.sigmoidCrossEntropy
    : (/** @type {any} */ labels, /** @type {any} */ logits) =>
        tf.losses.softmaxCrossEntropy(labels, logits);
  const { name, learningRate, momentum } = network.optimizer;
  const optimizer =
    name === 'adam' ? tf.train.adam(learningRate) : tf.train.momentum(learningRate, momentum);
  model.compile({ optimizer, loss });
  const size = sizeOf(work);
  const pixels = randomFloats(work.batches * size);
  const xs = Array.from({ length: work.batches }, (_, i) =>
    tf.tensor(pixels.slice(i * size, (i + 1) * size), [batch, ...network.input]),
  );
  const y = binary
    ? tf.tensor2d(
        Float32Array.from({ length: batch }, (_, i) => i % 2),
        [batch, 1],
      )
    : tf.oneHot(tf.tensor1d(Int32Array.from({ length: batch }, (_, i) => i % 10)), 10);
  let steps = 0;
  return () => model.trainOnBatch(xs[steps++ % xs.length], y);
}

/** @param {any} tf @param {import('../works.mjs').Work} work */
async function inference(tf, work) {
  const model = tf.model(kerasGraph(work.network, tf));
  const input = randomFloats(sizeOf(work));
  return async () => {
    const x = tf.tensor(input, [work.batch, ...work.network.input]);
    const y = model.predict(x, { batchSize: work.batch });
    await y.data();
    x.dispose();
    y.dispose();
  };
}

/** @param {any} tf @param {import('../works.mjs').Work} work */
async function product(tf, { batch }) {
  const a = tf.tensor(randomFloats(batch * batch), [batch, batch]);
  const b = tf.tensor(randomFloats(batch * batch), [batch, batch]);
  // The wasm backend computes at the call: nothing has to be read to wait for it.
  return () => tf.matMul(a, b).dispose();
}

/** @param {import('../works.mjs').Work} work */
const sizeOf = ({ batch, network }) => network.input.reduce((size, side) => size * side, batch);

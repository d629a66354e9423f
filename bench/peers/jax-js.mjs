/**
 * jax-js on its WebAssembly backend in a page, with a step written by hand: `grad` under `jit`, then Adam. Its own convolution is
 * slow; "im2col" is the same network with convolution written as patches times matrix, which helps it tenfold.
 */

import { randomFloats, timed, unitsOfStep } from '../works.mjs';

/** @type {import('../contestants.mjs').Peer} */
export const peer = {
  name: 'jax-js',
  npm: { '@jax-js/jax': '0.1.25' },
  works: ['seed-cnn-train-b32', 'seed-cnn-infer-b100', 'gemm-1024'],
  refuses: () => undefined,
  contestants: [
    { place: 'page', threads: 1, slow: true },
    { place: 'page', threads: 2, slow: true },
    { place: 'page', threads: 1, label: 'jax-js, im2col', options: { im2col: true }, slow: true },
    { place: 'page', threads: 2, label: 'jax-js, im2col', options: { im2col: true } },
  ],
};

/** @typedef {import('../works.mjs').Work} Work */

/** @type {import('../contestants.mjs').Prepare} */
export async function prepare(work, { threads, base, options }) {
  const jax = await import(`${base}@jax-js/jax/dist/index.js`);
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const im2col = options.im2col === true;
  const step = { train: training, infer: inference, gemm: product }[work.mode](jax, work, im2col);
  return {
    version: peer.npm?.['@jax-js/jax'] ?? '',
    threads,
    run: (seconds) => timed(step, unitsOfStep(work), seconds),
  };
}

/** @param {any} jax @param {Work} work @param {boolean} im2col */
function training(jax, work, im2col) {
  const { numpy: np, nn, tree } = jax;
  const { batch } = work;
  const logits = forward(jax, work, im2col);
  const gradient = jax.grad(
    (/** @type {any} */ weights, /** @type {any} */ x, /** @type {any} */ y) =>
      np.sum(nn.logSoftmax(logits(weights, x)).mul(y)).mul(-1 / batch),
  );
  /** @type {(f: (...arrays: any[]) => any, ...trees: any[][]) => any[]} */
  const zip = (f, first, ...others) =>
    first.map((array, i) => f(array, ...others.map((tree) => tree[i])));
  const step = jax.jit(
    (
      /** @type {any[]} */ w,
      /** @type {any[]} */ m,
      /** @type {any[]} */ v,
      /** @type {any} */ rate,
      /** @type {any} */ x,
      /** @type {any} */ y,
    ) => {
      const g = gradient(tree.ref(w), x, y);
      const m1 = zip((m, g) => m.mul(0.9).add(g.mul(0.1)), m, tree.ref(g));
      const v1 = zip((v, g) => v.mul(0.999).add(np.square(g).mul(0.001)), v, g);
      const update = (/** @type {any} */ w, /** @type {any} */ m, /** @type {any} */ v) =>
        w.sub(m.mul(rate.ref).div(np.sqrt(v).add(1e-7)));
      const w1 = zip(update, w, tree.ref(m1), tree.ref(v1));
      rate.dispose();
      return [w1, m1, v1];
    },
  );
  const pixels = randomFloats(work.batches * sizeOf(work));
  const xs = Array.from({ length: work.batches }, (_, i) =>
    np
      .array(pixels.slice(i * sizeOf(work), (i + 1) * sizeOf(work)))
      .reshape(inputShape(work, im2col)),
  );
  const labels = new Float32Array(batch * 10);
  for (let i = 0; i < batch; i++) labels[10 * i + (i % 10)] = 1;
  const y = np.array(labels).reshape([batch, 10]);
  const w = initialWeights(jax, work, im2col);
  const zeros = () => w.map((array) => np.zeros(array.shape));
  let state = [w, zeros(), zeros()];
  let steps = 0;
  return async () => {
    steps++;
    const rate = (1e-3 * Math.sqrt(1 - 0.999 ** steps)) / (1 - 0.9 ** steps);
    state = step(...state, np.array([rate]), xs[steps % xs.length].ref, y.ref);
    await jax.blockUntilReady(state);
  };
}

/** @param {any} jax @param {Work} work @param {boolean} im2col */
function inference(jax, work, im2col) {
  const { numpy: np, tree } = jax;
  const predict = jax.jit(forward(jax, work, im2col));
  const weights = initialWeights(jax, work, im2col);
  const input = randomFloats(sizeOf(work));
  const shape = inputShape(work, im2col);
  return () => predict(tree.ref(weights), np.array(input).reshape(shape)).data();
}

/** @param {any} jax @param {Work} work */
function product({ numpy: np, blockUntilReady }, { batch }) {
  const a = np.array(randomFloats(batch * batch)).reshape([batch, batch]);
  const b = np.array(randomFloats(batch * batch)).reshape([batch, batch]);
  return async () => {
    const c = np.matmul(a.ref, b.ref);
    await blockUntilReady(c);
    c.dispose();
  };
}

/** @param {Work} work */
const sizeOf = ({ batch, network }) => network.input.reduce((size, side) => size * side, batch);

/** Patches lie channels last; jax-js's own convolution wants channels first. @param {Work} work @param {boolean} im2col */
function inputShape({ batch, network }, im2col) {
  const [height, width, channels] = network.input;
  return im2col ? [batch, height, width, channels] : [batch, channels, height, width];
}

/** @param {any} jax @param {Work} work @param {boolean} im2col @returns {any[]} */
function initialWeights({ numpy: np }, { network }, im2col) {
  let [side, , channels] = network.input;
  const weights = [];
  const add = (/** @type {number[]} */ shape, /** @type {number} */ inputs) => {
    const size = shape.reduce((product, side) => product * side, 1);
    const values = randomFloats(size).map((value) => (value - 0.5) * Math.sqrt(12 / inputs));
    weights.push(np.array(values).reshape(shape));
  };
  for (const layer of network.layers) {
    if (layer.type === 'conv') {
      const { filters } = layer;
      add(im2col ? [9 * channels, filters] : [filters, channels, 3, 3], 9 * channels);
      weights.push(np.zeros(im2col ? [filters] : [filters, 1, 1]));
      [side, channels] = [side - 2, filters];
    } else if (layer.type === 'pool') side >>= 1;
    else if (layer.type === 'flatten') channels *= side * side;
    else if (layer.type === 'dense') {
      add([channels, layer.units], channels);
      weights.push(np.zeros([layer.units]));
      channels = layer.units;
    }
  }
  return weights;
}

/**
 * @param {any} jax @param {Work} work @param {boolean} im2col
 * @returns {(weights: any[], x: any) => any} logits
 */
function forward({ numpy: np, nn, lax }, { batch, network }, im2col) {
  return (weights, x) => {
    let next = 0;
    let [side, , channels] = network.input;
    let y = x;
    for (const layer of network.layers) {
      if (layer.type === 'conv') {
        side -= 2;
        const [kernel, bias] = [weights[next++], weights[next++]];
        const products = im2col
          ? np.matmul(patches(y), kernel).reshape([batch, side, side, layer.filters])
          : lax.conv(y, kernel, [1, 1], 'VALID');
        y = nn.relu(products.add(bias));
        channels = layer.filters;
      } else if (layer.type === 'pool') {
        side >>= 1;
        y = pool(y);
      } else if (layer.type === 'flatten') {
        channels *= side * side;
        y = y.reshape([batch, channels]);
      } else if (layer.type === 'dense') {
        y = np.matmul(y, weights[next++]).add(weights[next++]);
        if (layer.relu) y = nn.relu(y);
      }
    }
    return y;

    /** Rows of 9 · channels, one for each place of the window. @param {any} image */
    function patches(image) {
      const parts = [];
      for (let dy = 0; dy < 3; dy++) {
        for (let dx = 0; dx < 3; dx++) {
          parts.push(image.ref.slice([], [dy, dy + side], [dx, dx + side], []));
        }
      }
      image.dispose();
      return np.concatenate(parts, 3).reshape([batch * side * side, 9 * channels]);
    }

    /** @param {any} image */
    function pool(image) {
      const even = [0, 2 * side];
      if (im2col) {
        const cut = image.slice([], even, even, []);
        return np.max(cut.reshape([batch, side, 2, side, 2, channels]), [2, 4]);
      }
      const cut = image.slice([], [], even, even);
      return np.max(cut.reshape([batch, channels, side, 2, side, 2]), [3, 5]);
    }
  };
}

/**
 * What is measured: networks described once, for every peer to build from, and the works done with them.
 * Pure data and arithmetic: read in Node and in pages, and as JSON by Python.
 */

/**
 * @typedef {{ type: 'conv', filters: number } | { type: 'pool' } | { type: 'flatten' } | { type: 'dropout', rate: number } |
 *   { type: 'dense', units: number, relu?: boolean }} LayerSpec
 *   conv is 3x3, valid, with ReLU; pool is 2x2; the last dense gives logits
 *
 * @typedef {object} Network
 * @property {number[]} input [height, width, channels]
 * @property {LayerSpec[]} layers
 * @property {'classes' | 'binary'} head softmax over classes, or one sigmoid; with its cross-entropy
 *
 * @typedef {object} Work
 * @property {string} id
 * @property {string} title
 * @property {'train' | 'infer' | 'gemm'} mode training is a whole step: forward, backward, Adam
 * @property {Network} network
 * @property {number} batch
 * @property {number} batches that training goes round, in random pixels with labels of chance. One alone would be learnt by heart: what
 *   is left of its gradients are denormal numbers, which some peers (PyTorch by 15 %) are slow at and no real training has
 * @property {number} flop of one image (of one product for gemm), counted as direct convolution
 * @property {boolean} [quick] part of the quick form
 * @property {Target[]} [targets]
 *
 * @typedef {object} Target a ratio to reach on two threads
 * @property {string} against name of the peer; 'one thread' of tabgrad in the same place; 'peak': the peak kernel
 * @property {number} floor
 * @property {number} goal
 * @property {number} [threads] of the peer and of tabgrad; default 2
 */

/** @type {(filters: number) => LayerSpec} */
const conv = (filters) => ({ type: 'conv', filters });
/** @type {LayerSpec} */
const pool = { type: 'pool' };
/** @type {LayerSpec} */
const flatten = { type: 'flatten' };
/** @type {(units: number) => LayerSpec} */
const hidden = (units) => ({ type: 'dense', units, relu: true });
/** @type {(units: number) => LayerSpec} */
const logits = (units) => ({ type: 'dense', units });

/** @type {Network} */
const seedCnn = {
  input: [32, 32, 3],
  layers: [conv(32), pool, conv(64), pool, conv(64), flatten, hidden(64), logits(10)],
  head: 'classes',
};
/** @type {Network} */
const dropoutCnn = {
  input: [32, 32, 3],
  layers: [
    ...[conv(32), pool, conv(64), pool, flatten],
    ...[hidden(128), /** @type {LayerSpec} */ ({ type: 'dropout', rate: 0.5 }), logits(10)],
  ],
  head: 'classes',
};
/** @type {Network} */
const binary224 = {
  input: [224, 224, 3],
  layers: [
    ...[conv(32), pool, conv(64), pool, conv(128), pool, conv(128), pool],
    ...[flatten, hidden(512), logits(1)],
  ],
  head: 'binary',
};
/** @type {Network} a product of two 1024x1024 matrices is a dense layer of as many units on as many samples */
const product = { input: [1024], layers: [logits(1024)], head: 'classes' };

/**
 * Floating-point operations of one image: forward, and for training also the gradients of weights and inputs.
 * The first layer's input needs no gradient.
 *
 * @param {Network} network
 * @returns {{ infer: number, train: number }}
 */
export function countFlop({ input, layers }) {
  let [height, width, channels] = input.length === 1 ? [1, 1, input[0]] : input;
  let infer = 0;
  let train = 0;
  for (const layer of layers) {
    let flop = 0;
    if (layer.type === 'conv') {
      height -= 2;
      width -= 2;
      flop = 2 * height * width * 9 * channels * layer.filters;
      channels = layer.filters;
    } else if (layer.type === 'pool') {
      height >>= 1;
      width >>= 1;
    } else if (layer.type === 'flatten') {
      channels *= height * width;
      height = width = 1;
    } else if (layer.type === 'dense') {
      flop = 2 * channels * layer.units;
      channels = layer.units;
    }
    train += (infer === 0 ? 2 : 3) * flop;
    infer += flop;
  }
  return { infer, train };
}

/**
 * @param {string} name
 * @param {Network} network
 * @param {'train' | 'infer'} mode
 * @param {number} batch
 * @param {Partial<Work>} [more]
 * @returns {Work}
 */
function work(name, network, mode, batch, more) {
  const title = `${name} ${mode === 'train' ? 'training' : 'inference'}, batch ${batch}`;
  const flop = countFlop(network)[mode];
  const batches = network.input[0] > 100 ? 4 : 64;
  return { id: `${name}-${mode}-b${batch}`, title, mode, network, batch, batches, flop, ...more };
}

/** @type {Work[]} */
export const WORKS = [
  work('seed-cnn', seedCnn, 'train', 32, {
    quick: true,
    targets: [
      { against: 'pytorch', floor: 0.85, goal: 1.2 },
      { against: 'jax-js', floor: 8, goal: 13 },
      { against: 'one thread', floor: 1.75, goal: 1.92 },
    ],
  }),
  work('dropout-cnn', dropoutCnn, 'train', 32),
  work('binary-224', binary224, 'train', 8, {
    targets: [{ against: 'pytorch', floor: 0.9, goal: 1.4 }],
  }),
  work('seed-cnn', seedCnn, 'infer', 1, {
    targets: [{ against: 'tfjs-wasm', floor: 1.3, goal: 2, threads: 1 }],
  }),
  work('seed-cnn', seedCnn, 'infer', 100, {
    quick: true,
    targets: [{ against: 'tfjs-wasm', floor: 1.5, goal: 2 }],
  }),
  work('binary-224', binary224, 'infer', 1, {
    targets: [{ against: 'tfjs-wasm', floor: 1.5, goal: 2.2 }],
  }),
  {
    id: 'gemm-1024',
    title: 'gemm 1024x1024x1024',
    mode: 'gemm',
    network: product,
    batch: 1024,
    batches: 1,
    flop: 2 * 1024 ** 3,
    targets: [{ against: 'peak', floor: 0.85, goal: 0.95 }],
  },
];

/** Works that the targets name and this bench does not have yet, with what is missing. */
export const NOT_THERE_YET = [
  'resnet20, training batch 128 and inference batch 100: needs BatchNorm, residual addition and global average pooling',
  'int8 inference against float: needs quantisation',
];

/**
 * Numbers in [0, 1), the same everywhere; speed does not depend on what the images show.
 *
 * @param {number} count
 */
export function randomFloats(count) {
  const values = new Float32Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (state >>> 8) / 2 ** 24;
  }
  return values;
}

/** Units of work that one step does: images, or one product. @param {Work} work */
export function unitsOfStep({ mode, batch }) {
  return mode === 'gemm' ? 1 : batch;
}

/**
 * Repeats a step for at least so many seconds.
 *
 * @param {() => unknown} step
 * @param {number} units that a step does
 * @param {number} seconds 0 is one step
 * @returns {Promise<number>} units a second
 */
export async function timed(step, units, seconds) {
  const started = performance.now();
  let steps = 0;
  let elapsed;
  do {
    await step();
    steps++;
    elapsed = performance.now() - started;
  } while (elapsed < 1000 * seconds);
  return (1000 * units * steps) / elapsed;
}

/** What is measured: the works done with the networks, and the ratios to reach. */

import { NETWORKS, countFlop, productOf } from './networks.mjs';

/**
 * @typedef {object} Work
 * @property {string} id
 * @property {string} title
 * @property {'train' | 'infer' | 'gemm'} mode training is a whole step: forward, backward, optimizer
 * @property {import('./networks.mjs').Network} network
 * @property {number} batch
 * @property {number} batches that training goes round, in random pixels with labels of chance. One alone would be learnt by heart: what
 *   is left of its gradients are denormal numbers, which some peers (PyTorch by 15 %) are slow at and no real training has
 * @property {number} flop of one image (of one product for gemm), counted as direct convolution
 * @property {boolean} [quick] part of the quick form
 * @property {Target[]} [targets]
 *
 * @typedef {object} Target a ratio to reach on two threads
 * @property {string} [of] label of the one of ours that is to reach it, default 'tabgrad'
 * @property {string | string[]} against name of the peer, or of several, of whom the best counts; 'one thread' of tabgrad in the same
 *   place; 'float': tabgrad itself in the same place; 'peak': the peak kernel
 * @property {number} floor
 * @property {number} goal
 * @property {number} [threads] of the peer and of tabgrad; default 2
 */

/** Above it a network is heavy: FLOP of an image. */
const HEAVY_FLOP = 1e8;

/**
 * @param {keyof typeof NETWORKS} name
 * @param {'train' | 'infer'} mode
 * @param {number} batch
 * @param {Partial<Work>} [more]
 * @returns {Work}
 */
function work(name, mode, batch, more) {
  const title = `${name} ${mode === 'train' ? 'training' : 'inference'}, batch ${batch}`;
  const network = NETWORKS[name];
  const flop = countFlop(network)[mode];
  // Our own is measured in whole epochs: those of heavy networks are kept short.
  const batches = flop > HEAVY_FLOP ? 4 : Math.ceil(2048 / batch);
  return { id: `${name}-${mode}-b${batch}`, title, mode, network, batch, batches, flop, ...more };
}

/** @type {Work[]} */
export const WORKS = [
  work('seed-cnn', 'train', 32, {
    quick: true,
    targets: [
      { against: 'pytorch', floor: 0.85, goal: 1.2 },
      { against: 'jax-js', floor: 8, goal: 13 },
      { against: 'tfjs-wasm', floor: 8, goal: 13 },
      { against: 'one thread', floor: 1.75, goal: 1.92 },
    ],
  }),
  work('seed-cnn', 'train', 128),
  work('dropout-cnn', 'train', 32),
  work('resnet20', 'train', 128, {
    targets: [{ against: 'pytorch', floor: 0.45, goal: 0.75 }],
  }),
  work('binary-224', 'train', 8, {
    targets: [{ against: 'pytorch', floor: 0.9, goal: 1.4 }],
  }),
  work('seed-cnn', 'infer', 1, {
    targets: [{ against: 'tfjs-wasm', floor: 1.3, goal: 2, threads: 1 }],
  }),
  work('seed-cnn', 'infer', 100, {
    quick: true,
    targets: [
      { against: 'tfjs-wasm', floor: 1.5, goal: 2 },
      { of: 'tabgrad, int8', against: 'float', floor: 1.3, goal: 2.5 },
    ],
  }),
  work('resnet20', 'infer', 100, {
    targets: [{ against: ['tfjs-wasm', 'onnxruntime-web'], floor: 2, goal: 3 }],
  }),
  work('binary-224', 'infer', 1, {
    targets: [{ against: 'tfjs-wasm', floor: 1.5, goal: 2.2 }],
  }),
  {
    id: 'gemm-1024',
    title: 'gemm 1024x1024x1024',
    mode: 'gemm',
    network: productOf(1024),
    batch: 1024,
    batches: 1,
    flop: 2 * 1024 ** 3,
    targets: [{ against: 'peak', floor: 0.85, goal: 0.95 }],
  },
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

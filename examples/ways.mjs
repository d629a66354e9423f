/** What the examples of ways of learning share: CIFAR-10 in arrays, a small network, the comparison in the end. */

import { datasets, init, layers, sequential } from 'tabgrad';
import { percent } from './training-bar.mjs';

/** @typedef {{ x: Uint8Array<ArrayBuffer>, y: Int32Array<ArrayBuffer> }} Samples pixels and classes */

/** Numbers of a picture of CIFAR-10. */
export const PIXELS = 32 * 32 * 3;

/**
 * Starts the engine and reads the first images of CIFAR-10.
 *
 * @param {{ images: number, test?: number, threads?: number }} options how many to train and to test with
 * @returns {Promise<{ train: Samples, test: Samples, classNames: readonly string[] }>}
 */
export async function readCifar({ images, test = 10_000, threads }) {
  await init({ threads });
  const cifar = await datasets.cifar10();
  const read = async (/** @type {import('tabgrad').Dataset} */ data, /** @type {number} */ count) =>
    /** @type {Samples} */ (await data.read(0, Math.min(count, data.count)));
  const arrays = { train: await read(cifar.train, images), test: await read(cifar.test, test) };
  await cifar.train.dispose();
  await cifar.test.dispose();
  return { ...arrays, classNames: cifar.classNames };
}

/**
 * Some of the samples.
 *
 * @param {Samples} samples
 * @param {Iterable<number>} numbers
 * @returns {Samples}
 */
export function pick({ x, y }, numbers) {
  const chosen = Int32Array.from(numbers);
  const pixels = new Uint8Array(chosen.length * PIXELS);
  chosen.forEach((from, to) => {
    pixels.set(x.subarray(from * PIXELS, (from + 1) * PIXELS), to * PIXELS);
  });
  return { x: pixels, y: chosen.map((number) => y[number]) };
}

/**
 * The numbers 0 … count − 1 in an order that the seed decides.
 *
 * @param {number} count
 * @param {number} seed
 */
export function shuffled(count, seed) {
  let state = seed;
  const keys = Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  });
  return Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b]);
}

/**
 * The numbers of the samples whose class is one of some.
 *
 * @param {Samples} samples
 * @param {(label: number) => boolean} wanted
 */
export function where({ y }, wanted) {
  return Array.from(y.keys()).filter((number) => wanted(y[number]));
}

/**
 * The network of `s1-cifar10-cnn.mjs`, compiled.
 *
 * @param {{ seed: number, classes?: number, activation?: 'linear' | 'softmax' }} options activation of the last layer,
 *   default 'linear': it gives logits
 */
export async function smallNetwork({ seed, classes = 10, activation = 'linear' }) {
  const start = /** @type {const} */ ({ kernelSize: 3, activation: 'relu' });
  const model = await sequential(
    [
      layers.conv2d({ filters: 32, ...start, inputShape: [32, 32, 3] }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 64, ...start }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 64, ...start }),
      layers.flatten(),
      layers.dense({ units: 64, activation: 'relu' }),
      layers.dense({ units: classes, activation, name: 'predictions' }),
    ],
    { seed },
  );
  model.compile(CLASSIFIER);
  return model;
}

/** @type {import('tabgrad').CompileOptions} for classes, from logits or a final softmax */
export const CLASSIFIER = {
  loss: 'sparseCategoricalCrossentropy',
  fromLogits: true,
  metrics: ['accuracy'],
};

/**
 * Options of `fit` that tell how far it is, on one line that the next text overwrites; only in a terminal.
 *
 * @param {string} label
 * @param {number} epochs
 */
export function progressLine(label, epochs) {
  return {
    onBatchEnd(
      /** @type {number} */ batch,
      /** @type {import('tabgrad').Logs} */ { loss },
      /** @type {{ epoch: number, batches: number }} */ { epoch, batches },
    ) {
      showProgress(label, (epoch + (batch + 1) / batches) / epochs, `loss ${loss.toFixed(4)}`);
    },
  };
}

/** @param {string} label @param {number} share that is done @param {string} [text] */
export function showProgress(label, share, text = '') {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${label} ${percent(share)} ${text}`);
}

/**
 * Runs an experiment with seeds 1, 2 … and tells what it found with each, the means, and how far ways are apart.
 *
 * @param {number} seeds how many
 * @param {(seed: number) => Promise<Record<string, number>>} experiment what was measured → a share of 1
 * @param {readonly (readonly [string, string])[]} pairs the first of each against the second
 */
export async function compare(seeds, experiment, pairs) {
  /** @type {Record<string, number>[]} */
  const found = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const shares = await experiment(seed);
    found.push(shares);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const list = Object.entries(shares).map(([name, share]) => `${name} ${percent(share)}`);
    console.log(`seed ${seed}: ${list.join(', ')}`);
  }
  const means = Object.keys(found[0]).map((name) => [name, mean(found.map((one) => one[name]))]);
  console.log(`mean of ${seeds}: ${means.map(([name, m]) => `${name} ${percent(+m)}`).join(', ')}`);
  for (const [way, other] of pairs) console.log(difference(way, other, found));
}

/** @param {string} way @param {string} other @param {Record<string, number>[]} found */
function difference(way, other, found) {
  const points = found.map((shares) => 100 * (shares[way] - shares[other]));
  const by = mean(points);
  const squares = points.map((value) => (value - by) ** 2);
  const error = Math.sqrt(mean(squares) / (points.length - 1));
  const text = `${way} against ${other}: ${by < 0 ? '' : '+'}${by.toFixed(2)} points`;
  if (points.length < 2) return `${text}, of one seed`;
  const verdict = Math.abs(by) > 2 * error ? '' : ': no effect to be seen';
  return `${text}, standard error ${error.toFixed(2)}${verdict}`;
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * A network that has learnt the first six classes of CIFAR-10, for tasks about the other four, of which there are few
 * images with labels: classes 6 … 9 become 0 … 3.
 *
 * @param {{ train: Samples, test: Samples }} cifar
 * @param {{ seed: number, epochs: number, few: number }} options
 * @returns {Promise<{ base: import('tabgrad').Model, train: Samples, test: Samples }>}
 */
export async function sixThenFour(cifar, { seed, epochs, few }) {
  const base = await smallNetwork({ seed, classes: 6 });
  const { x, y } = pick(
    cifar.train,
    where(cifar.train, (label) => label < 6),
  );
  await base.fit(x, y, { epochs, ...progressLine('six classes', epochs) });
  const four = (/** @type {Samples} */ samples, /** @type {number} */ limit) => {
    const chosen = where(samples, (label) => label >= 6).slice(0, limit);
    const found = pick(samples, chosen);
    return { x: found.x, y: found.y.map((label) => label - 6) };
  };
  return { base, train: four(cifar.train, few), test: four(cifar.test, Infinity) };
}

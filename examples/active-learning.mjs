/**
 * Active learning: a network names the images that it would have labelled next, those between whose two likeliest classes
 * it can tell least (Scheffer, Decomain, Wrobel 2001, "Active hidden Markov models for information extraction"), and is
 * compared with one that gets as many labels at random. Every round trains anew on all labels there are.
 *
 *     node examples/active-learning.mjs [--epochs 10] [--images 20000] [--each 1000] [--rounds 5] [--test 10000] [--seeds 3]
 *
 * --each: labels a round.
 */

import { dispose } from 'tabgrad';
import { numberOptions } from './options.mjs';
import { compare, pick, progressLine, readCifar, shuffled, smallNetwork } from './ways.mjs';

const { epochs, images, each, rounds, test, seeds, threads } = numberOptions({
  epochs: 10,
  images: 20_000,
  each: 1000,
  rounds: 5,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});

const cifar = await readCifar({ images, test, threads });

/** @typedef {import('tabgrad').Model} Model */
/** @typedef {(model: Model, pool: number[]) => Promise<number[]>} Choice of images in the pool, the most wanted first */

/** @type {Choice} */
async function byMargin(model, pool) {
  const rows = await model.predict(pick(cifar.train, pool).x, { batchSize: 100 });
  const margins = new Map(
    pool.map((image, n) => {
      const [first, second] = Array.from(rows.subarray(10 * n, 10 * n + 10)).sort((a, b) => b - a);
      return [image, first - second];
    }),
  );
  return pool.toSorted((a, b) => Number(margins.get(a)) - Number(margins.get(b)));
}

/** The pool is in random order. @type {Choice} */
const atRandom = async (_, pool) => pool;

/** @param {number} seed @param {string} label @param {Choice} choose */
async function learn(seed, label, choose) {
  let pool = shuffled(cifar.train.y.length, seed);
  /** @type {number[]} */
  const chosen = pool.splice(0, each);
  for (let round = 1; ; round++) {
    const model = await smallNetwork({ seed, activation: 'softmax' });
    const { x, y } = pick(cifar.train, chosen);
    const line = progressLine(`${label}, round ${round} of ${rounds}`, epochs);
    await model.fit(x, y, { epochs, ...line });
    const { accuracy = NaN } = await model.evaluate(cifar.test.x, cifar.test.y);
    if (round < rounds) {
      pool = await choose(model, pool);
      chosen.push(...pool.splice(0, each));
    }
    await model.dispose();
    if (round === rounds) return accuracy;
  }
}

await compare(
  seeds,
  async (seed) => ({
    'at random': await learn(seed, 'at random', atRandom),
    'by margin': await learn(seed, 'by margin', byMargin),
  }),
  [['by margin', 'at random']],
);
await dispose();

/**
 * Adversarial training (Madry et al. 2017): a network that learns from attacked images errs less when it is attacked, and
 * more when it is not. Accuracies on clean test images and under FGSM and PGD of 8/255.
 *
 *     node examples/adversarial.mjs [--epochs 8] [--images 10000] [--test 1000] [--seeds 3] [--threads 2]
 */

import { dispose } from 'tabgrad';
import { fgsm, pgd } from 'tabgrad/robustness';
import { numberOptions } from './options.mjs';
import { PIXELS, compare, progressLine, readCifar, showProgress, smallNetwork } from './ways.mjs';

const BATCH = 64;
const { epochs, images, test, seeds, threads } = numberOptions({
  epochs: 8,
  images: 10_000,
  test: 1000,
  seeds: 3,
  threads: undefined,
});

const cifar = await readCifar({ images, test, threads });

/** @param {number} seed */
async function trainPlainly(seed) {
  const model = await smallNetwork({ seed });
  const { x, y } = cifar.train;
  await model.fit(x, y, { epochs, batchSize: BATCH, ...progressLine('plain', epochs) });
  return model;
}

/** Each step learns from images that were changed against the network as it is. @param {number} seed */
async function trainAgainstAttacks(seed) {
  const model = await smallNetwork({ seed });
  const batches = Math.ceil(cifar.train.y.length / BATCH);
  for (let step = 0; step < epochs * batches; step++) {
    const first = (step % batches) * BATCH;
    const x = cifar.train.x.subarray(first * PIXELS, (first + BATCH) * PIXELS);
    const y = cifar.train.y.subarray(first, first + BATCH);
    // Against the whole strength from the start, so small a network learns nothing but the most frequent class.
    const epsilon = (8 / 255) * Math.min(1, (2 * (step + 1)) / (epochs * batches));
    const attack = { epsilon, steps: 3, stepSize: epsilon / 2, seed: step, batchSize: BATCH };
    const { loss } = await model.trainOnBatch(await pgd(model, x, y, attack), y);
    showProgress('attacked', step / (epochs * batches), `loss ${loss.toFixed(4)}`);
  }
  return model;
}

/** @param {import('tabgrad').Model} model @param {string} way */
async function measure(model, way) {
  const { x, y } = cifar.test;
  const attacks = {
    clean: x,
    FGSM: await fgsm(model, x, y, { batchSize: BATCH }),
    PGD: await pgd(model, x, y, { batchSize: BATCH }),
  };
  /** @type {Record<string, number>} */
  const found = {};
  for (const [attack, samples] of Object.entries(attacks)) {
    found[`${way} ${attack}`] = (await model.evaluate(samples, y)).accuracy ?? NaN;
  }
  await model.dispose();
  return found;
}

await compare(
  seeds,
  async (seed) => ({
    ...(await measure(await trainPlainly(seed), 'plain')),
    ...(await measure(await trainAgainstAttacks(seed), 'adversarial')),
  }),
  [
    ['adversarial clean', 'plain clean'],
    ['adversarial FGSM', 'plain FGSM'],
    ['adversarial PGD', 'plain PGD'],
  ],
);
await dispose();

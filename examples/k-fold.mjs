/**
 * Cross-validation: how well the mean accuracy over folds of the training data foretells that on the test images, and
 * how much it says that a single validation split does not: the standard deviation over folds.
 *
 *     node examples/k-fold.mjs [--epochs 5] [--images 10000] [--folds 5] [--test 10000] [--seeds 3] [--threads 2]
 */

import { dispose } from 'tabgrad';
import { kFold } from 'tabgrad/learning';
import { numberOptions } from './options.mjs';
import { compare, pick, progressLine, readCifar, smallNetwork } from './ways.mjs';

const { epochs, images, folds, test, seeds, threads } = numberOptions({
  epochs: 5,
  images: 10_000,
  folds: 5,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});

const cifar = await readCifar({ images, test, threads });

/** @param {number} seed */
async function experiment(seed) {
  const found = [];
  let onTest = 0;
  for (const { train, validation } of kFold(cifar.train.y.length, {
    folds,
    labels: cifar.train.y,
    seed,
  })) {
    const model = await smallNetwork({ seed });
    const [known, held] = [pick(cifar.train, train), pick(cifar.train, validation)];
    const label = `fold ${found.length + 1}`;
    await model.fit(known.x, known.y, { epochs, ...progressLine(label, epochs) });
    found.push((await model.evaluate(held.x, held.y)).accuracy ?? NaN);
    onTest += (await model.evaluate(cifar.test.x, cifar.test.y)).accuracy ?? NaN;
    await model.dispose();
  }
  const mean = found.reduce((sum, value) => sum + value, 0) / folds;
  const squares = found.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    'mean of the folds': mean,
    'first fold': found[0],
    'standard deviation over folds': Math.sqrt(squares / (folds - 1)),
    'test (mean of the networks)': onTest / folds,
  };
}

await compare(seeds, experiment, [
  ['mean of the folds', 'test (mean of the networks)'],
  ['first fold', 'test (mean of the networks)'],
]);
await dispose();

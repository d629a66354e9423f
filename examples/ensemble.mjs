/**
 * Ensembles (Hansen and Salamon 1990, "Neural network ensembles"): networks that differ in their seeds alone, and one
 * model that gives the mean of their probabilities, which is saved, quantised and run as any other.
 *
 *     node examples/ensemble.mjs [--epochs 5] [--images 20000] [--members 4] [--test 10000] [--seeds 3] [--threads 2]
 */

import { dispose } from 'tabgrad';
import { ensemble } from 'tabgrad/learning';
import { numberOptions } from './options.mjs';
import { CLASSIFIER, compare, progressLine, readCifar, smallNetwork } from './ways.mjs';

const { epochs, images, members, test, seeds, threads } = numberOptions({
  epochs: 5,
  images: 20_000,
  members: 4,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});

const cifar = await readCifar({ images, test, threads });
const { x, y } = cifar.train;

/** @param {number} seed */
async function experiment(seed) {
  const models = [];
  let sum = 0;
  for (let number = 0; number < members; number++) {
    // Of probabilities a mean makes sense.
    const model = await smallNetwork({ seed: 100 * seed + number, activation: 'softmax' });
    await model.fit(x, y, { epochs, ...progressLine(`network ${number + 1}`, epochs) });
    sum += (await model.evaluate(cifar.test.x, cifar.test.y)).accuracy ?? NaN;
    models.push(model);
  }
  const together = await ensemble(models);
  together.compile({ ...CLASSIFIER, fromLogits: false });
  const { accuracy = NaN } = await together.evaluate(cifar.test.x, cifar.test.y);
  for (const model of [...models, together]) await model.dispose();
  return { [`mean of ${members}`]: accuracy, 'one (mean)': sum / members };
}

await compare(seeds, experiment, [[`mean of ${members}`, 'one (mean)']]);
await dispose();

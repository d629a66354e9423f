/**
 * Pseudo-labels (Lee 2013, "Pseudo-label: the simple and efficient semi-supervised learning method for deep neural
 * networks"): a network that has learnt from few labels names the images it is sure of, and learns from those too. It is
 * compared with the same network that sees its few images as often instead.
 *
 *     node examples/pseudo-labels.mjs [--epochs 3] [--images 20000] [--few 1000] [--test 10000] [--seeds 3] [--threads 2]
 */

import { dispose } from 'tabgrad';
import { cloneModel } from 'tabgrad/learning';
import { numberOptions } from './options.mjs';
import { CLASSIFIER, compare, pick, progressLine, readCifar, smallNetwork } from './ways.mjs';

const { epochs, images, few, test, seeds, threads } = numberOptions({
  epochs: 3,
  images: 20_000,
  few: 1000,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});
const ROUNDS = 3;
/** Probability from which on a network is sure. */
const SURE = 0.95;
/** Epochs over the few images before the first round. */
const FIRST = 5 * epochs;

const cifar = await readCifar({ images, test, threads });
const numbers = Array.from(cifar.train.y.keys());
const labelled = pick(cifar.train, numbers.slice(0, few));
const others = numbers.slice(few);

/** @param {import('tabgrad').Model} model */
const accuracy = async (model) =>
  (await model.evaluate(cifar.test.x, cifar.test.y)).accuracy ?? NaN;

/** The labelled images, and those that the model is sure of with the label it gives. @param {import('tabgrad').Model} model */
async function withPseudoLabels(model) {
  const unlabelled = pick(cifar.train, others);
  const rows = await model.predict(unlabelled.x, { batchSize: 100 });
  const labels = others.map((_, n) => {
    const row = rows.subarray(10 * n, 10 * n + 10);
    const largest = Math.max(...row);
    return largest >= SURE ? row.indexOf(largest) : -1;
  });
  const sure = Array.from(labels.keys()).filter((n) => labels[n] >= 0);
  const right = sure.filter((n) => labels[n] === unlabelled.y[n]).length;
  const chosen = pick(cifar.train, [...numbers.slice(0, few), ...sure.map((n) => others[n])]);
  chosen.y.set(
    sure.map((n) => labels[n]),
    labelled.y.length,
  );
  return { ...chosen, right: right / sure.length || 0 };
}

/** @param {number} seed */
async function experiment(seed) {
  const model = await smallNetwork({ seed, activation: 'softmax' });
  await model.fit(labelled.x, labelled.y, { epochs: FIRST, ...progressLine('few', FIRST) });
  const alone = await cloneModel(model);
  for (const each of [model, alone]) each.compile(CLASSIFIER);
  let right = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const more = await withPseudoLabels(model);
    const asMany = Math.round((epochs * more.y.length) / labelled.y.length);
    const [a, b] = [progressLine('pseudo-labels', epochs), progressLine('alone', asMany)];
    await model.fit(more.x, more.y, { epochs, ...a });
    await alone.fit(labelled.x, labelled.y, { epochs: asMany, ...b });
    right = more.right;
  }
  const found = { alone: await accuracy(alone), 'pseudo-labels': await accuracy(model) };
  for (const each of [model, alone]) await each.dispose();
  return { ...found, 'pseudo-labels that are right': right };
}

await compare(seeds, experiment, [['pseudo-labels', 'alone']]);
await dispose();

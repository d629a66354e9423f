/**
 * Fine-tuning with few weights (Hu et al. 2021, "LoRA: low-rank adaptation of large language models"): a network that has
 * learnt six classes of CIFAR-10 learns the other four. Compared are training the new head alone, LoRA of some rank in
 * all other layers, and training all weights. The products that LoRA has learnt are then merged into plain layers.
 *
 *     node examples/lora.mjs [--epochs 8] [--images 50000] [--few 1000] [--rank 4] [--test 10000] [--seeds 3] [--threads 2]
 */

import { dispose, layers } from 'tabgrad';
import { addLora, cloneModel, mergeLora } from 'tabgrad/learning';
import { numberOptions } from './options.mjs';
import { CLASSIFIER, compare, progressLine, readCifar, sixThenFour } from './ways.mjs';

const { epochs, images, few, rank, test, seeds, threads } = numberOptions({
  epochs: 8,
  images: 50_000,
  few: 1000,
  rank: 4,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});
/** Epochs over the few images. */
const MORE = 3 * epochs;
const HEAD = ['new_head'];

const cifar = await readCifar({ images, test, threads });

/** @param {number} seed */
async function experiment(seed) {
  const { base, train, test: unseen } = await sixThenFour(cifar, { seed, epochs, few });
  const accuracy = async (/** @type {import('tabgrad').Model} */ model) =>
    (await model.evaluate(unseen.x, unseen.y)).accuracy ?? NaN;
  const learn = async (
    /** @type {import('tabgrad').Model} */ model,
    /** @type {string} */ label,
  ) => {
    await model.compile(CLASSIFIER);
    const { x, y } = train;
    await model.fit(x, y, { epochs: MORE, batchSize: 16, ...progressLine(label, MORE) });
    const { trainableParameters } = model.summary();
    if (seed === 1) console.log(`${label}: ${trainableParameters} weights are trained`);
    return accuracy(model);
  };

  const whole = await cloneModel(base, {
    change: ({ name }) =>
      name === 'predictions' ? layers.dense({ units: 4, name: HEAD[0] }) : undefined,
  });
  const adapted = await addLora(whole, { rank, trainable: HEAD });
  const merged = await cloneModel(whole);
  const frozen = await cloneModel(whole);
  await frozen.setTrainable(false);
  await frozen.setTrainable(true, HEAD);
  const found = {
    head: await learn(frozen, 'head'),
    LoRA: await learn(adapted, 'LoRA'),
    all: await learn(whole, 'all'),
  };
  await mergeLora(adapted, merged);
  await merged.compile(CLASSIFIER);
  const result = { ...found, merged: await accuracy(merged) };
  for (const model of [base, whole, adapted, merged, frozen]) await model.dispose();
  return result;
}

await compare(seeds, experiment, [
  ['LoRA', 'head'],
  ['LoRA', 'all'],
  ['merged', 'LoRA'],
]);
await dispose();

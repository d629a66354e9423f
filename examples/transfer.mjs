/**
 * Transfer learning (Yosinski et al. 2014, "How transferable are features in deep neural networks?"): a network that has
 * learnt six classes of CIFAR-10 gets a new head for the other four, of which it sees few images. Compared are a network
 * that begins anew, a new head on frozen layers, and the same with all layers fine-tuned afterwards.
 *
 *     node examples/transfer.mjs [--epochs 8] [--images 50000] [--few 200] [--test 10000] [--seeds 3] [--threads 2]
 *
 * --images: of all classes, from which those of the first six are taken; --few: images of the other four, with labels.
 */

import { dispose, layers, optimizers } from 'tabgrad';
import { cloneModel } from 'tabgrad/learning';
import { numberOptions } from './options.mjs';
import {
  CLASSIFIER,
  compare,
  progressLine,
  readCifar,
  sixThenFour,
  smallNetwork,
} from './ways.mjs';

const { epochs, images, few, test, seeds, threads } = numberOptions({
  epochs: 8,
  images: 50_000,
  few: 200,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});
/** Epochs over the few images, as long as it needs. */
const MORE = 5 * epochs;

const cifar = await readCifar({ images, test, threads });

/** @param {number} seed */
async function experiment(seed) {
  const { base, train, test: unseen } = await sixThenFour(cifar, { seed, epochs, few });
  const learn = async (
    /** @type {import('tabgrad').Model} */ model,
    /** @type {string} */ label,
    learningRate = 1e-3,
  ) => {
    await model.compile({ ...CLASSIFIER, optimizer: optimizers.adam({ learningRate }) });
    const { x, y } = train;
    await model.fit(x, y, { epochs: MORE, batchSize: 16, ...progressLine(label, MORE) });
    return (await model.evaluate(unseen.x, unseen.y)).accuracy ?? NaN;
  };

  const anew = await smallNetwork({ seed, classes: 4 });
  // The head is replaced, all other layers keep what they have learnt.
  const model = await cloneModel(base, {
    change: ({ name }) =>
      name === 'predictions' ? layers.dense({ units: 4, name: 'new_head' }) : undefined,
  });
  await model.setTrainable(false);
  await model.setTrainable(true, 'new_head');
  const found = { anew: await learn(anew, 'anew'), head: await learn(model, 'new head') };
  await model.setTrainable(true);
  const tuned = await learn(model, 'fine-tuning', 3e-4);
  for (const each of [base, anew, model]) await each.dispose();
  return { ...found, 'fine-tuned': tuned };
}

await compare(seeds, experiment, [
  ['head', 'anew'],
  ['fine-tuned', 'anew'],
  ['fine-tuned', 'head'],
]);
await dispose();

/**
 * Pictures that change while a network trains: mirrored and shifted, with a square blanked (cutout: DeVries and Taylor
 * 2017), mixed with another (mixup: Zhang et al. 2017), against training on them as they are.
 *
 *     node examples/augmentation.mjs [--epochs 20] [--images 10000] [--test 10000] [--seeds 3] [--threads 2]
 */

import { dispose } from 'tabgrad';
import * as augment from 'tabgrad/augment';
import { numberOptions } from './options.mjs';
import { compare, progressLine, readCifar, smallNetwork } from './ways.mjs';

const { epochs, images, test, seeds, threads } = numberOptions({
  epochs: 20,
  images: 10_000,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});

const cifar = await readCifar({ images, test, threads });

const WAYS = {
  plain: [],
  'flip and crop': [augment.randomFlip({ mode: 'horizontal' }), augment.randomCrop({ padding: 4 })],
  cutout: [augment.cutout({ size: 8 })],
  mixup: [augment.mixup({ alpha: 0.2 })],
};

/** @param {number} seed */
async function experiment(seed) {
  /** @type {Record<string, number>} */
  const found = {};
  for (const [way, steps] of Object.entries(WAYS)) {
    const model = await smallNetwork({ seed });
    const { x, y } = cifar.train;
    await model.fit(x, y, { epochs, augment: steps, ...progressLine(way, epochs) });
    found[way] = (await model.evaluate(cifar.test.x, cifar.test.y)).accuracy ?? NaN;
    await model.dispose();
  }
  return found;
}

await compare(seeds, experiment, [
  ['flip and crop', 'plain'],
  ['cutout', 'plain'],
  ['mixup', 'plain'],
]);
await dispose();

/**
 * Self-supervised pre-training (Gidaris, Singh, Komodakis 2018, "Unsupervised representation learning by predicting image
 * rotations"): a network learns by which quarter turn an image was rotated, which needs no labels; with a new head it then
 * learns the ten classes from few labels, and is compared with the same network that begins anew.
 *
 *     node examples/self-supervised.mjs [--epochs 6] [--images 10000] [--few 500] [--test 10000] [--seeds 3] [--threads 2]
 */

import { dispose, layers } from 'tabgrad';
import { cloneModel } from 'tabgrad/learning';
import { numberOptions } from './options.mjs';
import {
  CLASSIFIER,
  PIXELS,
  compare,
  pick,
  progressLine,
  readCifar,
  smallNetwork,
} from './ways.mjs';

const { epochs, images, few, test, seeds, threads } = numberOptions({
  epochs: 6,
  images: 10_000,
  few: 500,
  test: 10_000,
  seeds: 3,
  threads: undefined,
});
/** Epochs over the few images. */
const MORE = 4 * epochs;

const cifar = await readCifar({ images, test, threads });
const labelled = pick(cifar.train, Array(Math.min(few, cifar.train.y.length)).keys());

/** Every image four times, and by how many quarter turns it is rotated. */
function rotations() {
  const { x } = cifar.train;
  const turned = new Uint8Array(4 * x.length);
  const y = Int32Array.from({ length: (4 * x.length) / PIXELS }, (_, index) => index % 4);
  for (let at = 0; at < turned.length; at += 3) {
    const [image, place] = [Math.floor(at / PIXELS), at % PIXELS];
    let [row, column] = [Math.floor(place / 96), (place % 96) / 3];
    for (let turn = 0; turn < y[image]; turn++) [row, column] = [column, 31 - row];
    const from = Math.floor(image / 4) * PIXELS + row * 96 + column * 3;
    turned.set(x.subarray(from, from + 3), at);
  }
  return { x: turned, y };
}
const turned = rotations();

/** @param {import('tabgrad').Model} model @param {string} label */
async function learnClasses(model, label) {
  await model.compile(CLASSIFIER);
  const { x, y } = labelled;
  await model.fit(x, y, { epochs: MORE, ...progressLine(label, MORE) });
  return (await model.evaluate(cifar.test.x, cifar.test.y)).accuracy ?? NaN;
}

/** @param {number} seed */
async function experiment(seed) {
  const anew = await smallNetwork({ seed });
  const found = { anew: await learnClasses(anew, 'anew') };
  const base = await smallNetwork({ seed, classes: 4 });
  await base.fit(turned.x, turned.y, { epochs, ...progressLine('rotations', epochs) });
  const model = await cloneModel(base, {
    change: ({ name }) =>
      name === 'predictions' ? layers.dense({ units: 10, name: 'classes' }) : undefined,
  });
  const after = await learnClasses(model, 'classes');
  for (const each of [anew, base, model]) await each.dispose();
  return { ...found, 'pre-trained': after };
}

await compare(seeds, experiment, [['pre-trained', 'anew']]);
await dispose();

/**
 * Photos of two classes from folders, as the Keras tutorial of augmentation has it: train/ and test/ with a folder for
 * each class, resized to 224x224; sheared, zoomed and mirrored while training.
 *
 *     node examples/s2-folders.mjs --folder photos [--stream] [--epochs 50] [--batch 32] [--seed 1] [--threads 2]
 *
 * With --stream the training photos are read while it trains: a folder of any size.
 */

import { parseArgs } from 'node:util';
import { join } from 'node:path';
import * as augment from 'tabgrad/augment';
import { datasets, dispose, init, layers, sequential } from 'tabgrad';
import { percent, trainingBar } from './training-bar.mjs';

const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({
  options: {
    ...{ folder: text, epochs: text, batch: text, seed: text, threads: text },
    stream: { type: 'boolean', default: false },
  },
});
const { folder, epochs = '50', batch = '32', seed = '1', threads } = values;
if (!folder) throw new RangeError('--folder must name the folder of train/ and test/.');

await init(threads ? { threads: Number(threads) } : {});
const options = /** @type {const} */ ({ imageSize: [224, 224], labelMode: 'binary' }); // scale 1/255 is the default
const load = values.stream ? datasets.imageStream : datasets.imageFolder;
const train = await load(join(folder, 'train'), options);
const test = await datasets.imageFolder(join(folder, 'test'), options);
console.log(`${train.count} and ${test.count} photos of ${train.classNames.join(' and ')}`);

const model = await sequential(
  [
    layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [224, 224, 3] }),
    layers.maxPooling2d(),
    layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d(),
    layers.conv2d({ filters: 128, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d(),
    layers.conv2d({ filters: 128, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d(),
    layers.flatten(),
    layers.dense({ units: 512, activation: 'relu' }),
    layers.dense({ units: 1, activation: 'sigmoid' }),
  ],
  { seed: Number(seed) },
);
model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy', metrics: ['accuracy'] });

const bar = trainingBar({ samples: train.count, batchSize: Number(batch) });
const { history } = await model.fit(train, {
  epochs: Number(epochs),
  batchSize: Number(batch),
  // What ImageDataGenerator(shear_range=0.2, zoom_range=0.2, horizontal_flip=True) does: its shear is in degrees.
  augment: [
    augment.randomShear({ degrees: 0.2, fillMode: 'nearest' }),
    augment.randomZoom({ heightFactor: 0.2, widthFactor: 0.2 }),
    augment.randomFlip({ mode: 'horizontal' }),
  ],
  validationData: test,
  onBatchEnd: bar.onBatchEnd,
  onEpochEnd: bar.endEpoch,
});
const best = Math.max(.../** @type {number[]} */ (history.valAccuracy));
const { accuracy } = await model.evaluate(test);
console.log(`test accuracy ${percent(accuracy)}, best of all epochs ${percent(best)}`);
await dispose();

/**
 * Cleans a folder of pictures, one folder a class, divides it and trains on it.
 *
 *     node examples/clean-and-split.mjs photos/ [--size 32] [--epochs 10] [--seed 0]
 */

import { parseArgs } from 'node:util';
import { datasets, dispose, layers, sequential } from 'tabgrad';
import { classWeights, cleaningReport } from 'tabgrad/data';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '32' },
    epochs: { type: 'string', default: '10' },
    seed: { type: 'string', default: '0' },
  },
});
const [folder] = positionals;
if (!folder) throw new Error('Which folder? node examples/clean-and-split.mjs photos/');
const size = Number(values.size);
const epochs = Number(values.epochs);
const seed = Number(values.seed);

const photos = await datasets.imageFolder(folder, { imageSize: [size, size], antialias: true });
console.log(`${photos.count} pictures of ${photos.classNames.join(', ')}`);

async function makeModel() {
  const model = await sequential(
    [
      layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu', inputShape: photos.shape }),
      layers.maxPooling2d(),
      layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d(),
      layers.flatten(),
      layers.dense({ units: 32, activation: 'relu' }),
      layers.dense({ units: photos.classNames.length, activation: 'softmax' }),
    ],
    { seed },
  );
  model.compile({
    optimizer: 'adam',
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  });
  return model;
}

const options = { k: 3, seed, minConfidence: 0.9, fit: { epochs } };
const report = await cleaningReport(photos, { makeModel, ...options });
for (const { file, message } of report.unreadable) console.log(`unreadable: ${file}: ${message}`);
for (const { file, ofFile } of report.duplicates) console.log(`duplicate: ${file} of ${ofFile}`);
for (const { file, ofFile } of report.nearDuplicates) console.log(`much alike: ${file}, ${ofFile}`);
for (const { file, suggestedName, confidence } of report.mislabelled) {
  console.log(`mislabelled? ${file}: ${suggestedName}, ${(100 * confidence).toFixed(0)} %`);
}

const clean = await photos.without(report.indices);
const { train, validation, test } = await clean.split({
  train: 0.7,
  validation: 0.15,
  test: 0.15,
  stratified: true,
  seed,
});
console.log(`${train.count} to train, ${validation.count} to validate, ${test.count} to test`);

const model = await makeModel();
await model.fit(train, {
  epochs,
  classWeight: await classWeights(train),
  validationData: validation,
});
const { accuracy } = await model.evaluate(test);
console.log(`test accuracy ${(100 * Number(accuracy)).toFixed(2)} %`);
await dispose();

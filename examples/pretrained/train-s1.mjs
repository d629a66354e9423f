/** The recipe of S1: architecture, loss, optimizer, and a training run that survives an interruption. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layers, load, sequential } from 'tabgrad';

export const RECIPE = Object.freeze({
  data: 'CIFAR-10, 50,000 training images, pixels / 255, shuffled every epoch, no augmentation',
  optimizer: 'Adam, learning rate 0.001',
  loss: 'sparse categorical cross-entropy from logits',
  batchSize: 32,
  epochs: 10,
});

export function s1Layers() {
  return [
    layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [32, 32, 3] }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    layers.flatten(),
    layers.dense({ units: 64, activation: 'relu' }),
    layers.dense({ units: 10 }),
  ];
}

/** @type {import('tabgrad').CompileOptions} */
export const COMPILE_OPTIONS = {
  optimizer: 'adam',
  loss: 'sparseCategoricalCrossentropy',
  fromLogits: true,
  metrics: ['accuracy'],
};

/**
 * @typedef {object} EpochRecord
 * @property {number} epoch from 1
 * @property {number} loss
 * @property {number} accuracy
 * @property {number} valLoss on the test set; for the curve only, nothing is chosen by it
 * @property {number} valAccuracy
 * @property {number} seconds training and validation
 */

/**
 * Trains S1 with a seed, or goes on with an earlier run of the same seed that was interrupted. Order of the images and
 * weights after the last epoch are the same either way (in the plain SIMD build to the bit).
 *
 * @param {object} run
 * @param {{ train: any, test: any }} run.cifar
 * @param {number} run.seed
 * @param {string} run.folder for checkpoint and curve
 * @param {number} [run.epochs]
 * @param {number} [run.limit] training images used
 * @param {(record: EpochRecord) => void} [run.onEpoch]
 * @returns {Promise<{ model: any, curve: EpochRecord[] }>} the model is the caller's to dispose of
 */
export async function trainS1({ cifar, seed, folder, epochs = RECIPE.epochs, limit, onEpoch }) {
  await mkdir(folder, { recursive: true });
  const checkpoint = join(folder, `s1-seed${seed}.safetensors`);
  const curveFile = join(folder, `s1-seed${seed}.json`);
  /** @type {EpochRecord[]} */
  const curve = await readCurve(curveFile);
  let model;
  if (curve.length > 0) {
    model = await load(checkpoint);
    curve.forEach((record) => onEpoch?.(record));
  } else {
    model = await sequential(s1Layers(), { seed, name: 's1' });
    model.compile(COMPILE_OPTIONS);
  }
  for (let epoch = curve.length; epoch < epochs; epoch++) {
    const started = performance.now();
    const { history } = await model.fit(cifar.train, {
      initialEpoch: epoch,
      epochs: epoch + 1,
      batchSize: RECIPE.batchSize,
      ...(limit && { count: limit }),
      validationData: cifar.test,
      validationBatchSize: 100,
    });
    const last = Object.fromEntries(
      Object.entries(history).map(([name, values]) => [name, values.at(-1)]),
    );
    const seconds = (performance.now() - started) / 1000;
    const record = /** @type {EpochRecord} */ ({ epoch: epoch + 1, ...last, seconds });
    curve.push(record);
    // The curve last: when it has the epoch, the checkpoint of that epoch is whole.
    await model.save(checkpoint);
    await writeFile(curveFile, JSON.stringify(curve, null, 1));
    onEpoch?.(record);
  }
  return { model, curve };
}

/** @param {{ seed: number, folder: string }} run forgets its checkpoint and curve */
export async function forgetRun({ seed, folder }) {
  await rm(join(folder, `s1-seed${seed}.json`), { force: true });
  await rm(join(folder, `s1-seed${seed}.safetensors`), { force: true });
}

/**
 * @param {string} file
 * @returns {Promise<EpochRecord[]>} empty when there was no run
 */
async function readCurve(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return [];
  }
}

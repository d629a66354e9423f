/** A training run that survives an interruption. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'tabgrad';
import { RECIPES } from './recipes.mjs';

/**
 * @typedef {object} EpochRecord
 * @property {number} epoch from 1
 * @property {number} loss
 * @property {number} accuracy
 * @property {number} valLoss on the test set; for the curve only, nothing is chosen by it
 * @property {number} valAccuracy
 * @property {number} seconds training and validation
 */

/** @param {string} name @throws {RangeError} */
export function recipeOf(name) {
  if (Object.hasOwn(RECIPES, name)) return RECIPES[name];
  throw new RangeError(`Recipes are ${Object.keys(RECIPES).join(', ')}; found '${name}'.`);
}

/**
 * Trains a recipe with a seed, or goes on with an earlier run of both that was interrupted. Order of the images and
 * weights after the last epoch are the same either way (in the plain SIMD build to the bit).
 *
 * @param {object} run
 * @param {string} run.name of the recipe
 * @param {{ train: import('tabgrad').Dataset, test: import('tabgrad').Dataset }} run.data labels as the recipe wants them
 * @param {number} run.seed
 * @param {string} run.folder for checkpoint and curve
 * @param {number} [run.epochs]
 * @param {number} [run.limit] training images used
 * @param {(record: EpochRecord) => void} [run.onEpoch]
 * @returns {Promise<{ model: any, curve: EpochRecord[] }>} the model is the caller's to dispose of
 */
export async function trainRecipe({ name, data, seed, folder, epochs, limit, onEpoch }) {
  const recipe = recipeOf(name);
  const last = epochs ?? recipe.epochs;
  await mkdir(folder, { recursive: true });
  const stem = join(folder, `${name}-seed${seed}`);
  // A checkpoint an epoch, and the curve after it: the last epoch that the curve knows has a whole one.
  const checkpointOf = (/** @type {number} */ epoch) => `${stem}-epoch${epoch}.safetensors`;
  const curveFile = `${stem}.json`;
  const curve = await readCurve(curveFile);
  let model;
  if (curve.length > 0) {
    model = await load(checkpointOf(curve.length));
    curve.forEach((record) => onEpoch?.(record));
  } else {
    model = await recipe.build(seed);
    model.compile(recipe.compileOptions(last));
  }
  for (let epoch = curve.length; epoch < last; epoch++) {
    const started = performance.now();
    const { history } = await model.fit(data.train, {
      ...recipe.fitOptions,
      initialEpoch: epoch,
      epochs: epoch + 1,
      batchSize: recipe.batchSize,
      ...(limit && { count: limit }),
      validationData: data.test,
      validationBatchSize: 100,
    });
    const logs = Object.fromEntries(
      Object.entries(history).map(([key, values]) => [key, values.at(-1)]),
    );
    const seconds = (performance.now() - started) / 1000;
    const record = /** @type {EpochRecord} */ ({ epoch: epoch + 1, ...logs, seconds });
    curve.push(record);
    await model.save(checkpointOf(epoch + 1));
    await writeFile(curveFile, JSON.stringify(curve, null, 1));
    await rm(checkpointOf(epoch), { force: true });
    onEpoch?.(record);
  }
  return { model, curve };
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

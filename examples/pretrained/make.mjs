/**
 * Makes pretrained weights: trains a recipe on all 50,000 images.
 *
 *     node examples/pretrained/make.mjs s1|s4|resnet20 [--seed 1] [--threads 2]
 *
 * Interrupted, it goes on after the last whole epoch when started again. `--epochs`, `--limit` and `--out` are for trials.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { datasets, dispose, info, init } from 'tabgrad';
import { describeCommand, describeMachine, today } from '../../bench/machine.mjs';
import { percent } from '../training-bar.mjs';
import { countCorrect } from './count-correct.mjs';
import { modelCard } from './model-card.mjs';
import { recipeOf, trainRecipe } from './train.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    threads: { type: 'string' },
    epochs: { type: 'string' },
    limit: { type: 'string' },
    out: { type: 'string', default: 'web/public/pretrained' },
    checkpoints: { type: 'string', default: 'build/pretrained' },
  },
});
const [name = 's1'] = positionals;
const recipe = recipeOf(name);
const seed = Number(options.seed);

// The plain build: the same seed then gives the same weights on every machine.
await init({ deterministic: true, threads: options.threads ? Number(options.threads) : undefined });
const cifar = await datasets.cifar10();
const data = {
  train: (await recipe.prepare?.(cifar.train)) ?? cifar.train,
  test: (await recipe.prepare?.(cifar.test)) ?? cifar.test,
};
const { model, curve } = await trainRecipe({
  name,
  data,
  seed,
  folder: options.checkpoints,
  epochs: options.epochs === undefined ? undefined : Number(options.epochs),
  limit: options.limit === undefined ? undefined : Number(options.limit),
  onEpoch: ({ epoch, loss, accuracy, valLoss, valAccuracy }) =>
    console.log(
      `epoch ${epoch}: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}, ` +
        `test loss ${valLoss.toFixed(4)}, test accuracy ${valAccuracy.toFixed(4)}`,
    ),
});

const { build, threads } = await info();
const file = `${name}.safetensors`;
const path = join(options.out, file);
await mkdir(options.out, { recursive: true });
await saveWeights(path);
const testCount = data.test.count;
const { parameters } = model.summary();
await dispose();

const testCorrectByBuild = await countCorrect(path);
const testCorrect = testCorrectByBuild.plain;
const card = {
  file,
  architecture: name.toUpperCase(),
  parameters,
  recipe: factsOf(recipe, curve.length),
  seed,
  testAccuracy: testCorrect / testCount,
  testCorrect,
  testCorrectByBuild,
  testCount,
  date: today(),
  machine: `${describeMachine()}; ${build} build, ${threads} threads`,
  command: describeCommand(),
};
await writeFile(join(options.out, `${name}.json`), `${JSON.stringify(card, null, 2)}\n`);
await writeFile(join(options.out, `${name}.md`), modelCard(card, recipe, curve));
await writeFile(join(options.out, `${name}-curve.csv`), csv(curve));
console.log(`test accuracy ${percent(card.testAccuracy)}, ${testCorrect} of ${testCount}`);

/**
 * The weights without the optimizer's state: a model that was never compiled has none.
 *
 * @param {string} path
 */
async function saveWeights(path) {
  const plain = await recipe.build(seed);
  await plain.setWeights(await model.getWeights());
  await plain.save(path);
}

/**
 * @param {import('./recipes.mjs').Recipe} recipe
 * @param {number} epochs
 */
function factsOf({ data, optimizer, loss, batchSize }, epochs) {
  return { data, optimizer, loss, batchSize, epochs };
}

/** @param {import('./train.mjs').EpochRecord[]} records */
function csv(records) {
  const columns = /** @type {const} */ ([
    'epoch',
    'loss',
    'accuracy',
    'valLoss',
    'valAccuracy',
    'seconds',
  ]);
  const rows = records.map((record) => columns.map((column) => record[column]).join(','));
  return `${[columns.join(','), ...rows].join('\n')}\n`;
}

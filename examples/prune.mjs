/**
 * A network trained on CIFAR-10, then pruned to a fifth of its weights while it trains on (Zhu and Gupta 2017), and saved
 * without the zeros.
 *
 *     node examples/prune.mjs [--epochs 10] [--pruning 5] [--percent 80] [--limit 50000] [--seed 1] [--threads 2]
 */

import { datasets, dispose, init, load, optimizers } from 'tabgrad';
import { gradualPruning } from 'tabgrad/callbacks';
import { numberOptions } from './options.mjs';
import { RECIPES } from './pretrained/recipes.mjs';
import { percent } from './training-bar.mjs';

const options = numberOptions({
  epochs: 10,
  pruning: 5,
  percent: 80,
  limit: 50_000,
  seed: 1,
  threads: undefined,
});

const { build, compileOptions } = RECIPES.s1;
const compiled = compileOptions(options.epochs);

await init({ threads: options.threads });
const cifar = await datasets.cifar10();
const training = { batchSize: 32, count: Math.min(options.limit, cifar.train.count) };

/** @param {string} what @param {import('tabgrad').Model} model @param {Uint8Array} file */
async function tell(what, model, file) {
  const { accuracy } = await model.evaluate(cifar.test, { batchSize: 100 });
  console.log(`${what}: test accuracy ${percent(accuracy)}, ${file.length} bytes`);
}

const model = await build(options.seed);
model.compile(compiled);
await model.fit(cifar.train, { ...training, epochs: options.epochs });
await tell('whole', model, await model.save(undefined, { includeOptimizer: false }));

model.compile({ ...compiled, optimizer: optimizers.adam({ learningRate: 5e-4 }) });
const endEpoch = Math.floor(options.pruning / 2);
await model.fit(cifar.train, {
  ...training,
  epochs: options.pruning,
  callbacks: [gradualPruning({ finalSparsity: options.percent / 100, endEpoch })],
  onEpochEnd: (/** @type {number} */ epoch, /** @type {import('tabgrad').Logs} */ logs) =>
    console.log(
      `epoch ${epoch + 1}: loss ${logs.loss.toFixed(4)}, ${percent(logs.sparsity)} pruned`,
    ),
});
const file = await model.save(undefined, { includeOptimizer: false, sparse: true });
const loaded = await load(file);
loaded.compile(compiled);
await tell('pruned', loaded, file);

// In 8 bits on top of that.
const small = await loaded.quantize({ calibration: cifar.train, count: 500 });
await tell(
  'pruned, 8 bits',
  small,
  await small.save(undefined, { includeOptimizer: false, sparse: true }),
);
await dispose();

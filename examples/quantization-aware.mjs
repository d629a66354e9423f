/**
 * A network trained on CIFAR-10 in floats, then for 8 bits (Jacob et al. 2018), beside what rounding alone makes of it.
 *
 *     node examples/quantization-aware.mjs [--epochs 10] [--aware 2] [--limit 50000] [--seed 1] [--threads 2]
 */

import { datasets, dispose, init, optimizers } from 'tabgrad';
import { numberOptions } from './options.mjs';
import { RECIPES } from './pretrained/recipes.mjs';
import { percent } from './training-bar.mjs';

const {
  epochs,
  aware: awareEpochs,
  limit,
  seed,
  threads,
} = numberOptions({ epochs: 10, aware: 2, limit: 50_000, seed: 1, threads: undefined });

const { build, compileOptions } = RECIPES.s1;
const compiled = compileOptions(epochs);

await init({ threads });
const cifar = await datasets.cifar10();
const training = { batchSize: 32, count: Math.min(limit, cifar.train.count) };
const calibration = { calibration: cifar.train, count: Math.min(500, training.count) };

/** @param {string} what @param {import('tabgrad').Model} model */
async function tell(what, model) {
  const { loss, accuracy } = await model.evaluate(cifar.test, { batchSize: 100 });
  const { length } = await model.save(undefined, { includeOptimizer: false });
  const text = `test loss ${loss.toFixed(4)}, test accuracy ${percent(accuracy)}`;
  console.log(`${what}: ${text}, ${length} bytes`);
}

const model = await build(seed);
model.compile(compiled);
await model.fit(cifar.train, { ...training, epochs });
await tell('floats', model);
await tell('8 bits, rounded afterwards', await model.quantize(calibration));

// As many more epochs of each, so that what differs is what was trained for.
const gently = { ...compiled, optimizer: optimizers.adam({ learningRate: 1e-4 }) };
const aware = await model.quantizeAware(calibration);
aware.compile(gently);
await aware.fit(cifar.train, { ...training, epochs: awareEpochs });
await tell('8 bits, trained for', await aware.quantize());
model.compile(gently);
await model.fit(cifar.train, { ...training, epochs: awareEpochs });
await tell('floats, trained on', model);
await tell('of these 8 bits', await model.quantize(calibration));
await dispose();

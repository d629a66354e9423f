/**
 * CIFAR-10 with 16 bits where floats have 32: values that wait for the backward pass, and weights in files. The network is
 * deep, so that such values are most of what training holds.
 *
 *     node examples/half-precision.mjs [--epochs 3] [--batch 64] [--limit 50000] [--seed 1] [--threads 2]
 */

import { datasets, dispose, init, layers, load, sequential } from 'tabgrad';
import { numberOptions } from './options.mjs';
import { RECIPES } from './pretrained/recipes.mjs';
import { percent } from './training-bar.mjs';

const { epochs, batch, limit, seed, threads } = numberOptions({
  epochs: 3,
  batch: 64,
  limit: 50_000,
  seed: 1,
  threads: undefined,
});

/** @param {object} [options] */
const convolution = (options) => [
  layers.conv2d({ filters: 32, kernelSize: 3, padding: 'same', useBias: false, ...options }),
  layers.batchNormalization({ momentum: 0.9 }),
  layers.reLU(),
];

const network = () => [
  ...convolution({ strides: 2, inputShape: [32, 32, 3] }),
  ...Array.from({ length: 7 }, () => convolution()).flat(),
  layers.globalAveragePooling2d(),
  layers.dense({ units: 10 }),
];

const compiled = RECIPES.s1.compileOptions(epochs);

await init({ threads });
const cifar = await datasets.cifar10();
const count = Math.min(limit, cifar.train.count);

for (const activationStorage of /** @type {const} */ (['float32', 'bfloat16'])) {
  const model = await sequential(network(), { seed });
  await model.compile({ ...compiled, activationStorage });
  const { history } = await model.fit(cifar.train, { epochs, batchSize: batch, count });
  const { accuracy } = await model.evaluate(cifar.test, { batchSize: 100 });
  const { training } = await model.memory();
  const losses = history.loss.map((loss) => loss.toFixed(4)).join(' ');
  const text = `loss ${losses}, test accuracy ${percent(accuracy)}`;
  console.log(`activations ${activationStorage}: ${text}, ${training} bytes`);
  if (activationStorage === 'float32') continue;

  for (const dtype of /** @type {const} */ (['float32', 'float16', 'bfloat16'])) {
    const file = await model.save(undefined, { dtype, includeOptimizer: false });
    const loaded = await load(file);
    loaded.compile(compiled);
    const found = await loaded.evaluate(cifar.test, { batchSize: 100 });
    const own = `test accuracy ${percent(found.accuracy)}, ${file.length} bytes`;
    console.log(`weights ${dtype}: ${own}`);
  }
}
await dispose();

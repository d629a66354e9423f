/**
 * Searches a small network for the 1,000 training images of CIFAR-10 that the page ships: by successive halving, then by
 * evolution. Trials run in processes; with --history a second call goes on where the first stopped.
 *
 *     node examples/tune.mjs [--processes 2] [--epochs 9] [--trials 12] [--seed 1] [--history folder]
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { datasets, init, layers, optimizers, sequential } from 'tabgrad';
import * as tuning from 'tabgrad/tuning';

const SPACE = {
  learningRate: tuning.logUniform(1e-4, 1e-1),
  activation: tuning.choice(['relu', 'gelu', 'tanh']),
  filters: tuning.list(tuning.int(8, 32, { step: 8 }), { min: 1, max: 3 }),
};

/** @type {ReturnType<typeof datasets.cifar10Sample> | undefined} */
let sample;

/** One trial, in a process of its own. @type {import('tabgrad/tuning').Train} */
export async function train({ learningRate, activation, filters }, context) {
  if (!sample) await init({ threads: context.threads, deterministic: true });
  sample ??= datasets.cifar10Sample({ source: new URL('../web/public/sample/', import.meta.url) });
  const images = await sample;
  const blocks = filters.flatMap((/** @type {number} */ count) => [
    layers.conv2d({ filters: count, kernelSize: 3, padding: 'same', activation }),
    layers.maxPooling2d(),
  ]);
  const first = layers.inputLayer({ inputShape: [32, 32, 3] });
  const last = [layers.flatten(), layers.dense({ units: 10, activation: 'softmax' })];
  const model = await sequential([first, ...blocks, ...last], { seed: context.seed });
  const optimizer = optimizers.adam({ learningRate });
  model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  await model.fit(images.train, {
    epochs: context.budget,
    signal: context.signal,
    onEpochEnd: (epoch, { loss }) => context.report({ epoch, loss }),
  });
  const { accuracy = NaN } = await model.evaluate(images.test);
  await model.dispose();
  return { accuracy };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const names = ['processes', 'epochs', 'trials', 'seed', 'history'];
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  });
  const { processes = 2, epochs = 9, trials = 12, seed = 1, history } = values;
  const options = (/** @type {string} */ name) => ({
    ...{ objective: 'accuracy', processes: Number(processes), seed: Number(seed) },
    ...(history && { filename: join(String(history), `${name}.jsonl`) }),
  });
  const halving = { ...options('halving'), maxBudget: Number(epochs) };
  show(await tuning.successiveHalving(new URL(import.meta.url), SPACE, halving));
  const breeding = { trials: Number(trials), population: 6, sample: 3, children: 2, budget: 3 };
  const evolution = { ...options('evolution'), ...breeding };
  show(await tuning.regularizedEvolution(new URL(import.meta.url), SPACE, evolution));
}

/** @param {import('tabgrad/tuning').SearchResult} result */
function show({ best, runs }) {
  const { table, importance } = tuning.compareRuns(runs, { objective: 'accuracy', top: 5 });
  console.log(`best of ${runs.length} trials: ${JSON.stringify(best?.config)}\n${table}`);
  console.log(`importance ${JSON.stringify(importance)}\n`);
}

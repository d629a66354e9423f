/**
 * Accuracy of S1 on the whole test set over several seeds; writes docs/accuracy.md.
 *
 *     node bench/accuracy.mjs [--seeds 1,2,3] [--threads 2] [--write docs/accuracy.md]
 *
 * Interrupted, it goes on after the last whole epoch when started again. `--epochs` and `--limit` are for trials.
 */

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { datasets, dispose, info, init } from 'tabgrad';
import { recipeOf, trainRecipe } from '../examples/pretrained/train.mjs';
import { describeCommand, describeMachine, today } from './machine.mjs';

const recipe = recipeOf('s1');
const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    threads: { type: 'string' },
    epochs: { type: 'string', default: String(recipe.epochs) },
    limit: { type: 'string' },
    write: { type: 'string', default: 'docs/accuracy.md' },
    checkpoints: { type: 'string', default: 'build/accuracy' },
  },
});
const seeds = options.seeds.split(',').map(Number);

await init({ threads: options.threads === undefined ? undefined : Number(options.threads) });
const cifar = await datasets.cifar10();
/** @type {import('../examples/pretrained/train.mjs').EpochRecord[][]} */
const curves = [];
for (const seed of seeds) {
  const { model, curve } = await trainRecipe({
    name: 's1',
    data: cifar,
    seed,
    folder: options.checkpoints,
    epochs: Number(options.epochs),
    limit: options.limit === undefined ? undefined : Number(options.limit),
    onEpoch: ({ epoch, loss, valAccuracy, seconds }) =>
      console.log(
        `seed ${seed}, epoch ${epoch}: loss ${loss.toFixed(4)}, ` +
          `test accuracy ${percent(valAccuracy)} %, ${seconds.toFixed(1)} s`,
      ),
  });
  curves.push(curve);
  await model.dispose();
}
const { build, threads } = await info();
const mean = average(curves.map((curve) => /** @type {any} */ (curve.at(-1)).valAccuracy));
console.log(`mean test accuracy ${percent(mean)} %`);
await writeFile(options.write, report());
await dispose();

function report() {
  const rows = curves[0].map((_, index) => {
    const records = curves.map((curve) => curve[index]);
    const accuracies = records.map((record) => record.valAccuracy);
    const cells = [
      index + 1,
      average(records.map((record) => record.loss)).toFixed(4),
      ...accuracies.map(percent),
      percent(average(accuracies)),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const header = ['epoch', 'mean train loss', ...seeds.map((seed) => `seed ${seed}`), 'mean'];
  return `# Accuracy of S1

Test accuracy in percent on all ${cifar.test.count} images, after each epoch; the last row is the result, nothing is chosen by it.
**Mean of ${seeds.length} seeds: ${percent(mean)} %.**

| ${header.join(' | ')} |
| ${header.map((cell) => '-'.repeat(cell.length)).join(' | ')} |
${rows.join('\n')}

${recipe.data}; ${recipe.optimizer}; ${recipe.loss}; batch size ${recipe.batchSize}.
Machine: ${describeMachine()}; ${build} build, ${threads} threads. Date: ${today()}.
Command: \`${describeCommand()}\`
`;
}

/** @param {number[]} values */
function average(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** @param {number} share */
function percent(share) {
  return (100 * share).toFixed(2);
}

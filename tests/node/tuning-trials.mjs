/** `train` for searches in processes: what a trial does is told by its configuration. */

import { createEngine, optimizers } from 'tabgrad';
import { FROM_LOGITS, corners, denseLayers } from './nets.mjs';

/** @type {Promise<import('tabgrad').Engine> | undefined} */
let engine;

/**
 * @param {any} config
 * @param {import('tabgrad/tuning').TrialContext} context
 */
export async function train(config, { budget, report, signal, seed, trial }) {
  if (config.does === 'throw') throw new RangeError(`trial ${trial} has no luck`);
  if (config.does === 'exit') process.exit(7);
  if (config.does === 'wait') {
    report({ waiting: 1 });
    return new Promise((_, reject) => {
      // Keeps the process awake, as a training would.
      const timer = setInterval(() => {}, 1000);
      signal.addEventListener('abort', () => {
        clearInterval(timer);
        reject(signal.reason);
      });
    });
  }
  if (config.does === 'count') return { score: -((config.x - 3) ** 2), pid: process.pid };
  engine ??= createEngine({ threads: 1, deterministic: true });
  const model = await (await engine).sequential(denseLayers(), { seed });
  const { learningRate } = config;
  await model.compile({ ...FROM_LOGITS, optimizer: optimizers.sgd({ learningRate }) });
  const { x, y } = corners(96);
  await model.fit(x, y, {
    epochs: budget,
    batchSize: 16,
    signal,
    onEpochEnd: (epoch, { loss = NaN }) => report({ epoch, loss }),
  });
  const { loss = NaN, accuracy = NaN } = await model.evaluate(x, y);
  await model.dispose();
  return { loss, accuracy };
}

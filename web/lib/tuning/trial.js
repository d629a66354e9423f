/** One trial: the program's `train`, what it is told and what it gives. */

import { ConfigError, InputTypeError, NonFiniteError } from '../errors.js';
import { describe } from '../options.js';

/**
 * @typedef {object} TrialContext
 * @property {number} budget how much to train, in the program's own measure: epochs, for instance
 * @property {(logs: Record<string, number>) => void} report numbers on the way, such as those of an epoch; kept in the
 *   history
 * @property {AbortSignal} signal fires when the search ends: pass it to `fit`
 * @property {number} seed for the model; the same for all trials of a configuration
 * @property {number} trial its number
 * @property {number} origin the configuration's first trial: a name for its checkpoint in halving
 * @property {number} spent the budget of its last trial, 0 in the first
 * @property {number} threads what the engine may use beside the other processes: pass it to `init`
 *
 * @typedef {(config: any, context: TrialContext) => unknown} Train gives the objective, or an object of numbers that has
 *   it; may be async. Whatever it throws makes the trial a failed one, and the search goes on
 *
 * @typedef {object} Job
 * @property {number} trial
 * @property {import('./space.js').Configuration} config
 * @property {number} budget
 * @property {number} origin
 * @property {number} spent
 * @property {number} seed
 * @property {number} threads
 * @property {Partial<import('./history.js').Run>} tag
 *
 * @typedef {(logs: Record<string, number>) => void} Hear
 *
 * @typedef {object} Runner
 * @property {number} slots trials at once
 * @property {(job: Job, hear: Hear, signal: AbortSignal) => Promise<Record<string, number>>} run
 * @property {() => Promise<void>} close
 */

/**
 * @param {Train} train
 * @param {Job} job
 * @param {Hear} hear
 * @param {AbortSignal} signal
 * @returns {Promise<Record<string, number>>} what it gives, a bare number as 'score'
 */
export async function runTrial(train, job, hear, signal) {
  const { config, budget, seed, trial, origin, spent, threads } = job;
  const report = (/** @type {unknown} */ logs) => hear(numbersOf(logs, 'report'));
  const context = { budget, report, signal, seed, trial, origin, spent, threads };
  const given = await train(structuredClone(config), context);
  return typeof given === 'number' ? { score: given } : numbersOf(given, 'train');
}

/**
 * @param {unknown} logs
 * @param {string} what
 * @returns {Record<string, number>} its numbers
 */
function numbersOf(logs, what) {
  if (typeof logs === 'object' && logs !== null && !Array.isArray(logs)) {
    const numbers = Object.entries(logs).filter(([, value]) => typeof value === 'number');
    return Object.fromEntries(numbers);
  }
  throw new InputTypeError(
    `${what} must give a number or an object of numbers, found ${describe(logs)}.`,
  );
}

/**
 * @param {Record<string, number>} logs
 * @param {string} objective
 * @returns {number} finite
 * @throws {ConfigError} {NonFiniteError}
 */
export function readScore(logs, objective) {
  const names = Object.keys(logs);
  // A bare number is the objective, whatever its name.
  const bare = names.length === 1 && names[0] === 'score';
  const score = Object.hasOwn(logs, objective) ? logs[objective] : bare ? logs.score : undefined;
  if (score === undefined) {
    throw new ConfigError(`train gave no ${describe(objective)}, only ${names.join(', ')}.`, {
      field: 'objective',
    });
  }
  if (Number.isFinite(score)) return score;
  throw new NonFiniteError(`The objective is ${score}.`, { field: 'objective' });
}

/**
 * Trials one after the other, in this process.
 *
 * @param {Train} train
 * @returns {Runner}
 */
export function runHere(train) {
  return {
    slots: 1,
    run: (job, hear, signal) => runTrial(train, job, hear, signal),
    close: async () => {},
  };
}

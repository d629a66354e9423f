/** Optimizers, with the formulas and defaults of Keras 3. */

import { HyperparameterError } from './errors.js';
import { Optimizer } from './ffi.js';
import { describe, needOneOf, readOptions, wrongType } from './options.js';

/**
 * @typedef {'sgd' | 'adam'} OptimizerName
 *
 * @typedef {object} OptimizerConfig
 * @property {OptimizerName} type
 * @property {Record<string, number>} hyperparameters
 * @property {import('./schedules.js').Schedule | RateFunction} [schedule] in place of
 *   hyperparameters.learningRate
 *
 * @typedef {(step: number) => number} RateFunction called with the number of the update, from 0, for
 *   all steps of an epoch when the epoch begins
 * @typedef {number | import('./schedules.js').Schedule | RateFunction} LearningRate
 */

/**
 * Hyperparameters with their defaults, and what the slot vectors hold (their names in files).
 */
const OPTIMIZERS = new Map(
  /** @type {[OptimizerName, { number: import('./ffi.js').OptimizerValue, defaults: Readonly<Record<string, number>>, slots: readonly string[] }][]} */ ([
    [
      'sgd',
      {
        number: Optimizer.SGD,
        defaults: Object.freeze({ learningRate: 0.01, momentum: 0, nesterov: 0 }),
        slots: ['momentum'],
      },
    ],
    [
      'adam',
      {
        number: Optimizer.ADAM,
        defaults: Object.freeze({ learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }),
        slots: ['firstMoment', 'secondMoment'],
      },
    ],
  ]),
);

/** @type {readonly OptimizerName[]} */
export const OPTIMIZER_NAMES = Object.freeze([...OPTIMIZERS.keys()]);

/** @param {OptimizerName} name */
export function optimizerFacts(name) {
  return /** @type {NonNullable<ReturnType<typeof OPTIMIZERS.get>>} */ (OPTIMIZERS.get(name));
}

/**
 * @param {OptimizerName} type
 * @param {unknown} options
 * @param {string} what
 * @returns {Readonly<OptimizerConfig>}
 */
function build(type, options, what) {
  const { defaults } = optimizerFacts(type);
  const given = readOptions(options, Object.keys(defaults), { what });
  /** @type {Record<string, number>} */
  const hyperparameters = { ...defaults };
  const schedule = isSchedule(given.learningRate) ? given.learningRate : undefined;
  if (schedule) delete given.learningRate;
  for (const [name, value] of Object.entries(given)) {
    // nesterov is a flag for people and a number for the engine.
    const number = name === 'nesterov' && typeof value === 'boolean' ? Number(value) : value;
    if (typeof number !== 'number') {
      throw new HyperparameterError(
        `${what}: ${name} must be a number, found ${describe(value)}.`,
        {
          field: name,
        },
      );
    }
    hyperparameters[name] = number;
  }
  const config = { type, hyperparameters: Object.freeze(hyperparameters) };
  return Object.freeze(schedule ? { ...config, schedule } : config);
}

/**
 * @param {unknown} value
 * @returns {value is import('./schedules.js').Schedule | RateFunction}
 */
export function isSchedule(value) {
  return typeof value === 'function' || (value instanceof Object && 'type' in value);
}

/**
 * A learning rate as plain data: functions stay here.
 *
 * @template {LearningRate} Rate
 * @param {Rate} rate
 * @returns {Exclude<Rate, RateFunction> | import('./schedules.js').Schedule}
 */
export function plainRate(rate) {
  if (typeof rate === 'function') return { type: 'function' };
  return typeof rate === 'object' ? JSON.parse(JSON.stringify(rate)) : /** @type {any} */ (rate);
}

/**
 * Optimizers for `compile`. A rate outside its range is refused by `compile` (E_HYPERPARAM).
 *
 * `learningRate` may also be a schedule of `tabgrad/schedules`, or any function of the step. A function
 * stays in the program's thread and is asked ahead, for all steps of an epoch when it begins; a file
 * cannot hold it, so after `load` it must be given again, to `setLearningRate`. A rate that is out of
 * range ends training before its step.
 */
export const optimizers = Object.freeze({
  /**
   * Stochastic gradient descent: v ← momentum · v − learningRate · g, w ← w + v (nesterov:
   * w ← w + momentum · v − learningRate · g).
   *
   * @param {{ learningRate?: LearningRate, momentum?: number, nesterov?: boolean }} [options] defaults
   *   learningRate 0.01, momentum 0, nesterov false
   */
  sgd: (options) => build('sgd', options, 'optimizers.sgd'),
  /**
   * Adam (Kingma and Ba, 2014), epsilon outside the root and bias correction as in Keras.
   *
   * @param {{ learningRate?: LearningRate, beta1?: number, beta2?: number, epsilon?: number }} [options]
   *   defaults learningRate 0.001, beta1 0.9, beta2 0.999, epsilon 1e-7
   */
  adam: (options) => build('adam', options, 'optimizers.adam'),
});

/**
 * @param {unknown} value a name or what a function of `optimizers` made
 * @param {import('./options.js').Where} where
 * @returns {Readonly<OptimizerConfig>}
 */
export function readOptimizer(value, where) {
  if (typeof value === 'string') {
    return build(needOneOf(value, OPTIMIZER_NAMES, 'optimizer', where), {}, where.what);
  }
  if (typeof value !== 'object' || value === null) {
    throw wrongType(value, 'optimizer', "a name such as 'adam' or optimizers.adam({ … })", where);
  }
  const what = `${where.what}: optimizer`;
  const names = /** @type {const} */ (['type', 'hyperparameters', 'schedule']);
  const { type, hyperparameters, schedule } = readOptions(value, names, { what });
  const options = schedule ? { ...hyperparameters, learningRate: schedule } : hyperparameters;
  return build(needOneOf(type, OPTIMIZER_NAMES, 'optimizer', where), options, what);
}

/** Optimizers, with the names, defaults and formulas of Keras 3. */

import { HyperparameterError } from './errors.js';
import { Optimizer } from './ffi.js';
import { describe, needOneOf, readOptions, wrongType } from './options.js';

/**
 * @typedef {'sgd' | 'adam' | 'adamw' | 'adamax' | 'nadam' | 'adagrad' | 'rmsprop' | 'adadelta' | 'lion' | 'adafactor' | 'muon'} OptimizerName
 *
 * @typedef {object} OptimizerConfig
 * @property {OptimizerName} type
 * @property {Record<string, number>} hyperparameters flags are 0 and 1, null is 0
 * @property {import('./schedules.js').Schedule | RateFunction} [schedule] in place of
 *   hyperparameters.learningRate
 * @property {readonly string[]} [exclude] Muon: words in the names of weights that it leaves to Adam
 * @property {readonly string[]} [excludeDecay] words in the names of weights that do not decay
 *
 * @typedef {(step: number) => number} RateFunction called with the number of the training step, from 0,
 *   for all steps of an epoch when the epoch begins
 * @typedef {number | import('./schedules.js').Schedule | RateFunction} LearningRate
 *
 * @typedef {object} CommonOptions what every optimizer takes
 * @property {LearningRate} [learningRate] `setLearningRate` changes it between steps
 * @property {number | null} [weightDecay] decoupled: w ← w − learningRate · weightDecay · w before the
 *   update, of all trainable weights; default none (adamw and muon 0.004)
 * @property {readonly string[]} [excludeFromWeightDecay] words in the names of weights that do not decay,
 *   such as 'bias', 'gamma' and 'beta'
 * @property {number | null} [clipNorm] largest norm of the gradient of each weight tensor
 * @property {number | null} [clipValue] largest absolute value in a gradient
 * @property {number | null} [globalClipNorm] largest norm of all gradients together. Of the three at
 *   most one may be given
 * @property {number | null} [gradientAccumulationSteps] an update every so many steps, with the mean
 *   of their gradients; default 1
 * @property {boolean} [useEma] keep the moving average of the weights after each update. They become
 *   it when `fit` has done its last epoch (not when it is stopped or aborted, so that it can
 *   resume), and on `useAveragedWeights`; until then evaluate and predict see the weights themselves
 * @property {number} [emaMomentum] average ← emaMomentum · average + (1 − emaMomentum) · w; default 0.99
 * @property {number | null} [emaOverwriteFrequency] updates after which the weights become their
 *   average, again and again; default never
 * @property {{ steps?: number, alpha?: number }} [lookahead] every `steps` updates (default 5) slow
 *   weights go the share `alpha` (default 0.5) of the way to the weights, which start from there
 *   (Zhang and others, 2019)
 */

const MOMENTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };

/**
 * An optimizer's number in the engine, and its own hyperparameters with their defaults. A default
 * that is true or false stands for a flag.
 */
const OPTIMIZERS = new Map(
  /** @type {[OptimizerName, { number: import('./ffi.js').OptimizerValue, defaults: Readonly<Record<string, number | boolean>> }][]} */ (
    /** @type {[OptimizerName, number, Record<string, number | boolean>][]} */ ([
      ['sgd', Optimizer.SGD, { learningRate: 0.01, momentum: 0, nesterov: false }],
      ['adam', Optimizer.ADAM, { ...MOMENTS, amsgrad: false }],
      ['adamw', Optimizer.ADAMW, { ...MOMENTS, amsgrad: false, weightDecay: 0.004 }],
      ['adamax', Optimizer.ADAMAX, MOMENTS],
      ['nadam', Optimizer.NADAM, MOMENTS],
      ['adagrad', Optimizer.ADAGRAD, { initialAccumulatorValue: 0.1, epsilon: 1e-7 }],
      ['rmsprop', Optimizer.RMSPROP, { rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false }],
      ['adadelta', Optimizer.ADADELTA, { rho: 0.95, epsilon: 1e-7 }],
      ['lion', Optimizer.LION, { beta1: 0.9, beta2: 0.99 }],
      [
        'adafactor',
        Optimizer.ADAFACTOR,
        {
          beta2Decay: -0.8,
          epsilon1: 1e-30,
          epsilon2: 1e-3,
          clipThreshold: 1,
          relativeStep: true,
        },
      ],
      [
        'muon',
        Optimizer.MUON,
        {
          weightDecay: 0.004,
          adamBeta1: 0.9,
          adamBeta2: 0.999,
          adamWeightDecay: 0.004,
          epsilon: 1e-7,
          muonA: 3.4445,
          muonB: -4.775,
          muonC: 2.0315,
          adamLrRatio: 1,
          momentum: 0.95,
          nsSteps: 5,
          nesterov: true,
          rmsRate: 0.2,
        },
      ],
    ]).map(([name, number, own]) => [
      name,
      { number, defaults: Object.freeze({ learningRate: 0.001, ...own }) },
    ])
  ),
);

/** Hyperparameters of every optimizer. Only those that are given go into a configuration. */
const COMMON = Object.freeze([
  'weightDecay',
  'clipNorm',
  'clipValue',
  'globalClipNorm',
  'gradientAccumulationSteps',
  'useEma',
  'emaMomentum',
  'emaOverwriteFrequency',
  'lookaheadSteps',
  'lookaheadAlpha',
]);
const LOOKAHEAD = Object.freeze({ steps: 5, alpha: 0.5 });
/** What null, Keras's None, stands for. */
const NONE = new Map([
  ['weightDecay', 0],
  ['clipNorm', 0],
  ['clipValue', 0],
  ['globalClipNorm', 0],
  ['gradientAccumulationSteps', 1],
  ['emaOverwriteFrequency', 0],
  ['adamWeightDecay', 0],
  ['rmsRate', 0],
]);

/** @type {readonly OptimizerName[]} */
export const OPTIMIZER_NAMES = Object.freeze([...OPTIMIZERS.keys()]);

/** @param {OptimizerName} name */
export function optimizerFacts(name) {
  return /** @type {NonNullable<ReturnType<typeof OPTIMIZERS.get>>} */ (OPTIMIZERS.get(name));
}

/** @param {OptimizerName} type @returns {string[]} names of all hyperparameters that it may have */
export function hyperparameterNames(type) {
  return [...new Set([...Object.keys(optimizerFacts(type).defaults), ...COMMON])];
}

/**
 * @param {OptimizerName} type
 * @param {Record<string, unknown>} given
 * @param {string} what
 * @param {{ exclude?: readonly string[], excludeDecay?: readonly string[] }} words
 * @returns {Readonly<OptimizerConfig>}
 */
function configure(type, given, what, { exclude, excludeDecay }) {
  const { defaults } = optimizerFacts(type);
  /** @type {Record<string, number>} */
  const hyperparameters = {};
  const schedule = isSchedule(given.learningRate) ? given.learningRate : undefined;
  const numbers = { ...defaults, ...given };
  if (schedule) numbers.learningRate = defaults.learningRate;
  for (const [name, value] of Object.entries(numbers)) {
    const flag = name === 'useEma' || typeof defaults[name] === 'boolean';
    // Flags are for people; the engine has numbers.
    const number =
      flag && typeof value === 'boolean' ? Number(value) : value === null ? NONE.get(name) : value;
    if (typeof number !== 'number') {
      throw new HyperparameterError(
        `${what}: ${name} must be ${flag ? 'true or false' : 'a number'}, found ${describe(value)}.`,
        { field: name },
      );
    }
    hyperparameters[name] = number;
  }
  return Object.freeze({
    type,
    hyperparameters: Object.freeze(hyperparameters),
    ...(schedule && { schedule }),
    ...(exclude && { exclude: Object.freeze([...exclude]) }),
    ...(excludeDecay && { excludeDecay: Object.freeze([...excludeDecay]) }),
  });
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
 * @param {OptimizerName} type
 * @param {unknown} options as a person writes them
 * @param {string} [what]
 * @returns {Readonly<OptimizerConfig>}
 */
function build(type, options, what = `optimizers.${type}`) {
  const names = hyperparameterNames(type).filter((name) => !name.startsWith('lookahead'));
  const muon = type === 'muon' ? ['excludeLayers', 'excludeEmbeddings'] : [];
  const { lookahead, excludeFromWeightDecay, excludeLayers, excludeEmbeddings, ...given } =
    readOptions(options, [...names, ...muon, 'lookahead', 'excludeFromWeightDecay'], { what });
  if (lookahead) {
    const { steps, alpha } = {
      ...LOOKAHEAD,
      ...readOptions(lookahead, ['steps', 'alpha'], { what: `${what}: lookahead` }),
    };
    Object.assign(given, { lookaheadSteps: steps, lookaheadAlpha: alpha });
  }
  const words = (/** @type {unknown} */ value, /** @type {string} */ field) =>
    value === undefined ? undefined : readWords(value, field, { what });
  const excludeDecay = words(excludeFromWeightDecay, 'excludeFromWeightDecay');
  if (type !== 'muon') return configure(type, given, what, { excludeDecay });
  const layers = words(excludeLayers, 'excludeLayers') ?? [];
  const exclude = excludeEmbeddings === false ? layers : [...layers, 'embedding'];
  return configure(type, given, what, { exclude, excludeDecay });
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {import('./options.js').Where} where
 * @returns {string[]}
 */
function readWords(value, field, where) {
  if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return value;
  throw wrongType(value, field, 'an array of words in layer names', where);
}

/**
 * Optimizers for `compile`. What each returns is a plain description. A number outside its range is
 * refused by `compile` (E_HYPERPARAM, naming the range).
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
   * @param {CommonOptions & { momentum?: number, nesterov?: boolean }} [options] defaults
   *   learningRate 0.01, momentum 0, nesterov false
   */
  sgd: (options) => build('sgd', options),
  /**
   * Adam (Kingma and Ba, 2014), epsilon outside the root and bias correction as in Keras.
   *
   * @param {CommonOptions & { beta1?: number, beta2?: number, epsilon?: number, amsgrad?: boolean }} [options]
   *   defaults learningRate 0.001, beta1 0.9, beta2 0.999, epsilon 1e-7, amsgrad false (true: the
   *   largest second moment so far; Reddi and others, 2018)
   */
  adam: (options) => build('adam', options),
  /**
   * Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019).
   *
   * @param {CommonOptions & { beta1?: number, beta2?: number, epsilon?: number, amsgrad?: boolean }} [options]
   *   defaults as adam, weightDecay 0.004
   */
  adamw: (options) => build('adamw', options),
  /**
   * Adam with the largest gradient in place of the mean square (Kingma and Ba, 2014, section 7.1).
   *
   * @param {CommonOptions & { beta1?: number, beta2?: number, epsilon?: number }} [options] defaults as adam
   */
  adamax: (options) => build('adamax', options),
  /**
   * Adam with Nesterov's momentum (Dozat, 2015), its momentum rising as in Keras.
   *
   * @param {CommonOptions & { beta1?: number, beta2?: number, epsilon?: number }} [options] defaults as adam
   */
  nadam: (options) => build('nadam', options),
  /**
   * Adagrad (Duchi and others, 2011): a ← a + g², w ← w − learningRate · g / √(a + epsilon).
   *
   * @param {CommonOptions & { initialAccumulatorValue?: number, epsilon?: number }} [options] defaults
   *   learningRate 0.001, initialAccumulatorValue 0.1, epsilon 1e-7
   */
  adagrad: (options) => build('adagrad', options),
  /**
   * RMSprop (Hinton, 2012): gradients over the root of their mean square (centered: of their
   * variance), epsilon inside the root as in Keras.
   *
   * @param {CommonOptions & { rho?: number, momentum?: number, epsilon?: number, centered?: boolean }} [options]
   *   defaults learningRate 0.001, rho 0.9, momentum 0, epsilon 1e-7, centered false
   */
  rmsprop: (options) => build('rmsprop', options),
  /**
   * Adadelta (Zeiler, 2012). With the paper's learningRate of 1 it needs no other.
   *
   * @param {CommonOptions & { rho?: number, epsilon?: number }} [options] defaults learningRate 0.001,
   *   rho 0.95, epsilon 1e-7
   */
  adadelta: (options) => build('adadelta', options),
  /**
   * Lion (Chen and others, 2023): steps of learningRate in the direction of the momentum's sign. Wants
   * a learning rate 3 to 10 times smaller than Adam.
   *
   * @param {CommonOptions & { beta1?: number, beta2?: number }} [options] defaults learningRate 0.001,
   *   beta1 0.9, beta2 0.99
   */
  lion: (options) => build('lion', options),
  /**
   * Adafactor (Shazeer and Stern, 2018): of matrices (the last two dimensions of a kernel) it keeps row
   * and column means of the squared gradients. Steps are as large as the weights: learningRate ·
   * max(epsilon2, root mean square of w), and clipped where their root mean square exceeds
   * clipThreshold. With relativeStep the learning rate is at most 1 / √step; without (in Keras that
   * changes nothing) it is taken as it is.
   *
   * @param {CommonOptions & { beta2Decay?: number, epsilon1?: number, epsilon2?: number, clipThreshold?: number,
   *   relativeStep?: boolean }} [options] defaults learningRate 0.001, beta2Decay −0.8, epsilon1
   *   1e-30, epsilon2 1e-3, clipThreshold 1, relativeStep true
   */
  adafactor: (options) => build('adafactor', options),
  /**
   * Muon (Jordan, 2024): the momentum of a matrix is made nearly orthogonal by nsSteps Newton-Schulz
   * steps and scaled by rmsRate · √(larger side) (Liu and others, 2025; null: not scaled). Dense
   * kernels are matrices, and, unlike in Keras, convolution kernels [height · width · in, out].
   * Vectors, embeddings (unless excludeEmbeddings is false), and weights whose name has a word of
   * excludeLayers, best that of the last layer, take Adam with learningRate · adamLrRatio.
   *
   * @param {CommonOptions & { adamBeta1?: number, adamBeta2?: number, adamWeightDecay?: number | null,
   *   epsilon?: number, excludeLayers?: readonly string[], excludeEmbeddings?: boolean, muonA?: number,
   *   muonB?: number, muonC?: number, adamLrRatio?: number, momentum?: number, nsSteps?: number,
   *   nesterov?: boolean, rmsRate?: number | null }} [options] defaults learningRate 0.001, adamBeta1
   *   0.9, adamBeta2 0.999, weightDecay and adamWeightDecay 0.004, epsilon 1e-7, muonA 3.4445, muonB
   *   −4.775, muonC 2.0315, adamLrRatio 1, momentum 0.95, nsSteps 5, nesterov true, rmsRate 0.2
   */
  muon: (options) => build('muon', options),
});

/**
 * @param {unknown} value a name, what a function of `optimizers` made, or the same from a file
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
  const { type, hyperparameters, schedule, exclude, excludeDecay } = readOptions(
    value,
    ['type', 'hyperparameters', 'schedule', 'exclude', 'excludeDecay'],
    { what },
  );
  const name = needOneOf(type, OPTIMIZER_NAMES, 'optimizer', where);
  const given = readOptions(hyperparameters, hyperparameterNames(name), { what });
  if (schedule) given.learningRate = schedule;
  return configure(name, given, what, {
    exclude: exclude && readWords(exclude, 'exclude', { what }),
    excludeDecay: excludeDecay && readWords(excludeDecay, 'excludeDecay', { what }),
  });
}

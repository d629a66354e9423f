/** The options of `fit`. */

import { isDataset } from './dataset.js';
import { ConfigError, EmptyError, LabelRangeError, LimitError } from './errors.js';
import { CALLBACK_NAMES } from './fit.js';
import { HOOKS } from './hooks.js';
import {
  bothGiven,
  needBoolean,
  needFunction,
  needNumber,
  needSignal,
  needWhole,
  readOptions,
  wrongType,
} from './options.js';

/**
 * @typedef {import('./dataset.js').Dataset} Dataset
 * @typedef {object} OwnFitOptions
 * @property {number} [epochs] number of the last epoch, not of epochs to add; default 1
 * @property {number} [initialEpoch] number of the first, from 0; default 0
 * @property {boolean} [resume] go on where the last `fit` of this model, or of the checkpoint it
 *   was loaded from, ended, in the middle of an epoch too: the result has the bits of a run that
 *   was never interrupted. Needs the same samples, batchSize and shuffle. Default false
 * @property {number} [batchSize] default 32; more than there are samples is one batch of all
 * @property {boolean} [shuffle] a new order each epoch, from the model's seed; default true
 * @property {number} [first] first sample to use, default 0
 * @property {number} [count] samples to use, default all after `first`
 * @property {number} [stepsPerEpoch] of a stream: batches that are an epoch; default all that it gives
 * @property {unknown} [sampleWeight] one finite number a sample, by which its loss is multiplied; a
 *   Dataset brings its own. The loss of a batch is still divided by its samples, not by its weights
 * @property {Readonly<Record<number, number>>} [classWeight] class → weight of its samples' losses in
 *   training; classes left out weigh 1. Not beside sampleWeight
 * @property {Dataset | [x: unknown, y: unknown, sampleWeight?: unknown]
 *   | { x: unknown, y: unknown, sampleWeight?: unknown }} [validationData]
 * @property {number} [validationSplit] 0 ≤ share < 1 of the samples, the last ones, held back for
 *   validation; default 0
 * @property {number} [validationBatchSize] default batchSize
 * @property {import('./augment-list.js').AugmentationConfig
 *   | readonly import('./augment-list.js').AugmentationConfig[]} [augment] of `tabgrad/augment`, what is done to the
 *   pictures of training batches; default none, and with `resume` what it was
 * @property {AbortSignal} [signal]
 * @property {number} [yieldEvery] milliseconds of whole steps between two looks at messages,
 *   default 40; 0: after every step
 *
 * @property {readonly import('./hooks.js').Hooks[]} [callbacks] of `tabgrad/callbacks` or one's own, called in order, before the functions beside this option
 *
 * @typedef {OwnFitOptions & import('./fit.js').Callbacks} FitOptions
 *
 * @typedef {object} ReadFitOptions
 * @property {number} epochs
 * @property {number} initialEpoch
 * @property {boolean} resume
 * @property {number} batchSize
 * @property {boolean} shuffle
 * @property {object[] | undefined} augment copies, not yet looked at; undefined: not given
 * @property {number} first
 * @property {number | undefined} count
 * @property {number | undefined} stepsPerEpoch
 * @property {unknown} sampleWeight
 * @property {number[]} classWeight of class 0, 1 …; [] without
 * @property {{ x: unknown, y: unknown, sampleWeight?: unknown } | undefined} validationData
 * @property {number} validationSplit
 * @property {number} validationBatchSize
 * @property {AbortSignal | undefined} signal
 * @property {number} yieldEvery
 * @property {import('./hooks.js').Hooks[]} callbacks
 */

const WHERE = { what: 'fit' };
const YIELD_MS = 40;

export const FIT_OPTIONS = Object.freeze([
  ...CALLBACK_NAMES,
  ...Object.freeze(
    /** @type {const} */ ([
      'callbacks',
      'epochs',
      'initialEpoch',
      'resume',
      'batchSize',
      'shuffle',
      'augment',
      'first',
      'count',
      'stepsPerEpoch',
      'sampleWeight',
      'classWeight',
      'validationData',
      'validationSplit',
      'validationBatchSize',
      'signal',
      'yieldEvery',
    ]),
  ),
]);

/**
 * @param {unknown} options
 * @returns {ReadFitOptions}
 * @throws {ConfigError} {InputTypeError}
 */
export function readFitOptions(options) {
  const given = readOptions(options, FIT_OPTIONS, WHERE);
  const callbacks = readCallbacks(given.callbacks, WHERE);
  /** @type {Partial<Record<string, any>>} */
  const functions = {};
  for (const name of CALLBACK_NAMES) {
    if (!given[name]) continue;
    const method = name === 'onBatchEnd' ? 'onTrainBatchEnd' : name;
    functions[method] = needFunction(given[name], name, WHERE);
  }
  const batchSize = needWhole(given.batchSize ?? 32, 'batchSize', WHERE, 1);
  const resume = needBoolean(given.resume ?? false, 'resume', WHERE);
  if (resume && given.initialEpoch !== undefined) throw bothGiven('resume', 'initialEpoch', WHERE);
  const validationSplit = needNumber(given.validationSplit ?? 0, 'validationSplit', WHERE);
  if (!(validationSplit >= 0 && validationSplit < 1)) {
    throw new ConfigError(
      `fit: validationSplit must be at least 0 and less than 1, found ${validationSplit}.`,
      { field: 'validationSplit' },
    );
  }
  if (given.validationData !== undefined && validationSplit > 0) {
    throw bothGiven('validationData', 'validationSplit', WHERE);
  }
  const yieldEvery = needNumber(given.yieldEvery ?? YIELD_MS, 'yieldEvery', WHERE);
  if (!(yieldEvery >= 0 && yieldEvery <= 10_000)) {
    throw wrongType(yieldEvery, 'yieldEvery', 'from 0 to 10,000 ms', WHERE);
  }
  return {
    epochs: needWhole(given.epochs ?? 1, 'epochs', WHERE),
    initialEpoch: needWhole(given.initialEpoch ?? 0, 'initialEpoch', WHERE),
    resume,
    batchSize,
    shuffle: needBoolean(given.shuffle ?? true, 'shuffle', WHERE),
    augment: given.augment === undefined ? undefined : readAugmentList(given.augment, WHERE),
    first: needWhole(given.first ?? 0, 'first', WHERE),
    count: given.count,
    stepsPerEpoch:
      given.stepsPerEpoch === undefined
        ? undefined
        : needWhole(given.stepsPerEpoch, 'stepsPerEpoch', WHERE, 1),
    sampleWeight: given.sampleWeight,
    classWeight: readClassWeight(given, WHERE),
    validationData: readValidationData(given.validationData),
    validationSplit,
    validationBatchSize: needWhole(
      given.validationBatchSize ?? batchSize,
      'validationBatchSize',
      WHERE,
      1,
    ),
    signal: needSignal(given.signal, 'signal', WHERE),
    yieldEvery,
    callbacks: [...callbacks, functions],
  };
}

/**
 * @param {unknown} value
 * @param {import('./options.js').Where} where
 * @returns {import('./hooks.js').Hooks[]}
 */
export function readCallbacks(value, where) {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType(value, 'callbacks', 'an array of objects', where);
  return Array.from(value, (each) => {
    if (typeof each !== 'object' || each === null) {
      throw wrongType(each, 'callbacks', 'an array of objects', where);
    }
    for (const name of HOOKS) if (each[name] !== undefined) needFunction(each[name], name, where);
    return each;
  });
}

/** As many as the engine takes in a list, beside one of its own. */
const MAX_AUGMENTATIONS = 15;

/**
 * Copies augmentations before the call's first pause. What they say is read where it is needed.
 *
 * @param {unknown} value one or an array; null stands for none
 * @param {import('./options.js').Where} where
 * @returns {object[]}
 * @throws {ConfigError} what is no plain data {LimitError} too many
 */
export function readAugmentList(value, where) {
  if (value === null) return [];
  const list = Array.isArray(value) ? value : [value];
  if (list.length > MAX_AUGMENTATIONS) {
    throw new LimitError(
      `${where.what}: augment has ${list.length} augmentations, the limit is ${MAX_AUGMENTATIONS}.`,
      { field: 'augment' },
    );
  }
  return Array.from(list, (each) => {
    try {
      if (typeof each === 'object' && each !== null) return structuredClone({ ...each });
    } catch {
      // Not plain data.
    }
    throw wrongType(each, 'augment', 'augmentations of tabgrad/augment', where);
  });
}

/** More classes than any output has; the engine knows the model's own number. */
const MAX_CLASSES = 100_000;

/**
 * @param {{ classWeight?: unknown, sampleWeight?: unknown }} given
 * @param {import('./options.js').Where} where
 * @returns {number[]} the weight of class 0, 1 …; [] without the option
 * @throws {ConfigError} {LabelRangeError}
 */
export function readClassWeight({ classWeight, sampleWeight }, where) {
  if (classWeight === undefined || classWeight === null) return [];
  if (sampleWeight !== undefined) throw bothGiven('classWeight', 'sampleWeight', where);
  if (typeof classWeight !== 'object') {
    throw wrongType(classWeight, 'classWeight', 'an object { class: weight }', where);
  }
  /** @type {number[]} */
  const weights = [];
  for (const [key, weight] of Object.entries(classWeight)) {
    const label = Number(key);
    if (!(Number.isInteger(label) && label >= 0 && label < MAX_CLASSES)) {
      throw new LabelRangeError(
        `${where.what}: classWeight has class '${key.slice(0, 40)}', expected a whole number from 0 ` +
          `to ${MAX_CLASSES - 1}.`,
        { field: 'classWeight' },
      );
    }
    weights[label] = needNumber(weight, 'classWeight', where);
  }
  return Array.from(weights, (weight) => weight ?? 1);
}

/** @param {unknown} value */
function readValidationData(value) {
  if (value === undefined || value === null) return undefined;
  if (isDataset(value)) return { x: value, y: undefined };
  if (Array.isArray(value) && (value.length === 2 || value.length === 3)) {
    return { x: value[0], y: value[1], sampleWeight: value[2] };
  }
  if (typeof value === 'object' && 'x' in value && 'y' in value) {
    const { x, y, sampleWeight } = /** @type {Record<string, unknown>} */ (value);
    return { x, y, sampleWeight };
  }
  throw wrongType(value, 'validationData', 'a Dataset, [x, y] or [x, y, sampleWeight]', WHERE);
}

/**
 * The last samples go to validation, before any shuffling, as in Keras.
 *
 * @param {import('./call-data.js').WireRange} whole
 * @param {number} share
 * @returns {[training: import('./call-data.js').WireRange, validation: import('./call-data.js').WireRange | null]}
 * @throws {EmptyError} if one of the two has no samples
 */
export function splitForValidation(whole, share) {
  if (share === 0) return [whole, null];
  const { dataset, first, count } = whole;
  const training = Math.floor(count * (1 - share));
  if (training === 0 || training === count) {
    throw new EmptyError(
      `fit: validationSplit ${share} of ${count} samples leaves ${training} for training and ` +
        `${count - training} for validation.`,
      { field: 'validationSplit' },
    );
  }
  return [
    { dataset, first, count: training },
    { dataset, first: first + training, count: count - training },
  ];
}

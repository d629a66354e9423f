/** Loss functions, defined and clipped as in Keras 3. */

import { Loss } from './ffi.js';
import { needBoolean, needOneOf, readOptions, wrongType } from './options.js';

/**
 * @typedef {'sparseCategoricalCrossentropy' | 'categoricalCrossentropy' | 'binaryCrossentropy'
 *   | 'meanSquaredError'} LossName
 *
 * @typedef {object} LossConfig
 * @property {LossName} type
 * @property {boolean} fromLogits
 */

/** What the engine needs to know of each loss, and which labels it takes. */
const LOSSES = new Map(
  /** @type {[LossName, { number: import('./ffi.js').LossValue, labels: 'classes' | 'values' }][]} */ ([
    [
      'sparseCategoricalCrossentropy',
      { number: Loss.SPARSE_CATEGORICAL_CROSSENTROPY, labels: 'classes' },
    ],
    ['categoricalCrossentropy', { number: Loss.CATEGORICAL_CROSSENTROPY, labels: 'values' }],
    ['binaryCrossentropy', { number: Loss.BINARY_CROSSENTROPY, labels: 'values' }],
    ['meanSquaredError', { number: Loss.MEAN_SQUARED_ERROR, labels: 'values' }],
  ]),
);

/** @type {readonly LossName[]} */
export const LOSS_NAMES = Object.freeze([...LOSSES.keys()]);

/** @param {LossName} name */
export function lossFacts(name) {
  return /** @type {NonNullable<ReturnType<typeof LOSSES.get>>} */ (LOSSES.get(name));
}

/**
 * @param {LossName} type
 * @returns {(options?: { fromLogits?: boolean }) => Readonly<LossConfig>}
 */
function builder(type) {
  return (options) => {
    const where = { what: `losses.${type}` };
    const { fromLogits = false } = readOptions(options, ['fromLogits'], where);
    return Object.freeze({ type, fromLogits: needBoolean(fromLogits, 'fromLogits', where) });
  };
}

/**
 * Losses for `compile`. `fromLogits` (default false) tells that the model's output is not yet a
 * probability; over a final softmax or sigmoid layer it makes no difference.
 */
export const losses = Object.freeze({
  /** Labels are class numbers 0 … outputs − 1, one a sample. */
  sparseCategoricalCrossentropy: builder('sparseCategoricalCrossentropy'),
  /** Labels are rows of probabilities (one-hot), `outputs` values a sample. */
  categoricalCrossentropy: builder('categoricalCrossentropy'),
  /** Labels are 0 or 1 for each output. */
  binaryCrossentropy: builder('binaryCrossentropy'),
  /** Labels are the wanted outputs; the mean is taken over outputs and samples. */
  meanSquaredError: builder('meanSquaredError'),
});

/**
 * @param {unknown} value a name or what a function of `losses` made
 * @param {unknown} fromLogits the option beside it; wins over the loss object's own
 * @param {import('./options.js').Where} where
 * @returns {LossConfig}
 */
export function readLoss(value, fromLogits, where) {
  let type = value;
  let ownFromLogits = false;
  if (typeof value === 'object' && value !== null) {
    const config = readOptions(value, ['type', 'fromLogits'], { what: `${where.what}: loss` });
    type = config.type;
    ownFromLogits = needBoolean(config.fromLogits ?? false, 'fromLogits', where);
  } else if (typeof value !== 'string') {
    throw wrongType(value, 'loss', "a name such as 'sparseCategoricalCrossentropy'", where);
  }
  return {
    type: needOneOf(type, LOSS_NAMES, 'loss', where),
    fromLogits:
      fromLogits === undefined ? ownFromLogits : needBoolean(fromLogits, 'fromLogits', where),
  };
}

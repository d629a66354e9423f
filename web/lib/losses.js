/** Loss functions, defined and clipped as in Keras 3. */

import { Loss } from './ffi.js';
import { needBoolean, needNumber, needOneOf, readOptions, wrongType } from './options.js';

/**
 * @typedef {'sparseCategoricalCrossentropy' | 'categoricalCrossentropy' | 'binaryCrossentropy'
 *   | 'meanSquaredError' | 'meanAbsoluteError' | 'huber' | 'logCosh' | 'meanSquaredLogarithmicError'
 *   | 'poisson' | 'klDivergence' | 'cosineSimilarity' | 'hinge' | 'squaredHinge'
 *   | 'categoricalHinge' | 'binaryFocalCrossentropy' | 'categoricalFocalCrossentropy'} LossName
 * @typedef {'mse' | 'mae' | 'msle' | 'kld' | 'bce'} LossAlias as Keras has them
 *
 * @typedef {object} LossConfig
 * @property {LossName} type
 * @property {boolean} fromLogits
 * @property {Readonly<Record<string, number>>} options by the engine's names; flags are 0 or 1
 */

const LOGITS = { fromLogits: false };
const CROSSENTROPY = { fromLogits: false, labelSmoothing: 0 };
const FOCAL = { alpha: 0.25, gamma: 2, ...CROSSENTROPY };

/** What the engine needs to know of each loss, which labels it takes, and its options with their defaults. */
const LOSSES = new Map(
  /** @type {[LossName, { number: import('./ffi.js').LossValue, labels: 'classes' | 'values', options: Readonly<Record<string, number | boolean>> }][]} */ (
    /** @type {[LossName, import('./ffi.js').LossValue, 'classes' | 'values', object][]} */ ([
      [
        'sparseCategoricalCrossentropy',
        Loss.SPARSE_CATEGORICAL_CROSSENTROPY,
        'classes',
        CROSSENTROPY,
      ],
      ['categoricalCrossentropy', Loss.CATEGORICAL_CROSSENTROPY, 'values', CROSSENTROPY],
      ['binaryCrossentropy', Loss.BINARY_CROSSENTROPY, 'values', CROSSENTROPY],
      ['meanSquaredError', Loss.MEAN_SQUARED_ERROR, 'values', LOGITS],
      ['meanAbsoluteError', Loss.MEAN_ABSOLUTE_ERROR, 'values', {}],
      ['huber', Loss.HUBER, 'values', { delta: 1, smoothL1: false }],
      ['logCosh', Loss.LOG_COSH, 'values', {}],
      ['meanSquaredLogarithmicError', Loss.MEAN_SQUARED_LOGARITHMIC_ERROR, 'values', {}],
      ['poisson', Loss.POISSON, 'values', {}],
      ['klDivergence', Loss.KL_DIVERGENCE, 'values', {}],
      ['cosineSimilarity', Loss.COSINE_SIMILARITY, 'values', {}],
      ['hinge', Loss.HINGE, 'values', {}],
      ['squaredHinge', Loss.SQUARED_HINGE, 'values', {}],
      ['categoricalHinge', Loss.CATEGORICAL_HINGE, 'values', {}],
      [
        'binaryFocalCrossentropy',
        Loss.BINARY_FOCAL_CROSSENTROPY,
        'values',
        { applyClassBalancing: false, ...FOCAL },
      ],
      ['categoricalFocalCrossentropy', Loss.CATEGORICAL_FOCAL_CROSSENTROPY, 'values', FOCAL],
    ]).map(([name, number, labels, options]) => [name, { number, labels, options }])
  ),
);

/** @type {ReadonlyMap<LossAlias, LossName>} */
const ALIASES = new Map([
  ['mse', 'meanSquaredError'],
  ['mae', 'meanAbsoluteError'],
  ['msle', 'meanSquaredLogarithmicError'],
  ['kld', 'klDivergence'],
  ['bce', 'binaryCrossentropy'],
]);

/** @type {readonly LossName[]} */
export const LOSS_NAMES = Object.freeze([...LOSSES.keys()]);

/** @param {LossName} name */
export function lossFacts(name) {
  return /** @type {NonNullable<ReturnType<typeof LOSSES.get>>} */ (LOSSES.get(name));
}

/**
 * Checks and completes the options of a loss; the engine checks their ranges.
 *
 * @param {LossName} type
 * @param {unknown} given
 * @param {import('./options.js').Where} where
 * @returns {Readonly<LossConfig>}
 */
function complete(type, given, where) {
  const { options: defaults } = lossFacts(type);
  const own = readOptions(given, Object.keys(defaults), where);
  /** @type {Record<string, number>} */
  const options = {};
  let fromLogits = false;
  for (const [name, standard] of Object.entries(defaults)) {
    const value = own[name] ?? standard;
    if (name === 'fromLogits') fromLogits = needBoolean(value, name, where);
    else if (typeof standard === 'number') options[name] = needNumber(value, name, where);
    else
      options[name] = typeof value === 'number' ? value : Number(needBoolean(value, name, where));
  }
  return Object.freeze({ type, fromLogits, options: Object.freeze(options) });
}

/**
 * @template {object} Options
 * @param {LossName} type
 * @returns {(options?: Options) => Readonly<LossConfig>}
 */
function builder(type) {
  return (options) => complete(type, options, { what: `losses.${type}` });
}

/**
 * @typedef {{ fromLogits?: boolean, labelSmoothing?: number }} CrossentropyOptions
 * @typedef {{ alpha?: number, gamma?: number }} FocalOptions alpha 0 … 1, default 0.25; gamma from
 *   0, default 2
 */

/**
 * Losses for `compile`. A sample's loss is the mean over its outputs; that of the losses "over the
 * last axis" a number for each place of an output of several dimensions (a pixel), of which the
 * mean is taken. The loss of a batch is the sum of its samples' losses, each times its weight,
 * divided by the number of samples.
 *
 * `fromLogits` (default false) tells that the model's output is not yet a probability; over a final
 * softmax or sigmoid layer it makes no difference. `labelSmoothing` s (0 … 1, default 0) makes of
 * labels t (1 − s) · t + s / n, n the classes, 2 for binary losses; sparse labels have it too, as
 * in PyTorch.
 */
export const losses = Object.freeze({
  /** Labels are class numbers 0 … outputs − 1, one a sample. @type {(options?: CrossentropyOptions) => Readonly<LossConfig>} */
  sparseCategoricalCrossentropy: builder('sparseCategoricalCrossentropy'),
  /** Labels are rows of probabilities (one-hot) over the last axis; they are taken as they are, −Σ t · log p. @type {(options?: CrossentropyOptions) => Readonly<LossConfig>} */
  categoricalCrossentropy: builder('categoricalCrossentropy'),
  /** Labels are 0 or 1 for each output. @type {(options?: CrossentropyOptions) => Readonly<LossConfig>} */
  binaryCrossentropy: builder('binaryCrossentropy'),
  /** (y − t)². @type {(options?: { fromLogits?: boolean }) => Readonly<LossConfig>} */
  meanSquaredError: builder('meanSquaredError'),
  /** |y − t|, with gradient 0 at 0. */
  meanAbsoluteError: builder('meanAbsoluteError'),
  /**
   * e² / 2 where |e| = |y − t| ≤ delta, delta · (|e| − delta / 2) beyond (Huber 1964).
   *
   * @type {(options?: { delta?: number, smoothL1?: boolean }) => Readonly<LossConfig>} delta above
   *   0, default 1; smoothL1 divides by delta: PyTorch's SmoothL1Loss with beta = delta
   */
  huber: builder('huber'),
  /** log cosh(y − t). */
  logCosh: builder('logCosh'),
  /** (log(1 + y) − log(1 + t))², both at least 1e-7. */
  meanSquaredLogarithmicError: builder('meanSquaredLogarithmicError'),
  /** y − t · log(y + 1e-7): outputs are rates, above 0. */
  poisson: builder('poisson'),
  /** Σ t · log(t / y) over the last axis, both clipped to 1e-7 … 1: outputs are probabilities. */
  klDivergence: builder('klDivergence'),
  /** −cos of the angle between y and t over the last axis: −1 alike, 1 opposite. */
  cosineSimilarity: builder('cosineSimilarity'),
  /** max(0, 1 − t · y). Labels are −1 or 1; a batch of only 0 and 1 is taken for −1 and 1. */
  hinge: builder('hinge'),
  /** max(0, 1 − t · y)², labels as in `hinge`. */
  squaredHinge: builder('squaredHinge'),
  /** max(0, 1 + max((1 − t) · y) − Σ t · y) over the last axis, t one-hot. */
  categoricalHinge: builder('categoricalHinge'),
  /**
   * Binary cross-entropy times (1 − p)^gamma, p the probability of the label (Lin et al. 2017);
   * with applyClassBalancing (default false) also times alpha for 1 and 1 − alpha for 0.
   *
   * @type {(options?: FocalOptions & CrossentropyOptions & { applyClassBalancing?: boolean }) => Readonly<LossConfig>}
   */
  binaryFocalCrossentropy: builder('binaryFocalCrossentropy'),
  /** Categorical cross-entropy times alpha · (1 − p)^gamma. @type {(options?: FocalOptions & CrossentropyOptions) => Readonly<LossConfig>} */
  categoricalFocalCrossentropy: builder('categoricalFocalCrossentropy'),
});

/**
 * @param {unknown} value a name or what a function of `losses` made
 * @param {unknown} fromLogits the option beside it; wins over the loss object's own
 * @param {import('./options.js').Where} where
 * @returns {LossConfig}
 */
export function readLoss(value, fromLogits, where) {
  let type = value;
  /** @type {Record<string, unknown>} */
  let given = {};
  if (typeof value === 'object' && value !== null) {
    const what = { what: `${where.what}: loss` };
    const config = readOptions(value, ['type', 'fromLogits', 'options'], what);
    type = config.type;
    given = { ...readOptions(config.options, Object.keys(config.options ?? {}), what) };
    if (config.fromLogits) given.fromLogits = config.fromLogits;
  } else if (typeof value !== 'string') {
    throw wrongType(value, 'loss', "a name such as 'sparseCategoricalCrossentropy'", where);
  }
  const full = ALIASES.get(/** @type {LossAlias} */ (type)) ?? type;
  const name = needOneOf(full, LOSS_NAMES, 'loss', where);
  const loss = complete(name, given, { what: `${where.what}: loss` });
  return fromLogits === undefined
    ? loss
    : { ...loss, fromLogits: needBoolean(fromLogits, 'fromLogits', where) };
}

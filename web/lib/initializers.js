/** Weight initialisers, named and defined as in Keras 3. They draw from the model's seed. */

import { needNumber, needOneOf, readOptions, unknownName } from './options.js';

/**
 * @typedef {'zeros' | 'ones' | 'glorotUniform' | 'glorotNormal' | 'heUniform' | 'heNormal'
 *   | 'leCunUniform' | 'leCunNormal' | 'randomNormal' | 'truncatedNormal' | 'randomUniform'
 *   | 'constant' | 'identity' | 'orthogonal' | 'varianceScaling'} InitializerName
 * @typedef {Readonly<{ type: InitializerName } & Record<string, number | string>>} InitializerConfig
 * @typedef {InitializerName | InitializerConfig} Initializer a name means its defaults
 */

const MODES = /** @type {const} */ (['fanIn', 'fanOut', 'fanAvg']);
const DISTRIBUTIONS = /** @type {const} */ (['truncatedNormal', 'untruncatedNormal', 'uniform']);
/** Arguments that are names for people and numbers for the engine. */
const CHOICES = new Map(
  /** @type {[string, readonly string[]][]} */ ([
    ['mode', MODES],
    ['distribution', DISTRIBUTIONS],
  ]),
);
const NORMAL = { mean: 0, stddev: 0.05 };
const SCALING = { scale: 1, mode: MODES[0], distribution: DISTRIBUTIONS[0] };

/** Arguments with their defaults, in the order of the engine's numbers: a row's index is its number. */
const INITIALIZERS =
  /** @type {[InitializerName, Readonly<Record<string, number | string>>][]} */ ([
    ['zeros', {}],
    ['ones', {}],
    ['glorotUniform', {}],
    ['glorotNormal', {}],
    ['heUniform', {}],
    ['heNormal', {}],
    ['leCunUniform', {}],
    ['leCunNormal', {}],
    ['randomNormal', NORMAL],
    ['truncatedNormal', NORMAL],
    ['randomUniform', { minval: -0.05, maxval: 0.05 }],
    ['constant', { value: 0 }],
    ['identity', { gain: 1 }],
    ['orthogonal', { gain: 1 }],
    ['varianceScaling', SCALING],
  ]);

const NAMES = INITIALIZERS.map(([name]) => name);

/**
 * A name stays a name; an object gets the defaults of what it leaves out.
 *
 * @param {unknown} value
 * @param {string} field
 * @param {import('./options.js').Where} where
 * @returns {Initializer}
 */
export function readInitializer(value, field, where) {
  if (typeof value !== 'object' || value === null) return needOneOf(value, NAMES, field, where);
  const { type, ...given } = /** @type {Record<string, unknown>} */ (value);
  const name = needOneOf(type, NAMES, field, where);
  const standard = INITIALIZERS[NAMES.indexOf(name)][1];
  const names = Object.keys(standard);
  const own = readOptions(given, names, where);
  /** @type {Record<string, number | string>} */
  const values = {};
  for (const key of names) {
    const choices = CHOICES.get(key);
    const wanted = own[key] ?? standard[key];
    values[key] = choices ? needOneOf(wanted, choices, key, where) : needNumber(wanted, key, where);
  }
  return Object.freeze({ type: name, ...values });
}

/**
 * @param {Initializer} initializer
 * @returns {{ number: number, settings: [string, number][] }} the engine's number and arguments
 */
export function initializerFacts(initializer) {
  const { type, ...values } = typeof initializer === 'string' ? { type: initializer } : initializer;
  const number = NAMES.indexOf(type);
  if (number < 0) throw unknownName(type, NAMES, 'initializer', { what: 'layer' });
  return {
    number,
    settings: Object.entries(values).map(([key, value]) => [
      key,
      typeof value === 'number' ? value : (CHOICES.get(key)?.indexOf(value) ?? NaN),
    ]),
  };
}

/**
 * @template {object} Options
 * @param {InitializerName} type
 * @returns {(options?: Options) => InitializerConfig}
 */
function builder(type) {
  return (options) => {
    const what = `initializers.${type}`;
    const standard = INITIALIZERS[NAMES.indexOf(type)][1];
    const given = readOptions(options, Object.keys(standard), { what });
    return /** @type {InitializerConfig} */ (readInitializer({ type, ...given }, type, { what }));
  };
}

/** @typedef {{ mean?: number, stddev?: number }} NormalOptions */

/**
 * Initialisers for `kernelInitializer` and `biasInitializer`. Normal ones of the families by fan
 * are truncated at two standard deviations and have the variance named after that, as in Keras.
 */
export const initializers = Object.freeze({
  zeros: builder('zeros'),
  ones: builder('ones'),
  /** Variance 2 / (fanIn + fanOut) (Glorot and Bengio 2010). */
  glorotUniform: builder('glorotUniform'),
  /** Variance 2 / (fanIn + fanOut). */
  glorotNormal: builder('glorotNormal'),
  /** Variance 2 / fanIn (He et al. 2015). */
  heUniform: builder('heUniform'),
  /** Variance 2 / fanIn. */
  heNormal: builder('heNormal'),
  /** Variance 1 / fanIn (LeCun et al. 1998). */
  leCunUniform: builder('leCunUniform'),
  /** Variance 1 / fanIn. */
  leCunNormal: builder('leCunNormal'),
  /** @type {(options?: NormalOptions) => InitializerConfig} mean default 0, stddev default 0.05 */
  randomNormal: builder('randomNormal'),
  /**
   * The same, drawn again beyond two standard deviations, so that the deviation is 0.88 stddev.
   *
   * @type {(options?: NormalOptions) => InitializerConfig} mean default 0, stddev default 0.05
   */
  truncatedNormal: builder('truncatedNormal'),
  /** From minval (default −0.05) to maxval (0.05). @type {(options?: { minval?: number, maxval?: number }) => InitializerConfig} */
  randomUniform: builder('randomUniform'),
  /** @param {number | { value?: number }} [value] default 0 */
  constant: (value) => builder('constant')(typeof value === 'number' ? { value } : value),
  /** gain (default 1) on the diagonal of a matrix, else 0; other shapes are refused. @type {(options?: { gain?: number }) => InitializerConfig} */
  identity: builder('identity'),
  /**
   * The kernel as a matrix [all other axes, last axis]: the fewer of its rows and columns are
   * orthogonal and of length gain, default 1 (Saxe et al. 2013). Takes rows² · columns
   * multiplications, the fewer squared: seconds where both are thousands.
   *
   * @type {(options?: { gain?: number }) => InitializerConfig}
   */
  orthogonal: builder('orthogonal'),
  /**
   * Variance scale / fan.
   *
   * @type {(options?: { scale?: number, mode?: 'fanIn' | 'fanOut' | 'fanAvg',
   *   distribution?: 'truncatedNormal' | 'untruncatedNormal' | 'uniform' }) => InitializerConfig}
   *   scale default 1, mode default 'fanIn', distribution default 'truncatedNormal'
   */
  varianceScaling: builder('varianceScaling'),
});

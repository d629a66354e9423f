/** Constraints on weights, as in Keras 3: each update ends with them. Initial weights are left alone. */

import { ConfigError } from './errors.js';
import { needNumber, needOneOf, readOptions, wrongType } from './options.js';

/**
 * @typedef {'nonNeg' | 'maxNorm' | 'unitNorm' | 'minMaxNorm'} ConstraintName
 * @typedef {Readonly<{ type: ConstraintName, minValue?: number, maxValue?: number, rate?: number, axis?: readonly number[] }>} ConstraintConfig
 * @typedef {ConstraintName | ConstraintConfig} Constraint a name means its defaults
 *
 * @typedef {number | readonly number[]} Axis one or several axes of the weights, −1 the last; the
 *   vectors along them are measured: 0 for the kernel of a dense layer (default), [0, 1, 2] for the
 *   filters of a conv2d
 */

/** Options with their defaults; and the least and the largest length that those stand for in the engine. */
const CONSTRAINTS = new Map(
  /** @type {[ConstraintName, Record<string, any>][]} */ ([
    ['nonNeg', {}],
    ['maxNorm', { maxValue: 2, axis: 0 }],
    ['unitNorm', { axis: 0 }],
    ['minMaxNorm', { minValue: 0, maxValue: 1, rate: 1, axis: 0 }],
  ]),
);
const NAMES = [...CONSTRAINTS.keys()];
/** A kernel has at most four axes. */
const MOST_AXES = 4;

/** @param {unknown} value @param {import('./options.js').Where} where */
function readAxis(value, where) {
  const list = Array.isArray(value) ? Array.from(value) : [value];
  for (const axis of list) {
    needNumber(axis, 'axis', where);
    if (Number.isInteger(axis) && axis >= -MOST_AXES && axis < MOST_AXES) continue;
    throw new ConfigError(
      `${where.what}: axis must be a whole number from ${-MOST_AXES} to ${MOST_AXES - 1}, found ${axis}.`,
      { field: 'axis' },
    );
  }
  if (list.length === 0) throw wrongType(value, 'axis', 'at least one axis', where);
  return Object.freeze(list);
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {import('./options.js').Where} where
 * @returns {ConstraintConfig | undefined} null stands for none
 */
export function readConstraint(value, field, where) {
  if (value === null) return undefined;
  const { type, ...given } = /** @type {Record<string, unknown>} */ (
    typeof value === 'object' ? value : { type: value }
  );
  const name = needOneOf(type, NAMES, field, where);
  const standard = CONSTRAINTS.get(name) ?? {};
  const own = readOptions(given, Object.keys(standard), where);
  /** @type {Record<string, any>} */
  const values = {};
  for (const key of Object.keys(standard)) {
    const wanted = own[key] ?? standard[key];
    values[key] = key === 'axis' ? readAxis(wanted, where) : needNumber(wanted, key, where);
  }
  return Object.freeze({ type: name, ...values });
}

/**
 * The engine's settings.
 *
 * @param {ConstraintConfig} constraint
 * @returns {[string, number][]}
 */
export function constraintSettings({ type, minValue, maxValue = 1, rate = 1, axis = [0] }) {
  if (type === 'nonNeg') return [['constraint', 1]];
  const axes = axis.reduce((set, one) => set | (1 << (one < 0 ? 3 - one : one)), 0);
  return [
    ['constraint', 2],
    ['minValue', minValue ?? (type === 'unitNorm' ? 1 : 0)],
    ['maxValue', maxValue],
    ['rate', rate],
    ['axes', axes],
  ];
}

/**
 * @template {object} Options
 * @param {ConstraintName} type
 * @returns {(options?: Options) => ConstraintConfig}
 */
function builder(type) {
  return (options) => {
    const where = { what: `constraints.${type}` };
    const given = readOptions(options, Object.keys(CONSTRAINTS.get(type) ?? {}), where);
    return /** @type {ConstraintConfig} */ (readConstraint({ ...given, type }, type, where));
  };
}

/** Constraints for `kernelConstraint` and `biasConstraint`. */
export const constraints = Object.freeze({
  /** Negative weights become 0. */
  nonNeg: builder('nonNeg'),
  /** Vectors longer than maxValue (default 2) become so long. @type {(options?: { maxValue?: number, axis?: Axis }) => ConstraintConfig} */
  maxNorm: builder('maxNorm'),
  /** Vectors become 1 long. @type {(options?: { axis?: Axis }) => ConstraintConfig} */
  unitNorm: builder('unitNorm'),
  /**
   * Vectors go the part `rate` (default 1) of the way to a length between minValue (default 0) and
   * maxValue (default 1).
   *
   * @type {(options?: { minValue?: number, maxValue?: number, rate?: number, axis?: Axis }) => ConstraintConfig}
   */
  minMaxNorm: builder('minMaxNorm'),
});

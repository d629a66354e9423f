/**
 * Reading what a program passes: option objects are copied once, own properties only, and checked
 * against the names that exist. So accessors run once, and `__proto__`, `constructor` and typing
 * errors are refused by name. Ranges of sizes and rates are the engine's business; here are types.
 */

import { ConfigError, InputTypeError, StateError, TabgradError } from './errors.js';

/**
 * @typedef {object} Where what an option belongs to, for the error message
 * @property {string} what such as `conv2d` or `fit`
 * @property {string} [layer] the layer's name, where it has one
 */

/**
 * A copy of an option object without prototype.
 *
 * @template {string} Name
 * @param {unknown} value undefined and null stand for no options
 * @param {readonly Name[]} names the options that exist
 * @param {Where} where
 * @returns {Partial<Record<Name, any>>} options that were given; undefined ones are left out
 * @throws {ConfigError} for an unknown option, with the nearest one that exists
 * @throws {InputTypeError} if the value is not an object
 */
export function readOptions(value, names, where) {
  /** @type {Partial<Record<Name, any>>} */
  const options = Object.create(null);
  if (value === undefined || value === null) return options;
  if (typeof value !== 'object' || isArray(value) || ArrayBuffer.isView(value)) {
    throw new InputTypeError(
      `${where.what}: options must be an object, found ${describe(value)}.`,
      where,
    );
  }
  const copy = () => {
    for (const key of Object.keys(value)) {
      const name = names.find((known) => known === key);
      if (name === undefined) throw unknownName(key, names, 'option', where);
      const given = /** @type {any} */ (value)[key];
      if (given !== undefined) options[name] = given;
    }
    return options;
  };
  return readForeign(copy, ConfigError, `${where.what}: options`, { layer: where.layer });
}

/**
 * What `read` gives. It runs code of the program's where that passed accessors, a proxy or a class
 * of its own: whatever is thrown there becomes the cause of a typed error.
 *
 * @template T
 * @param {() => T} read
 * @param {typeof TabgradError} ErrorClass
 * @param {string} what
 * @param {{ layer?: string, field?: string }} details
 * @returns {T}
 */
export function readForeign(read, ErrorClass, what, details) {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof TabgradError) throw cause;
    const reason = cause instanceof Error ? cause.message : describe(cause);
    throw new ErrorClass(`${what} cannot be read: ${reason}`, { ...details, cause });
  }
}

/**
 * @param {string} found
 * @param {readonly string[]} names
 * @param {string} kind such as `option`
 * @param {Where} where
 */
export function unknownName(found, names, kind, where) {
  const near = nearest(found, names);
  const hint = near ? ` Did you mean '${near}'?` : ` Known: ${names.join(', ')}.`;
  return new ConfigError(`${where.what}: there is no ${kind} ${describe(found)}.${hint}`, {
    layer: where.layer,
    field: kind === 'option' ? found.slice(0, 40) : kind,
  });
}

/**
 * A value as short text for an error message.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function describe(value) {
  if (typeof value === 'string') {
    return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  }
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `the BigInt ${String(value).slice(0, 40)}`;
  if (isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return describeObject(value);
  return `a ${typeof value}`;
}

/** @param {object} value */
function describeObject(value) {
  try {
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    return tag === 'Object' ? 'an object' : `a ${tag}`;
  } catch {
    return 'an object';
  }
}

/** @param {unknown} value @returns {value is unknown[]} not of a revoked proxy, on which Array.isArray throws */
function isArray(value) {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {Where} where
 * @returns {number} any number, NaN and fractions included: the engine checks the range
 */
export function needNumber(value, field, where) {
  if (typeof value === 'number') return value;
  throw wrongType(value, field, 'a number', where);
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {Where} where
 * @param {number} [least] smallest allowed, default 0
 * @returns {number} a whole number from `least` to 2^53 - 1
 */
export function needWhole(value, field, where, least = 0) {
  if (typeof value !== 'number') throw wrongType(value, field, 'a whole number', where);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new ConfigError(
    `${title(where)}: ${field} must be a whole number from ${least} to 2^53 - 1, found ${describe(value)}.`,
    { layer: where.layer, field },
  );
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {Where} where
 * @returns {boolean}
 */
export function needBoolean(value, field, where) {
  if (typeof value === 'boolean') return value;
  throw wrongType(value, field, 'true or false', where);
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {Where} where
 * @returns {any} the function
 */
export function needFunction(value, field, where) {
  if (typeof value === 'function') return value;
  throw wrongType(value, field, 'a function', where);
}

/**
 * @template {string} Name
 * @param {unknown} value
 * @param {readonly Name[]} names
 * @param {string} field
 * @param {Where} where
 * @returns {Name}
 */
export function needOneOf(value, names, field, where) {
  if (typeof value !== 'string') throw wrongType(value, field, `one of ${names.join(', ')}`, where);
  const name = names.find((known) => known === value);
  if (name !== undefined) return name;
  throw unknownName(value, names, field, where);
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {Where} where
 * @returns {AbortSignal | undefined}
 */
export function needSignal(value, field, where) {
  if (value === undefined || value === null) return undefined;
  const signal = /** @type {any} */ (value);
  if (typeof signal.aborted === 'boolean' && typeof signal.addEventListener === 'function') {
    return signal;
  }
  throw wrongType(value, field, 'an AbortSignal', where);
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {string} wanted
 * @param {Where} where
 */
export function wrongType(value, field, wanted, where) {
  return new ConfigError(`${title(where)}: ${field} must be ${wanted}, found ${describe(value)}.`, {
    layer: where.layer,
    field,
  });
}

/**
 * @param {string} first
 * @param {string} second
 * @param {Where} where
 */
export function bothGiven(first, second, where) {
  return new ConfigError(`${where.what}: give ${first} or ${second}, not both.`, { field: first });
}

/**
 * @param {string} what
 * @param {string} needed
 */
export function wrongState(what, needed) {
  return new StateError(`${what}: ${needed}.`);
}

/** @param {Where} where */
function title({ what, layer }) {
  return layer ? `${what} '${layer}'` : what;
}

/**
 * @param {string} found
 * @param {readonly string[]} names
 * @returns {string | undefined} the name with the fewest changed letters, if they are few
 */
function nearest(found, names) {
  if (found.length > 60) return undefined;
  const plain = (/** @type {string} */ name) => name.toLowerCase().replace(/[_-]/g, '');
  let best;
  let least = Math.max(2, Math.floor(found.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(plain(found), plain(name));
    if (distance >= least) continue;
    least = distance;
    best = name;
  }
  return best;
}

/**
 * Levenshtein's distance, one row at a time.
 *
 * @param {string} a
 * @param {string} b
 */
function editDistance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}

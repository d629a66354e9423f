/** What a search chooses from: parameters as plain data, drawn from and changed by random numbers. */

import { ConfigError } from '../errors.js';
import { describe, needNumber, needWhole, readOptions, wrongType } from '../options.js';

/**
 * @typedef {Readonly<{ parameter: 'choice', values: readonly unknown[] }>
 *   | Readonly<{ parameter: 'uniform' | 'logUniform', low: number, high: number }>
 *   | Readonly<{ parameter: 'int', low: number, high: number, step: number }>
 *   | Readonly<{ parameter: 'list', of: Parameter | Space, min: number, max: number }>} Parameter
 * @typedef {{ readonly [name: string]: Parameter | Space }} Space parameters by name, and spaces inside
 * @typedef {Record<string, any>} Configuration a value for each name of the space
 * @typedef {import('../random.js').Random} Random
 */

/** How far a change goes, as a share of the range. */
const STEP = 0.2;

/**
 * One of some values.
 *
 * @param {readonly unknown[]} values at least one; whatever JSON can hold
 * @returns {Parameter}
 * @throws {ConfigError}
 */
export function choice(values) {
  const where = { what: 'choice' };
  if (!Array.isArray(values) || values.length === 0) {
    throw wrongType(values, 'values', 'an array of at least one value', where);
  }
  values.forEach((value, index) => {
    if (isPlain(value)) return;
    throw new ConfigError(
      `choice: values[${index}] must be what JSON can hold, found ${describe(value)}.`,
      { field: 'values' },
    );
  });
  return Object.freeze({ parameter: 'choice', values: structuredClone(values) });
}

/** @param {unknown} value @returns {boolean} whether it comes back from JSON as it is */
function isPlain(value) {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value !== 'object') return false;
  const prototype = Object.getPrototypeOf(value);
  const plain = prototype === Object.prototype || prototype === null;
  return plain && Object.values(value).every(isPlain);
}

/**
 * Any number between two, all equally likely.
 *
 * @param {number} low
 * @param {number} high above `low`
 * @returns {Parameter}
 * @throws {ConfigError} naming both
 */
export function uniform(low, high) {
  checkRange('uniform', low, high);
  return Object.freeze({ parameter: 'uniform', low, high });
}

/**
 * Any number between two, all magnitudes equally likely: learning rates and penalties.
 *
 * @param {number} low above 0
 * @param {number} high above `low`
 * @returns {Parameter}
 * @throws {ConfigError} naming both
 */
export function logUniform(low, high) {
  checkRange('logUniform', low, high);
  if (low > 0) return Object.freeze({ parameter: 'logUniform', low, high });
  throw new ConfigError(`logUniform: low must be above 0, found ${low}.`, { field: 'low' });
}

/** @param {string} what @param {unknown} low @param {unknown} high */
function checkRange(what, low, high) {
  const from = needNumber(low, 'low', { what });
  const to = needNumber(high, 'high', { what });
  if (Number.isFinite(to - from) && from < to) return;
  throw new ConfigError(
    `${what}: low must be below high and both finite, found ${low} and ${high}.`,
    {
      field: 'low',
    },
  );
}

/**
 * A whole number, both ends included.
 *
 * @param {number} low
 * @param {number} high from `low`
 * @param {{ step?: number }} [options] step: from one to the next, default 1
 * @returns {Parameter}
 * @throws {ConfigError} naming both
 */
export function int(low, high, options) {
  const where = { what: 'int' };
  const { step = 1 } = readOptions(options, ['step'], where);
  needWhole(step, 'step', where, 1);
  if (Number.isSafeInteger(low) && Number.isSafeInteger(high) && low <= high) {
    return Object.freeze({ parameter: 'int', low, high, step });
  }
  throw new ConfigError(
    `int: low and high must be whole numbers, low at most high, found ${describe(low)} and ${describe(high)}.`,
    { field: 'low' },
  );
}

/**
 * Several of a kind: the layers of a small architecture. Evolution changes, adds and removes them.
 *
 * @param {Parameter | Space} of what each is drawn from
 * @param {{ min?: number, max: number }} options how many; min default 0
 * @returns {Parameter}
 * @throws {ConfigError} naming both
 */
export function list(of, options) {
  const where = { what: 'list' };
  const { min = 0, max } = readOptions(options, ['min', 'max'], where);
  needWhole(min, 'min', where);
  needWhole(max, 'max', where, 1);
  if (min > max) {
    throw new ConfigError(`list: min must be at most max, found ${min} and ${max}.`, {
      field: 'min',
    });
  }
  if (!isParameter(of)) checkSpace(of, where);
  return Object.freeze({ parameter: 'list', of, min, max });
}

/** @param {any} value @returns {value is Parameter} */
function isParameter(value) {
  return ['choice', 'uniform', 'logUniform', 'int', 'list'].includes(value?.parameter);
}

/**
 * @param {any} space
 * @param {import('../options.js').Where} where
 * @returns {Space}
 * @throws {ConfigError} naming what is no parameter
 */
export function checkSpace(space, where) {
  const plain = typeof space === 'object' && space !== null && !Array.isArray(space);
  if (!plain || isParameter(space) || Object.keys(space).length === 0) {
    throw wrongType(space, 'space', 'an object of parameters', where);
  }
  for (const [name, value] of Object.entries(space)) {
    if (isParameter(value)) continue;
    const inside = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (inside && Object.keys(value).length > 0) checkSpace(value, where);
    else {
      throw new ConfigError(
        `${where.what}: ${name.slice(0, 40)} must be made by choice, uniform, logUniform, int or list, found ${describe(value)}.`,
        { field: name.slice(0, 40) },
      );
    }
  }
  return space;
}

/**
 * A random value.
 *
 * @param {Parameter | Space} space
 * @param {Random} random
 * @returns {any}
 */
export function draw(space, random) {
  if (!isParameter(space)) {
    return Object.fromEntries(
      Object.entries(space).map(([name, value]) => [name, draw(value, random)]),
    );
  }
  switch (space.parameter) {
    case 'choice':
      return structuredClone(space.values[random.below(space.values.length)]);
    case 'int':
      return space.low + space.step * random.below(steps(space));
    case 'list': {
      const length = space.min + random.below(space.max - space.min + 1);
      return Array.from({ length }, () => draw(space.of, random));
    }
    default:
      return fromShare(space, random.next());
  }
}

/** How many values there are. @param {{ low: number, high: number, step: number }} int */
const steps = ({ low, high, step }) => Math.floor((high - low) / step) + 1;

/**
 * @param {{ parameter: string, low: number, high: number }} range
 * @param {number} share 0 … 1
 */
function fromShare({ parameter, low, high }, share) {
  if (parameter === 'uniform') return Math.min(high, low + share * (high - low));
  return Math.min(high, Math.max(low, low * (high / low) ** share));
}

/** @param {{ parameter: string, low: number, high: number }} range @param {number} value */
function toShare({ parameter, low, high }, value) {
  if (parameter === 'uniform') return (value - low) / (high - low);
  return Math.log(value / low) / Math.log(high / low);
}

/**
 * A copy with one thing changed, chosen evenly among all that can change.
 *
 * @param {Space} space
 * @param {Configuration} configuration drawn from it
 * @param {Random} random
 * @returns {Configuration}
 */
export function mutate(space, configuration, random) {
  const copy = structuredClone(configuration);
  const sites = sitesOf(space, copy, () => {});
  sites[random.below(sites.length)]?.(random);
  return copy;
}

/**
 * @param {Parameter | Space} space
 * @param {any} value
 * @param {(value: unknown) => void} put
 * @returns {((random: Random) => void)[]} functions that each change one thing
 */
function sitesOf(space, value, put) {
  if (!isParameter(space)) {
    return Object.entries(space).flatMap(([name, inside]) =>
      sitesOf(inside, value[name], (next) => (value[name] = next)),
    );
  }
  if (space.parameter === 'list') {
    const { of, min, max } = space;
    const inner = /** @type {unknown[]} */ (value).flatMap((item, index) =>
      sitesOf(of, item, (next) => (value[index] = next)),
    );
    return min < max ? [(random) => resize(space, value, random), ...inner] : inner;
  }
  if (space.parameter === 'choice' && space.values.length === 1) return [];
  if (space.parameter === 'int' && steps(space) === 1) return [];
  return [(random) => put(changed(space, value, random))];
}

/**
 * One more or one less, at a random place.
 *
 * @param {Parameter & { parameter: 'list' }} list
 * @param {unknown[]} value is changed
 * @param {Random} random
 */
function resize({ of, min, max }, value, random) {
  const grows = value.length === min || (value.length < max && random.next() < 0.5);
  if (grows) value.splice(random.below(value.length + 1), 0, draw(of, random));
  else value.splice(random.below(value.length), 1);
}

/**
 * @param {Exclude<Parameter, { parameter: 'list' }>} space
 * @param {any} value
 * @param {Random} random
 * @returns {unknown} another value: of numbers one that is near
 */
function changed(space, value, random) {
  if (space.parameter === 'choice') {
    const { values } = space;
    const own = values.findIndex((one) => JSON.stringify(one) === JSON.stringify(value));
    return structuredClone(values[(own + 1 + random.below(values.length - 1)) % values.length]);
  }
  if (space.parameter === 'int') {
    const last = steps(space) - 1;
    const at = (value - space.low) / space.step;
    const away = Math.max(1, Math.round(STEP * last * Math.abs(random.normal())));
    const up = at === 0 || (at < last && random.next() < 0.5);
    return space.low + space.step * Math.min(last, Math.max(0, at + (up ? away : -away)));
  }
  const share = toShare(space, value) + STEP * random.normal();
  // Beyond an end it comes back from it.
  const folded = Math.abs(share) % 2;
  return fromShare(space, folded > 1 ? 2 - folded : folded);
}

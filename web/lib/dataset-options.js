/** The parts of a description of data: shape, range, normalisation, names. */

import { ConfigError, EmptyError, LimitError, ShapeError } from './errors.js';
import { describe, needWhole, wrongType } from './options.js';

/** @typedef {import('./host-dataset.js').Normalization} Normalization */

/**
 * @param {unknown} shape
 * @param {import('./options.js').Where} where
 * @returns {[number, number, number]} height, width, channels
 */
export function sizeOf(shape, where) {
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 3) {
    const found = Array.isArray(shape) ? `[${shape.slice(0, 8).join(', ')}]` : describe(shape);
    throw new ShapeError(
      `${where.what}: shape must be [features], [steps, channels] or [height, width, channels], ` +
        `found ${found}.`,
      { field: 'shape' },
    );
  }
  const sizes = Array.from(shape, (size) => needWhole(size, 'shape', where, 1));
  const [height, width, channels] = [...Array(3 - sizes.length).fill(1), ...sizes];
  return [height, width, channels];
}

/**
 * Which samples a call is about.
 *
 * @param {{ count: number }} dataset
 * @param {{ first?: unknown, count?: unknown }} options
 * @param {import('./options.js').Where} where
 * @returns {{ first: number, count: number }}
 * @throws {EmptyError} {LimitError} {ConfigError}
 */
export function sampleRange(dataset, options, where) {
  const first = needWhole(options.first ?? 0, 'first', where);
  const count = needWhole(options.count ?? Math.max(dataset.count - first, 0), 'count', where);
  if (first + count > dataset.count || first >= dataset.count) {
    throw new LimitError(
      `${where.what}: samples ${first} to ${first + count} reach beyond the data set, which has ` +
        `${dataset.count}.`,
      { field: 'count' },
    );
  }
  if (count === 0) throw new EmptyError(`${where.what}: count is 0.`, { field: 'count' });
  return { first, count };
}

/**
 * (x · scale − mean) / std as the engine's x · scale + offset.
 *
 * @param {{ scale?: unknown, mean?: unknown, std?: unknown }} given
 * @param {number} channels
 * @param {boolean} pixels
 * @param {import('./options.js').Where} where
 * @returns {Normalization | undefined} nothing if the default holds
 */
export function readNormalization(given, channels, pixels, where) {
  const { scale = pixels ? 1 / 255 : 1, mean = 0, std = 1 } = given;
  if (given.scale === undefined && given.mean === undefined && given.std === undefined) {
    return undefined;
  }
  const factor = finite(scale, 'scale', where);
  const means = perChannel(mean, channels, 'mean', where);
  const deviations = perChannel(std, channels, 'std', where);
  if (deviations.includes(0)) {
    throw new ConfigError(`${where.what}: std must not be 0.`, { field: 'std' });
  }
  return {
    scale: deviations.map((deviation) => factor / deviation),
    offset: deviations.map((deviation, channel) => -means[channel] / deviation),
  };
}

/**
 * @param {unknown} value
 * @param {number} channels
 * @param {string} field
 * @param {import('./options.js').Where} where
 * @returns {number[]}
 */
function perChannel(value, channels, field, where) {
  if (!Array.isArray(value)) return Array(channels).fill(finite(value, field, where));
  if (value.length === channels) return Array.from(value, (item) => finite(item, field, where));
  throw new ShapeError(
    `${where.what}: ${field} has ${value.length} values, the samples have ${channels} channels.`,
    { field },
  );
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {import('./options.js').Where} where
 */
function finite(value, field, where) {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw wrongType(value, field, 'a finite number', where);
}

/**
 * @param {unknown} value
 * @param {import('./options.js').Where} where
 * @returns {string[]}
 */
export function readClassNames(value, where) {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return [...value];
  throw wrongType(value, 'classNames', 'an array of strings', where);
}

/** Parts of a sample that are kept or taken away together: superpixels, cells of a grid, features, or the program's own. */

import { ConfigError, InputTypeError, ShapeError } from '../errors.js';
import { describe, needNumber, needOneOf, needWhole } from '../options.js';
import { cellsOf } from './cells.js';
import { slic } from './slic.js';

/**
 * @typedef {object} SegmentOptions
 * @property {'slic' | 'grid' | 'cells' | ArrayLike<number>} [segments] 'slic': superpixels; 'grid': rectangles; 'cells':
 *   every pixel, step or feature by itself; or a whole number for each place (for all samples the same, or for each its own),
 *   equal where places belong together. Default 'slic' for pictures, 'cells' for others
 * @property {number} [segmentCount] about how many superpixels or rectangles; default 49
 * @property {number} [compactness] of superpixels: how much their shape counts beside their colour; default 0.1 of the
 *   sample's range
 *
 * @typedef {object} Segmentation
 * @property {Int32Array} labels the number of each place's segment, [n, places]
 * @property {number[]} counts segments of each sample, numbered from 0
 * @property {number[]} shape of the places
 * @property {number} places
 * @property {number} channels values a place
 */

export const SEGMENT_OPTIONS = /** @type {const} */ (['segments', 'segmentCount', 'compactness']);

/**
 * @param {import('./subject.js').Subject} subject
 * @param {{ segments?: unknown, segmentCount?: unknown, compactness?: unknown }} options
 * @returns {Segmentation}
 * @throws {ConfigError} {ShapeError} {InputTypeError}
 */
export function readSegments(subject, options) {
  const { where, count } = subject;
  const { shape, count: places, channels } = cellsOf(subject);
  const wanted = needWhole(options.segmentCount ?? 49, 'segmentCount', where, 1);
  const compactness = needNumber(options.compactness ?? 0.1, 'compactness', where);
  if (!(compactness > 0 && compactness < Infinity)) {
    throw new ConfigError(
      `${where.what}: compactness must be a finite number above 0, found ${compactness}.`,
      { field: 'compactness' },
    );
  }
  const kind = options.segments ?? (shape.length === 2 ? 'slic' : 'cells');
  const labels = new Int32Array(count * places);
  const counts = [];
  const given = typeof kind === 'string' ? null : readLabels(kind, places, count, where);
  const name = given ? null : needOneOf(kind, ['slic', 'grid', 'cells'], 'segments', where);
  for (let sample = 0; sample < count; sample++) {
    const own = labels.subarray(sample * places, (sample + 1) * places);
    if (given) own.set(ofSample(given, sample, places));
    else if (name === 'grid') own.set(grid(shape, wanted));
    else if (name === 'slic') {
      own.set(slic(subject.sample(sample), shape, channels, { count: wanted, compactness }));
    } else own.forEach((_, place) => (own[place] = place));
    counts.push(renumber(own));
  }
  return { labels, counts, shape, places, channels };
}

/**
 * @param {unknown} value
 * @param {number} places
 * @param {number} count
 * @param {import('../options.js').Where} where
 * @returns {Int32Array}
 */
function readLabels(value, places, count, where) {
  const { what } = where;
  const field = 'segments';
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) {
    throw new InputTypeError(
      `${what}: segments must be 'slic', 'grid', 'cells' or an array of whole numbers, found ${describe(value)}.`,
      { field },
    );
  }
  const list = /** @type {number[]} */ (Array.from(/** @type {Iterable<any>} */ (value)).flat(3));
  if (list.length !== places && list.length !== places * count) {
    throw new ShapeError(
      `${what}: segments has ${list.length} numbers for ${places} places of ${count} samples.`,
      { field },
    );
  }
  return Int32Array.from(list, (label) => {
    if (Number.isInteger(label) && label >= 0 && label < 2 ** 31) return label;
    throw new ConfigError(
      `${what}: segments must be whole numbers from 0, found ${describe(label)}.`,
      { field },
    );
  });
}

/** @param {Int32Array} labels of one sample or of all @param {number} sample @param {number} places */
function ofSample(labels, sample, places) {
  return labels.length === places
    ? labels
    : labels.subarray(sample * places, (sample + 1) * places);
}

/**
 * Rectangles of nearly equal sides; of steps and features runs.
 *
 * @param {number[]} shape
 * @param {number} wanted
 * @returns {Int32Array}
 */
function grid(shape, wanted) {
  const [height, width] = shape.length === 2 ? shape : [1, shape[0]];
  const rows = Math.min(height, Math.max(1, Math.round(Math.sqrt((wanted * height) / width))));
  const columns = Math.min(width, Math.max(1, Math.round(wanted / rows)));
  return Int32Array.from({ length: height * width }, (_, place) => {
    const row = Math.floor((Math.floor(place / width) * rows) / height);
    return row * columns + Math.floor(((place % width) * columns) / width);
  });
}

/**
 * Numbers segments from 0, in the order of their numbers.
 *
 * @param {Int32Array} labels is changed
 * @returns {number} how many there are
 */
function renumber(labels) {
  const known = [...new Set(labels)].sort((a, b) => a - b);
  const numbers = new Map(known.map((label, index) => [label, index]));
  labels.forEach((label, place) => (labels[place] = /** @type {number} */ (numbers.get(label))));
  return known.length;
}

/**
 * The mean colour of each segment, in all its places: what superpixels are covered with.
 *
 * @param {Float32Array} values of a sample
 * @param {Int32Array} labels of its places
 * @param {number} segments
 * @param {number} channels
 * @returns {Float32Array} as `values`
 */
export function segmentMeans(values, labels, segments, channels) {
  const sums = new Float64Array(segments * channels);
  const sizes = new Float64Array(segments);
  labels.forEach((label, place) => {
    sizes[label]++;
    for (let c = 0; c < channels; c++) sums[label * channels + c] += values[place * channels + c];
  });
  return Float32Array.from(values, (_, i) => {
    const label = labels[Math.floor(i / channels)];
    return sums[label * channels + (i % channels)] / sizes[label];
  });
}

/**
 * A copy in which the segments that are not kept are covered.
 *
 * @param {Float32Array} into
 * @param {Float32Array} values
 * @param {Float32Array} cover
 * @param {Uint8Array} kept by segment
 * @param {Int32Array} labels
 * @param {number} channels
 */
export function writeMasked(into, values, cover, kept, labels, channels) {
  labels.forEach((label, place) => {
    const source = kept[label] ? values : cover;
    const at = place * channels;
    for (let i = at; i < at + channels; i++) into[i] = source[i];
  });
}

/**
 * A number of each segment at all its places.
 *
 * @param {ArrayLike<number>} weights
 * @param {Int32Array} labels
 * @param {Float32Array} into
 */
export function spread(weights, labels, into) {
  labels.forEach((label, place) => (into[place] = weights[label]));
}

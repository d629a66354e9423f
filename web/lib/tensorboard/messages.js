/**
 * TensorBoard's events as bytes: Protocol Buffers' wire format, as much of it as events need.
 *
 * Source: tensorflow/core/util/event.proto, framework/summary.proto and framework/histogram.proto (TensorFlow 2).
 */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const utf8 = new TextEncoder();

/** @param {number} value a whole number from 0 @returns {number[]} */
function varint(value) {
  const bytes = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

/** @param {number} field @param {Uint8Array} content */
const block = (field, content) =>
  join([Uint8Array.from([...varint(field * 8 + BYTES), ...varint(content.length)]), content]);
/** @param {number} field @param {string} value */
const text = (field, value) => block(field, utf8.encode(value));
/** @param {number} field @param {number} value */
const whole = (field, value) => Uint8Array.from([...varint(field * 8 + VARINT), ...varint(value)]);
/** @param {number} field @param {number} value */
const double = (field, value) =>
  join([Uint8Array.of(field * 8 + FIXED64), numbers(8, [value], 'setFloat64')]);
/** @param {number} field @param {number} value */
const float = (field, value) =>
  join([Uint8Array.of(field * 8 + FIXED32), numbers(4, [value], 'setFloat32')]);
/** @param {number} field @param {ArrayLike<number>} values */
const doubles = (field, values) => block(field, numbers(8, values, 'setFloat64'));

/**
 * @param {number} size of each
 * @param {ArrayLike<number>} values
 * @param {'setFloat32' | 'setFloat64'} set
 */
function numbers(size, values, set) {
  const view = new DataView(new ArrayBuffer(size * values.length));
  for (let i = 0; i < values.length; i++) view[set](i * size, values[i], true);
  return new Uint8Array(view.buffer);
}

/** @param {readonly Uint8Array[]} parts @returns {Uint8Array<ArrayBuffer>} */
export function join(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The first event of a file. @param {number} wallTime seconds since 1970 */
export function versionEvent(wallTime) {
  return join([double(1, wallTime), text(3, 'brain.Event:2')]);
}

/**
 * @param {number} wallTime seconds since 1970
 * @param {number} step
 * @param {readonly Uint8Array[]} values
 */
export function summaryEvent(wallTime, step, values) {
  const summary = join(values.map((value) => block(1, value)));
  return join([double(1, wallTime), whole(2, step), block(5, summary)]);
}

/** @param {string} tag @param {number} value */
export function scalarValue(tag, value) {
  return join([text(1, tag), float(2, value)]);
}

/**
 * @param {string} tag
 * @param {Histogram} histogram
 */
export function histogramValue(tag, { min, max, count, sum, sumOfSquares, limits, counts }) {
  const content = [
    double(1, min),
    double(2, max),
    double(3, count),
    double(4, sum),
    double(5, sumOfSquares),
    doubles(6, limits),
    doubles(7, counts),
  ];
  return join([text(1, tag), block(5, join(content))]);
}

/**
 * @typedef {object} Histogram
 * @property {number} min
 * @property {number} max
 * @property {number} count
 * @property {number} sum
 * @property {number} sumOfSquares
 * @property {number[]} limits upper ends of the buckets; the last is `max`
 * @property {number[]} counts
 */

/** As tf.summary.histogram has them. */
const BUCKETS = 30;

/**
 * Values in buckets of equal width; where all are equal in one.
 *
 * @param {ArrayLike<number>} values at least one, finite
 * @returns {Histogram}
 */
export function histogramOf(values) {
  let [min, max, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    sumOfSquares += value * value;
  }
  const buckets = min < max ? BUCKETS : 1;
  const width = (max - min) / buckets;
  const counts = Array(buckets).fill(0);
  for (let i = 0; i < values.length; i++) {
    const bucket = width > 0 ? Math.floor((values[i] - min) / width) : 0;
    counts[Math.min(bucket, buckets - 1)]++;
  }
  const limits = counts.map((_, i) => (i === buckets - 1 ? max : min + (i + 1) * width));
  return { min, max, count: values.length, sum, sumOfSquares, limits, counts };
}

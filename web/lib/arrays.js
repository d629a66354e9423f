/**
 * Arrays that a program passes, as sources of bytes for the engine.
 *
 * | given                                              | becomes                               |
 * | -------------------------------------------------- | ------------------------------------- |
 * | Uint8Array, Uint8ClampedArray                      | pixels 0 … 255, kept as bytes         |
 * | Float32Array                                       | floats, as they are                   |
 * | Float64Array, Int8 … Int32Array, Uint16, Uint32    | floats, rounded to 32 bits            |
 * | array of numbers, nested arrays, arrays of the     | floats (pixels, if every part is a    |
 * | above                                              | Uint8Array); all rows equally long    |
 *
 * Everything else is refused (E_TYPE). An array is read when it is passed: up to 16 MB are copied
 * at once; larger ones are copied piece by piece, so leave them alone until the call settles. Each
 * element is read once; what an accessor, a proxy or a detached buffer throws is the cause of E_TYPE.
 */

import { InputTypeError, LabelRangeError, ShapeError } from './errors.js';
import { describe, readForeign } from './options.js';

/**
 * @typedef {'uint8' | 'float32' | 'int32'} ElementType
 *
 * @typedef {object} ArraySource
 * @property {ElementType} type
 * @property {number} length elements
 * @property {readonly number[]} nesting lengths of the outer arrays, [] for a flat one
 * @property {(from: number, to: number) => Uint8Array<ArrayBuffer>} piece bytes of the elements in
 *   a buffer of their own
 *
 * @typedef {Uint8Array | Uint8ClampedArray | Int8Array | Uint16Array | Int16Array | Uint32Array
 *   | Int32Array | Float32Array | Float64Array} NumberArray
 */

/** Largest array that is copied in one go: a few milliseconds. */
const COPY_AT_ONCE = 16 * 1024 * 1024;

const BYTE_ARRAYS = ['Uint8Array', 'Uint8ClampedArray'];
const INTEGER_ARRAYS = [
  ...BYTE_ARRAYS,
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
];
const NUMBER_ARRAYS = [...INTEGER_ARRAYS, 'Float32Array', 'Float64Array'];

/** The name of a typed array's type, of another realm too; undefined for all else, also for what only looks like one. */
const typeName = /** @type {(value: unknown) => string | undefined} */ (
  Function.prototype.call.bind(
    /** @type {any} */ (
      Object.getOwnPropertyDescriptor(
        Object.getPrototypeOf(Uint8Array.prototype),
        Symbol.toStringTag,
      )
    ).get,
  )
);

/**
 * @param {unknown} value
 * @returns {value is NumberArray}
 */
function isNumberArray(value) {
  return NUMBER_ARRAYS.includes(String(typeName(value)));
}

/**
 * @param {unknown} value
 * @returns {value is Uint8Array | Uint8ClampedArray}
 */
const isBytes = (value) => BYTE_ARRAYS.includes(String(typeName(value)));

/**
 * @param {unknown} value
 * @returns {boolean} whether a class label could be read from it: an array of whole-number type
 */
function isIntegerArray(value) {
  return INTEGER_ARRAYS.includes(String(typeName(value)));
}

/**
 * @param {unknown} value
 * @param {string} label such as `fit: x`
 * @returns {ArraySource} of bytes or floats
 * @throws {InputTypeError} {ShapeError}
 */
export function sampleSource(value, label) {
  return readForeign(() => readSamples(value, label), InputTypeError, label, { field: 'x' });
}

/** @param {unknown} value @param {string} label @returns {ArraySource} */
function readSamples(value, label) {
  if (isNumberArray(value)) return typedSource(value, label, isBytes(value) ? 'uint8' : 'float32');
  if (Array.isArray(value)) {
    const { values, nesting } = flatten(value, label);
    return { ...typedSource(values, label, isBytes(values) ? 'uint8' : 'float32'), nesting };
  }
  throw new InputTypeError(
    `${label} must be a typed array, an array or a data set, found ${describe(value)}.`,
    { field: 'x' },
  );
}

/**
 * @param {unknown} value
 * @param {number} count samples
 * @param {'classes' | 'values' | 'auto'} kind 'auto': integer arrays, and plain ones of whole
 *   numbers from 0, are classes if there is one for each sample
 * @param {string} label such as `fit: y`
 * @returns {{ source: ArraySource, labels: 'classes' | 'values', labelSize: number }}
 * @throws {InputTypeError} {ShapeError} {LabelRangeError}
 */
export function labelSource(value, count, kind, label) {
  const read = () => readLabels(value, count, kind, label);
  return readForeign(read, InputTypeError, label, { field: 'y' });
}

/** @type {typeof labelSource} */
function readLabels(value, count, kind, label) {
  if (!isNumberArray(value) && !Array.isArray(value)) {
    throw new InputTypeError(
      `${label} must be a typed array or an array of labels, found ${describe(value)}.`,
      { field: 'y' },
    );
  }
  const { values } = Array.isArray(value) ? flatten(value, label) : { values: value };
  const whole =
    isIntegerArray(value) ||
    (Array.isArray(value) && values.every((number) => Number.isInteger(number) && number >= 0));
  const classes = kind === 'classes' || (kind === 'auto' && whole && values.length === count);
  if (classes ? values.length !== count : values.length === 0 || values.length % count !== 0) {
    throw new ShapeError(
      `${label} has ${values.length} values, x has ${count} samples: expected ` +
        `${classes ? 'one class' : 'the same number of values'} for each.`,
      { field: 'y' },
    );
  }
  if (!classes) {
    const source = typedSource(values, label, 'float32');
    return { source, labels: 'values', labelSize: values.length / count };
  }
  const source = typedSource(classLabels(values, label), label, 'int32');
  return { source, labels: 'classes', labelSize: 1 };
}

/**
 * @param {unknown} value one finite number a sample; negative ones are taken, as in Keras
 * @param {number} count samples
 * @param {string} label such as `fit: sampleWeight`
 * @returns {ArraySource}
 * @throws {InputTypeError} {ShapeError}
 */
export function weightSource(value, count, label) {
  const read = () => readWeights(value, count, label);
  return readForeign(read, InputTypeError, label, { field: 'sampleWeight' });
}

/** @type {typeof weightSource} */
function readWeights(value, count, label) {
  if (!isNumberArray(value) && !Array.isArray(value)) {
    throw new InputTypeError(`${label} must be an array of numbers, found ${describe(value)}.`, {
      field: 'sampleWeight',
    });
  }
  const { values } = Array.isArray(value) ? flatten(value, label) : { values: value };
  if (values.length === count) return typedSource(values, label, 'float32');
  throw new ShapeError(
    `${label} has ${values.length} values, x has ${count} samples: expected one for each.`,
    { field: 'sampleWeight' },
  );
}

/**
 * @param {NumberArray} values
 * @param {string} label
 */
function classLabels(values, label) {
  const bad = values.findIndex((value) => value !== (value | 0) || value < 0);
  if (bad < 0) return Int32Array.from(values);
  throw new LabelRangeError(
    `${label}: sample ${bad} has label ${values[bad]}, expected a whole number from 0.`,
    { field: 'y' },
  );
}

/**
 * @param {NumberArray} given
 * @param {string} label
 * @param {ElementType} type
 * @returns {ArraySource}
 */
function typedSource(given, label, type) {
  const { length } = given;
  const Type = { uint8: Uint8Array, float32: Float32Array, int32: Int32Array }[type];
  // Not by slice(): that of a Node.js Buffer is a view.
  const copy = given.byteLength <= COPY_AT_ONCE ? new Type(given) : null;
  const values = copy ?? given;
  return {
    type,
    length,
    nesting: [],
    piece(from, to) {
      if (values.length !== length) {
        throw new InputTypeError(
          `${label} had ${length} values and now has ${values.length}: it was transferred or ` +
            'resized while it was read.',
        );
      }
      // A new array, so its buffer is neither shared nor larger than the piece; or our copy, whole.
      const { buffer } = copy && to - from === length ? copy : new Type(values.subarray(from, to));
      return new Uint8Array(/** @type {ArrayBuffer} */ (buffer));
    },
  };
}

/**
 * A nested array as one flat array. Reads each element once.
 *
 * @param {unknown[]} array
 * @param {string} label
 * @returns {{ values: NumberArray, nesting: number[] }}
 */
function flatten(array, label) {
  const nesting = [array.length];
  let level = array[0];
  /** The first element of each level, which is not read again. @type {unknown[]} */
  const firsts = [array, level];
  while (Array.isArray(level) && nesting.length < 8) {
    nesting.push(level.length);
    level = level[0];
    firsts.push(level);
  }
  if (Array.isArray(level)) throw new ShapeError(`${label} is nested more than 8 deep.`);
  const part = isNumberArray(level) ? level.length : 1;
  if (isNumberArray(level)) nesting.push(part);
  const total = nesting.reduce((product, length) => product * length, 1);
  const values = isBytes(level) ? new Uint8Array(total) : new Float64Array(total);
  let at = 0;
  /** @param {unknown} value @param {number} depth */
  const take = (value, depth) => {
    const wanted = nesting[depth];
    if (Array.isArray(value) && depth < nesting.length) {
      if (value.length !== wanted) throw ragged(label, wanted, value.length);
      // By index: a hole reads as undefined and is refused below.
      for (let index = 0; index < wanted; index++) {
        take(at === 0 && index === 0 ? firsts[depth + 1] : value[index], depth + 1);
      }
    } else if (typeof value === 'number' && depth === nesting.length) {
      values[at++] = value;
    } else if (isNumberArray(value) && depth === nesting.length - 1 && isNumberArray(level)) {
      if (value.length !== wanted) throw ragged(label, wanted, value.length);
      if (isBytes(value) !== isBytes(level)) {
        throw new InputTypeError(`${label} mixes Uint8Arrays (pixels) with other types.`);
      }
      values.set(value, at);
      at += wanted;
    } else {
      throw new InputTypeError(`${label} holds ${describe(value)} where a number is expected.`);
    }
  };
  take(array, 0);
  return { values, nesting };
}

/**
 * @param {string} label
 * @param {number} wanted
 * @param {number} found
 */
function ragged(label, wanted, found) {
  return new ShapeError(`${label} is ragged: rows of ${wanted} and of ${found} values.`);
}

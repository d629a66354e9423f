/** What metrics compare: labels and predictions in any of the forms that programs have them in. */

import {
  EmptyError,
  InputTypeError,
  LabelRangeError,
  NonFiniteError,
  ShapeError,
} from '../errors.js';
import { describe } from '../options.js';

/**
 * @typedef {object} Table numbers in rows
 * @property {ArrayLike<number>} data rows * columns finite numbers
 * @property {number} rows
 * @property {number} columns
 * @property {boolean} flat one number a row, given without a second dimension
 *
 * @typedef {object} Pair
 * @property {string} what
 * @property {Table} truth
 * @property {Table} guess
 */

/**
 * @param {unknown} yTrue numbers in an array (of one a sample, or with a `shape` of [n, …]), or rows
 *   of numbers
 * @param {unknown} yPred the same, of as many samples
 * @param {string} what
 * @returns {Pair}
 * @throws {InputTypeError} {NonFiniteError} {ShapeError} {EmptyError} naming field and found value
 */
export function readPair(yTrue, yPred, what) {
  const truth = readTable(yTrue, what, 'yTrue');
  const guess = readTable(yPred, what, 'yPred');
  if (truth.rows !== guess.rows) {
    throw new ShapeError(`${what}: yTrue has ${truth.rows} samples, yPred has ${guess.rows}.`, {
      field: 'yPred',
    });
  }
  return { what, truth, guess };
}

/**
 * @param {unknown} value
 * @param {string} what
 * @param {string} field
 * @returns {Table}
 */
function readTable(value, what, field) {
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) {
    throw new InputTypeError(`${what}: ${field} must be an array, found ${describe(value)}.`, {
      field,
    });
  }
  const list = /** @type {ArrayLike<unknown> & { shape?: unknown }} */ (
    /** @type {unknown} */ (value)
  );
  if (!(list.length > 0)) throw new EmptyError(`${what}: ${field} is empty.`, { field });
  const first = list[0];
  const nested = typeof first === 'object' && first !== null;
  const data = nested ? flatten(list, what, field) : list;
  let columns = nested ? data.length / list.length : 1;
  if (!nested && Array.isArray(list.shape)) {
    const [rows] = list.shape;
    columns = list.length / rows;
    if (!Number.isInteger(columns) || columns < 1) {
      throw new ShapeError(
        `${what}: ${field} has ${list.length} numbers for ${describe(rows)} samples.`,
        { field },
      );
    }
  }
  for (let i = 0; i < data.length; i++) {
    const number = data[i];
    if (Number.isFinite(number)) continue;
    const wrong = typeof number === 'number' ? NonFiniteError : InputTypeError;
    const row = Math.floor(i / columns);
    throw new wrong(
      `${what}: ${field} must be finite numbers, found ${describe(number)} at ${row}.`,
      { field },
    );
  }
  return {
    data: /** @type {ArrayLike<number>} */ (data),
    rows: data.length / columns,
    columns,
    flat: !nested && !Array.isArray(list.shape),
  };
}

/**
 * @param {ArrayLike<unknown>} rows
 * @param {string} what
 * @param {string} field
 */
function flatten(rows, what, field) {
  const columns = /** @type {ArrayLike<unknown>} */ (rows[0]).length;
  /** @type {unknown[]} */
  const data = [];
  for (let i = 0; i < rows.length; i++) {
    const row = /** @type {ArrayLike<unknown>} */ (rows[i]);
    if (row?.length !== columns || columns === 0) {
      throw new ShapeError(
        `${what}: row ${i} of ${field} has ${row?.length} numbers, row 0 has ${columns}.`,
        { field },
      );
    }
    for (let j = 0; j < columns; j++) data.push(row[j]);
  }
  return data;
}

/** The first of the largest numbers of a row. @param {Table} table @param {number} row */
export function argmax({ data, columns }, row) {
  const start = row * columns;
  let best = 0;
  for (let j = 1; j < columns; j++) if (data[start + j] > data[start + best]) best = j;
  return best;
}

/**
 * The classes of labels: class numbers, or where rows (one-hot) are largest.
 *
 * @param {Pair} pair
 * @returns {ArrayLike<number>}
 * @throws {LabelRangeError}
 */
export function trueClasses({ what, truth }) {
  if (truth.columns > 1) return Array.from({ length: truth.rows }, (_, row) => argmax(truth, row));
  for (let i = 0; i < truth.rows; i++) {
    if (isClass(truth.data[i])) continue;
    throw new LabelRangeError(
      `${what}: yTrue must be class numbers from 0, found ${truth.data[i]} at ${i}.`,
      { field: 'yTrue' },
    );
  }
  return truth.data;
}

/**
 * The classes of predictions: where rows are largest; of one score a sample 1 above the threshold
 * (default 0.5); and class numbers as they are, which is what an array of whole numbers is without a
 * threshold.
 *
 * @param {Pair} pair
 * @param {number} [threshold]
 * @returns {ArrayLike<number>}
 */
export function predictedClasses({ guess }, threshold) {
  const { data, rows, columns, flat } = guess;
  if (columns > 1) return Array.from({ length: rows }, (_, row) => argmax(guess, row));
  if (flat && threshold === undefined && Array.prototype.every.call(data, isClass)) return data;
  return Array.from(data, (score) => Number(score > (threshold ?? 0.5)));
}

/** @param {number} value */
function isClass(value) {
  return Number.isInteger(value) && value >= 0;
}

/**
 * Labels as rows as wide as the predictions: class numbers become one-hot.
 *
 * @param {Pair} pair
 * @returns {ArrayLike<number>} rows * columns of the predictions
 */
export function targets(pair) {
  const { what, truth, guess } = pair;
  const { columns } = guess;
  if (truth.columns === columns) return truth.data;
  if (truth.columns !== 1) {
    throw new ShapeError(
      `${what}: yTrue has ${truth.columns} numbers a sample, yPred has ${columns}.`,
      { field: 'yTrue' },
    );
  }
  const rows = new Float64Array(truth.rows * columns);
  const classes = trueClasses(pair);
  for (let i = 0; i < truth.rows; i++) rows[i * columns + checkClass(pair, classes[i], i)] = 1;
  return rows;
}

/**
 * A label that the predictions have a column for.
 *
 * @param {Pair} pair
 * @param {number} label
 * @param {number} row
 */
export function checkClass({ what, guess }, label, row) {
  if (label < guess.columns) return label;
  throw new LabelRangeError(
    `${what}: yTrue is ${label} at ${row}, yPred has classes 0 to ${guess.columns - 1}.`,
    { field: 'yTrue' },
  );
}

/** What a student learns from its teacher. */

import { ConfigError } from '../errors.js';
import { needBoolean, needNumber, readOptions } from '../options.js';

/** @typedef {import('../model.js').Model} Model */

/**
 * A model's class probabilities, softened: softmax(logits / temperature) over the last axis (Hinton, Vinyals, Dean 2015,
 * "Distilling the knowledge in a neural network"). A student that gives logits z learns them as labels of a second
 * output, `layers.rescaling({ scale: 1 / temperature }).apply(z)`, by categoricalCrossentropy from logits: its gradient
 * is that of the KL divergence. Its `lossWeights` is the share of the loss times temperature².
 *
 * @param {Model} teacher of one output, which gives logits or probabilities
 * @param {unknown} x samples, as `predict` takes them
 * @param {{ temperature?: number, fromLogits?: boolean, batchSize?: number, first?: number, count?: number,
 *   signal?: AbortSignal }} [options] temperature above 0, default 4; fromLogits: the teacher gives logits, default
 *   false: probabilities, p^(1 / temperature) of which is the same
 * @returns {Promise<import('../inspect.js').Tensor>} rows of probabilities, [n, … classes]
 * @throws {ConfigError} and what `predict` throws
 */
export async function softTargets(teacher, x, options) {
  const where = { what: 'softTargets' };
  const names = /** @type {const} */ (['batchSize', 'first', 'count', 'signal']);
  const {
    temperature = 4,
    fromLogits = false,
    ...predict
  } = readOptions(options, ['temperature', 'fromLogits', ...names], where);
  needBoolean(fromLogits, 'fromLogits', where);
  if (!(needNumber(temperature, 'temperature', where) > 0) || temperature === Infinity) {
    throw new ConfigError(`softTargets: temperature must be above 0, found ${temperature}.`, {
      field: 'temperature',
    });
  }
  if (teacher.outputs.length !== 1) {
    throw new ConfigError(
      `softTargets: the teacher must have 1 output, found ${teacher.outputs.length}.`,
    );
  }
  const rows = /** @type {import('../inspect.js').Tensor} */ (await teacher.predict(x, predict));
  const classes = teacher.outputShape.at(-1) ?? 1;
  for (let start = 0; start < rows.length; start += classes) {
    soften(rows.subarray(start, start + classes), temperature, fromLogits);
  }
  return rows;
}

/** @param {Float32Array} row @param {number} temperature @param {boolean} fromLogits */
function soften(row, temperature, fromLogits) {
  const logits = fromLogits ? row : row.map(Math.log);
  const largest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const powers = Array.from(logits, (value) => Math.exp((value - largest) / temperature));
  const sum = powers.reduce((total, value) => total + value, 0);
  row.set(powers.map((value) => value / sum));
}

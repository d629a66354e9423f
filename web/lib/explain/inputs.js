/** Samples as the network sees them: pixels and data sets have then been scaled. */

import { AbortedError, TabgradError, errorFromCode } from '../errors.js';

/**
 * @typedef {import('../model.js').Model} Model
 * @typedef {import('../inspect.js').Tensor} Tensor
 * @typedef {import('../options.js').Where} Where
 * @typedef {{ first?: number, count?: number, batchSize: number, signal?: AbortSignal }} Range
 */

/**
 * @param {Model} model of one input
 * @param {unknown} x whatever `predict` takes
 * @param {string} field
 * @param {Where} where
 * @param {Range} range
 * @returns {Promise<Tensor>} [n, …inputShape]
 * @throws what `predict` throws, naming the method and the field
 */
export async function readInputs(model, x, field, where, range) {
  const [{ name }] = model.inputs;
  try {
    return (await model.activations(x, { layers: name, ...range }))[name];
  } catch (error) {
    if (!(error instanceof TabgradError)) throw error;
    const text = error.message.replace(/^activations(: x)?/, `${where.what}: ${field}`);
    if (error instanceof AbortedError) throw new AbortedError(text, { cause: error.cause });
    throw errorFromCode(error.code, text, { field: error.field ?? field, cause: error });
  }
}

/**
 * Classifies the whole test set in pieces, so that the bar moves and Stop answers, and keeps what the
 * panels need: the probabilities, the labels and the confusion counts.
 */
import { countConfusion } from './confusion.js';
import { probabilitiesOf } from './outputs.js';

/** Batches between two looks at Stop. */
const BATCHES = 5;

/**
 * @typedef {object} Evaluation
 * @property {Float32Array} probabilities image by image
 * @property {Int32Array} labels
 * @property {import('./confusion.js').Confusion} confusion
 * @property {number} count
 * @property {number} loss mean cross-entropy
 * @property {number} accuracy 0 … 1
 */

/**
 * @param {object} input
 * @param {import('tabgrad').Model} input.model
 * @param {import('tabgrad').Dataset} input.test
 * @param {number} input.classes
 * @param {import('./outputs.js').OutputKind} input.output
 * @param {number} input.batchSize
 * @param {AbortSignal} input.signal
 * @param {import('./data-source.js').OnProgress} input.onProgress
 * @returns {Promise<Evaluation>}
 */
export async function evaluateAll({ model, test, classes, output, batchSize, signal, onProgress }) {
  const { count } = test;
  const probabilities = new Float32Array(count * classes);
  /** @type {Int32Array} */
  const labels = await test.readLabels();
  const piece = BATCHES * batchSize;
  for (let first = 0; first < count; first += piece) {
    signal.throwIfAborted();
    const size = Math.min(piece, count - first);
    const outputs = await model.predict(test, { first, count: size, batchSize, signal });
    probabilities.set(probabilitiesOf(outputs, output, classes), first * classes);
    onProgress(first + size, count);
  }
  const confusion = countConfusion(probabilities, labels, classes);
  return {
    probabilities,
    labels,
    confusion,
    count,
    loss: meanLoss(probabilities, labels, classes),
    accuracy: confusion.correct / count,
  };
}

/**
 * @param {Float32Array} probabilities
 * @param {Int32Array} labels
 * @param {number} classes
 */
function meanLoss(probabilities, labels, classes) {
  let sum = 0;
  // The floor is Keras's epsilon: a probability that rounds to 0 must not make the mean infinite.
  labels.forEach((label, i) => {
    sum -= Math.log(Math.max(probabilities[i * classes + label], 1e-7));
  });
  return sum / labels.length;
}

/**
 * Classifies the whole test set in pieces, so that the bar moves and Stop answers, and keeps what the
 * panels need: the probabilities, the labels and the confusion counts.
 */
import { countConfusion } from './confusion.js';
import { softmaxRows } from './probabilities.js';

const PIECE = 500;

/**
 * @typedef {object} Evaluation
 * @property {Float32Array} probabilities image by image
 * @property {Uint8Array} labels
 * @property {import('./confusion.js').Confusion} confusion
 * @property {number} count
 * @property {number} loss mean cross-entropy
 * @property {number} accuracy 0 … 1
 */

/**
 * @param {object} input
 * @param {import('tabgrad').Sequential} input.model
 * @param {import('tabgrad').Dataset} input.test
 * @param {number} input.classes
 * @param {boolean} input.fromLogits
 * @param {AbortSignal} input.signal
 * @param {import('./data-source.js').OnProgress} input.onProgress
 * @returns {Promise<Evaluation>}
 */
export async function evaluateAll({ model, test, classes, fromLogits, signal, onProgress }) {
  const { count } = test;
  const probabilities = new Float32Array(count * classes);
  const labels = new Uint8Array(count);
  for (let first = 0; first < count; first += PIECE) {
    signal.throwIfAborted();
    const size = Math.min(PIECE, count - first);
    const [outputs, { y }] = await Promise.all([
      model.predict(test, { first, count: size, batchSize: 100, signal }),
      test.read(first, size),
    ]);
    probabilities.set(fromLogits ? softmaxRows(outputs, classes) : outputs, first * classes);
    for (let i = 0; i < size; i++) labels[first + i] = Number(y?.[i]);
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
 * @param {Uint8Array} labels
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

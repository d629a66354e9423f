/** What a network's last layer gives: the loss that goes with it, and the probabilities it means. */
import { losses } from 'tabgrad';
import { softmaxRows } from './probabilities.js';

/** @typedef {'logits' | 'probabilities' | 'sigmoid'} OutputKind sigmoid: one number, the probability of the second of two classes */

/** @param {OutputKind} kind */
export function lossOf(kind) {
  if (kind === 'sigmoid') return losses.binaryCrossentropy();
  return losses.sparseCategoricalCrossentropy({ fromLogits: kind === 'logits' });
}

/**
 * @param {Float32Array} outputs may be changed
 * @param {OutputKind} kind
 * @param {number} classes
 * @returns {Float32Array} one probability a class, image after image
 */
export function probabilitiesOf(outputs, kind, classes) {
  if (kind === 'logits') return softmaxRows(outputs, classes);
  if (kind === 'probabilities') return outputs;
  const both = new Float32Array(outputs.length * 2);
  outputs.forEach((second, i) => both.set([1 - second, second], i * 2));
  return both;
}

/** Counting right and wrong answers. */
import { largest } from './probabilities.js';

/** @typedef {{ truth: number, answer: number }} CellChoice a cell of the confusion matrix */

/**
 * @typedef {object} Confusion
 * @property {number} classes
 * @property {Uint32Array} counts row by row: truth x answer
 * @property {Uint16Array} answers the answer for each image
 * @property {number} correct
 */

/**
 * @param {Float32Array} probabilities
 * @param {ArrayLike<number>} labels
 * @param {number} classes
 * @returns {Confusion}
 */
export function countConfusion(probabilities, labels, classes) {
  const counts = new Uint32Array(classes * classes);
  const answers = new Uint16Array(labels.length);
  let correct = 0;
  for (let i = 0; i < labels.length; i++) {
    const answer = largest(probabilities, i, classes);
    answers[i] = answer;
    counts[labels[i] * classes + answer]++;
    if (answer === labels[i]) correct++;
  }
  return { classes, counts, answers, correct };
}

/**
 * Images of one class, and those of them answered right.
 * @param {Confusion} confusion
 * @param {number} truth
 */
export function classScore({ classes, counts }, truth) {
  let total = 0;
  for (let i = 0; i < classes; i++) total += counts[truth * classes + i];
  const correct = counts[truth * classes + truth];
  return { correct, total, share: total ? correct / total : 0 };
}

/**
 * What a network would reach that always gives the commonest class.
 * @param {Confusion} confusion
 * @returns {{ label: number, share: number }}
 */
export function commonestClass(confusion) {
  const totals = Array.from(
    { length: confusion.classes },
    (_, i) => classScore(confusion, i).total,
  );
  const most = Math.max(...totals);
  const all = totals.reduce((sum, n) => sum + n, 0);
  return { label: totals.indexOf(most), share: all ? most / all : 0 };
}

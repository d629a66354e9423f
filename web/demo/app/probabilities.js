/** From a network's outputs to answers that people read. */

/** @typedef {{ label: number, probability: number }} Answer */

/**
 * Softmax of each row, in place: logits become probabilities.
 * @param {Float32Array} rows
 * @param {number} classes
 */
export function softmaxRows(rows, classes) {
  for (let start = 0; start < rows.length; start += classes) {
    let max = -Infinity;
    for (let i = 0; i < classes; i++) max = Math.max(max, rows[start + i]);
    let sum = 0;
    for (let i = 0; i < classes; i++) sum += rows[start + i] = Math.exp(rows[start + i] - max);
    for (let i = 0; i < classes; i++) rows[start + i] /= sum;
  }
  return rows;
}

/**
 * The index of the largest entry of one row; the first one where two are equal.
 * @param {Float32Array} rows
 * @param {number} row
 * @param {number} classes
 */
export function largest(rows, row, classes) {
  let best = 0;
  const start = row * classes;
  for (let i = 1; i < classes; i++) if (rows[start + i] > rows[start + best]) best = i;
  return best;
}

/**
 * The `count` likeliest classes of one row, likeliest first.
 * @param {Float32Array} rows probabilities
 * @param {number} row
 * @param {number} classes
 * @param {number} [count]
 * @returns {Answer[]}
 */
export function topAnswers(rows, row, classes, count = 3) {
  return Array.from({ length: classes }, (_, label) => ({
    label,
    probability: rows[row * classes + label],
  }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}

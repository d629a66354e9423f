/** Which test images to show. */

/** @typedef {'all' | 'right' | 'wrong' | 'confident' | 'cell'} Filter */

/**
 * Numbers of the images that a filter leaves, in the order to show them.
 * @param {import('./evaluation.js').Evaluation | null} evaluation
 * @param {Filter} filter
 * @param {import('./confusion.js').CellChoice | null} cell for the filter 'cell'
 * @param {number} count images there are
 * @returns {number[]}
 */
export function chooseImages(evaluation, filter, cell, count) {
  const all = Array.from({ length: count }, (_, i) => i);
  if (!evaluation || filter === 'all') return all;
  const { labels, confusion, probabilities } = evaluation;
  const { answers, classes } = confusion;
  /** @param {number} i */
  const wrong = (i) => answers[i] !== labels[i];
  /** @param {number} i */
  const confidence = (i) => probabilities[i * classes + answers[i]];
  switch (filter) {
    case 'right':
      return all.filter((i) => !wrong(i));
    case 'wrong':
      return all.filter(wrong);
    case 'confident':
      return all.filter(wrong).sort((a, b) => confidence(b) - confidence(a));
    case 'cell':
      return all.filter((i) => labels[i] === cell?.truth && answers[i] === cell.answer);
  }
}

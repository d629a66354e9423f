/**
 * The best first, those that failed last; of equals the earlier.
 *
 * @template {{ trial: number, score: number | null }} Scored
 * @param {readonly Scored[]} runs
 * @param {number} sign 1 where more is better, -1 where less is
 * @returns {Scored[]}
 */
export function ranked(runs, sign) {
  const worth = (/** @type {Scored} */ { score }) => (score === null ? -Infinity : sign * score);
  return [...runs].sort((a, b) =>
    worth(a) === worth(b) ? a.trial - b.trial : worth(b) - worth(a),
  );
}

/** Medians, spreads and ratios of chunks that were measured in turns. */

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {number[]} values @returns {number} (largest - smallest) / median */
export function spread(values) {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/**
 * @typedef {{ median: number, least: number, most: number }} Ratio
 *
 * The ratio round by round, as what disturbs the machine in a round disturbs both.
 *
 * @param {number[]} ours
 * @param {number[]} theirs
 * @returns {Ratio | undefined} nothing when there is no round of both
 */
export function ratio(ours, theirs) {
  const rounds = Math.min(ours.length, theirs.length);
  if (rounds === 0) return undefined;
  const ratios = Array.from({ length: rounds }, (_, i) => ours[i] / theirs[i]);
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
}

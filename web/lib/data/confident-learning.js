/**
 * Labels that predictions speak against: confident learning (C. Northcutt, L. Jiang, I. Chuang, "Confident Learning:
 * Estimating Uncertainty in Dataset Labels", 2021), the off-diagonal of the confident joint.
 *
 * A class's threshold is the mean probability of that class among the samples that carry its label. A sample is confidently
 * of a class when its probability reaches the class's threshold; of several the most probable counts. Where that is not its
 * label, the label is doubtful.
 */

/**
 * @param {ArrayLike<number>} predictions `width` a sample: probabilities, or logits, which are turned into them; of
 *   width 1 the probability, or logit, of class 1
 * @param {Int32Array} classes label of each sample
 * @param {number} width
 * @returns {{ index: number, suggested: number, confidence: number, ownConfidence: number }[]} the most doubtful first:
 *   by how much more probable the suggested class is than the label
 */
export function confidentErrors(predictions, classes, width) {
  const columns = Math.max(width, 2);
  const rows = probabilities(predictions, classes.length, width);
  const sums = new Float64Array(columns);
  const counts = new Float64Array(columns);
  classes.forEach((label, sample) => {
    sums[label] += rows[sample * columns + label];
    counts[label]++;
  });
  // A class that no sample has is never confident.
  const thresholds = sums.map((sum, label) => (counts[label] > 0 ? sum / counts[label] : Infinity));
  /** @type {{ index: number, suggested: number, confidence: number, ownConfidence: number }[]} */
  const found = [];
  classes.forEach((label, index) => {
    const row = rows.subarray(index * columns, (index + 1) * columns);
    let suggested = -1;
    row.forEach((probability, own) => {
      if (probability < thresholds[own]) return;
      if (suggested < 0 || probability > row[suggested]) suggested = own;
    });
    if (suggested < 0 || suggested === label || row[suggested] <= row[label]) return;
    found.push({ index, suggested, confidence: row[suggested], ownConfidence: row[label] });
  });
  const margin = (/** @type {typeof found[0]} */ one) => one.ownConfidence - one.confidence;
  return found.sort((a, b) => margin(a) - margin(b) || a.index - b.index);
}

/**
 * @param {ArrayLike<number>} predictions
 * @param {number} samples
 * @param {number} width
 * @returns {Float64Array} two or more a sample
 */
function probabilities(predictions, samples, width) {
  const given = Float64Array.from(predictions);
  const shares = given.every((value) => value >= 0 && value <= 1);
  if (width === 1) {
    return Float64Array.from({ length: samples * 2 }, (_, at) => {
      const value = given[at >> 1];
      const one = shares ? value : 1 / (1 + Math.exp(-value));
      return at & 1 ? one : 1 - one;
    });
  }
  if (shares && sumsToOne(given, width)) return given;
  for (let at = 0; at < given.length; at += width) {
    const row = given.subarray(at, at + width);
    const most = Math.max(...row);
    row.forEach((value, i) => (row[i] = Math.exp(value - most)));
    const sum = row.reduce((total, value) => total + value, 0);
    row.forEach((value, i) => (row[i] = value / sum));
  }
  return given;
}

/** @param {Float64Array} values @param {number} width */
function sumsToOne(values, width) {
  for (let at = 0; at < values.length; at += width) {
    const sum = values.subarray(at, at + width).reduce((total, value) => total + value, 0);
    if (Math.abs(sum - 1) > 1e-3) return false;
  }
  return true;
}

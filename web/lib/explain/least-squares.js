/** Weighted least squares by the normal equations, in double precision. */

/**
 * The coefficients b for which Σ w (rows · b − y)² + penalty |b|² is least.
 *
 * @param {readonly ArrayLike<number>[]} rows
 * @param {ArrayLike<number>} y a number for each row
 * @param {ArrayLike<number>} w a weight from 0 for each row
 * @param {number} penalty from 0
 * @returns {Float64Array | null} null where the rows leave coefficients open
 */
export function leastSquares(rows, y, w, penalty) {
  const size = rows[0].length;
  /** The lower half of Xᵀ W X. */
  const matrix = Array.from({ length: size }, (_, i) => new Float64Array(i + 1));
  const right = new Float64Array(size);
  rows.forEach((row, n) => {
    for (let i = 0; i < size; i++) {
      const weighted = w[n] * row[i];
      if (weighted === 0) continue;
      right[i] += weighted * y[n];
      for (let j = 0; j <= i; j++) matrix[i][j] += weighted * row[j];
    }
  });
  for (let i = 0; i < size; i++) matrix[i][i] += penalty;
  return solve(matrix, right);
}

/**
 * Cholesky's decomposition, then both substitutions.
 *
 * @param {Float64Array[]} a the lower half, is changed
 * @param {Float64Array} b is changed
 * @returns {Float64Array | null}
 */
function solve(a, b) {
  const size = b.length;
  for (let i = 0; i < size; i++) {
    const own = a[i][i];
    for (let j = 0; j <= i; j++) {
      let sum = a[i][j];
      for (let k = 0; k < j; k++) sum -= a[i][k] * a[j][k];
      if (i > j) a[i][j] = sum / a[j][j];
      else if (sum > 1e-12 * own) a[i][i] = Math.sqrt(sum);
      else return null;
    }
  }
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

/** Points and weights of integrals from 0 to 1. */

/**
 * Gauss and Legendre's rule: exact for polynomials of degree 2 n − 1.
 *
 * @param {number} n at least 1
 * @returns {{ points: Float64Array, weights: Float64Array }} points increase; weights sum to 1
 */
export function gaussLegendre(n) {
  const points = new Float64Array(n);
  const weights = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    // Newton's steps from Tricomi's estimate of the i-th root of P_n.
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 0;
    for (let step = 0; step < 20; step++) {
      let [previous, value] = [1, x];
      for (let k = 2; k <= n; k++) {
        [previous, value] = [value, ((2 * k - 1) * x * value - (k - 1) * previous) / k];
      }
      slope = (n * (x * value - previous)) / (x * x - 1);
      const change = value / slope;
      x -= change;
      if (Math.abs(change) < 1e-15) break;
    }
    points[n - 1 - i] = (1 + x) / 2;
    weights[n - 1 - i] = 1 / ((1 - x * x) * slope * slope);
  }
  return { points, weights };
}

/**
 * Riemann's sum at the middles of n equal parts.
 *
 * @param {number} n at least 1
 * @returns {{ points: Float64Array, weights: Float64Array }}
 */
export function middles(n) {
  return {
    points: Float64Array.from({ length: n }, (_, i) => (i + 0.5) / n),
    weights: new Float64Array(n).fill(1 / n),
  };
}

/** The starting weights of the loss curves, by the formula in README.md: Philox4x32-10 once more, in JavaScript. */

/**
 * @param {[number, number, number, number]} counter
 * @param {[number, number]} key
 * @returns {number[]} four words
 */
export function philox(counter, key) {
  let [c0, c1, c2, c3] = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [
      (p1 >> 32n) ^ c1 ^ k0,
      BigInt.asUintN(32, p1),
      (p0 >> 32n) ^ c3 ^ k1,
      BigInt.asUintN(32, p0),
    ];
    k0 = BigInt.asUintN(32, k0 + 0x9e3779b9n);
    k1 = BigInt.asUintN(32, k1 + 0xbb67ae85n);
  }
  return [c0, c1, c2, c3].map(Number);
}

/**
 * @param {number[]} shape [in, out] or [height, width, in, out]
 * @param {number} key
 * @param {number} tensor its place in `getWeights`
 */
export function glorotUniform(shape, key, tensor) {
  const count = shape.reduce((product, size) => product * size, 1);
  const receptive = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const [fanIn, fanOut] = shape.slice(-2);
  const limit = Math.sqrt(6 / (receptive * (fanIn + fanOut)));
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 4) {
    philox([i / 4, tensor, 0, 0], [key, 0]).forEach((word, lane) => {
      // Past the end of a typed array nothing is written.
      values[i + lane] = (2 * ((word >>> 8) / 2 ** 24) - 1) * limit;
    });
  }
  return values;
}

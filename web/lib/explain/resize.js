/**
 * A picture of one channel in another size, bilinearly, by the centres of the pixels: as PyTorch's interpolate with
 * align_corners=False.
 *
 * @param {Float32Array} picture [height, width]
 * @param {number[]} from its height and width
 * @param {number[]} to
 * @returns {Float32Array} of the new height and width
 */
export function resize(picture, [fromHeight, fromWidth], [height, width]) {
  const result = new Float32Array(height * width);
  const columns = neighbours(fromWidth, width);
  neighbours(fromHeight, height).forEach(([above, below, down], y) => {
    columns.forEach(([left, right, across], x) => {
      const at = (/** @type {number} */ row) => {
        const start = row * fromWidth;
        return picture[start + left] * (1 - across) + picture[start + right] * across;
      };
      result[y * width + x] = at(above) * (1 - down) + at(below) * down;
    });
  });
  return result;
}

/**
 * @param {number} from
 * @param {number} to
 * @returns {[low: number, high: number, share: number][]} between which pixels each new one lies, and how near the second
 */
function neighbours(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(place);
    return [low, Math.min(low + 1, from - 1), place - low];
  });
}

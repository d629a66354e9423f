/**
 * Superpixels: k-means of colour and place, in which a centre looks no further than two grid steps.
 *
 * Source: Achanta et al. 2012, "SLIC superpixels compared to state-of-the-art superpixel methods". Colours are the sample's
 * own channels as shares of its range, not CIELAB: a network's input need not be colours.
 */

const ROUNDS = 10;

/**
 * @param {Float32Array} values [height, width, channels]
 * @param {number[]} shape [height, width], or [steps]
 * @param {number} channels
 * @param {{ count: number, compactness: number }} options
 * @returns {Int32Array} a number for each place; places of one number are connected
 */
export function slic(values, shape, channels, { count, compactness }) {
  const [height, width] = shape.length === 2 ? shape : [1, shape[0]];
  const places = height * width;
  const step = Math.max(1, Math.sqrt(places / Math.min(count, places)));
  const range = rangeOf(values) || 1;
  const centres = startingCentres(values, [height, width], channels, step);
  const labels = new Int32Array(places);
  for (let round = 0; round < ROUNDS; round++) {
    const nearest = new Float64Array(places).fill(Infinity);
    centres.forEach((centre, label) => {
      const [y0, x0] = centre;
      const [top, bottom] = window(y0, step, height);
      const [left, right] = window(x0, step, width);
      for (let y = top; y <= bottom; y++) {
        for (let x = left; x <= right; x++) {
          const place = y * width + x;
          let colour = 0;
          for (let c = 0; c < channels; c++) {
            const apart = (values[place * channels + c] - centre[2 + c]) / range;
            colour += apart * apart;
          }
          const away = ((y - y0) ** 2 + (x - x0) ** 2) / (step * step);
          const distance = colour + compactness * compactness * away;
          if (distance >= nearest[place]) continue;
          nearest[place] = distance;
          labels[place] = label;
        }
      }
    });
    moveCentres(centres, labels, values, width, channels);
  }
  return connect(labels, height, width, (step * step) / 4);
}

/** @param {Float32Array} values */
function rangeOf(values) {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return most - least;
}

/**
 * @param {number} centre
 * @param {number} step
 * @param {number} side
 * @returns {[first: number, last: number]}
 */
function window(centre, step, side) {
  return [
    Math.max(0, Math.floor(centre - 2 * step)),
    Math.min(side - 1, Math.ceil(centre + 2 * step)),
  ];
}

/**
 * @param {Float32Array} values
 * @param {number[]} sides
 * @param {number} channels
 * @param {number} step
 * @returns {Float64Array[]} y, x, colour
 */
function startingCentres(values, [height, width], channels, step) {
  const rows = Math.max(1, Math.round(height / step));
  const columns = Math.max(1, Math.round(width / step));
  return Array.from({ length: rows * columns }, (_, i) => {
    const y = ((Math.floor(i / columns) + 0.5) * height) / rows - 0.5;
    const x = (((i % columns) + 0.5) * width) / columns - 0.5;
    const at = (Math.round(y) * width + Math.round(x)) * channels;
    return Float64Array.of(y, x, ...values.subarray(at, at + channels));
  });
}

/**
 * @param {Float64Array[]} centres become the means of their places; those without places stay
 * @param {Int32Array} labels
 * @param {Float32Array} values
 * @param {number} width
 * @param {number} channels
 */
function moveCentres(centres, labels, values, width, channels) {
  const sizes = new Float64Array(centres.length);
  const sums = centres.map((centre) => new Float64Array(centre.length));
  labels.forEach((label, place) => {
    const sum = sums[label];
    sizes[label]++;
    sum[0] += Math.floor(place / width);
    sum[1] += place % width;
    for (let c = 0; c < channels; c++) sum[2 + c] += values[place * channels + c];
  });
  sums.forEach((sum, label) => {
    if (sizes[label]) centres[label].set(sum.map((total) => total / sizes[label]));
  });
}

/**
 * Gives every connected part a number of its own; parts that are too small join the one before them.
 *
 * @param {Int32Array} labels
 * @param {number} height
 * @param {number} width
 * @param {number} least places of a part
 * @returns {Int32Array}
 */
function connect(labels, height, width, least) {
  const joined = new Int32Array(labels.length).fill(-1);
  let next = 0;
  for (let start = 0; start < labels.length; start++) {
    if (joined[start] >= 0) continue;
    const before = neighboursOf(start, height, width).find((place) => joined[place] >= 0);
    const part = [start];
    joined[start] = next;
    for (const place of part) {
      for (const near of neighboursOf(place, height, width)) {
        if (joined[near] >= 0 || labels[near] !== labels[start]) continue;
        joined[near] = next;
        part.push(near);
      }
    }
    if (part.length < least && before !== undefined) {
      for (const place of part) joined[place] = joined[before];
    } else next++;
  }
  return joined;
}

/** @param {number} place @param {number} height @param {number} width */
function neighboursOf(place, height, width) {
  const [y, x] = [Math.floor(place / width), place % width];
  return [
    ...(x > 0 ? [place - 1] : []),
    ...(y > 0 ? [place - width] : []),
    ...(x < width - 1 ? [place + 1] : []),
    ...(y < height - 1 ? [place + width] : []),
  ];
}

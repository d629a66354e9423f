/** Which coalitions Kernel SHAP looks at, and how much each weighs. */

/**
 * @typedef {object} Coalitions
 * @property {Uint8Array[]} masks neither empty nor whole: 1 for each segment that is there
 * @property {Float64Array} weights of each; they sum to 1
 * @property {boolean} exact whether they are all there are
 */

/**
 * @param {number} segments at least 1
 * @param {number} budget how many coalitions there may be; at least 2 · segments, or all
 * @param {import('../random.js').Random} random
 * @returns {Coalitions}
 */
export function coalitions(segments, budget, random) {
  /** The Shapley kernel of all coalitions of a size together, but for a factor. @param {number} size */
  const kernel = (size) => 1 / (size * (segments - size));
  const half = Math.floor(segments / 2);
  const total = sum(segments - 1, (i) => kernel(i + 1));
  /** @type {Uint8Array[]} */
  const masks = [];
  /** @type {number[]} */
  const weights = [];
  let left = budget;
  let rest = 1;
  let size = 1;
  for (; size <= half; size++) {
    const sizes = size * 2 === segments ? [size] : [size, segments - size];
    const share = sum(sizes.length, (i) => kernel(sizes[i])) / total;
    const count = choose(segments, size);
    // Single segments always; then as long as a draw would take each at least once.
    const enough = (left * share) / rest >= sizes.length * count - 1e-8;
    if (sizes.length * count > left || (size > 1 && !enough)) break;
    for (const members of sizes) {
      for (const mask of subsets(segments, members)) {
        masks.push(mask);
        weights.push(share / sizes.length / count);
      }
    }
    left -= sizes.length * count;
    rest -= share;
  }
  const exact = size > half;
  if (!exact) {
    const from = Array.from({ length: segments - 2 * size + 1 }, (_, i) => size + i);
    const drawn = draw(segments, from.map(kernel), size, left, random);
    const copies = drawn.reduce((all, { times }) => all + times, 0);
    for (const { mask, times } of drawn) {
      masks.push(mask);
      weights.push((rest * times) / copies);
    }
  }
  return { masks, weights: Float64Array.from(weights), exact };
}

/**
 * Random coalitions, each followed by its complement.
 *
 * @param {number} segments
 * @param {number[]} kernels of the sizes from `least` on
 * @param {number} least
 * @param {number} count
 * @param {import('../random.js').Random} random
 * @returns {{ mask: Uint8Array, times: number }[]} each coalition once, and how often it was drawn
 */
function draw(segments, kernels, least, count, random) {
  const total = kernels.reduce((sum, kernel) => sum + kernel, 0);
  /** @type {Map<string, { mask: Uint8Array, times: number }>} */
  const found = new Map();
  const take = (/** @type {Uint8Array} */ mask) => {
    const key = mask.join('');
    const known = found.get(key);
    if (known) known.times++;
    else found.set(key, { mask, times: 1 });
  };
  for (let taken = 0; taken < count; taken += 2) {
    let at = random.next() * total;
    const index = kernels.findIndex((kernel) => (at -= kernel) < 0);
    const mask = new Uint8Array(segments);
    const size = least + (index < 0 ? 0 : index);
    for (const member of random.choose(segments, size)) mask[member] = 1;
    take(mask);
    if (taken + 1 < count) take(mask.map((one) => 1 - one));
  }
  return [...found.values()];
}

/**
 * All masks of a number of members, in the order of their members.
 *
 * @param {number} segments
 * @param {number} members
 */
function* subsets(segments, members) {
  const chosen = Array.from({ length: members }, (_, i) => i);
  for (;;) {
    const mask = new Uint8Array(segments);
    for (const member of chosen) mask[member] = 1;
    yield mask;
    const movable = chosen.findLastIndex((member, i) => member < segments - members + i);
    if (movable < 0) return;
    const from = chosen[movable] + 1;
    for (let i = movable; i < members; i++) chosen[i] = from + i - movable;
  }
}

/** @param {number} n @param {number} k */
function choose(n, k) {
  let count = 1;
  for (let i = 1; i <= k; i++) count = (count * (n - k + i)) / i;
  return Math.round(count);
}

/** @param {number} count @param {(index: number) => number} of */
function sum(count, of) {
  let total = 0;
  for (let i = 0; i < count; i++) total += of(i);
  return total;
}

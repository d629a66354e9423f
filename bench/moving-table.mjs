/** Layers that move more than they multiply, in the kernel bench: GB/s, held against memory, the caches and arithmetic. */

/**
 * @typedef {import('./kernels-table.mjs').Job} Job
 * @typedef {import('./kernels-table.mjs').Answer} Answer
 *
 * @typedef {object} Top the limits, of one process
 * @property {number} peak GFLOP/s
 * @property {number} memory GB/s
 */

/** The gradient of a depthwise convolution's input is called backward, as is what other layers do backward. */
const PASSES = ['forward', 'backward', 'filter grad'];
/** What a pass is to reach, of memory or of arithmetic. */
const LEAST = 0.5;
/** Bytes that a layer moves for four elements where its job does not say: x and y; dy, x or y, and dx. */
const MOVED = [32, 48];
/** FLOP of an instruction that does four elements. */
const LANES = 4;

export const MOVING_HEADER = [
  'GB/s; percent of memory, of copying as much at the same place, of arithmetic where that is the limit',
  `${''.padEnd(36)}${PASSES.map((pass) => pass.padEnd(27)).join('')}`.trimEnd(),
];

/**
 * Parts of the limits that the pass reaches.
 *
 * @param {Job} job
 * @param {number} pass
 * @param {[rate: number, share: number]} figures
 * @param {Top} top
 */
function shares({ operations, moved = MOVED, flop }, pass, [rate, copying], { peak, memory }) {
  const instructions = operations?.[pass];
  const each = flop ?? (instructions && (instructions * LANES) / (moved[pass] ?? NaN));
  return { memory: rate / memory, copying, arithmetic: each && (rate * each) / peak };
}

/** @param {number | undefined} share */
const percent = (share) => (share === undefined ? '' : `${Math.floor(100 * share + 1e-9)}%`);

/** @param {Job} job @param {Answer} answer @param {Top} top */
export function movingRow(job, { passes }, top) {
  const cells = passes.map((figures, pass) => {
    if (!figures) return ' '.repeat(27);
    const { memory, copying, arithmetic } = shares(job, pass, figures, top);
    const parts = [memory, copying, arithmetic].map((share) => percent(share).padStart(6));
    return `${figures[0].toFixed(1).padStart(6)}${parts.join('')}   `;
  });
  return `${job.name.padEnd(34)}${cells.join('')}`.trimEnd();
}

/** @param {Job} job @param {Answer} answer @param {Top} top @returns {string[]} what is under half, or nothing */
export function movingSlower(job, { passes }, top) {
  const found = passes.flatMap((figures, pass) => {
    if (!figures) return [];
    const { memory, arithmetic = 0 } = shares(job, pass, figures, top);
    const best = Math.max(memory, arithmetic);
    return best < LEAST ? [`${PASSES[pass]} ${percent(best)}`] : [];
  });
  return found.length > 0 ? [`${job.name}: ${found.join(', ')}`] : [];
}

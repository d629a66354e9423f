/** Samples that are there twice, exactly or nearly: the worker's side of cleaning-report.js. */

import { nextTurn } from '#platform';
import { reporter } from './host-images.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./task.js').Task} Task
 * @typedef {{ exact: [sample: number, first: number][], near: [sample: number, other: number, distance: number][] }} Twins
 */

/** Cells of a picture along an axis: its average hash has a bit for each. */
const CELLS = 8;
const BITS = CELLS * CELLS;
/** Bits that may differ. One more than the parts of a hash that are compared, so that near ones share a part. */
const MOST_BITS = 3;
const BANDS = MOST_BITS + 1;
/** Levels of 255 by which cells may differ on average; of numbers other than bytes a share of their range. */
const MOST_LEVELS = 4;
const TURN_MS = 20;

/**
 * @param {Host} host
 * @param {{ id: number, near: boolean }} what
 * @param {Task} task
 * @returns {Promise<import('./host.js').Answer>} {@link Twins}; a sample is compared with those before it
 */
export async function findTwins(host, { id, near }, task) {
  const dataset = host.dataset(id);
  const { count, size, samples } = dataset.facts;
  const report = reporter(task);
  const wanted = near && size[0] >= CELLS && size[1] >= CELLS;
  const cells = new Float32Array(wanted ? count * BITS : 0);
  /** Hash → samples that have it. @type {Map<number, number[]>} */
  const seen = new Map();
  /** @type {Twins} */
  const twins = { exact: [], near: [] };
  let turn = performance.now();
  dataset.hold();
  try {
    for (let sample = 0; sample < count; sample++) {
      const bytes = bytesOf(dataset, sample);
      const hash = hashOf(bytes);
      const others = seen.get(hash) ?? [];
      const first = others.find((other) => same(bytes, bytesOf(dataset, other)));
      if (first === undefined) seen.set(hash, [...others, sample]);
      else twins.exact.push([sample, first]);
      if (wanted) {
        const values = samples === 'uint8' ? bytes : new Float32Array(bytes.buffer);
        average(values, size, cells.subarray(sample * BITS, (sample + 1) * BITS));
      }
      if (performance.now() - turn < TURN_MS) continue;
      report({ phase: 'load', done: sample, total: count });
      await nextTurn();
      task.throwIfCancelled();
      turn = performance.now();
    }
  } finally {
    dataset.release();
  }
  if (wanted) {
    const again = new Set(twins.exact.map(([sample]) => sample));
    const range = samples === 'uint8' ? 255 : rangeOf(cells);
    twins.near = await findNear(cells, again, (range * MOST_LEVELS) / 255, task);
  }
  return { value: twins };
}

/** @param {import('./host-data.js').HostDataset} dataset @param {number} sample */
function bytesOf(dataset, sample) {
  return new Uint8Array(/** @type {ArrayBuffer} */ (dataset.read('x', sample, 1)[0]));
}

/** FNV-1a; what it takes for equal is compared. @param {Uint8Array} bytes */
function hashOf(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

/** @param {Uint8Array} a @param {Uint8Array} b */
const same = (a, b) => a.every((byte, i) => byte === b[i]);

/**
 * Means of the cells of a picture, over its channels.
 *
 * @param {ArrayLike<number>} values
 * @param {readonly number[]} size
 * @param {Float32Array} out
 */
function average(values, [height, width, channels], out) {
  for (let row = 0; row < CELLS; row++) {
    const [top, bottom] = [row, row + 1].map((edge) => Math.floor((edge * height) / CELLS));
    for (let column = 0; column < CELLS; column++) {
      const [left, right] = [column, column + 1].map((edge) => Math.floor((edge * width) / CELLS));
      let sum = 0;
      for (let y = top; y < bottom; y++) {
        const end = (y * width + right) * channels;
        for (let i = (y * width + left) * channels; i < end; i++) sum += values[i];
      }
      out[row * CELLS + column] = sum / ((bottom - top) * (right - left) * channels);
    }
  }
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
 * @param {Float32Array} cells of every sample
 * @param {Set<number>} skipped samples that are known to be there twice
 * @param {number} most by which cells may differ on average
 * @param {Task} task
 * @returns {Promise<Twins['near']>}
 */
async function findNear(cells, skipped, most, task) {
  const count = cells.length / BITS;
  const hashes = Array.from({ length: count }, (_, sample) => averageHash(cells, sample));
  /** Samples by a part of their hash. @type {Map<string, number[]>} */
  const bands = new Map();
  /** @type {Twins['near']} */
  const found = [];
  let turn = performance.now();
  for (let sample = 0; sample < count; sample++) {
    if (skipped.has(sample)) continue;
    /** @type {Set<number>} */
    const candidates = new Set();
    for (let band = 0; band < BANDS; band++) {
      const key = `${band} ${hashes[sample].slice((band * BITS) / BANDS, ((band + 1) * BITS) / BANDS)}`;
      const others = bands.get(key) ?? [];
      for (const other of others) candidates.add(other);
      others.push(sample);
      bands.set(key, others);
    }
    for (const other of candidates) {
      let bits = 0;
      for (let i = 0; i < BITS && bits <= MOST_BITS; i++) {
        bits += Number(hashes[sample][i] !== hashes[other][i]);
      }
      if (bits > MOST_BITS || difference(cells, sample, other) > most) continue;
      found.push([sample, other, bits]);
      break;
    }
    if (performance.now() - turn < TURN_MS) continue;
    await nextTurn();
    task.throwIfCancelled();
    turn = performance.now();
  }
  return found;
}

/** '1' for each cell above the mean of all. @param {Float32Array} cells @param {number} sample */
function averageHash(cells, sample) {
  const own = cells.subarray(sample * BITS, (sample + 1) * BITS);
  const mean = own.reduce((sum, value) => sum + value, 0) / BITS;
  return Array.from(own, (value) => Number(value > mean)).join('');
}

/** @param {Float32Array} cells @param {number} a @param {number} b */
function difference(cells, a, b) {
  let sum = 0;
  for (let i = 0; i < BITS; i++) sum += Math.abs(cells[a * BITS + i] - cells[b * BITS + i]);
  return sum / BITS;
}

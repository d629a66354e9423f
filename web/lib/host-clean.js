/** Samples that are there twice, exactly or nearly: the worker's side of cleaning-report.js. */

import { nextTurn } from '#platform';
import { reporter } from './host-images.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./host-dataset.js').HostDataset} HostDataset
 * @typedef {import('./task.js').Task} Task
 *
 * @typedef {[sample: number, other: number][]} Exact
 * @typedef {[sample: number, other: number, distance: number][]} Near
 * @typedef {{ exact: Exact, near: Near }} Repeats
 * @typedef {Repeats & { leaks: Repeats }} Twins what samples repeat of those before them, and of other data
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
 * @param {{ id: number, near: boolean, against: number | null }} what
 * @param {Task} task
 * @returns {Promise<import('./host.js').Answer>} {@link Twins}
 */
export async function findTwins(host, { id, near, against }, task) {
  const dataset = host.dataset(id);
  const held = against === null ? null : host.dataset(against);
  const { count, size, samples } = dataset.facts;
  const look = new Look(task, count + (held?.facts.count ?? 0));
  const wanted = near && size[0] >= CELLS && size[1] >= CELLS;
  dataset.hold();
  held?.hold();
  try {
    const own = new Prints(dataset, wanted);
    const others = held && new Prints(held, wanted);
    await own.take(look);
    await others?.take(look);
    const most = samples === 'uint8' ? MOST_LEVELS : (MOST_LEVELS / 255) * rangeOf(own.cells);
    const leaks = others ? await repeatsOf(own, others, most, look) : { exact: [], near: [] };
    return { value: { ...(await repeatsOf(own, own, most, look)), leaks } };
  } finally {
    dataset.release();
    held?.release();
  }
}

/** Progress of the work, and its pauses. */
class Look {
  #task;
  #total;
  #report;
  #done = 0;
  #turn = performance.now();

  /** @param {Task} task @param {number} total samples to look at */
  constructor(task, total) {
    this.#task = task;
    this.#total = total;
    this.#report = reporter(task);
  }

  /** @param {number} more samples that were looked at for the first time */
  async pause(more) {
    this.#done += more;
    if (performance.now() - this.#turn < TURN_MS) return;
    this.#report({ phase: 'load', done: this.#done, total: this.#total });
    await nextTurn();
    this.#task.throwIfCancelled();
    this.#turn = performance.now();
  }
}

/** What samples are known by. */
class Prints {
  /** Of a sample's bytes. */
  hashes;
  /** Means of its parts, for what is nearly the same; empty if nobody asks. */
  cells;
  #dataset;

  /** @param {HostDataset} dataset @param {boolean} near */
  constructor(dataset, near) {
    const { count } = dataset.facts;
    this.#dataset = dataset;
    this.hashes = new Int32Array(count);
    this.cells = new Float32Array(near ? count * BITS : 0);
  }

  /** @param {Look} look */
  async take(look) {
    const { size, samples } = this.#dataset.facts;
    for (let sample = 0; sample < this.hashes.length; sample++) {
      const bytes = this.bytes(sample);
      this.hashes[sample] = hashOf(bytes);
      if (this.cells.length > 0) {
        const values = samples === 'uint8' ? bytes : new Float32Array(bytes.buffer);
        average(values, size, this.cells.subarray(sample * BITS, (sample + 1) * BITS));
      }
      await look.pause(1);
    }
  }

  /** @param {number} sample */
  bytes(sample) {
    return new Uint8Array(/** @type {ArrayBuffer} */ (this.#dataset.read('x', sample, 1)[0]));
  }
}

/**
 * What samples repeat: of other data, or with themselves for `others` of those before them. What is there exactly is
 * not told as near.
 *
 * @param {Prints} own
 * @param {Prints} others
 * @param {number} most by which the cells of near ones differ on average
 * @param {Look} look
 * @returns {Promise<Repeats>}
 */
async function repeatsOf(own, others, most, look) {
  const within = own === others;
  const exactIndex = new ExactIndex(others);
  const nearIndex = own.cells.length > 0 ? new NearIndex(others, most) : null;
  const add = (/** @type {number} */ sample) => {
    exactIndex.add(sample);
    nearIndex?.add(sample);
  };
  for (let sample = 0; !within && sample < others.hashes.length; sample++) {
    add(sample);
    await look.pause(0);
  }
  /** @type {Repeats} */
  const found = { exact: [], near: [] };
  for (let sample = 0; sample < own.hashes.length; sample++) {
    const first = exactIndex.find(own, sample);
    const near = first === undefined ? nearIndex?.find(own, sample) : undefined;
    if (first !== undefined) found.exact.push([sample, first]);
    else if (near) found.near.push([sample, ...near]);
    // A further copy is compared with the first one.
    if (within && first === undefined) add(sample);
    await look.pause(0);
  }
  return found;
}

/** Samples by the hash of their bytes. */
class ExactIndex {
  #prints;
  /** @type {Map<number, number[]>} */
  #byHash = new Map();

  /** @param {Prints} prints of which samples are added */
  constructor(prints) {
    this.#prints = prints;
  }

  /** @param {number} sample */
  add(sample) {
    const hash = this.#prints.hashes[sample];
    this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), sample]);
  }

  /** @param {Prints} prints @param {number} sample @returns {number | undefined} the first that is the same */
  find(prints, sample) {
    const candidates = this.#byHash.get(prints.hashes[sample]);
    if (!candidates) return undefined;
    const bytes = prints.bytes(sample);
    return candidates.find((other) => same(bytes, this.#prints.bytes(other)));
  }
}

/** Samples by parts of the average hash of their cells. */
class NearIndex {
  #cells;
  #most;
  /** @type {Map<string, number[]>} */
  #bands = new Map();
  /** Average hashes of the samples that were added. @type {Map<number, string>} */
  #hashes = new Map();

  /** @param {Prints} prints of which samples are added @param {number} most */
  constructor({ cells }, most) {
    this.#cells = cells;
    this.#most = most;
  }

  /** @param {number} sample */
  add(sample) {
    const hash = averageHash(this.#cells, sample);
    this.#hashes.set(sample, hash);
    for (const key of bandsOf(hash)) {
      const others = this.#bands.get(key);
      if (others) others.push(sample);
      else this.#bands.set(key, [sample]);
    }
  }

  /**
   * @param {Prints} prints
   * @param {number} sample
   * @returns {[other: number, distance: number] | undefined} one that is near, and the bits in which they differ
   */
  find({ cells }, sample) {
    const hash = averageHash(cells, sample);
    const candidates = new Set(bandsOf(hash).flatMap((key) => this.#bands.get(key) ?? []));
    for (const other of candidates) {
      const bits = bitsBetween(hash, /** @type {string} */ (this.#hashes.get(other)));
      if (bits > MOST_BITS) continue;
      if (difference(cells, sample, this.#cells, other) <= this.#most) return [other, bits];
    }
    return undefined;
  }
}

/** @param {string} hash */
const bandsOf = (hash) =>
  Array.from({ length: BANDS }, (_, band) => {
    const part = hash.slice((band * BITS) / BANDS, ((band + 1) * BITS) / BANDS);
    return `${band} ${part}`;
  });

/** @param {string} a @param {string} b @returns {number} at most one more than may differ */
function bitsBetween(a, b) {
  let bits = 0;
  for (let i = 0; i < BITS && bits <= MOST_BITS; i++) bits += Number(a[i] !== b[i]);
  return bits;
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

/** '1' for each cell above the mean of all. @param {Float32Array} cells @param {number} sample */
function averageHash(cells, sample) {
  const own = cells.subarray(sample * BITS, (sample + 1) * BITS);
  const mean = own.reduce((sum, value) => sum + value, 0) / BITS;
  return Array.from(own, (value) => Number(value > mean)).join('');
}

/**
 * @param {Float32Array} cells
 * @param {number} a
 * @param {Float32Array} otherCells
 * @param {number} b
 */
function difference(cells, a, otherCells, b) {
  let sum = 0;
  for (let i = 0; i < BITS; i++) sum += Math.abs(cells[a * BITS + i] - otherCells[b * BITS + i]);
  return sum / BITS;
}

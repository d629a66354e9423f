/** Samples and labels in engine memory. */

import { InternalError, LimitError } from './errors.js';
import { LabelType, SampleType } from './ffi.js';

/**
 * @typedef {import('./host.js').Host} Host
 *
 * @typedef {object} DatasetFacts plain data that both sides know
 * @property {number} id
 * @property {number} count
 * @property {[number, number, number]} size height, width, channels; flat samples are 1 x 1 x n
 * @property {'uint8' | 'float32' | 'none'} samples
 * @property {'none' | 'classes' | 'values'} labels
 * @property {number} labelSize values a sample; 1 for classes
 * @property {Pick<DatasetFacts, 'samples' | 'labels' | 'labelSize'>[]} parts itself,
 *   and those of further inputs and outputs
 * @property {boolean} weighted whether samples have weights
 *
 * @typedef {'x' | 'y' | 'w'} Part samples, labels, weights
 * @typedef {{ scale: number[], offset: number[] }} Normalization one value a channel
 */

const SAMPLE_TYPES = { uint8: SampleType.U8, float32: SampleType.F32, none: SampleType.NONE };
const LABEL_TYPES = { none: LabelType.NONE, classes: LabelType.CLASS, values: LabelType.VALUES };
/** Labels are as wide as samples' floats: int32 or float32. */
const LABEL_BYTES = 4;
const WEIGHT_BYTES = 4;

export class HostDataset {
  #native;
  #users = 0;
  #disposed = false;
  /** @type {import('./native.js').DatasetPointer} */
  pointer;

  /**
   * @param {Host} host
   * @param {Omit<DatasetFacts, 'id' | 'parts'>} facts
   * @param {{ base: HostDataset, rows: Uint32Array }} [view] samples of another one, without its memory
   */
  constructor(host, facts, view) {
    this.#native = host.native;
    const { samples, count, size, labels, labelSize } = facts;
    this.pointer = view
      ? this.#native.viewDataset(view.base.pointer, view.rows)
      : this.#native.createDataset(
          SAMPLE_TYPES[samples],
          count,
          size,
          LABEL_TYPES[labels],
          labelSize,
        );
    /** @type {DatasetFacts} */
    this.facts = { ...facts, id: host.newId(), parts: [{ samples, labels, labelSize }] };
    /** The data set itself, and those of further inputs and outputs. @type {HostDataset[]} */
    this.parts = [this];
    const sampleBytes = { uint8: 1, float32: 4, none: 0 }[samples];
    this.sampleBytes = size[0] * size[1] * size[2] * sampleBytes;
    this.labelBytes = labels === 'none' ? 0 : LABEL_BYTES * labelSize;
    /** What it was sealed with. @type {Normalization | undefined} */
    this.normalization = undefined;
    /** Whose memory it is. @type {HostDataset} */
    this.root = this;
    /** Of a view: which samples of `root` are its own. @type {Uint32Array | null} */
    this.rows = null;
    if (view) this.#share(view);
  }

  /** @param {{ base: HostDataset, rows: Uint32Array }} view */
  #share({ base, rows }) {
    const { root, rows: before } = base;
    this.root = root;
    this.rows = before ? rows.map((row) => before[row]) : rows;
    this.parts = root.parts;
    this.normalization = root.normalization;
    this.facts.parts = root.facts.parts;
    root.hold();
  }

  /**
   * Copies bytes into place.
   *
   * @param {Part} which
   * @param {number} at byte offset
   * @param {Uint8Array} bytes
   */
  write(which, at, bytes) {
    const { sampleBytes, labelBytes } = this;
    const capacity = this.facts.count * { x: sampleBytes, y: labelBytes, w: WEIGHT_BYTES }[which];
    if (at < 0 || at + bytes.length > capacity) {
      throw new InternalError(`Piece ${at} + ${bytes.length} lies beyond ${capacity} bytes.`);
    }
    this.#native.heap.bytes(this.#start(which) + at, bytes.length).set(bytes);
  }

  /** Zeros, which every data set may hold: what lay in the memory may be no number, or no class. */
  clear() {
    const { count } = this.facts;
    const { heap } = this.#native;
    heap.bytes(this.#start('x'), count * this.sampleBytes).fill(0);
    if (this.labelBytes > 0) heap.bytes(this.#start('y'), count * this.labelBytes).fill(0);
  }

  /**
   * What is held of samples, for each part.
   *
   * @param {'x' | 'y'} which
   * @param {number} first
   * @param {number} count
   * @returns {(ArrayBuffer | null)[]} copies; null: the part has none
   */
  read(which, first, count) {
    return this.parts.map((part) => {
      const bytes = which === 'x' ? part.sampleBytes : part.labelBytes;
      return bytes === 0 ? null : this.#copy(part, which, first, count).buffer;
    });
  }

  /**
   * @param {HostDataset} part one of `parts`
   * @param {Part} which
   * @param {number} first
   * @param {number} count
   * @returns {Uint8Array<ArrayBuffer>}
   */
  #copy(part, which, first, count) {
    const bytes = { x: part.sampleBytes, y: part.labelBytes, w: WEIGHT_BYTES }[which];
    const all = this.#native.heap.bytes(part.#start(which), part.facts.count * bytes);
    const out = new Uint8Array(count * bytes);
    if (!this.rows) out.set(all.subarray(first * bytes, (first + count) * bytes));
    this.rows?.subarray(first, first + count).forEach((row, at) => {
      out.set(all.subarray(row * bytes, (row + 1) * bytes), at * bytes);
    });
    return out;
  }

  /** @param {Part} which */
  #start(which) {
    if (which === 'w') return this.#native.weightsOf(this.pointer);
    return which === 'x'
      ? this.#native.samplesOf(this.pointer)
      : this.#native.labelsOf(this.pointer);
  }

  /**
   * Leaves out all samples but these, before they are sealed; labels are written afterwards.
   *
   * @param {readonly number[]} kept rising
   */
  keep(kept) {
    const bytes = this.#native.heap.bytes(this.#start('x'), this.facts.count * this.sampleBytes);
    kept.forEach((sample, at) => {
      const from = sample * this.sampleBytes;
      if (sample !== at) bytes.copyWithin(at * this.sampleBytes, from, from + this.sampleBytes);
    });
    this.#native.truncate(this.pointer, kept.length);
    this.facts.count = kept.length;
  }

  /** @param {Normalization} [normalization] */
  seal(normalization) {
    if (normalization) {
      this.normalization = normalization;
      this.#native.normalize(this.pointer, normalization.scale, normalization.offset);
    }
    this.#native.seal(this.pointer);
  }

  /**
   * Writes and seals a data set that came in one message; frees it when it is refused.
   *
   * @param {{ x: Uint8Array | null, y: Uint8Array | null, w: Uint8Array | null, normalization?: Normalization }} content
   */
  fill({ x, y, w, normalization }) {
    try {
      if (x) this.write('x', 0, x);
      if (y) this.write('y', 0, y);
      if (w) this.write('w', 0, w);
      this.seal(normalization);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /**
   * Labels and weights of one part of a data set of as many samples.
   *
   * @param {HostDataset} other
   * @param {HostDataset} part
   */
  copyLabels(other, part) {
    const { count } = this.facts;
    if (part.labelBytes > 0) this.write('y', 0, other.#copy(part, 'y', 0, count));
    if (part.facts.weighted) this.write('w', 0, other.#copy(part, 'w', 0, count));
  }

  /**
   * Makes another one a part of this.
   *
   * @param {HostDataset} part
   */
  attach(part) {
    this.#native.attachDataset(this.pointer, part.pointer);
    this.parts.push(part);
    this.facts.parts.push(...part.facts.parts);
  }

  /** Keeps the memory while a call uses it; a `dispose` meanwhile takes effect at `release`. */
  hold() {
    this.#users++;
  }

  release() {
    this.#users--;
    this.#freeIfDone();
  }

  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#freeIfDone();
  }

  #freeIfDone() {
    if (!this.#disposed || this.#users > 0) return;
    this.#native.destroyDataset(this.pointer);
    if (this.root !== this) this.root.release();
  }
}

/**
 * @param {HostDataset} dataset
 * @param {number} first
 * @param {number} count
 */
export function checkRange({ facts }, first, count) {
  if (first + count <= facts.count) return;
  throw new LimitError(
    `first ${first} and count ${count} reach beyond the data set, which has ${facts.count} samples.`,
    { field: 'count' },
  );
}

/** Data sets in engine memory: the worker's side of dataset.js and datasets.js. */

import { openPath } from '#platform';
import { InternalError, LimitError } from './errors.js';
import { LabelType, SampleType } from './ffi.js';
import { inSlices } from './trainer.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./host.js').Method} Method
 * @typedef {import('./data/cifar10.js').SampleSink} SampleSink
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

/**
 * @param {Host} host
 * @param {any} description of `dataset.create`: facts, and `whole` where the samples came along
 * @returns {DatasetFacts}
 */
export function addDataset(host, { whole, ...facts }) {
  const dataset = new HostDataset(host, facts);
  if (whole) dataset.fill(whole);
  host.datasets.set(dataset.facts.id, dataset);
  return dataset.facts;
}

/** @param {Host} host @param {number} id */
export function removeDataset(host, id) {
  host.datasets.get(id)?.dispose();
  host.datasets.delete(id);
}

/** @type {[string, Method][]} */
export const dataMethods = [
  ['dataset.create', (host, description) => ({ value: addDataset(host, description) })],
  ['dataset.write', (host, { id, which, at, bytes }) => host.dataset(id).write(which, at, bytes)],
  ['dataset.seal', (host, { id, normalization }) => host.dataset(id).seal(normalization)],
  [
    'dataset.read',
    (host, { id, first, count }) => {
      const dataset = host.dataset(id);
      checkRange(dataset, first, count);
      const x = dataset.read('x', first, count);
      const y = dataset.read('y', first, count);
      const value = x.map((samples, part) => ({ x: samples, y: y[part] }));
      const buffers = value.flatMap(({ x, y }) => [x, y]);
      return { value, transfer: buffers.filter((buffer) => buffer !== null) };
    },
  ],
  [
    'dataset.labels',
    (host, { id, first, count }) => {
      const dataset = host.dataset(id);
      checkRange(dataset, first, count);
      const [value] = dataset.read('y', first, count);
      return { value, transfer: value ? [value] : [] };
    },
  ],
  [
    'dataset.view',
    (host, { id, rows }) => {
      const base = host.dataset(id);
      const facts = { ...base.facts, count: rows.length };
      const view = new HostDataset(host, facts, { base, rows });
      host.datasets.set(view.facts.id, view);
      return { value: view.facts };
    },
  ],
  [
    'dataset.join',
    (host, { ids: [first, ...others] }) => {
      const dataset = host.dataset(first);
      for (const id of others) {
        dataset.attach(host.dataset(id));
        host.datasets.delete(id);
      }
      return { value: dataset.facts };
    },
  ],
  [
    'dataset.resize',
    async (host, { id, size, method }, task) => {
      const resized = await resize(host, host.dataset(id), size, method, task);
      host.datasets.set(resized.facts.id, resized);
      return { value: resized.facts };
    },
  ],
  [
    'dataset.preview',
    // Loaded here: most programs do not look at what training sees.
    async (host, args) => (await import('./host-augment.js')).preview(host, args),
  ],
  ['dataset.dispose', (host, { id }) => removeDataset(host, id)],
  [
    'dataset.cifar10',
    (host, args, task) =>
      loadParts(host, args, task, async (sinks, options) => {
        // Loaded here, as below: most programs have data of their own.
        const { loadCifar10 } = await import('./data/cifar10.js');
        return loadCifar10(args.source, sinks, {
          ...options,
          verify: args.verify,
          onProgress: (progress) => task.emit(progress),
        });
      }),
  ],
  [
    'dataset.imageFolder',
    async (host, job, task) => {
      const { loadImageFolder } = await import('./host-images.js');
      return loadImageFolder(host, job, task);
    },
  ],
  [
    'dataset.images',
    async (host, args, task) => {
      const { answerImages } = await import('./host-image-stream.js');
      return answerImages(host, args, task);
    },
  ],
  [
    'dataset.twins',
    async (host, args, task) => {
      const { findTwins } = await import('./host-clean.js');
      return findTwins(host, args, task);
    },
  ],
  [
    'dataset.stream',
    async (host, args) => {
      const { answerStream } = await import('./host-stream.js');
      return answerStream(host, args);
    },
  ],
  [
    'dataset.sample',
    (host, args, task) =>
      loadParts(host, args, task, async (sinks, options) => {
        const { loadSample } = await import('./data/sample.js');
        return loadSample(args.source, sinks, options);
      }),
  ],
];

/**
 * @param {Host} host
 * @param {{ parts: ('train' | 'test')[], normalization?: Normalization }} args
 * @param {import('./task.js').Task} task
 * @param {(sinks: Record<string, SampleSink>, options: { openPath: typeof openPath, signal: AbortSignal }) => Promise<unknown>} load
 * @returns {Promise<import('./host.js').Answer>} part → facts; all of them, or none is kept
 */
async function loadParts(host, { parts, normalization }, task, load) {
  /** @type {Map<string, HostDataset>} */
  const made = new Map();
  /** @type {Record<string, SampleSink>} */
  const sinks = {};
  for (const part of parts) sinks[part] = imageSink(host, (dataset) => made.set(part, dataset));
  try {
    await load(sinks, { openPath, signal: task.signal });
    task.throwIfCancelled();
    for (const dataset of made.values()) dataset.seal(normalization);
  } catch (error) {
    for (const dataset of made.values()) dataset.dispose();
    throw error;
  }
  for (const dataset of made.values()) host.datasets.set(dataset.facts.id, dataset);
  return { value: Object.fromEntries(Array.from(made, ([part, { facts }]) => [part, facts])) };
}

/** Pictures that are resized between two looks at the clock. */
const RESIZED_AT_ONCE = 8;

/**
 * @param {Host} host
 * @param {HostDataset} dataset
 * @param {[height: number, width: number]} size
 * @param {Parameters<import('./native.js').Native['resize']>[5]} method
 * @param {import('./task.js').Task} task
 * @returns {Promise<HostDataset>} all of it, or nothing is kept
 */
async function resize(host, dataset, [height, width], method, task) {
  /** @type {HostDataset | undefined} */
  let whole;
  dataset.hold();
  try {
    for (const part of dataset.parts) {
      const { id: _id, parts: _parts, ...facts } = part.facts;
      const hasSamples = facts.samples !== 'none';
      const made = new HostDataset(host, {
        ...facts,
        count: dataset.facts.count,
        size: hasSamples ? [height, width, facts.size[2]] : facts.size,
      });
      const first = whole ?? made;
      try {
        made.copyLabels(dataset, part);
        if (hasSamples) {
          const range = { dataset, first: 0, count: dataset.facts.count };
          const { rows } = dataset;
          await inSlices(range, RESIZED_AT_ONCE, task, undefined, (at, count) => {
            const one = (/** @type {number} */ to, /** @type {number} */ from, size = 1) =>
              host.native.resize(made.pointer, to, part.pointer, from, size, method);
            if (!rows) return one(at, at, count);
            for (let i = at; i < at + count; i++) one(i, rows[i]);
          });
        }
        made.seal(part.normalization);
        if (whole) whole.attach(made);
      } catch (error) {
        made.dispose();
        throw error;
      }
      whole = first;
    }
    return /** @type {HostDataset} */ (whole);
  } catch (error) {
    whole?.dispose();
    throw error;
  } finally {
    dataset.release();
  }
}

/**
 * Where a loader of 32 x 32 images puts them.
 *
 * @param {Host} host
 * @param {(dataset: HostDataset) => void} keep receives the data set once it has memory
 * @returns {SampleSink}
 */
function imageSink(host, keep) {
  /** @type {HostDataset | undefined} */
  let dataset;
  return {
    reserve(count) {
      dataset = new HostDataset(host, {
        count,
        size: [32, 32, 3],
        samples: 'uint8',
        labels: 'classes',
        labelSize: 1,
        weighted: false,
      });
      keep(dataset);
    },
    writeChunk(first, samples, labels) {
      if (!dataset) throw new InternalError('A sink was written to before it was reserved.');
      dataset.write('x', first * dataset.sampleBytes, samples);
      const classes = Int32Array.from(labels);
      dataset.write('y', first * LABEL_BYTES, new Uint8Array(classes.buffer));
    },
  };
}

/** Samples that come one after the other, from a program's own source, instead of all at once. */

import { ConfigError, InputTypeError, ShapeError } from '../errors.js';
import { labelSource, sampleSource, weightSource } from '../arrays.js';
import { readNormalization, sizeOf } from '../dataset-options.js';
import { describe, needOneOf, needWhole, readForeign, readOptions } from '../options.js';
import { Random } from './random.js';

/**
 * @typedef {{ x: unknown, y?: unknown, sampleWeight?: unknown } | readonly unknown[]} StreamItem one sample, or several
 *   in one array one after the other, with their labels: `{ x, y }` or `[x, y]`; arrays as `dataset` takes them
 * @typedef {Iterable<StreamItem> | AsyncIterable<StreamItem>} StreamItems
 * @typedef {StreamItems | ((epoch: number) => StreamItems | Promise<StreamItems>)} StreamSource a function is asked for
 *   the samples of each epoch, and so is an iterable that begins anew (an array, a class with `Symbol.asyncIterator`);
 *   a generator can be read once: it needs `stepsPerEpoch` for several epochs
 *
 * @typedef {object} StreamOptions
 * @property {readonly number[]} [shape] of one sample; default the model's input
 * @property {'classes' | 'values'} [labels] what `y` holds; default what the loss takes
 * @property {number} [prefetch] batches in engine memory that wait for their turn, at least 2; default 8
 * @property {number} [shuffleBuffer] samples among which the next one is drawn; default 0: their own order
 * @property {number} [count] samples of an epoch, where they are known: for what progress tells of the first one
 * @property {number} [seed] of that draw, default 0; each epoch draws anew
 * @property {number} [scale] {@link import('../dataset.js').DatasetOptions}, as are mean and std
 * @property {number | readonly number[]} [mean]
 * @property {number | readonly number[]} [std]
 */

const WHERE = { what: 'stream' };
export const STREAM_OPTIONS = /** @type {const} */ ([
  'shape',
  'labels',
  'prefetch',
  'shuffleBuffer',
  'count',
  'seed',
  'scale',
  'mean',
  'std',
]);

/** A source with options. It holds no samples and needs no engine: `fit` reads it. */
export class SampleStream {
  /** @param {StreamSource} source @param {StreamOptions} [options] */
  constructor(source, options) {
    const given = readOptions(options, STREAM_OPTIONS, WHERE);
    if (typeof source !== 'function') opened(source);
    this.source = source;
    /** Checked. */
    this.options = Object.freeze({
      ...given,
      labels: given.labels && needOneOf(given.labels, ['classes', 'values'], 'labels', WHERE),
      prefetch: needWhole(given.prefetch ?? 8, 'prefetch', WHERE, 2),
      shuffleBuffer: needWhole(given.shuffleBuffer ?? 0, 'shuffleBuffer', WHERE),
      count: given.count === undefined ? undefined : needWhole(given.count, 'count', WHERE, 1),
      seed: needWhole(given.seed ?? 0, 'seed', WHERE),
    });
    if (given.shape !== undefined) sizeOf(given.shape, WHERE);
  }

  /** By which `fit` knows it. */
  [Symbol.asyncIterator]() {
    return this.open(0);
  }

  /**
   * The samples of an epoch.
   *
   * @param {number} epoch
   * @returns {AsyncGenerator<StreamItem, void, void>}
   */
  async *open(epoch) {
    const { source } = this;
    yield* opened(typeof source === 'function' ? await source(epoch) : source);
  }

  /** Whether it can be read once only: a generator. */
  get once() {
    const source = /** @type {any} */ (this.source);
    if (typeof source === 'function') return false;
    return (source[Symbol.asyncIterator] ?? source[Symbol.iterator]).call(source) === source;
  }
}

/**
 * Samples that are made or fetched while the model trains: for data larger than memory. See docs/data.md.
 *
 * @param {StreamSource} source
 * @param {StreamOptions} [options]
 * @returns {SampleStream} for `fit`
 * @throws {ConfigError} {InputTypeError} {ShapeError}
 */
export function stream(source, options) {
  return new SampleStream(source, options);
}

/**
 * @param {unknown} items
 * @returns {StreamItems}
 * @throws {InputTypeError} nothing that can be iterated
 */
function opened(items) {
  const iterable = /** @type {any} */ (items);
  if (
    iterable?.[Symbol.asyncIterator] ||
    (typeof items === 'object' && iterable?.[Symbol.iterator])
  ) {
    return iterable;
  }
  throw new InputTypeError(
    `stream: the source must give an iterable of samples, found ${describe(items)}.`,
    { field: 'x' },
  );
}

/**
 * @typedef {object} Rows samples as the engine holds them, one after the other
 * @property {number} count
 * @property {Uint8Array<ArrayBuffer>} x
 * @property {Uint8Array<ArrayBuffer> | null} y
 * @property {Uint8Array<ArrayBuffer> | null} w
 * @property {{ x: number, y: number, w: number }} bytes of one sample
 */

const PARTS = /** @type {const} */ (['x', 'y', 'w']);

/** Turns items into rows; the first one decides of what kind all are. */
export class ItemReader {
  /** @type {import('../host-stream.js').StreamFacts | null} */
  facts = null;
  #size;
  #features;
  #kind;
  #needLabels;
  #normalization;
  #what;
  #items = 0;

  /**
   * @param {object} settings
   * @param {[number, number, number]} settings.size of a sample
   * @param {'classes' | 'values' | 'auto'} settings.kind of labels
   * @param {boolean} settings.needLabels
   * @param {{ scale?: unknown, mean?: unknown, std?: unknown }} settings.normalization
   * @param {string} settings.what for messages
   */
  constructor({ size, kind, needLabels, normalization, what }) {
    this.#size = size;
    this.#features = size[0] * size[1] * size[2];
    this.#kind = kind;
    this.#needLabels = needLabels;
    this.#normalization = normalization;
    this.#what = what;
  }

  /** @param {unknown} item @returns {Rows} */
  read(item) {
    const what = `${this.#what}: item ${this.#items++} of the stream`;
    const given = readForeign(() => partsOf(item, what), InputTypeError, what, {
      field: 'x',
    });
    if (this.#needLabels && isNone(given.y)) {
      throw new InputTypeError(`${what} has no y; give { x, y } or [x, y].`, { field: 'y' });
    }
    const samples = sampleSource(listOf(given.x), `${what}: x`);
    const count = samples.length / this.#features;
    if (count === 0 || !Number.isInteger(count)) {
      throw new ShapeError(
        `${what}: x has ${samples.length} values, expected one or more samples of ` +
          `${this.#size.join(' x ')} = ${this.#features}.`,
        { field: 'x' },
      );
    }
    const labels = isNone(given.y)
      ? null
      : labelSource(listOf(given.y), count, this.#kind, `${what}: y`);
    const weights = isNone(given.sampleWeight)
      ? null
      : weightSource(listOf(given.sampleWeight), count, `${what}: sampleWeight`);
    this.#compare(
      {
        samples: samples.type === 'uint8' ? 'uint8' : 'float32',
        labels: labels ? labels.labels : 'none',
        labelSize: labels ? labels.labelSize : 0,
        weighted: weights !== null,
      },
      what,
    );
    const all = (/** @type {import('../arrays.js').ArraySource | null} */ source) =>
      source && source.piece(0, source.length);
    const x = /** @type {Uint8Array<ArrayBuffer>} */ (all(samples));
    const y = all(labels && labels.source);
    const w = all(weights);
    const bytesOf = (/** @type {Uint8Array | null} */ part) => (part ? part.length / count : 0);
    return { count, x, y, w, bytes: { x: bytesOf(x), y: bytesOf(y), w: bytesOf(w) } };
  }

  /**
   * @param {{ samples: 'uint8' | 'float32', labels: 'none' | 'classes' | 'values', labelSize: number,
   *   weighted: boolean }} found
   * @param {string} what
   */
  #compare(found, what) {
    if (!this.facts) {
      const normalization = readNormalization(
        this.#normalization,
        this.#size[2],
        found.samples === 'uint8',
        WHERE,
      );
      this.facts = { size: this.#size, ...found, normalization };
      if (found.labels !== 'none') this.#kind = found.labels;
    }
    const { facts } = this;
    for (const key of /** @type {const} */ (['samples', 'labels', 'labelSize', 'weighted'])) {
      if (found[key] === facts[key]) continue;
      throw new InputTypeError(
        `${what}: ${key} ${found[key]}, the items before have ${facts[key]}; all must be alike.`,
        { field: key === 'samples' ? 'x' : 'y' },
      );
    }
  }
}

/** @param {unknown} value */
const isNone = (value) => value === undefined || value === null;

/** A sample of one number may be that number. @param {unknown} value */
const listOf = (value) => (typeof value === 'number' ? [value] : value);

/** @param {unknown} item @param {string} what @returns {{ x: unknown, y: unknown, sampleWeight: unknown }} */
function partsOf(item, what) {
  if (Array.isArray(item) && item.length > 0 && item.length <= 3) {
    const [x, y, sampleWeight] = item;
    return { x, y, sampleWeight };
  }
  if (typeof item === 'object' && item !== null && 'x' in item) {
    const { x, y, sampleWeight } = /** @type {Record<string, unknown>} */ (item);
    return { x, y, sampleWeight };
  }
  throw new InputTypeError(`${what}: expected { x, y } or [x, y], found ${describe(item)}.`, {
    field: 'x',
  });
}

/**
 * Rows put together to batches, drawn from a buffer where there is one.
 *
 * @param {AsyncIterator<unknown>} items
 * @param {ItemReader} reader
 * @param {object} settings
 * @param {() => number} settings.batchSize asked for each batch
 * @param {number} settings.shuffleBuffer
 * @param {Random} settings.random
 * @returns {AsyncGenerator<Rows, void, void>} the last one may be short
 */
export async function* batchesOf(items, reader, { batchSize, shuffleBuffer, random }) {
  const mixed = new ShuffleBuffer(shuffleBuffer, random);
  /** @type {RowStore | null} */
  let batch = null;
  try {
    for (;;) {
      const { done, value } = await items.next();
      const rows = done ? null : reader.read(value);
      const count = rows ? rows.count : mixed.count;
      for (let row = 0; row < count; row++) {
        const [from, at] = rows ? mixed.exchange(rows, row) : mixed.takeOne();
        if (!from) continue;
        batch ??= new RowStore(from, batchSize());
        batch.add(from, at);
        if (!batch.full) continue;
        yield batch.rows;
        batch = null;
      }
      if (done) break;
    }
    if (batch) yield batch.rows;
  } finally {
    await items.return?.();
  }
}

/** Rows of which the next one is drawn; with room for none it hands them through. */
class ShuffleBuffer {
  #room;
  #random;
  /** @type {RowStore | null} */
  #store = null;

  /** @param {number} room @param {Random} random */
  constructor(room, random) {
    this.#room = room;
    this.#random = random;
  }

  get count() {
    return this.#store ? this.#store.rows.count : 0;
  }

  /**
   * Puts a row in and gives another one, which is to be copied before the next call.
   *
   * @param {Rows} rows
   * @param {number} row
   * @returns {[Rows | null, number]} null while the buffer fills
   */
  exchange(rows, row) {
    if (this.#room === 0) return [rows, row];
    const store = (this.#store ??= new RowStore(rows, this.#room + 1));
    store.add(rows, row);
    return store.full ? this.takeOne() : [null, 0];
  }

  /** @returns {[Rows, number]} */
  takeOne() {
    const store = /** @type {RowStore} */ (this.#store);
    return [store.rows, store.takeOut(this.#random.below(store.rows.count))];
  }
}

/** Room for a number of rows. */
class RowStore {
  #capacity;

  /** @param {Rows} like @param {number} capacity */
  constructor({ bytes, y, w }, capacity) {
    this.#capacity = capacity;
    /** @type {Rows} */
    this.rows = {
      count: 0,
      bytes,
      x: new Uint8Array(bytes.x * capacity),
      y: y && new Uint8Array(bytes.y * capacity),
      w: w && new Uint8Array(bytes.w * capacity),
    };
  }

  get full() {
    return this.rows.count === this.#capacity;
  }

  /** @param {Rows} from @param {number} row */
  add(from, row) {
    this.#copy(from, row, this.rows.count++);
  }

  /**
   * The last row changes places with one and is no more counted.
   *
   * @param {number} row
   * @returns {number} where it is now, until the next `add`
   */
  takeOut(row) {
    const last = --this.rows.count;
    if (row === last) return last;
    const { bytes } = this.rows;
    for (const part of PARTS) {
      const all = this.rows[part];
      if (!all) continue;
      const size = bytes[part];
      const held = all.slice(row * size, (row + 1) * size);
      all.copyWithin(row * size, last * size, (last + 1) * size);
      all.set(held, last * size);
    }
    return last;
  }

  /** @param {Rows} from @param {number} row @param {number} at */
  #copy(from, row, at) {
    const { bytes } = from;
    for (const part of PARTS) {
      const size = bytes[part];
      const source = from[part]?.subarray(row * size, (row + 1) * size);
      if (source) this.rows[part]?.set(source, at * size);
    }
  }
}

/** @param {number} seed @param {number} epoch */
export const randomOf = (seed, epoch) => new Random(seed, epoch);

/** @param {import('../options.js').Where} where */
export function refuseSeveral({ what }) {
  return new ConfigError(`${what}: a stream feeds models of one input and one output.`, {
    field: 'x',
  });
}

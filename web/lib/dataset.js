/** Data sets: samples and labels in the engine's memory, and how they get there. */

import { labelSource, sampleSource, weightSource } from './arrays.js';
import { readClassNames, readNormalization, sampleRange, sizeOf } from './dataset-options.js';
import { asyncDisposeSymbol, disposeSymbol } from './disposable.js';
import {
  ConfigError,
  DisposedError,
  EmptyError,
  IndexRangeError,
  InputTypeError,
  ShapeError,
  throwIfAborted,
} from './errors.js';
import {
  describe,
  needBoolean,
  needFunction,
  needOneOf,
  needSignal,
  needWhole,
  readOptions,
} from './options.js';

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./host-dataset.js').DatasetFacts} DatasetFacts
 * @typedef {import('./host-dataset.js').Normalization} Normalization
 *
 * @typedef {object} DatasetOptions
 * @property {import('./data/stream.js').StreamSource} [samples] instead of x and y: an iterable, async iterable or
 *   generator of `{ x, y }` or `[x, y]`, of one sample or several each
 * @property {AbortSignal} [signal] of reading them
 * @property {(progress: { done: number }) => void} [onProgress] samples read, at most every 50 ms
 * @property {unknown} [x] samples one after the other; see arrays.js for what is taken. For a model of
 *   several inputs an object: input layer's name → its samples, in the order of the inputs
 * @property {unknown} [y] labels: one class a sample, or the same number of values for each
 * @property {unknown} [sampleWeight] one finite number a sample, by which its loss is multiplied in
 *   `fit`, `trainOnBatch` and `evaluate`; default 1 each
 * @property {readonly number[]} [shape] of one sample, [height, width, channels],
 *   [steps, channels] or [features]; needed unless `x` is nested
 * @property {'classes' | 'values'} [labels] what `y` holds; default: classes for an integer array
 *   (or a plain array of whole numbers from 0) of one label a sample, else values
 * @property {number} [scale] sample values are multiplied by it; default 1/255 for pixels, else 1
 * @property {number | readonly number[]} [mean] subtracted after scaling, one value or one a
 *   channel; default 0
 * @property {number | readonly number[]} [std] divided by after that, not 0; default 1
 * @property {readonly string[]} [classNames]
 */

/** Samples cross to the worker in pieces, so that no task of the page is long. */
const PIECE_BYTES = 4 * 1024 * 1024;
const WHERE = { what: 'dataset' };
const OPTIONS = /** @type {const} */ ([
  'samples',
  'signal',
  'onProgress',
  'x',
  'y',
  'sampleWeight',
  'shape',
  'labels',
  'scale',
  'mean',
  'std',
  'classNames',
]);

/** A handle: the samples live in the engine until `dispose`. */
export class Dataset {
  #client;
  #facts;
  #disposed = false;

  /**
   * Not for programs: use `dataset` or `datasets`.
   *
   * @param {Client} client
   * @param {DatasetFacts} facts
   * @param {readonly string[]} [classNames]
   * @param {{ inputs: readonly string[] | null, outputs: readonly string[] | null }} [names] of several
   *   inputs, outputs
   * @param {{ files?: readonly string[], skipped?: readonly import('./host-images.js').SkippedFile[] }} [origin]
   */
  constructor(
    client,
    facts,
    classNames = [],
    names = { inputs: null, outputs: null },
    origin = {},
  ) {
    this.#client = client;
    this.#facts = facts;
    /** The names by which samples and labels were given; null: there is one of them. */
    this.names = Object.freeze({ ...names });
    /** Names of the classes, [] if unknown. */
    this.classNames = Object.freeze([...classNames]);
    /** Of a folder or an archive: the path of each sample; else []. */
    this.files = Object.freeze(origin.files ?? []);
    /** Its files that could not be read: path, code and message of the error. */
    this.skipped = Object.freeze(origin.skipped ?? []);
  }

  /** Samples. */
  get count() {
    return this.#facts.count;
  }

  /** Shape of one sample: [height, width, channels] without leading ones: [steps, channels], [features]. */
  get shape() {
    const { size } = this.#facts;
    return size.slice(size[0] > 1 ? 0 : size[1] > 1 ? 1 : 2);
  }

  /** Whether its samples have weights. */
  get weighted() {
    return this.#facts.weighted;
  }

  /** What labels there are: 'none', 'classes' (one a sample) or 'values'. */
  get labels() {
    return this.#facts.labels;
  }

  /**
   * Copies samples out as they were put in, before any normalisation.
   *
   * @param {number} [first] default 0
   * @param {number} [count] default all after `first`
   * @template [X=Uint8Array | Float32Array]
   * @template [Y=Int32Array | Float32Array | null]
   * @returns {Promise<{ x: X, y: Y }>} of several inputs or outputs objects by their names
   * @throws {LimitError} beyond the end
   * @throws {DisposedError}
   */
  async read(first = 0, count = undefined) {
    const id = this.use(this.#client);
    const range = sampleRange(this, { first, count }, { what: 'read' });
    const parts = await this.#client.call('dataset.read', { id, ...range });
    const read = this.#facts.parts.map(({ samples, labels }, part) => {
      const { x, y } = parts[part];
      return {
        x: x && (samples === 'uint8' ? new Uint8Array(x) : new Float32Array(x)),
        y: y && (labels === 'classes' ? new Int32Array(y) : new Float32Array(y)),
      };
    });
    const { inputs, outputs } = this.names;
    if (!inputs && !outputs) return read[0];
    const named = (/** @type {readonly string[] | null} */ names, /** @type {'x' | 'y'} */ key) =>
      names ? Object.fromEntries(names.map((name, part) => [name, read[part][key]])) : read[0][key];
    return { x: named(inputs, 'x'), y: named(outputs, 'y') };
  }

  /**
   * The same samples as pictures of another size, as `tf.image.resize` makes them: centres of
   * pixels lie halfway between their edges, what lies beyond an edge is its pixel. Labels, weights,
   * names and normalisation stay; pixels stay bytes, rounded to the nearest, halves to even. It takes
   * memory of its own, and this data set stays. Where that is too much, `upSampling2d` as the first
   * layer makes pictures larger batch by batch.
   *
   * @param {readonly [height: number, width: number]} size
   * @param {{ interpolation?: 'bilinear' | 'nearest', antialias?: boolean, signal?: AbortSignal,
   *   onProgress?: (progress: { done: number, total: number }) => void }} [options] interpolation default
   *   'bilinear'; antialias: a smaller picture takes all pixels that come together into account, not only the
   *   nearest, default false
   * @returns {Promise<Dataset>}
   * @throws {ShapeError} size is not two numbers
   * @throws {ConfigError} options; several inputs; antialias with 'nearest', which leaves no room for it
   * @throws {OutOfMemoryError} {LimitError} {AbortedError} {DisposedError} with nothing made
   */
  async resize(size, options) {
    const where = { what: 'resize' };
    this.use(this.#client);
    const names = /** @type {const} */ (['interpolation', 'antialias', 'signal', 'onProgress']);
    const own = readOptions(options, names, where);
    if (!Array.isArray(size) || size.length !== 2) {
      throw new ShapeError('resize: size must be [height, width].', { field: 'size' });
    }
    const interpolation = needOneOf(
      own.interpolation ?? 'bilinear',
      ['bilinear', 'nearest'],
      'interpolation',
      where,
    );
    const antialias = needBoolean(own.antialias ?? false, 'antialias', where);
    if (antialias && interpolation === 'nearest') {
      throw new ConfigError("resize: antialias needs interpolation 'bilinear'.", {
        field: 'antialias',
      });
    }
    if (this.names.inputs && this.names.inputs.length > 1) {
      throw new ConfigError('resize: the data set has several inputs; resize each before.', {
        field: 'x',
      });
    }
    const signal = needSignal(own.signal, 'signal', where);
    const onEvent = own.onProgress && needFunction(own.onProgress, 'onProgress', where);
    throwIfAborted(signal, where.what);
    const args = {
      size: Array.from(size, (value) => needWhole(value, 'size', where, 1)),
      method: antialias ? 'ANTIALIAS' : interpolation.toUpperCase(),
    };
    const facts = await this.ask('dataset.resize', args, { signal, job: true, onEvent });
    return new Dataset(this.#client, facts, this.classNames, this.names, { files: this.files });
  }

  /**
   * Copies labels out.
   *
   * @param {number} [first] default 0
   * @param {number} [count] default all after `first`
   * @template [Labels=Int32Array | Float32Array]
   * @returns {Promise<Labels>} of the first output: a class a sample, or values one sample after the other; null
   *   without labels
   * @throws {LimitError} beyond the end
   * @throws {DisposedError}
   */
  async readLabels(first = 0, count = undefined) {
    const id = this.use(this.#client);
    const range = sampleRange(this, { first, count }, { what: 'readLabels' });
    const buffer = await this.#client.call('dataset.labels', { id, ...range });
    const labels =
      buffer && (this.labels === 'classes' ? new Int32Array(buffer) : new Float32Array(buffer));
    return /** @type {Labels} */ (labels);
  }

  /**
   * Some of the samples, in the order given, as a data set of its own that shares the memory: it takes four
   * bytes a sample. Both may be disposed in any order; the memory lives as long as one of them.
   *
   * @param {ArrayLike<number>} indices whole numbers from 0 to count − 1; one may come more than once
   * @returns {Promise<Dataset>}
   * @throws {EmptyError} {IndexRangeError} {InputTypeError} {DisposedError}
   */
  async subset(indices) {
    const id = this.use(this.#client);
    const rows = readIndices(indices, this.count, 'subset');
    const facts = await this.#client.call('dataset.view', { id, rows });
    const files = this.files.length > 0 ? Array.from(rows, (row) => this.files[row]) : [];
    return new Dataset(this.#client, facts, this.classNames, this.names, { files });
  }

  /**
   * All samples but some.
   *
   * @param {ArrayLike<number>} indices such as those of a cleaning report
   * @returns {Promise<Dataset>} as `subset` gives it
   * @throws {EmptyError} nothing is left. {IndexRangeError} {InputTypeError} {DisposedError}
   */
  async without(indices) {
    this.use(this.#client);
    const out = new Set(readIndices(indices, this.count, 'without', 0));
    return this.subset(Array.from({ length: this.count }, (_, i) => i).filter((i) => !out.has(i)));
  }

  /**
   * Not for programs: samples that repeat earlier ones, or some of another data set, for `cleaningReport`.
   *
   * @param {{ near: boolean, against?: Dataset, signal?: AbortSignal, onProgress?: (progress: any) => void }} options
   * @returns {Promise<import('./host-clean.js').Twins>}
   * @throws {ShapeError} samples that cannot be the same
   */
  async findTwins({ near, against, signal, onProgress }) {
    const kindOf = (/** @type {DatasetFacts} */ { size, samples }) =>
      `${size.join(' x ')} as ${samples}`;
    if (against && kindOf(against.#facts) !== kindOf(this.#facts)) {
      throw new ShapeError(
        `cleaningReport: the samples of against are ${kindOf(against.#facts)}, expected ${kindOf(this.#facts)}.`,
        { field: 'against' },
      );
    }
    const other = against ? against.use(this.#client) : null;
    const args = { id: this.use(this.#client), near, against: other };
    return this.#client.call('dataset.twins', args, { signal, job: true, onEvent: onProgress });
  }

  /**
   * Divides the samples at random, by shares: `{ train: 0.8, validation: 0.1, test: 0.1 }`.
   *
   * @param {import('./data/split.js').Shares} [options]
   * @returns {Promise<Record<string, Dataset>>} parts by their names, as `subset` gives them
   * @throws {ConfigError} {EmptyError} {DisposedError}
   */
  async split(options) {
    const { splitDataset } = await import('./data/split.js');
    return splitDataset(this, options);
  }

  /**
   * Frees the samples; a fit that uses them ends first. A second call does nothing.
   *
   * @returns {Promise<void>}
   */
  async dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#client.alive) await this.#client.call('dataset.dispose', { id: this.#facts.id });
  }

  [disposeSymbol]() {
    this.dispose().catch(() => {});
  }

  [asyncDisposeSymbol]() {
    return this.dispose();
  }

  /**
   * Not for programs: asks the worker about it.
   *
   * @param {string} method
   * @param {object} args
   * @param {import('./client.js').CallOptions} [options]
   */
  async ask(method, args, options) {
    return this.#client.call(method, { id: this.use(this.#client), ...args }, options);
  }

  /**
   * Not for programs: the number by which the worker knows it.
   *
   * @param {Client} client the engine it is to be used with
   * @returns {number}
   */
  use(client) {
    if (this.#disposed) throw new DisposedError('The data set was disposed.');
    if (client !== this.#client) throw new ConfigError('The data set belongs to another engine.');
    return this.#facts.id;
  }
}

/**
 * @param {unknown} value
 * @param {number} count samples there are
 * @param {string} what
 * @param {number} [least] numbers wanted
 * @returns {Uint32Array<ArrayBuffer>}
 */
function readIndices(value, count, what, least = 1) {
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) {
    throw new InputTypeError(
      `${what}: indices must be an array of numbers, found ${describe(value)}.`,
    );
  }
  const rows = Array.from(/** @type {ArrayLike<number>} */ (/** @type {unknown} */ (value)));
  if (rows.length < least)
    throw new EmptyError(`${what}: indices are empty.`, { field: 'indices' });
  const bad = rows.findIndex((row) => !(Number.isInteger(row) && row >= 0 && row < count));
  if (bad < 0) return Uint32Array.from(rows);
  throw new IndexRangeError(
    `${what}: index ${bad} is ${describe(rows[bad])}, expected a whole number from 0 to ${count - 1}.`,
    { field: 'indices' },
  );
}

/** @param {unknown} value @returns {value is Dataset} a revoked proxy, on which instanceof throws, is none */
export function isDataset(value) {
  try {
    return value instanceof Dataset;
  } catch {
    return false;
  }
}

/**
 * Puts samples into the engine's memory, once for many calls.
 *
 * @param {Client} client
 * @param {DatasetOptions} options
 * @returns {Promise<Dataset>}
 * @throws {InputTypeError} {ShapeError} {EmptyError} {LabelRangeError} {NonFiniteError}
 *   {LimitError} {OutOfMemoryError} {ConfigError}
 */
export async function makeDataset(client, options) {
  const given = readOptions(options, OPTIONS, WHERE);
  const classNames = readClassNames(given.classNames, WHERE);
  if (given.samples !== undefined) {
    const { uploadSamples } = await import('./dataset-stream.js');
    return new Dataset(client, await uploadSamples(client, given), classNames);
  }
  if (given.x === undefined) throw new ConfigError('dataset: x is missing.', { field: 'x' });
  const kind = given.labels && needOneOf(given.labels, ['classes', 'values'], 'labels', WHERE);
  const xs = byName(given.x);
  const ys = byName(given.y);
  const shapes = byName(given.shape);
  const weights = byName(given.sampleWeight);
  const parts = Array.from({ length: Math.max(xs.list.length, ys.list.length) }, (_, part) => {
    const labels = {
      y: ys.list[part],
      weights: weights.names ? weights.list[part] : given.sampleWeight,
      kind: kind ?? 'auto',
    };
    if (part >= xs.list.length) return labels;
    const x = sampleSource(xs.list[part], 'dataset: x');
    const shape = (shapes.names ? shapes.list[part] : given.shape) ?? x.nesting.slice(1);
    const size = sizeOf(shape, WHERE);
    const normalization = readNormalization(given, size[2], x.type === 'uint8', WHERE);
    return { ...labels, x, size, normalization };
  });
  const content = readParts(parts, 'dataset');
  const facts = await upload(client, content);
  return new Dataset(client, facts, classNames, { inputs: xs.names, outputs: ys.names });
}

/**
 * What is given for each of several inputs or outputs, by their names; or for the only one.
 *
 * @param {unknown} value
 * @returns {{ names: string[] | null, list: unknown[] }}
 */
function byName(value) {
  const isRecord =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    Object.getPrototypeOf(value) === Object.prototype;
  if (!isRecord) return { names: null, list: [value] };
  const entries = Object.entries(value);
  return { names: entries.map(([name]) => name), list: entries.map(([, one]) => one) };
}

/**
 * @typedef {object} Content samples and labels on their way to the engine
 * @property {import('./arrays.js').ArraySource | null} x null: labels alone, of an output beyond the inputs
 * @property {import('./arrays.js').ArraySource | null} y
 * @property {import('./arrays.js').ArraySource | null} w weights of the samples
 * @property {number} count
 * @property {[number, number, number]} size
 * @property {'none' | 'classes' | 'values'} labels
 * @property {number} labelSize
 * @property {Normalization} [normalization]
 * @property {Content[]} [parts] of the further inputs and outputs
 */

/**
 * @typedef {object} PartSource what is given for one input and one output
 * @property {import('./arrays.js').ArraySource} [x] without it only labels
 * @property {[number, number, number]} [size] of a sample of x
 * @property {unknown} y undefined and null: no labels
 * @property {unknown} weights undefined and null: none
 * @property {'classes' | 'values' | 'auto'} kind of labels
 * @property {Normalization} [normalization]
 */

/**
 * Checks and copies what a program passed, before the call's first pause.
 *
 * @param {readonly PartSource[]} list one an input or output
 * @param {string} what for messages
 * @returns {Content}
 * @throws {EmptyError} {ShapeError} {LabelRangeError} {InputTypeError}
 */
export function readParts(list, what) {
  /** @type {number | undefined} */
  let count;
  const [first, ...parts] = list.map((part, index) => {
    const content = readPart(part, count, what);
    if (content.count === (count ??= content.count)) return content;
    throw new ShapeError(
      `${what}: input 0 has ${count} samples, input ${index} has ${content.count}.`,
      { field: 'x' },
    );
  });
  return parts.length > 0 ? { ...first, parts } : first;
}

/**
 * @param {PartSource} part
 * @param {number | undefined} known samples of the parts before
 * @param {string} what
 * @returns {Content}
 */
function readPart({ x, size = [1, 1, 1], y, weights, kind, normalization }, known, what) {
  const features = size[0] * size[1] * size[2];
  if (x?.length === 0) throw new EmptyError(`${what}: x is empty.`, { field: 'x' });
  if (x && x.length % features !== 0) {
    throw new ShapeError(
      `${what}: x has ${x.length} values, which is not a whole number of samples of ` +
        `${size.join(' x ')} = ${features} values.`,
      { field: 'x' },
    );
  }
  const count = x ? x.length / features : /** @type {number} */ (known);
  const w =
    weights === undefined || weights === null
      ? null
      : weightSource(weights, count, `${what}: sampleWeight`);
  const content = { x: x ?? null, w, count, size, normalization };
  if (y === undefined || y === null) return { ...content, y: null, labels: 'none', labelSize: 0 };
  const { source, labels, labelSize } = labelSource(y, count, kind, `${what}: y`);
  return { ...content, y: source, labels, labelSize };
}

/**
 * @param {Client} client
 * @param {Content} content
 * @param {AbortSignal} [signal]
 * @returns {Promise<DatasetFacts>}
 */
export async function upload(client, content, signal) {
  throwIfAborted(signal);
  const { parts, ...head } = content;
  if (parts) return uploadParts(client, [head, ...parts], signal);
  const small = inOneMessage(content);
  if (small) return client.call('dataset.create', small.args, { transfer: small.transfer });
  const { x, y, w, normalization, ...rest } = head;
  const args = { ...rest, samples: x?.type ?? 'none', weighted: w !== null };
  const facts = await client.call('dataset.create', args);
  try {
    if (x) await send(client, facts.id, 'x', x, signal);
    if (y) await send(client, facts.id, 'y', y, signal);
    if (w) await send(client, facts.id, 'w', w, signal);
    await client.call('dataset.seal', { id: facts.id, normalization });
  } catch (error) {
    await client.call('dataset.dispose', { id: facts.id }).catch(() => {});
    throw error;
  }
  return facts;
}

/**
 * @param {Client} client
 * @param {Content[]} parts
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<DatasetFacts>} of the first, to which the others belong from then on
 */
async function uploadParts(client, parts, signal) {
  /** @type {number[]} */
  const ids = [];
  try {
    for (const part of parts) ids.push((await upload(client, part, signal)).id);
    return await client.call('dataset.join', { ids });
  } catch (error) {
    for (const id of ids) await client.call('dataset.dispose', { id }).catch(() => {});
    throw error;
  }
}

/**
 * A data set that fits one message: a small call waits for messages, not for bytes.
 *
 * @param {Content} content
 * @returns {{ args: object, transfer: Transferable[] } | undefined} undefined: it is too large
 */
export function inOneMessage({ x, y, w, parts, normalization, ...rest }) {
  if (parts) return undefined;
  const sources = [x, y, w].filter((source) => source !== null);
  if (sources.reduce((sum, source) => sum + bytesOf(source), 0) > PIECE_BYTES) return undefined;
  const all = (/** @type {import('./arrays.js').ArraySource | null} */ source) =>
    source && source.piece(0, source.length);
  const whole = { x: all(x), y: all(y), w: all(w), normalization };
  const transfer = [whole.x, whole.y, whole.w].flatMap((bytes) => (bytes ? [bytes.buffer] : []));
  const samples = x?.type ?? 'none';
  return { args: { ...rest, samples, weighted: w !== null, whole }, transfer };
}

/**
 * @param {Client} client
 * @param {number} id
 * @param {'x' | 'y' | 'w'} which
 * @param {import('./arrays.js').ArraySource} source
 * @param {AbortSignal | undefined} signal
 */
async function send(client, id, which, source, signal) {
  const elementBytes = bytesOf(source) / source.length;
  const step = PIECE_BYTES / elementBytes;
  for (let from = 0; from < source.length; from += step) {
    throwIfAborted(signal);
    const bytes = source.piece(from, Math.min(from + step, source.length));
    const args = { id, which, at: from * elementBytes, bytes };
    await client.call('dataset.write', args, { transfer: [bytes.buffer] });
  }
}

/** As the engine holds them. @param {import('./arrays.js').ArraySource} source */
function bytesOf({ length, type }) {
  return length * (type === 'uint8' ? 1 : 4);
}

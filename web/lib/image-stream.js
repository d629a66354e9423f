/** Folders and archives of pictures that are read while a model trains: the program's side of host-image-stream.js. */

import { Random } from './data/random.js';
import { SampleStream } from './data/stream.js';
import { asyncDisposeSymbol } from './disposable.js';
import { ConfigError, EmptyError, throwIfAborted } from './errors.js';
import { wireSource } from './image-folder.js';
import { IMAGE_OPTIONS, readImageOptions } from './image-options.js';
import { needBoolean, readOptions } from './options.js';

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./host-images.js').SkippedFile} SkippedFile
 *
 * @typedef {object} StreamedImages
 * @property {boolean} [shuffle] default true: every epoch has the pictures in an order of its own
 * @property {number} [seed] of that order and of the split, default 0
 * @property {number} [prefetch] {@link import('./data/stream.js').StreamOptions}
 *
 * @typedef {Omit<import('./image-options.js').ImageFolderOptions, 'subset' | 'seed'>
 *   & { subset?: 'training' | 'validation' } & StreamedImages} ImageStreamOptions
 */

const WHERE = { what: 'imageStream' };
const OPTIONS = /** @type {const} */ ([...IMAGE_OPTIONS, 'shuffle', 'prefetch']);
/** Pictures asked for at once, if they are small enough. */
const AT_ONCE = 32;
const BYTES_AT_ONCE = 8 * 1024 ** 2;
/** Such groups that are read before they are wanted. */
const AHEAD = 2;

/** A stream of pictures, decoded and resized by a worker of its own. */
export class ImageStream extends SampleStream {
  #client;
  #id;
  #shuffle;
  #seed;
  /** @type {Map<string, SkippedFile>} */
  #skipped = new Map();

  /**
   * Not for programs: use `datasets.imageStream`.
   *
   * @param {Client} client of the worker that reads, which ends with the stream
   * @param {import('./host-image-stream.js').OpenedFolder} folder
   * @param {object} settings
   * @param {readonly number[]} settings.shape
   * @param {boolean} settings.shuffle
   * @param {number} settings.seed
   * @param {import('./data/stream.js').StreamOptions} settings.stream
   */
  constructor(client, { id, files, classNames }, { shape, shuffle, seed, stream }) {
    super((epoch) => this.#read(epoch), { ...stream, shape, count: files.length });
    this.#client = client;
    this.#id = id;
    this.#shuffle = shuffle;
    this.#seed = seed;
    /** Pictures of an epoch, those that cannot be read among them. */
    this.count = files.length;
    /** [height, width, channels] */
    this.shape = Object.freeze([...shape]);
    /** Paths of the pictures, sorted. @type {readonly string[]} */
    this.files = Object.freeze(files);
    /** @type {readonly string[]} */
    this.classNames = Object.freeze(classNames);
  }

  /** Files that could not be read so far, with the reason. @returns {SkippedFile[]} */
  get skipped() {
    return [...this.#skipped.values()];
  }

  /** @param {number} epoch @returns {AsyncGenerator<[x: Uint8Array, y?: Int32Array | Float32Array], void, void>} */
  async *#read(epoch) {
    const order = Uint32Array.from({ length: this.count }, (_, sample) => sample);
    if (this.#shuffle) new Random(this.#seed, epoch).shuffle(order);
    const size = this.shape.reduce((product, length) => product * length, 1);
    const group = Math.min(AT_ONCE, Math.max(1, Math.floor(BYTES_AT_ONCE / size)));
    /** @type {Promise<import('./host-image-stream.js').ReadPictures>[]} */
    const coming = [];
    let asked = 0;
    const askNext = () => {
      if (asked >= order.length) return;
      coming.push(this.#ask(order.slice(asked, asked + group)));
      asked += group;
    };
    for (let i = 0; i < AHEAD; i++) askNext();
    let given = 0;
    for (let next = coming.shift(); next; next = coming.shift()) {
      const { count, x, y, skipped } = await next;
      askNext();
      for (const file of skipped) this.#skipped.set(file.file, file);
      given += count;
      if (count > 0) yield y ? [x, y] : [x];
    }
    if (given > 0) return;
    const [{ message }] = this.skipped;
    throw new EmptyError(`imageStream: none of ${this.count} pictures can be read: ${message}`, {
      field: 'source',
    });
  }

  /** @param {Uint32Array} samples */
  #ask(samples) {
    const read = this.#client.call('dataset.images', { ask: 'read', id: this.#id, samples });
    // Whoever left the loop does not wait for it.
    read.catch(() => {});
    return read;
  }

  /** Ends the worker; a `fit` that reads this stream rejects with E_DISPOSED. @returns {Promise<void>} */
  async dispose() {
    await this.#client.call('dataset.images', { ask: 'close', id: this.#id }).catch(() => {});
    this.#client.dispose();
  }

  [asyncDisposeSymbol]() {
    return this.dispose();
  }
}

/**
 * Pictures of a folder or an archive that are read while a model trains, by a worker of their own: for folders that do
 * not fit in memory. Options and order of classes as `imageFolder` has them.
 *
 * @param {() => Promise<Client>} openReader
 * @param {unknown} source {@link import('./image-options.js').ImageSource}; no tar archive
 * @param {ImageStreamOptions} [options]
 * @returns {Promise<ImageStream>}
 * @throws {EmptyError} {EmptyClassError} {DuplicateError} {MissingError} {IoError} {LoadError} {ZipError}
 * @throws {ConfigError} {InputTypeError} {ShapeError} {LimitError} {AbortedError}
 */
export async function imageStream(openReader, source, options) {
  const given = readOptions(options, OPTIONS, WHERE);
  const { job, onProgress, signal } = readImageOptions(given, WHERE);
  const shuffle = needBoolean(given.shuffle ?? true, 'shuffle', WHERE);
  if (job.plan.subset === 'both') {
    throw new ConfigError(
      "imageStream: subset is 'training' or 'validation'; imageFolder with the same seed loads the other part.",
      { field: 'subset' },
    );
  }
  throwIfAborted(signal, WHERE.what);
  const wire = await wireSource(source, signal);
  const client = await openReader();
  try {
    const folder = await client.call(
      'dataset.images',
      { ask: 'open', job: { ...job, source: wire } },
      { signal, job: true, onEvent: onProgress },
    );
    const { prefetch, scale, mean, std } = given;
    return new ImageStream(client, folder, {
      shape: [...job.size, job.channels],
      shuffle,
      seed: job.plan.seed,
      stream: { prefetch, scale, mean, std },
    });
  } catch (error) {
    client.dispose();
    throw error;
  }
}

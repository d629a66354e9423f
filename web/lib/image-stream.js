/** Folders and archives of pictures that are read while a model trains: the program's side of host-image-stream.js. */

import { hardwareConcurrency } from '#platform';
import { isFetchable } from './data/byte-source.js';
import { Random } from './data/random.js';
import { SampleStream } from './data/stream.js';
import { asyncDisposeSymbol } from './disposable.js';
import { ConfigError, DisposedError, EmptyError, IoError, throwIfAborted } from './errors.js';
import { wireSource } from './image-folder.js';
import { IMAGE_OPTIONS, readImageOptions } from './image-options.js';
import { needBoolean, needWhole, readOptions } from './options.js';

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./host-images.js').SkippedFile} SkippedFile
 * @typedef {{ client: Client, folder: import('./host-image-stream.js').OpenedFolder }} Reader a worker
 *
 * @typedef {object} StreamedImages
 * @property {boolean} [shuffle] default true: every epoch has the pictures in an order of its own
 * @property {number} [seed] of that order and of the split, default 0
 * @property {number} [prefetch] {@link import('./data/stream.js').StreamOptions}
 * @property {number} [workers] that read, 1 … 16, each with memory of its own; default a quarter of the machine's
 *   processors, at most 4, for folders and local archives, else 1: archives behind a URL are fetched by each
 *
 * @typedef {Omit<import('./image-options.js').ImageFolderOptions, 'subset' | 'seed'>
 *   & { subset?: 'training' | 'validation' } & StreamedImages} ImageStreamOptions
 */

/**
 * @typedef {object} ReaderPool
 * @property {Client} owner whose end is theirs
 * @property {() => Promise<Client>} start starts a worker of one thread
 * @property {Set<Client>} running those that were started
 */

const WHERE = { what: 'imageStream' };
const OPTIONS = /** @type {const} */ ([...IMAGE_OPTIONS, 'shuffle', 'prefetch', 'workers']);
/** Pictures asked for at once, if they are small enough. */
const AT_ONCE = 32;
const BYTES_AT_ONCE = 8 * 1024 ** 2;
/** Such groups that each worker has before it. */
const AHEAD = 2;
const MOST_WORKERS = 16;

/** A stream of pictures, decoded and resized by workers of its own. */
export class ImageStream extends SampleStream {
  #readers;
  #shuffle;
  #seed;
  #disposed = false;
  /** @type {Map<string, SkippedFile>} */
  #skipped = new Map();

  /**
   * Not for programs: use `datasets.imageStream`.
   *
   * @param {readonly Reader[]} readers which end with the stream; all have opened the same folder
   * @param {object} settings
   * @param {readonly number[]} settings.shape
   * @param {boolean} settings.shuffle
   * @param {number} settings.seed
   * @param {import('./data/stream.js').StreamOptions} settings.stream
   */
  constructor(readers, { shape, shuffle, seed, stream }) {
    const { files, classNames, classes } = readers[0].folder;
    super((epoch) => this.#read(epoch), { ...stream, shape, count: files.length });
    this.#readers = readers;
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
    /** Number of each picture's class, for `classWeights`; null without labels. */
    this.classes = classes && Int32Array.from(classes);
  }

  /** Files that could not be read so far, with the reason. @returns {SkippedFile[]} */
  get skipped() {
    return [...this.#skipped.values()];
  }

  /**
   * Groups of pictures with their labels, in the order of the first epoch.
   *
   * @override
   * @returns {AsyncGenerator<[x: Uint8Array, y?: Int32Array | Float32Array], void, void>}
   */
  [Symbol.asyncIterator]() {
    return this.#read(0);
  }

  /** @param {number} epoch @returns {AsyncGenerator<[x: Uint8Array, y?: Int32Array | Float32Array], void, void>} */
  async *#read(epoch) {
    if (this.#disposed) throw new DisposedError('The stream of pictures was disposed.');
    const order = Uint32Array.from({ length: this.count }, (_, sample) => sample);
    if (this.#shuffle) new Random(this.#seed, epoch).shuffle(order);
    const size = this.shape.reduce((product, length) => product * length, 1);
    const group = Math.min(AT_ONCE, Math.max(1, Math.floor(BYTES_AT_ONCE / size)));
    /** @type {Promise<import('./host-image-stream.js').ReadPictures>[]} */
    const coming = [];
    let asked = 0;
    const askNext = () => {
      if (asked >= order.length) return;
      // In turns, so that every worker has as many before it.
      const { client, folder } = this.#readers[(asked / group) % this.#readers.length];
      const samples = order.slice(asked, asked + group);
      const read = client.call('dataset.images', { ask: 'read', id: folder.id, samples });
      // Whoever left the loop does not wait for it.
      read.catch(() => {});
      coming.push(read);
      asked += group;
    };
    for (let i = 0; i < AHEAD * this.#readers.length; i++) askNext();
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

  /** Ends the workers; a `fit` that reads this stream rejects with E_DISPOSED. @returns {Promise<void>} */
  async dispose() {
    this.#disposed = true;
    for (const { client, folder } of this.#readers) {
      await client.call('dataset.images', { ask: 'close', id: folder.id }).catch(() => {});
      client.dispose();
    }
  }

  [asyncDisposeSymbol]() {
    return this.dispose();
  }
}

/** @param {ReaderPool} pool @returns {Promise<Client>} */
async function startReader({ owner, start, running }) {
  const reader = await start();
  for (const other of running) if (!other.alive) running.delete(other);
  running.add(reader);
  // It may have ended meanwhile.
  if (!owner.alive) reader.dispose();
  return reader;
}

/**
 * Pictures of a folder or an archive that are read while a model trains, by workers of their own: for folders that do
 * not fit in memory. Options and order of classes as `imageFolder` has them.
 *
 * @param {ReaderPool} pool
 * @param {unknown} source {@link import('./image-options.js').ImageSource}; no tar archive
 * @param {ImageStreamOptions} [options]
 * @returns {Promise<ImageStream>}
 * @throws {EmptyError} {EmptyClassError} {DuplicateError} {MissingError} {IoError} {LoadError} {ZipError}
 * @throws {ConfigError} {InputTypeError} {ShapeError} {LimitError} {AbortedError}
 */
export async function imageStream(pool, source, options) {
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
  const workers = needWhole(given.workers ?? defaultWorkers(wire), 'workers', WHERE, 1);
  if (workers > MOST_WORKERS) {
    const most = `imageStream: workers must be at most ${MOST_WORKERS}, found ${workers}.`;
    throw new ConfigError(most, { field: 'workers' });
  }
  const args = { ask: 'open', job: { ...job, source: wire } };
  const readers = await openReaders(workers, async (number) => {
    const client = await startReader(pool);
    // One of them tells the progress of all.
    const calling = { signal, job: true, onEvent: number === 0 ? onProgress : undefined };
    const opened = client.call('dataset.images', args, calling);
    opened.catch(() => client.dispose());
    return { client, folder: await opened };
  });
  try {
    const { prefetch, scale, mean, std } = given;
    return new ImageStream(readers, {
      shape: [...job.size, job.channels],
      shuffle,
      seed: job.plan.seed,
      stream: { prefetch, scale, mean, std },
    });
  } catch (error) {
    for (const { client } of readers) client.dispose();
    throw error;
  }
}

/**
 * @param {number} count
 * @param {(number: number) => Promise<Reader>} open
 * @returns {Promise<Reader[]>} all of them, or none is left
 */
async function openReaders(count, open) {
  const opening = await Promise.allSettled(Array.from({ length: count }, (_, i) => open(i)));
  const readers = opening.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  try {
    const failed = opening.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    const [first, ...others] = readers.map(({ folder }) => folder.files.join('\n'));
    if (others.every((files) => files === first)) return readers;
    const changed = 'imageStream: the folder changed while it was opened.';
    throw new IoError(changed, { field: 'source' });
  } catch (error) {
    for (const { client } of readers) client.dispose();
    throw error;
  }
}

/** @param {import('./data/image-files.js').WireSource} wire */
function defaultWorkers(wire) {
  // What is fetched, or lies in this program's memory, each would have again.
  const many =
    'place' in wire
      ? wire.place instanceof Blob || (typeof wire.place === 'string' && !isFetchable(wire.place))
      : wire.files.every(({ file }) => !(file instanceof Uint8Array));
  return many ? Math.min(4, Math.max(1, Math.floor(hardwareConcurrency() / 4))) : 1;
}

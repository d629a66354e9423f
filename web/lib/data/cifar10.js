/**
 * Loads CIFAR-10 in its binary layout: from the authors' archive, from its six files, or from a
 * folder or base URL that holds them. Bytes stream straight into a sink (the engine's memory);
 * beside the kept samples it needs under 2 MB.
 *
 * Source of the data set: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
 * 2009. It runs in the engine's worker, in browsers and in Node.
 */

import {
  ChecksumError,
  DuplicateError,
  FormatError,
  InputTypeError,
  MissingError,
} from '../errors.js';
import { openBytes, readAll } from './byte-source.js';
import { CIFAR10_FILES } from './cifar10-facts.js';
import { inside } from './inside.js';
import { RecordParser, sizeError } from './record-parser.js';
import { Sha256 } from './sha256.js';

export { CIFAR10_CLASSES, CIFAR10_FILES, CIFAR10_URL } from './cifar10-facts.js';

/**
 * @typedef {import('./byte-source.js').ByteSource} ByteSource
 * @typedef {import('./byte-source.js').OpenPath} OpenPath
 * @typedef {import('./cifar10-facts.js').DataFile} DataFile
 * @typedef {import('./cifar10-facts.js').Part} Part
 */

/**
 * Where the samples of one part go. The loader calls, in this order: `reserve` once; `writeChunk`
 * many times, each index in 0 … count − 1 exactly once, files in any order; and if anything fails
 * after `reserve` was called, `discard` once, after which it calls nothing more. So a sink that
 * frees its memory in `discard` leaves nothing half-loaded behind.
 *
 * @typedef {object} SampleSink
 * @property {(count: number) => void | Promise<void>} reserve makes room for `count` samples; may
 *   throw, which ends the load
 * @property {(first: number, samples: Uint8Array, labels: Uint8Array) => void} writeChunk copies n
 *   samples [n, 32, 32, 3] uint8 and their n labels to index `first` on. Synchronous; both arrays
 *   are used again after it returns. Engine memory may have grown since the last call: take its
 *   views anew.
 * @property {() => void} [discard] frees what was reserved
 */

/**
 * @typedef {object} LoadProgress
 * @property {'load'} phase
 * @property {number} loaded bytes of the source read so far
 * @property {number | undefined} total bytes of the source, where known
 *
 * @typedef {object} LoadOptions
 * @property {(progress: LoadProgress) => void} [onProgress] called at most every 50 ms, and at the
 *   end
 * @property {AbortSignal} [signal]
 * @property {boolean} [verify] compare each file's SHA-256, default true
 * @property {OpenPath} [openPath] how to open a path; Node only (`node/open-path.js`)
 * @property {readonly DataFile[]} [files] the files expected, default `CIFAR10_FILES`; another
 *   table loads another data set of 32 x 32 images and ten classes in the same layout
 *
 * @typedef {object} LoadResult
 * @property {number} bytes bytes of the source read
 * @property {number} train training samples written
 * @property {number} test test samples written
 */

/**
 * @typedef {Map<string, ByteSource> | Record<string, ByteSource>} NamedSources
 *   file name → content
 * @typedef {ByteSource | NamedSources | Iterable<File>} Cifar10Source
 *   - one `ByteSource` that is an archive (`.tar.gz`): Blob, File, stream, bytes, URL or path;
 *   - a string or URL that does not end in .tar, .tar.gz or .tgz: the folder of the six files;
 *   - a File named as one of the six files, an array or FileList of such Files, or of one archive;
 *   - a Map or plain object from file name to content.
 */

const PROGRESS_MS = 50;
/** What an archive may hold beside the data files: class names, a readme, padding. */
const ARCHIVE_SLACK = 16 * 1024 * 1024;

/**
 * Loads the parts for which there is a sink. A part's files must all be there.
 *
 * @param {Cifar10Source} source
 * @param {{ train?: SampleSink, test?: SampleSink }} sinks only the wanted parts
 * @param {LoadOptions} [options]
 * @returns {Promise<LoadResult>}
 * @throws {MissingError} a file is not there; the message lists all that are missing
 * @throws {DuplicateError} a file is there twice
 * @throws {FormatError} a file of the wrong size; CIFAR-100 or the Python version
 * @throws {LabelRangeError} a label above 9
 * @throws {ChecksumError} content other than the official one
 * @throws {GzipError} {TarError} {LimitError} a damaged or hostile archive
 * @throws {LoadError} {IoError} the source cannot be read
 * @throws {AbortedError} the signal fired
 * @throws {InputTypeError} a source or sink of the wrong type
 */
export async function loadCifar10(source, sinks, options = {}) {
  const load = new Load(sinks, options);
  try {
    await load.run(source);
    return load.result();
  } catch (error) {
    load.discard();
    throw error;
  }
}

/** One run of `loadCifar10`. */
class Load {
  #sinks;
  #options;
  /** @type {readonly DataFile[]} */
  #files;
  /** @type {Set<string>} */
  #seen = new Set();
  /** @type {Set<SampleSink>} */
  #reserved = new Set();
  #bytes = 0;
  #reported = -Infinity;

  /**
   * @param {{ train?: SampleSink, test?: SampleSink }} sinks
   * @param {LoadOptions} options
   */
  constructor(sinks, options) {
    if (!sinks?.train && !sinks?.test) {
      throw new InputTypeError('loadCifar10 needs a sink for train, test or both, found neither.');
    }
    this.#sinks = sinks;
    this.#options = options;
    this.#files = (options.files ?? CIFAR10_FILES).filter((file) => sinks[file.part]);
  }

  /** @param {Cifar10Source} source */
  async run(source) {
    const known = new Set((this.#options.files ?? CIFAR10_FILES).map((file) => file.name));
    const form = sourceForm(source, known);
    if (!('archive' in form)) this.#requireNames(form.names);
    await this.#reserve();
    if ('archive' in form) await this.#archive(form.archive);
    else await this.#separateFiles(form.open);
  }

  /** @returns {LoadResult} */
  result() {
    return { bytes: this.#bytes, train: this.#count('train'), test: this.#count('test') };
  }

  discard() {
    for (const sink of this.#reserved) sink.discard?.();
    this.#reserved.clear();
  }

  /** @param {Part} part */
  #count(part) {
    const counts = this.#files.filter((file) => file.part === part).map((file) => file.count);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #reserve() {
    for (const part of /** @type {const} */ (['train', 'test'])) {
      const sink = this.#sinks[part];
      if (!sink) continue;
      // Before the call: a sink that fails half-way must be told to clean up as well.
      this.#reserved.add(sink);
      await sink.reserve(this.#count(part));
    }
  }

  /** @param {((name: string) => boolean) | undefined} names */
  #requireNames(names) {
    if (!names) return;
    const missing = this.#files.map((file) => file.name).filter((name) => !names(name));
    if (missing.length > 0) throw missingError(missing, this.#files.length);
  }

  /** @param {(name: string) => ByteSource} open */
  async #separateFiles(open) {
    const total = this.#files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of this.#files) {
      const { stream, size } = await openBytes(open(file.name), this.#options);
      if (size !== undefined && size !== file.bytes) {
        stream.cancel().catch(() => {});
        throw sizeError(file.name, file.count, size);
      }
      const consumer = this.#consumer(file);
      await readAll(stream, this.#options.signal, (bytes) => {
        this.#bytes += bytes.length;
        consumer.push(bytes);
        this.#report(this.#bytes, total);
      });
      consumer.end();
    }
    this.#report(this.#bytes, total, true);
  }

  /** @param {ByteSource} source */
  async #archive(source) {
    const { stream, size } = await openBytes(source, this.#options);
    const all = this.#options.files ?? CIFAR10_FILES;
    /** @type {string[]} */
    const others = [];
    // Loaded here: who reads the .bin files never needs it.
    const { readTar } = await import('./tar-members.js');
    await readTar(stream, {
      maxBytes: all.reduce((sum, file) => sum + file.bytes, ARCHIVE_SLACK),
      signal: this.#options.signal,
      onBytes: (bytes) => {
        this.#bytes = bytes;
        this.#report(bytes, size);
      },
      onMember: (member) => {
        const file = this.#files.find(({ name }) => name === member.name);
        if (!file || !member.regular) {
          if (member.regular && others.length < 100) others.push(member.name);
          return undefined;
        }
        if (member.size !== file.bytes) throw sizeError(file.name, file.count, member.size);
        return this.#consumer(file);
      },
    });
    const missing = this.#files.map((file) => file.name).filter((name) => !this.#seen.has(name));
    if (missing.length > 0) throw wrongArchive(others) ?? missingError(missing, this.#files.length);
    this.#report(this.#bytes, size, true);
  }

  /**
   * @param {DataFile} file
   * @returns {import('./tar-members.js').MemberConsumer}
   */
  #consumer(file) {
    if (this.#seen.has(file.name)) throw new DuplicateError(`The source holds ${file.name} twice.`);
    this.#seen.add(file.name);
    const sink = /** @type {SampleSink} */ (this.#sinks[file.part]);
    const parser = new RecordParser({
      name: file.name,
      count: file.count,
      first: this.#firstIndex(file),
      write: (first, samples, labels) => sink.writeChunk(first, samples, labels),
    });
    const hash = this.#options.verify === false ? undefined : new Sha256();
    return {
      push(bytes) {
        hash?.update(bytes);
        parser.push(bytes);
      },
      end() {
        parser.end();
        const found = hash?.hex();
        if (found === undefined || found === file.sha256) return;
        throw new ChecksumError(
          `${file.name}: SHA-256 ${found}, expected ${file.sha256}. The file is damaged or is ` +
            'not the official one.',
        );
      },
    };
  }

  /** @param {DataFile} file */
  #firstIndex(file) {
    let first = 0;
    for (const { name, part, count } of this.#files) {
      if (name === file.name) break;
      if (part === file.part) first += count;
    }
    return first;
  }

  /**
   * @param {number} loaded
   * @param {number | undefined} total
   * @param {boolean} [last]
   */
  #report(loaded, total, last = false) {
    const { onProgress } = this.#options;
    const now = performance.now();
    if (!onProgress || (!last && now - this.#reported < PROGRESS_MS)) return;
    this.#reported = now;
    onProgress({ phase: 'load', loaded, total });
  }
}

/**
 * @typedef {{ archive: ByteSource }
 *   | { open: (name: string) => ByteSource, names?: (name: string) => boolean }} SourceForm
 */

/**
 * @param {Cifar10Source} source
 * @param {Set<string>} known names of the data files
 * @returns {SourceForm}
 */
function sourceForm(source, known) {
  if (typeof source === 'string' || source instanceof URL) {
    const path = String(source).replace(/[?#].*$/, '');
    if (/\.(tar|tgz|tar\.gz)$/i.test(path)) return { archive: source };
    return { open: (name) => inside(source, name) };
  }
  if (source instanceof Blob && known.has(nameOf(source))) return fileList([source], known);
  if (
    source instanceof Blob ||
    source instanceof Uint8Array ||
    source instanceof ArrayBuffer ||
    source instanceof ReadableStream
  ) {
    return { archive: source };
  }
  if (source instanceof Map) return named(source);
  if (source !== null && typeof source === 'object') {
    if (Symbol.iterator in source) return fileList(Array.from(source), known);
    return named(new Map(Object.entries(source)));
  }
  throw new InputTypeError(
    `A CIFAR-10 source cannot be ${source === null ? 'null' : typeof source}.`,
  );
}

/**
 * @param {Map<string, ByteSource>} sources
 * @returns {SourceForm}
 */
function named(sources) {
  return {
    open: (name) => /** @type {ByteSource} */ (sources.get(name)),
    names: (name) => sources.has(name),
  };
}

/**
 * @param {unknown[]} files
 * @param {Set<string>} known
 * @returns {SourceForm}
 */
function fileList(files, known) {
  /** @type {Map<string, ByteSource>} */
  const byName = new Map();
  for (const file of files) {
    if (!(file instanceof Blob)) {
      throw new InputTypeError('A list of CIFAR-10 files must hold File objects with their names.');
    }
    const name = nameOf(file);
    if (files.length === 1 && !known.has(name)) return { archive: file };
    if (byName.has(name) && known.has(name)) {
      throw new DuplicateError(`The list of files holds ${name} twice.`);
    }
    byName.set(name, file);
  }
  return named(byName);
}

/**
 * @param {Blob} blob
 * @returns {string} empty for a Blob that is not a File
 */
function nameOf(blob) {
  return 'name' in blob && typeof blob.name === 'string' ? blob.name : '';
}

/**
 * @param {string[]} missing
 * @param {number} expected
 */
function missingError(missing, expected) {
  return new MissingError(
    `The source lacks ${missing.length} of ${expected} files: ${missing.join(', ')}.`,
  );
}

/**
 * @param {string[]} members
 * @returns {FormatError | undefined} for an archive known to be another one
 */
function wrongArchive(members) {
  if (members.includes('fine_label_names.txt') || members.includes('train.bin')) {
    return new FormatError(
      'This is CIFAR-100 (records of 3074 bytes), expected CIFAR-10 (records of 3073 bytes).',
    );
  }
  if (members.includes('data_batch_1') || members.includes('batches.meta')) {
    return new FormatError(
      'This is the Python version of CIFAR-10, expected the binary version ' +
        '(cifar-10-binary.tar.gz).',
    );
  }
  return undefined;
}

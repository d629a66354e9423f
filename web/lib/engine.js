/** An engine: one worker with its memory, threads, models and data sets; and the shared one. */

import { absoluteUrl } from '#platform';
import { Client } from './client.js';
import { makeDataset } from './dataset.js';
import { cifar10, cifar10Sample, holdDropped } from './datasets.js';
import { asyncDisposeSymbol, disposeSymbol } from './disposable.js';
import { ConfigError, StateError } from './errors.js';
import { loadModel, loadOnnxModel, makeGraph, makeSequential } from './make-model.js';
import { needBoolean, needOneOf, needWhole, readOptions, wrongType } from './options.js';

/**
 * @typedef {object} EngineOptions
 * @property {number} [threads] default the machine's processors; more than 16 count as 16
 * @property {boolean} [deterministic] plain SIMD only: the same bits on every machine and for
 *   every number of threads. Default false
 * @property {'auto' | 'plain' | 'relaxed'} [simd] default 'auto': relaxed where it exists
 * @property {string | URL} [wasmUrl] the folder of the engine's .wasm files, or one such file;
 *   default beside the library. The engine's second file, `…-rest.wasm`, lies beside the first
 * @property {string | URL} [workerUrl] where worker.js lies; default beside the library
 *
 * @typedef {object} EngineInfo
 * @property {'simd' | 'simd-threads' | 'relaxed' | 'relaxed-threads'} build
 * @property {boolean} simd
 * @property {boolean} relaxedSimd whether the build uses relaxed SIMD
 * @property {number} threads that compute
 * @property {number} hardwareConcurrency the machine's processors
 * @property {boolean} isolated whether memory can be shared between threads here
 * @property {string} reason why this build and this number of threads, for people
 * @property {string} version of the library
 * @property {{ live: number, peak: number, datasets: number, heap: number, allocations: number,
 *   liveAllocations: number }} memory bytes held, most ever held, of data sets, of WebAssembly
 *   memory; blocks ever asked for, blocks held
 */

const WHERE = { what: 'init' };
const OPTIONS = /** @type {const} */ ([
  'threads',
  'deterministic',
  'simd',
  'wasmUrl',
  'workerUrl',
  'threadTimeout',
]);

export class Engine {
  #client;
  #readers;

  /**
   * Not for programs: use `createEngine`.
   *
   * @param {Client} client
   * @param {import('./image-stream.js').ReaderPool} readers workers beside its own, which end with it
   */
  constructor(client, readers) {
    this.#client = client;
    this.#readers = readers;
    /** Loaders of known data sets. */
    this.datasets = Object.freeze({
      /** @param {import('./datasets.js').LoadOptions} [options] */
      cifar10: (options) => cifar10(client, options),
      /** @param {import('./datasets.js').LoadOptions} [options] */
      cifar10Sample: (options) => cifar10Sample(client, options),
      /**
       * @template {import('./image-options.js').ImageFolderOptions} Options
       * @param {import('./image-options.js').ImageSource} source
       * @param {Options} [options]
       */
      imageFolder: async (source, options) => {
        const held = holdDropped(source);
        const { imageFolder } = await import('./image-folder.js');
        return imageFolder(client, held, options);
      },
      /**
       * @param {import('./image-options.js').ImageSource} source
       * @param {import('./image-stream.js').ImageStreamOptions} [options]
       */
      imageStream: async (source, options) => {
        const held = holdDropped(source);
        const { imageStream } = await import('./image-stream.js');
        return imageStream(readers, held, options);
      },
    });
  }

  /** False once it was disposed or its worker failed. */
  get alive() {
    return this.#client.alive;
  }

  /** @returns {Promise<EngineInfo>} */
  info() {
    return this.#client.call('info');
  }

  /**
   * @param {readonly import('./layers.js').Layer[]} layers
   * @param {{ seed?: number, name?: string }} [options] seed default 0
   */
  sequential(layers, options) {
    return makeSequential(this.#client, layers, options);
  }

  /** @param {import('./make-model.js').GraphOptions} options */
  model(options) {
    return makeGraph(this.#client, options);
  }

  /** @param {import('./dataset.js').DatasetOptions} options */
  dataset(options) {
    return makeDataset(this.#client, options);
  }

  /** @param {import('./checkpoint-source.js').CheckpointSource} source */
  load(source) {
    return loadModel(this.#client, source);
  }

  /**
   * @param {import('./checkpoint-source.js').CheckpointSource} source
   * @param {import('./make-model.js').OnnxOptions} [options]
   */
  loadOnnx(source, options) {
    return loadOnnxModel(this.#client, source, options);
  }

  /**
   * Measures the machine: the engine's own micro-kernel on data in the first-level cache, on all
   * threads. Blocks the worker meanwhile.
   *
   * @param {number} [iterations] default 1,000
   * @returns {Promise<number>} floating-point operations a second
   */
  async peak(iterations = 1000) {
    return this.#client.call('peak', { iterations: needWhole(iterations, 'iterations', WHERE, 1) });
  }

  /**
   * Ends the worker with everything in it; running calls reject with E_ABORTED, later ones with
   * E_DISPOSED. A second call does nothing.
   *
   * @returns {Promise<void>}
   */
  async dispose() {
    this[disposeSymbol]();
  }

  [disposeSymbol]() {
    this.#client.dispose();
    for (const reader of this.#readers.running) reader.dispose();
  }

  [asyncDisposeSymbol]() {
    return this.dispose();
  }
}

/**
 * Starts an engine of its own: its worker, memory and threads are shared with no other.
 *
 * @param {EngineOptions} [options]
 * @returns {Promise<Engine>}
 * @throws {UnsupportedError} no WebAssembly SIMD or no workers here
 * @throws {LoadError} a file of the engine is missing or damaged; names the URL
 * @throws {ConfigError} {OutOfMemoryError} {WorkerError}
 */
export async function createEngine(options) {
  const { workerUrl, wasmUrl, ...given } = readOptions(options, OPTIONS, WHERE);
  for (const name of /** @type {const} */ (['threads', 'threadTimeout'])) {
    if (given[name] !== undefined) needWhole(given[name], name, WHERE, 1);
  }
  if (given.deterministic !== undefined) needBoolean(given.deterministic, 'deterministic', WHERE);
  if (given.simd !== undefined) needOneOf(given.simd, ['auto', 'plain', 'relaxed'], 'simd', WHERE);
  if (given.deterministic && given.simd === 'relaxed') {
    throw new ConfigError("init: deterministic and simd: 'relaxed' exclude each other.", {
      field: 'simd',
    });
  }
  const place = readUrl(workerUrl, 'workerUrl');
  const wasm = readUrl(wasmUrl, 'wasmUrl');
  const settings = { ...given, wasmUrl: wasm };
  // A single file is of one build, which goes with the number of threads.
  const reading = wasm?.includes('.wasm') ? settings : { ...settings, threads: 1 };
  const client = await startClient(place, settings);
  return new Engine(client, {
    owner: client,
    start: () => startClient(place, reading),
    running: new Set(),
  });
}

/**
 * @param {string | undefined} workerUrl
 * @param {object} settings
 * @returns {Promise<Client>}
 */
async function startClient(workerUrl, settings) {
  const client = new Client(workerUrl);
  try {
    await client.call('start', settings);
  } catch (error) {
    client.dispose();
    throw error;
  }
  return client;
}

/** @param {unknown} value @param {string} field */
function readUrl(value, field) {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' && !(value instanceof URL)) {
    throw wrongType(value, field, 'a URL', WHERE);
  }
  return absoluteUrl(value);
}

/** The engine that `sequential`, `dataset` and the others share. @type {Promise<Engine> | null} */
let shared = null;

/**
 * Starts the shared engine with options; without this call the first use starts it with none.
 *
 * @param {EngineOptions} [options]
 * @returns {Promise<EngineInfo>}
 * @throws {StateError} it runs already and options are given; `dispose` it first
 */
export async function init(options) {
  const running = shared && (await shared).alive;
  if (running && options !== undefined) {
    throw new StateError('init: the engine runs already; call dispose before new options.');
  }
  return (await sharedEngine(options)).info();
}

/**
 * @param {EngineOptions} [options]
 * @returns {Promise<Engine>}
 */
export async function sharedEngine(options) {
  const before = shared;
  if (before && (await before).alive) return before;
  // Another call may have started one while this one waited.
  if (shared && shared !== before) return shared;
  const starting = createEngine(options);
  shared = starting;
  starting.catch(() => {
    if (shared === starting) shared = null;
  });
  return starting;
}

/** Ends the shared engine, if there is one. @returns {Promise<void>} */
export async function dispose() {
  const engine = shared;
  shared = null;
  await (await engine?.catch(() => undefined))?.dispose();
}

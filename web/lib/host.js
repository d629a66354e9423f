/** What the worker can be asked: a table of methods over one engine with its models and data. */

import { hardwareConcurrency, whyNoThreads } from '#platform';
import { DisposedError, InternalError } from './errors.js';
import { addDataset, dataMethods, removeDataset } from './host-data.js';
import { modelMethods } from './host-models.js';
import { RestMissing } from './native.js';
import { startRuntime } from './runtime.js';
import { VERSION } from './version.js';

/**
 * @typedef {import('./task.js').Task} Task
 * @typedef {import('./host-dataset.js').HostDataset} HostDataset
 * @typedef {import('./host-model.js').HostModel} HostModel
 *
 * @typedef {object} Answer
 * @property {any} [value]
 * @property {Transferable[]} [transfer]
 *
 * @typedef {(host: Host, args: any, task: Task) => Answer | void | Promise<Answer | void>} Method
 */

export class Host {
  /** @type {import('./native.js').Native | undefined} */
  #native;
  /** @type {import('./runtime.js').Choice | undefined} */
  #choice;
  #lastId = 0;
  /** @type {Map<number, HostDataset>} */
  datasets = new Map();
  /** @type {Map<number, HostModel>} */
  models = new Map();
  /** @type {Map<number, import('./host-stream.js').HostStream>} */
  streams = new Map();
  /** @type {Map<number, import('./host-image-stream.js').HostImages>} */
  images = new Map();

  /**
   * @param {string} method
   * @param {any} args
   * @param {Task} task
   * @returns {Promise<Answer>}
   */
  async handle(method, args, task) {
    const run = METHODS.get(method);
    if (!run) throw new InternalError(`The worker knows no method ${method}.`);
    const brought = args.data?.brought;
    if (!brought) return this.#run(run, args, task);
    // Samples that came with the call live as long as it.
    const { id } = addDataset(this, brought);
    try {
      const data = { ...args.data, dataset: id };
      return await this.#run(run, { ...args, data }, task);
    } finally {
      removeDataset(this, id);
    }
  }

  /**
   * A call that needs the engine's second file fails with nothing changed, and is made again once that is loaded.
   *
   * @param {Method} run
   * @param {any} args
   * @param {Task} task
   * @returns {Promise<Answer>}
   */
  async #run(run, args, task) {
    try {
      return (await run(this, args, task)) ?? {};
    } catch (error) {
      if (!(error instanceof RestMissing)) throw error;
    }
    await this.native.loadRest();
    return (await run(this, args, task)) ?? {};
  }

  get native() {
    if (!this.#native) throw new InternalError('The engine was used before it was started.');
    return this.#native;
  }

  /** A number that no other object of this host has. */
  newId() {
    return ++this.#lastId;
  }

  /** @param {number} id */
  model(id) {
    const model = this.models.get(id);
    if (!model) throw new DisposedError('The model was disposed.');
    return model;
  }

  /** @param {number} id */
  dataset(id) {
    const dataset = this.datasets.get(id);
    if (!dataset) throw new DisposedError('The data set was disposed.');
    return dataset;
  }

  /** @param {number} id */
  stream(id) {
    const stream = this.streams.get(id);
    if (!stream) throw new DisposedError('The stream was closed.');
    return stream;
  }

  /** @param {import('./runtime.js').RuntimeOptions} options */
  async start(options) {
    const { native, choice } = await startRuntime(options);
    this.#native = native;
    this.#choice = choice;
  }

  info() {
    const { native } = this;
    const choice = /** @type {import('./runtime.js').Choice} */ (this.#choice);
    return {
      build: choice.build,
      simd: true,
      relaxedSimd: native.info('RELAXED_SIMD') === 1,
      threads: native.info('THREADS'),
      hardwareConcurrency: hardwareConcurrency(),
      isolated: whyNoThreads() === undefined,
      reason: choice.reason,
      version: VERSION,
      memory: {
        live: native.info('LIVE_BYTES'),
        peak: native.info('PEAK_BYTES'),
        datasets: native.info('DATASET_BYTES'),
        allocations: native.info('ALLOCATIONS'),
        liveAllocations: native.info('LIVE_ALLOCATIONS'),
        heap: native.heap.size,
      },
    };
  }
}

/** A Map, so that no method name reaches `Object.prototype`. */
const METHODS = new Map(
  /** @type {[string, Method][]} */ ([
    ['start', (host, options) => host.start(options)],
    ['info', (host) => ({ value: host.info() })],
    ['peak', (host, { iterations }) => ({ value: measurePeak(host, iterations) })],
    ...dataMethods,
    ...modelMethods,
  ]),
);

/**
 * @param {Host} host
 * @param {number} iterations
 * @returns {number} floating-point operations a second
 */
function measurePeak({ native }, iterations) {
  const started = performance.now();
  const operations = native.peak(iterations);
  return (operations * 1000) / Math.max(performance.now() - started, 1e-3);
}

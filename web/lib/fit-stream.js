/** `fit` and `evaluate` on samples that come meanwhile: the program's side of host-stream.js. */

import { ItemReader, SampleStream, batchesOf, randomOf, refuseSeveral } from './data/stream.js';
import { sizeOf } from './dataset-options.js';
import { ConfigError } from './errors.js';

/**
 * @typedef {import('./client.js').Client} Client
 *
 * @typedef {object} StreamUse
 * @property {readonly { shape: number[] }[]} inputs
 * @property {readonly unknown[]} outputs
 * @property {'classes' | 'values' | 'auto'} kind of labels that the loss takes
 * @property {{ first: number, count?: number, sampleWeight?: unknown, validationSplit: number,
 *   stepsPerEpoch?: number }} job
 * @property {string} what for messages
 * @property {AbortSignal | undefined} signal
 */

/** Batches on their way to the worker, beside those in its queue. */
const ON_THE_WAY = 2;

/**
 * Runs a call that takes its batches from a stream.
 *
 * @template Result
 * @param {Client} client
 * @param {any} source what `isStream` took for one
 * @param {StreamUse} use
 * @param {(data: any, signal: AbortSignal) => Promise<Result>} run
 * @returns {Promise<Result>}
 * @throws what the program's source throws; {InputTypeError} {ShapeError} {EmptyError} of its samples
 */
export async function withStream(client, source, use, run) {
  const { inputs, outputs, job, signal, what } = use;
  if (inputs.length > 1 || outputs.length > 1) throw refuseSeveral({ what });
  refuseOptions(job, what);
  const samples = source instanceof SampleStream ? source : new SampleStream(source);
  const { prefetch, count } = samples.options;
  const opening = { ask: 'open', what, prefetch, count, steps: job.stepsPerEpoch };
  const id = await client.call('dataset.stream', opening);
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  const feeder = new Feeder(client, id, samples, use);
  /** Of the program's source. @type {{ error: unknown } | undefined} */
  let failure;
  feeder.run().catch((error) => {
    failure = { error };
    stop.abort(error);
  });
  try {
    return await run({ stream: id }, stop.signal);
  } catch (error) {
    throw failure && client.alive ? failure.error : error;
  } finally {
    signal?.removeEventListener('abort', abort);
    feeder.stop();
    client.call('dataset.stream', { ask: 'close', id }).catch(() => {});
  }
}

/** @param {StreamUse['job']} job @param {string} what */
function refuseOptions({ first, count, sampleWeight, validationSplit }, what) {
  const misplaced = Object.entries({
    first: first !== 0,
    count: count !== undefined,
    sampleWeight: sampleWeight !== undefined,
    validationSplit: validationSplit > 0,
  }).find(([, given]) => given);
  if (!misplaced) return;
  throw new ConfigError(
    `${what}: ${misplaced[0]} must be left out with a stream, whose samples are not known beforehand.`,
    { field: misplaced[0] },
  );
}

/** Reads the source and sends its batches, as long as some are wanted. */
class Feeder {
  #client;
  #id;
  #samples;
  #reader;
  #steps;
  #stopped = false;
  #batchSize = 0;
  /** Of a source that can be read once. @type {AsyncGenerator<import('./data/stream.js').Rows, void, void> | null} */
  #running = null;

  /**
   * @param {Client} client
   * @param {number} id
   * @param {SampleStream} samples
   * @param {StreamUse} use
   */
  constructor(client, id, samples, { inputs, kind, job, what }) {
    const { options } = samples;
    this.#client = client;
    this.#id = id;
    this.#samples = samples;
    this.#steps = job.stepsPerEpoch ?? Infinity;
    this.#reader = new ItemReader({
      size: sizeOf(options.shape ?? inputs[0].shape, { what }),
      kind: options.labels ?? kind,
      needLabels: true,
      normalization: options,
      what,
    });
  }

  async run() {
    for (;;) {
      /** @type {import('./host-stream.js').Wanted | null} */
      const wanted = await this.#ask('wanted');
      if (!wanted || this.#stopped) return;
      await this.#send(wanted);
    }
  }

  /** The source is told that no more is wanted; it may never answer, so nobody waits. */
  stop() {
    this.#stopped = true;
    if (!this.#samples.once) this.#close();
  }

  #close() {
    this.#running?.return().catch(() => {});
    this.#running = null;
  }

  /** @param {import('./host-stream.js').Wanted} wanted */
  async #send({ epoch, skip, batchSize }) {
    this.#batchSize = batchSize;
    this.#running ??= this.#batches(epoch);
    /** @type {Set<Promise<void>>} */
    const onTheWay = new Set();
    /** @type {unknown[]} */
    const faults = [];
    for (let number = 0; number < this.#steps && !this.#stopped; number++) {
      const { done, value: batch } = await this.#running.next();
      if (done || this.#stopped) break;
      if (number < skip) continue;
      const put = this.#put(batch).catch((error) => void faults.push(error));
      onTheWay.add(put);
      put.then(() => onTheWay.delete(put));
      while (onTheWay.size >= ON_THE_WAY) await Promise.race(onTheWay);
      if (faults.length > 0) throw faults[0];
    }
    await Promise.all(onTheWay);
    if (faults.length > 0) throw faults[0];
    if (this.#stopped) return;
    if (!this.#samples.once) this.#close();
    await this.#ask('end');
  }

  /** @param {number} epoch */
  #batches(epoch) {
    const { shuffleBuffer, seed } = this.#samples.options;
    return batchesOf(this.#samples.open(epoch), this.#reader, {
      batchSize: () => this.#batchSize,
      shuffleBuffer,
      random: randomOf(seed, epoch),
    });
  }

  /** @param {import('./data/stream.js').Rows} batch */
  async #put(batch) {
    const buffers = [batch.x, batch.y, batch.w].flatMap((part) => (part ? [part.buffer] : []));
    const { bytes: _, ...rest } = batch;
    await this.#ask('put', { batch: rest, facts: this.#reader.facts }, buffers);
  }

  /** @param {string} ask @param {object} [more] @param {Transferable[]} [transfer] */
  #ask(ask, more, transfer) {
    return this.#client.call('dataset.stream', { id: this.#id, ask, ...more }, { transfer });
  }
}

/**
 * Batches that a program sends while a model trains or is evaluated: a bounded queue in engine memory, the worker's
 * side of fit-stream.js. The program is asked for an epoch; it sends batches, each answered when it has its place in the
 * queue, and then the end. So the program runs ahead by the length of the queue and no further.
 */

import { nextTurn } from '#platform';
import { EmptyError, TabgradError, errorFromCode } from './errors.js';
import { HostDataset } from './host-dataset.js';
import { SLICE_MS } from './slice.js';
import { Measuring } from './trainer.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./host-model.js').HostModel} HostModel
 * @typedef {import('./trainer.js').Feed} Feed
 *
 * @typedef {object} WireBatch
 * @property {number} count samples: all that a batch has room for but in the last of an epoch
 * @property {Uint8Array<ArrayBuffer>} x
 * @property {Uint8Array<ArrayBuffer>} y
 * @property {Uint8Array<ArrayBuffer> | null} w weights
 *
 * @typedef {object} StreamFacts what the first sample shows
 * @property {[number, number, number]} size
 * @property {'uint8' | 'float32'} samples
 * @property {'none' | 'classes' | 'values'} labels
 * @property {number} labelSize
 * @property {boolean} weighted
 * @property {import('./host-dataset.js').Normalization} [normalization]
 *
 * @typedef {object} Queued
 * @property {HostDataset} place
 * @property {number} first where the batch lies in it
 * @property {number} count
 *
 * @typedef {{ epoch: number, skip: number, batchSize: number }} Wanted an epoch from its batch `skip` on
 */

/** @implements {Feed} */
export class HostStream {
  first = 0;
  count = 0;
  /** Of an epoch: how many there were, before that how many are expected; 0: nobody knows. */
  batches = 0;
  /** @type {Feed['facts']} */
  facts = null;
  #host;
  #what;
  #prefetch;
  #expected;
  #batchSize = 0;
  /** @type {Queued[]} */
  #queue = [];
  /** @type {HostDataset[]} */
  #places = [];
  /** @type {HostDataset[]} */
  #free = [];
  /** For a short batch: it lies behind a whole one, so that the plan of whole batches serves it. @type {HostDataset | null} */
  #tail = null;
  /** Number of the batch that comes next. */
  #coming = 0;
  #ended = false;
  #closed = false;
  /** @type {Wanted | null} */
  #wanted = null;
  /** @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {Host} host
   * @param {object} settings
   * @param {string} settings.what for messages
   * @param {number} settings.prefetch batches in the queue
   * @param {number} [settings.count] samples of an epoch
   * @param {number} [settings.steps] batches after which an epoch ends
   */
  constructor(host, { what, prefetch, count = Infinity, steps = Infinity }) {
    this.#host = host;
    this.#what = what;
    this.#prefetch = prefetch;
    this.#expected = { count, steps };
  }

  /** Samples of an epoch; undefined: nobody knows. */
  get total() {
    const { count } = this.#expected;
    return count === Infinity ? undefined : count;
  }

  // ---- what the trainer asks ----

  /** @type {Feed['begin']} */
  begin(_model, { batchSize }, epoch, skip) {
    if (batchSize !== this.#batchSize) {
      this.#dropPlaces();
      const { count, steps } = this.#expected;
      const batches = Math.min(Math.ceil(count / batchSize), steps);
      this.batches = batches === Infinity ? 0 : batches;
    }
    this.#batchSize = batchSize;
    this.#wanted = { epoch, skip, batchSize };
    this.#coming = skip;
    this.#ended = false;
    this.#wake();
  }

  /** @type {Feed['ready']} */
  async ready(batch, task) {
    while (this.#queue.length === 0 && !this.#ended && !task.stopped) {
      await Promise.race([this.#change(), task.change()]);
      task.throwIfCancelled();
    }
    if (this.#queue.length > 0 || task.stopped) return this.#queue.length;
    if (batch === 0)
      throw new EmptyError(`${this.#what}: the stream gave no sample.`, { field: 'x' });
    this.batches = batch;
    return 0;
  }

  /** @type {Feed['step']} */
  step(model) {
    const { epoch, batch } = model.position;
    const { native } = model;
    return this.#take(({ place, first, count }) => {
      const plan = {
        first: 0,
        count: first + count,
        batch: this.#batchSize,
        // Samples are counted from 0 in every batch: with its number they draw numbers of their own.
        epoch: (epoch % 2 ** 32) + (batch % 2 ** 21) * 2 ** 32,
        shuffle: false,
      };
      native.trainBegin(model.pointer, place.pointer, plan);
      return native.trainStep(model.pointer, first > 0 ? 1 : 0);
    });
  }

  /**
   * Measures the next batch.
   *
   * @param {HostModel} model
   * @param {Measuring} measuring
   * @returns {number} its samples
   */
  measure({ native, pointer }, measuring) {
    return this.#take(({ place, first, count }) => {
      const run = () => native.evaluate(pointer, place.pointer, first, count, this.#batchSize);
      measuring.add(run, count, place.facts);
      return count;
    });
  }

  /**
   * Takes a batch from the queue; its place is free for another one when it has been used.
   *
   * @template Result
   * @param {(queued: Queued) => Result} use
   * @returns {Result}
   */
  #take(use) {
    const queued = /** @type {Queued} */ (this.#queue.shift());
    try {
      return use(queued);
    } finally {
      if (queued.place !== this.#tail) this.#free.push(queued.place);
      this.#wake();
    }
  }

  // ---- what the program sends ----

  /** @returns {Promise<Wanted | null>} null: nothing more is wanted */
  async wanted() {
    while (!this.#wanted && !this.#closed) await this.#change();
    const wanted = this.#wanted;
    this.#wanted = null;
    return this.#closed ? null : wanted;
  }

  /**
   * @param {WireBatch} batch
   * @param {StreamFacts} facts
   */
  async put(batch, facts) {
    const number = this.#coming++;
    const short = batch.count < this.#batchSize;
    if (short) this.#tail ??= this.#placeFor(facts, 2 * this.#batchSize);
    else if (this.#places.length < this.#prefetch) this.#addPlace(facts);
    while (!short && this.#free.length === 0 && !this.#closed) await this.#change();
    if (this.#closed) return;
    const place = /** @type {HostDataset} */ (short ? this.#tail : this.#free.shift());
    const first = short ? this.#batchSize : 0;
    try {
      place.write('x', first * place.sampleBytes, batch.x);
      place.write('y', first * place.labelBytes, batch.y);
      if (batch.w) place.write('w', first * 4, batch.w);
      place.seal(facts.normalization);
    } catch (error) {
      if (!(error instanceof TabgradError)) throw error;
      const { code, message } = error;
      throw errorFromCode(code, `${this.#what}: batch ${number} of the stream: ${message}`, {
        field: 'x',
      });
    }
    this.#queue.push({ place, first, count: batch.count });
    this.#wake();
  }

  /** The epoch is over; all that was put has its place. */
  end() {
    this.#ended = true;
    this.#wake();
  }

  /** Frees the memory; whoever waits is told that nothing more is wanted. */
  close() {
    this.#closed = true;
    this.#dropPlaces();
    this.#wake();
  }

  /** @param {StreamFacts} facts */
  #addPlace(facts) {
    const place = this.#placeFor(facts, this.#batchSize);
    this.#places.push(place);
    this.#free.push(place);
  }

  /** @param {StreamFacts} facts @param {number} count */
  #placeFor({ normalization: _, ...facts }, count) {
    const place = new HostDataset(this.#host, { ...facts, count });
    place.clear();
    this.facts = place.facts;
    return place;
  }

  #dropPlaces() {
    for (const place of this.#places) place.dispose();
    this.#tail?.dispose();
    this.#places = [];
    this.#free = [];
    this.#queue = [];
    this.#tail = null;
  }

  /** @returns {Promise<void>} */
  #change() {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/**
 * Loss and metrics of all that a stream gives.
 *
 * @param {HostModel} model
 * @param {HostStream} stream
 * @param {number} batchSize
 * @param {import('./task.js').Task} task
 * @returns {Promise<ReturnType<Measuring['means']>>}
 */
export async function evaluateStream(model, stream, batchSize, task) {
  const measuring = new Measuring(model, batchSize);
  let [batch, done] = [0, 0];
  try {
    stream.begin(model, { first: 0, count: 0, batchSize, shuffle: false }, 0, 0);
    for (;;) {
      const end = batch + (await stream.ready(batch, task));
      task.throwIfCancelled();
      if (end === batch || task.stopped) return measuring.means();
      const started = performance.now();
      for (; batch < end && performance.now() - started < SLICE_MS; batch++) {
        done += stream.measure(model, measuring);
      }
      task.emit({ done, total: stream.total });
      await nextTurn();
    }
  } finally {
    measuring.dispose();
  }
}

/**
 * @param {Host} host
 * @param {any} args `open`, or the number of a stream and what is asked of it
 * @returns {Promise<import('./host.js').Answer>}
 */
export async function answerStream(host, { id, ask, batch, facts, ...settings }) {
  if (ask === 'open') {
    const opened = host.newId();
    host.streams.set(opened, new HostStream(host, settings));
    return { value: opened };
  }
  const stream = host.stream(id);
  if (ask === 'wanted') return { value: await stream.wanted() };
  if (ask === 'put') await stream.put(batch, facts);
  if (ask === 'end') stream.end();
  if (ask === 'close') {
    stream.close();
    host.streams.delete(id);
  }
  return {};
}

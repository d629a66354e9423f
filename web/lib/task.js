/** One call in progress, as the worker sees it: its events, and what the client tells it meanwhile. */

import { AbortedError } from './errors.js';

/**
 * @typedef {{ type: 'ack' } | { type: 'pause' } | { type: 'resume' } | { type: 'stop' }
 *   | { type: 'batchSize', value: number } | { type: 'rates', values: Float64Array<ArrayBuffer> }} Note
 */

export class Task {
  #post;
  #acknowledged = 0;
  #sent = 0;
  #paused = false;
  /** @type {(() => void)[]} */
  #waiting = [];
  #abort = new AbortController();
  /** What the next epochs shall have. @type {number | null} */
  batchSize = null;
  /** Learning rates that the work asked for. */
  rates = new Float64Array(0);
  /** Ends the work after the step in flight, without an error. */
  stopped = false;

  /** @param {(event: unknown, transfer?: Transferable[]) => void} post sends an event to the client */
  constructor(post) {
    this.#post = post;
  }

  /** Fires when the client gives the call up. */
  get signal() {
    return this.#abort.signal;
  }

  /** Events that the client has not yet dealt with. */
  get unanswered() {
    return this.#sent - this.#acknowledged;
  }

  /** @param {unknown} event @param {Transferable[]} [transfer] */
  emit(event, transfer) {
    this.#sent++;
    this.#post(event, transfer);
  }

  /** @param {string} [why] such as `the model was disposed` */
  cancel(why) {
    if (this.signal.aborted) return;
    this.#abort.abort(why);
    this.#wake();
  }

  /** @param {Note} note */
  note(note) {
    if (note.type === 'ack') this.#acknowledged++;
    else if (note.type === 'stop') this.stopped = true;
    else if (note.type === 'batchSize') this.batchSize = note.value;
    else if (note.type === 'rates') this.rates = note.values;
    else this.#paused = note.type === 'pause';
    this.#wake();
  }

  /**
   * Waits while paused, and until the client has dealt with all but `window` events.
   *
   * @param {number} window
   * @throws {AbortedError} when the call is cancelled, at once
   */
  async ready(window) {
    this.throwIfCancelled();
    while (!this.stopped && (this.#paused || this.unanswered > window)) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        this.#waiting.push(resolve);
      });
      this.throwIfCancelled();
    }
  }

  /** @throws {AbortedError} */
  throwIfCancelled() {
    if (!this.signal.aborted) return;
    const { reason } = this.signal;
    throw new AbortedError(
      typeof reason === 'string' ? `The operation was aborted: ${reason}.` : undefined,
    );
  }

  /** Waits for a note, or for the call to be given up. @returns {Promise<void>} */
  change() {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

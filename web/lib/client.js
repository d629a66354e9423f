/**
 * The program's end of the worker: calls with numbers, their events, their results. Whatever
 * happens to the worker, every call that was begun settles.
 */

import { startWorker } from '#platform';
import { AbortedError, DisposedError, WorkerError, abortedError, fromWire } from './errors.js';

/**
 * @typedef {object} CallOptions
 * @property {Transferable[]} [transfer]
 * @property {AbortSignal} [signal] gives the call up; it then rejects with an `AbortedError`
 * @property {(event: any) => void} [onEvent]
 * @property {boolean} [job] long work, which ends with `E_ABORTED` when the engine is disposed
 *
 * @typedef {object} Call
 * @property {Promise<any>} result
 * @property {(note: import('./task.js').Note) => void} note tells the running call something
 * @property {() => void} cancel
 *
 * @typedef {object} Pending
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {CallOptions} options
 */

export class Client {
  #link;
  #lastId = 0;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  /** Why the worker is gone. @type {((pending?: Pending) => Error) | null} */
  #ended = null;

  /** @param {string | URL | undefined} workerUrl */
  constructor(workerUrl) {
    this.#link = startWorker(
      {
        onMessage: (message) => this.#receive(message),
        onDeath: (problem, cause) => {
          this.#end(() => new WorkerError(`The engine's worker failed: ${problem}.`, { cause }));
        },
      },
      workerUrl,
    );
  }

  /** Whether the worker can still be called. */
  get alive() {
    return this.#ended === null;
  }

  /**
   * @param {string} method
   * @param {unknown} [args] plain data
   * @param {CallOptions} [options]
   * @returns {Promise<any>}
   */
  call(method, args, options) {
    return this.begin(method, args, options).result;
  }

  /**
   * @param {string} method
   * @param {unknown} [args]
   * @param {CallOptions} [options]
   * @returns {Call}
   */
  begin(method, args = {}, options = {}) {
    const id = ++this.#lastId;
    const { signal, transfer } = options;
    const cancel = () => this.#post({ cancel: id });
    const result = new Promise((resolve, reject) => {
      if (this.#ended) throw this.#ended();
      if (signal?.aborted) throw abortedError(signal);
      this.#pending.set(id, { resolve, reject, options });
      this.#link.hold(true);
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        this.#link.post({ call: id, method, args }, transfer);
      } catch (error) {
        // Something that cannot be cloned: nothing was sent.
        this.#forget(id);
        throw error;
      }
    });
    const settled = () => signal?.removeEventListener('abort', cancel);
    result.then(settled, settled);
    return { result, cancel, note: (note) => this.#post({ note, about: id }) };
  }

  /** Ends the worker with all its memory. Pending calls reject. */
  dispose() {
    this.#end((pending) =>
      pending?.options.job
        ? new AbortedError('The operation was aborted: the engine was disposed.')
        : new DisposedError('The engine was disposed.'),
    );
  }

  /** @param {unknown} message */
  #post(message) {
    if (!this.#ended) this.#link.post(message);
  }

  /** @param {any} message */
  #receive(message) {
    if ('event' in message) {
      this.#pending.get(message.about)?.options.onEvent?.(message.event);
      return;
    }
    const pending = this.#pending.get(message.of);
    if (!pending) return;
    this.#forget(message.of);
    if (!('error' in message)) return pending.resolve(message.result);
    const error = fromWire(message.error);
    const { signal } = pending.options;
    // The signal's reason need not be cloneable, so it never went to the worker.
    pending.reject(signal?.aborted && error instanceof AbortedError ? abortedError(signal) : error);
  }

  /** @param {number} id */
  #forget(id) {
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#link.hold(false);
  }

  /** @param {(pending?: Pending) => Error} why */
  #end(why) {
    if (this.#ended) return;
    this.#ended = why;
    this.#link.terminate();
    for (const pending of this.#pending.values()) pending.reject(why(pending));
    this.#pending.clear();
  }
}

/** One run of `fit`, as the program sees it: its events, callbacks and history. */

import { logsOf } from './compile.js';

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./client.js').Call} Call
 * @typedef {import('./trainer.js').SliceEvent} SliceEvent
 * @typedef {import('./trainer.js').EpochEvent} EpochEvent
 * @typedef {import('./trainer.js').BeginEvent} BeginEvent
 * @typedef {import('./scheduled-rate.js').RatesEvent} RatesEvent
 *
 * @typedef {{ loss: number, accuracy?: number, valLoss?: number, valAccuracy?: number,
 *   learningRate?: number, [name: string]: number | undefined }} Logs means over the samples of the
 *   epoch so far; callbacks may add to them
 *
 * @typedef {object} Progress
 * @property {number} epoch counted from 0
 * @property {number} batches steps of an epoch
 * @property {number} msPerStep of the slice that the step was part of
 * @property {number} imagesPerSecond samples a second in that slice
 *
 * @typedef {import('./hooks.js').Hooks} Hooks
 *
 * @typedef {object} Callbacks each may be async and is awaited; one that throws ends `fit`
 * @property {() => unknown} [onTrainBegin]
 * @property {(batch: number, logs: Logs, progress: Progress) => unknown} [onBatchEnd] once for every
 *   step, in order, delivered a slice (about `yieldEvery` ms) at a time. The worker runs at most one
 *   slice ahead; with `yieldEvery: 0` the callback has returned before the next step begins
 * @property {(epoch: number, logs: Logs, progress: Progress) => unknown} [onEpochEnd] has returned
 *   before the next epoch begins
 * @property {(history: History) => unknown} [onTrainEnd] not called when `fit` rejects
 *
 * @typedef {object} History
 * @property {number[]} epoch numbers of the epochs that were finished
 * @property {{ loss: number[], accuracy?: number[], valLoss?: number[], valAccuracy?: number[],
 *   learningRate?: number[] } & { [name: string]: number[] }} history one value for each of them
 * @property {boolean} stopped whether `stopTraining`, or an error that a callback took, ended it
 * @property {unknown} [error] that a callback took for an ordinary end (terminateOnNaN)
 */

/** @type {readonly (keyof Callbacks)[]} */
export const CALLBACK_NAMES = Object.freeze([
  'onTrainBegin',
  'onBatchEnd',
  'onEpochEnd',
  'onTrainEnd',
]);

/** `valLoss` of `loss`. @param {string} name */
const validationName = (name) => `val${name[0].toUpperCase()}${name.slice(1)}`;

/** @typedef {(event: RatesEvent) => import('./task.js').Note} RatesAnswer */

export class FitRun {
  #callbacks;
  #rates;
  #told;
  /** @type {Call | null} */
  #call = null;
  /** What was asked for before the call began. */
  #stopped = false;
  #paused = false;
  /** @type {Promise<void>} */
  #handled = Promise.resolve();
  /** @type {{ error: unknown } | null} */
  #failure = null;
  #speed = { msPerStep: 0, imagesPerSecond: 0 };
  /** @type {History} */
  #history;

  /**
   * @param {readonly Hooks[]} callbacks
   * @param {{ told: import('./compile.js').Told, validation: boolean }} reported
   * @param {RatesAnswer} rates
   */
  constructor(callbacks, { told, validation }, rates) {
    this.#callbacks = callbacks;
    this.#rates = rates;
    this.#told = told;
    /** @type {History['history']} */
    const history = { loss: [] };
    const names = Object.keys(logsOf(told, { loss: 0, accuracy: 0, metrics: [] }));
    for (const name of names) history[name] = [];
    if (validation) for (const name of names) history[validationName(name)] = [];
    this.#history = { epoch: [], history, stopped: false };
  }

  /** Ends training after the step in flight. */
  stop() {
    this.#stopped = true;
    this.#call?.note({ type: 'stop' });
  }

  /** From the next epoch on. @param {number} value */
  setBatchSize(value) {
    this.#call?.note({ type: 'batchSize', value });
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.#paused = paused;
    this.#call?.note({ type: paused ? 'pause' : 'resume' });
  }

  /**
   * @param {Client} client
   * @param {object} job of `model.fit`
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<History>}
   */
  async run(client, job, signal) {
    try {
      await this.#train(client, job, signal);
    } catch (error) {
      if (!this.#callbacks.some((each) => each.takesError?.(error))) {
        await this.#failed(error);
        throw error;
      }
      this.#history.stopped = true;
      this.#history.error = error;
    }
    try {
      await this.#tell('onTrainEnd', this.#history);
    } catch (error) {
      await this.#failed(error);
      throw error;
    }
    return this.#history;
  }

  /**
   * @param {Client} client
   * @param {object} job
   * @param {AbortSignal | undefined} signal
   */
  async #train(client, job, signal) {
    await this.#tell('onTrainBegin');
    const wants = (/** @type {keyof Hooks} */ name) => this.#callbacks.some((each) => each[name]);
    const begins = { epoch: wants('onEpochBegin'), test: wants('onTestBegin') };
    const args = { ...job, begins, stopped: this.#stopped };
    this.#call = client.begin('model.fit', args, {
      signal,
      job: true,
      onEvent: (event) => this.#enqueue(event),
    });
    if (this.#paused) this.pause(true);
    if (this.#stopped) this.stop();
    try {
      const { stopped } = await this.#call.result;
      this.#history.stopped = stopped;
    } catch (error) {
      // A callback that threw cancelled the call: its error is the reason.
      if (this.#failure) throw /** @type {any} */ (this.#failure).error;
      throw error;
    }
    await this.#handled;
    if (this.#failure) throw /** @type {any} */ (this.#failure).error;
  }

  /** @param {unknown} error */
  async #failed(error) {
    const listeners = this.#callbacks.filter((each) => each.onTrainError);
    // A callback under way may still be reading weights, say.
    if (listeners.length > 0) await this.#handled;
    for (const each of listeners) {
      try {
        await each.onTrainError?.(error);
      } catch {
        // The first error is the reason.
      }
    }
  }

  /**
   * @param {Exclude<keyof Hooks, 'setModel' | 'takesError'>} hook
   * @param {...any} args
   */
  async #tell(hook, ...args) {
    for (const each of this.#callbacks) {
      const returned = /** @type {any} */ (each)[hook]?.(...args);
      // Awaiting what is no promise would cost a turn for each of thousands of steps.
      if (returned instanceof Object) await returned;
    }
  }

  /** Events are dealt with one after the other, however long a callback takes. */
  #enqueue(/** @type {SliceEvent | EpochEvent | RatesEvent | BeginEvent} */ event) {
    this.#handled = this.#handled
      .then(async () => {
        if (this.#failure) return;
        if (event.type === 'slice') await this.#slice(event);
        else if (event.type === 'epoch') await this.#epoch(event);
        else if (event.type === 'rates') this.#call?.note(this.#rates(event));
        else if (event.type === 'testBegin') await this.#tell('onTestBegin');
        else await this.#tell('onEpochBegin', event.epoch);
        this.#call?.note({ type: 'ack' });
      })
      .catch((error) => {
        this.#failure = { error };
        this.#call?.cancel();
      });
  }

  /** @param {SliceEvent} event */
  async #slice({ epoch, batch, batches, means, msPerStep, imagesPerSecond }) {
    this.#speed = { msPerStep, imagesPerSecond };
    if (!this.#callbacks.some((each) => each.onTrainBatchEnd)) return;
    const progress = { epoch, batches, ...this.#speed };
    // The area under a curve takes a sort of all samples: it is told once an epoch.
    const { metrics: all, parts } = this.#told;
    const told = all.filter((metric) => metric === 'accuracy' || metric.type !== 'auc');
    const own = told.filter((metric) => metric !== 'accuracy').length;
    const width = 2 + own + 2 * parts.length;
    for (let step = 0; step < means.length / width; step++) {
      const [loss, accuracy, ...metrics] = means.subarray(step * width, (step + 1) * width);
      const logs = logsOf({ metrics: told, parts }, { loss, accuracy, metrics });
      await this.#tell('onTrainBatchEnd', batch + step, logs, progress);
    }
  }

  /** @param {EpochEvent} event */
  async #epoch({ epoch, batches, training, validation }) {
    const logs = logsOf(this.#told, training);
    if (validation) {
      const tested = logsOf(this.#told, validation);
      for (const [name, value] of Object.entries(tested)) logs[validationName(name)] = value;
      await this.#tell('onTestEnd', tested);
    }
    await this.#tell('onEpochEnd', epoch, logs, { epoch, batches, ...this.#speed });
    const { history } = this.#history;
    this.#history.epoch.push(epoch);
    for (const [name, value] of Object.entries(logs)) {
      if (typeof value === 'number') (history[name] ??= []).push(value);
    }
  }
}

/**
 * @typedef {object} FitEvent
 * @property {'batch' | 'epoch'} type
 * @property {number} epoch
 * @property {number} batch the step within the epoch; of an epoch's end, its last
 * @property {number} batches
 * @property {Logs} logs
 * @property {number} msPerStep
 * @property {number} imagesPerSecond
 */

/**
 * The events of a fit as an async iterator. Each is handed over only when the last was dealt
 * with, so training waits for a slow consumer.
 *
 * @param {(callbacks: Callbacks) => Promise<History>} start
 * @param {() => void} stop ends training when the consumer leaves its loop
 * @returns {AsyncGenerator<FitEvent, History, void>}
 */
export async function* iterateFit(start, stop) {
  /** @type {{ event: FitEvent, taken: () => void }[]} */
  const queue = [];
  let wake = () => {};
  let left = false;
  /** @param {FitEvent} event */
  const offer = (event) => {
    if (left) return undefined;
    return new Promise((/** @type {(value: void) => void} */ taken) => {
      queue.push({ event, taken });
      wake();
    });
  };
  let over = false;
  const fitting = start({
    onBatchEnd: (batch, logs, progress) => offer({ type: 'batch', batch, logs, ...progress }),
    onEpochEnd: (_epoch, logs, progress) =>
      offer({ type: 'epoch', batch: progress.batches - 1, logs, ...progress }),
  });
  const finished = () => {
    over = true;
    wake();
  };
  fitting.then(finished, finished);
  try {
    for (;;) {
      if (queue.length > 0) {
        yield queue[0].event;
        queue.shift()?.taken();
      } else if (over) {
        return await fitting;
      } else {
        await new Promise((/** @type {(value: void) => void} */ resolve) => {
          wake = resolve;
          if (queue.length > 0 || over) resolve();
        });
      }
    }
  } finally {
    left = true;
    if (!over) stop();
    for (const { taken } of queue.splice(0)) taken();
    // What is left to hear of is the loop's own error or the caller's return.
    await fitting.catch(() => {});
  }
}

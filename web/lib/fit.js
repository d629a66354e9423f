/** One run of `fit`, as the program sees it: its events, callbacks and history. */

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./client.js').Call} Call
 * @typedef {import('./trainer.js').SliceEvent} SliceEvent
 * @typedef {import('./trainer.js').EpochEvent} EpochEvent
 * @typedef {import('./scheduled-rate.js').RatesEvent} RatesEvent
 *
 * @typedef {{ loss: number, accuracy?: number, valLoss?: number, valAccuracy?: number }} Logs
 *   means over the samples of the epoch so far
 *
 * @typedef {object} Progress
 * @property {number} epoch counted from 0
 * @property {number} batches steps of an epoch
 * @property {number} msPerStep of the slice that the step was part of
 * @property {number} imagesPerSecond samples a second in that slice
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
 * @property {{ loss: number[], accuracy?: number[], valLoss?: number[], valAccuracy?: number[] }} history
 *   one value for each of them
 * @property {boolean} stopped whether `stopTraining` ended it
 */

/** @type {readonly (keyof Callbacks)[]} */
export const CALLBACK_NAMES = Object.freeze([
  'onTrainBegin',
  'onBatchEnd',
  'onEpochEnd',
  'onTrainEnd',
]);

/** @typedef {(event: RatesEvent) => import('./task.js').Note} RatesAnswer */

export class FitRun {
  #callbacks;
  #rates;
  #accuracy;
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
   * @param {Callbacks} callbacks
   * @param {{ accuracy: boolean, validation: boolean }} reported
   * @param {RatesAnswer} rates
   */
  constructor(callbacks, { accuracy, validation }, rates) {
    this.#callbacks = callbacks;
    this.#rates = rates;
    this.#accuracy = accuracy;
    /** @type {History['history']} */
    const history = { loss: [] };
    if (accuracy) history.accuracy = [];
    if (validation) history.valLoss = [];
    if (validation && accuracy) history.valAccuracy = [];
    this.#history = { epoch: [], history, stopped: false };
  }

  /** Ends training after the step in flight. */
  stop() {
    this.#stopped = true;
    this.#call?.note({ type: 'stop' });
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
    await this.#callbacks.onTrainBegin?.();
    this.#call = client.begin('model.fit', job, {
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
    await this.#callbacks.onTrainEnd?.(this.#history);
    return this.#history;
  }

  /** Events are dealt with one after the other, however long a callback takes. */
  #enqueue(/** @type {SliceEvent | EpochEvent | RatesEvent} */ event) {
    this.#handled = this.#handled
      .then(async () => {
        if (this.#failure) return;
        if (event.type === 'slice') await this.#slice(event);
        else if (event.type === 'epoch') await this.#epoch(event);
        else this.#call?.note(this.#rates(event));
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
    const { onBatchEnd } = this.#callbacks;
    if (!onBatchEnd) return;
    const progress = { epoch, batches, ...this.#speed };
    for (let step = 0; step < means.length / 2; step++) {
      const logs = this.#logs(means[2 * step], means[2 * step + 1]);
      const returned = onBatchEnd(batch + step, logs, progress);
      // Awaiting what is no promise would cost a turn for each of thousands of steps.
      if (returned instanceof Object) await returned;
    }
  }

  /** @param {EpochEvent} event */
  async #epoch({ epoch, batches, training, validation }) {
    const logs = this.#logs(training.loss, training.accuracy);
    if (validation) {
      logs.valLoss = validation.loss;
      if (this.#accuracy) logs.valAccuracy = validation.accuracy;
    }
    this.#history.epoch.push(epoch);
    for (const [name, values] of Object.entries(this.#history.history)) {
      values.push(/** @type {number} */ (logs[/** @type {keyof Logs} */ (name)]));
    }
    await this.#callbacks.onEpochEnd?.(epoch, logs, { epoch, batches, ...this.#speed });
  }

  /** @param {number} loss @param {number} accuracy @returns {Logs} */
  #logs(loss, accuracy) {
    return this.#accuracy ? { loss, accuracy } : { loss };
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

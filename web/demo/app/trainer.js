/**
 * Training as a person drives it: train, pause, resume, one step, stop, reset. A pause ends the call
 * to `fit` at a whole step and resuming continues there with the same bits, so that a paused network
 * can be tested, saved and stepped like an idle one.
 *
 * The engine reports every batch; the page looks at the sum of them ten times a second, so its cost
 * does not grow with the engine's speed.
 */
import { noProgress } from './state.js';
import { isAllowed } from './phases.js';
import { isAbort, problemOf } from './problems.js';
import { RunningSums } from './running-sums.js';
import { SpeedMeter } from './speed-meter.js';

const LOOK_MS = 100;

export class Trainer {
  #meter = new SpeedMeter();
  #sums = new RunningSums();
  /** The count of what happened since the last look; the store gets it at the next. */
  #progress = noProgress();
  /** The batch size that the position within the epoch counts in. */
  #batchSize = 0;
  /** Runs follow each other: two quick presses must not be two runs at once. */
  #queue = Promise.resolve();
  /** @type {'paused' | 'idle'} the phase after the run under way */
  #next = 'idle';

  /**
   * @param {import('./session.js').Session} session
   * @param {import('./evaluator.js').Evaluator} evaluator
   * @param {import('./main-thread-watch.js').MainThreadWatch} watch
   */
  constructor(session, evaluator, watch) {
    this.session = session;
    this.store = session.store;
    this.evaluator = evaluator;
    this.watch = watch;
  }

  /** Trains for the epochs under Settings, then classifies the test set. */
  train() {
    return this.#enqueue('train', () => {
      const { progress, settings } = this.store.state;
      return this.#continueTo(progress.epochsDone + settings.epochs);
    });
  }

  resume() {
    return this.#enqueue('resume', () => this.#continueTo(this.#progress.targetEpochs));
  }

  /** One batch, the next of the epoch under way. */
  step() {
    return this.#enqueue('step', () =>
      // Two epochs ahead: the step after an epoch's last one is the first of the next.
      this.#fit(this.store.state.progress.epochsDone + 2, { single: true }),
    );
  }

  async pause() {
    this.#next = 'paused';
    this.session.model?.stopTraining();
    await this.#queue;
  }

  /** Ends training, evaluation or loading; what was learned so far stays. */
  async stop() {
    this.#next = 'idle';
    this.session.abort.abort();
    this.session.model?.stopTraining();
    await this.#queue;
    if (this.store.state.phase === 'paused') this.store.set({ phase: 'idle' });
  }

  /** New weights from the seed; a run under way ends first. */
  async reset() {
    await this.stop();
    await this.session.rebuild();
  }

  /**
   * @param {import('./phases.js').Action} action checked when its turn comes
   * @param {() => Promise<unknown>} run
   */
  #enqueue(action, run) {
    this.#queue = this.#queue.then(async () => {
      await this.session.built;
      if (isAllowed(action, this.store.state.phase)) await run();
    });
    return this.#queue;
  }

  /** @param {number} epochs */
  async #continueTo(epochs) {
    this.#next = 'idle';
    this.watch.restart();
    this.store.set({ phase: 'training', problem: null });
    const looking = setInterval(() => this.#look(), LOOK_MS);
    const finished = await this.#fit(epochs);
    clearInterval(looking);
    this.watch.stop();
    this.store.set({ phase: this.#next });
    if (finished) await this.evaluator.evaluate();
  }

  /**
   * @param {number} epochs where to end
   * @param {{ single?: boolean }} [how] single: after one step
   * @returns {Promise<boolean>} whether it came to the end
   */
  async #fit(epochs, { single = false } = {}) {
    const { model, images, preset, augment } = this.session;
    if (!model || !images) return false;
    const { batchSize } = this.store.state.settings;
    const stored = this.store.state.progress;
    // A position within an epoch has a meaning only for the batch size it was counted in.
    const resume = stored.batch > 0 && batchSize === this.#batchSize;
    this.#batchSize = batchSize;
    const batches = Math.ceil(images.train.count / batchSize);
    this.#progress = { ...stored, batches, batch: resume ? stored.batch : 0 };
    this.#progress.targetEpochs = single ? stored.targetEpochs : epochs;
    this.#meter.restart();
    this.session.curves.expect(batches);
    this.store.set({
      weightsFrom: 'trained here',
      pretrained: null,
      evaluation: null,
      cell: null,
    });

    const fitting = model.fit(images.train, undefined, {
      epochs,
      batchSize,
      ...(resume ? { resume } : { initialEpoch: stored.epochsDone }),
      // Callbacks of a single step are answered before the next one, so that it stays single.
      ...(single ? { yieldEvery: 0 } : {}),
      validationData: images.test,
      validationBatchSize: preset.testBatch,
      ...(augment ? { augment } : {}),
      onBatchEnd: (batch, logs) => {
        this.#addBatch(batch, logs);
        if (single) model.stopTraining();
      },
      onEpochEnd: (epoch, logs) => this.#addEpoch(epoch, logs),
    });
    const finished = await fitting.then(
      ({ stopped }) => !stopped,
      (error) => {
        if (!isAbort(error)) this.store.set({ problem: problemOf(error) });
        return false;
      },
    );
    this.#progress.validating = false;
    this.#look();
    if (finished) this.store.set({ progress: { ...this.#progress, secondsLeft: null } });
    return finished;
  }

  /**
   * @param {number} batch
   * @param {{ loss: number, accuracy?: number }} logs means over the epoch so far
   */
  #addBatch(batch, { loss, accuracy = 0 }) {
    const p = this.#progress;
    const { train } = /** @type {import('./data-source.js').Images} */ (this.session.images);
    const seen = Math.min((batch + 1) * this.#batchSize, train.count);
    const own = this.#sums.next(batch, seen, { loss, accuracy });
    p.batch = batch + 1;
    p.steps++;
    p.validating = p.batch === p.batches;
    this.#meter.addStep(own.images);
    this.session.curves.addBatch(p.epochsDone + p.batch / p.batches, own.loss, own.accuracy);
  }

  /**
   * @param {number} epoch
   * @param {{ valLoss?: number, valAccuracy?: number }} logs
   */
  #addEpoch(epoch, { valLoss = 0, valAccuracy = 0 }) {
    const p = this.#progress;
    Object.assign(p, { epochsDone: epoch + 1, batch: 0, validating: false, valLoss, valAccuracy });
    this.session.curves.addValidation({ x: epoch + 1, loss: valLoss, accuracy: valAccuracy });
    this.#meter.restart();
  }

  /** Hands the store what happened since the last look. */
  #look() {
    const p = this.#progress;
    Object.assign(p, this.session.curves.latest());
    const speed = p.validating ? null : this.#meter.read();
    if (speed) {
      const stepsLeft = (p.targetEpochs - p.epochsDone) * p.batches - p.batch;
      Object.assign(p, speed, { secondsLeft: Math.max(0, stepsLeft * speed.msPerStep) / 1000 });
    }
    this.store.set({ progress: { ...p } });
  }
}

/**
 * Training, evaluation and prediction in the worker, in slices of whole steps of about 40 ms.
 * Between two slices the worker answers messages: abort, pause, a new learning rate, a prediction.
 *
 * Each step is one call into the engine; the clock, not a guess of the step's length, ends a
 * slice. Sums are added batch by batch, so results do not depend on where slices end.
 */

import { nextTurn } from '#platform';
import { StateError } from './errors.js';
import { SLICE_MS } from './slice.js';

/**
 * @typedef {import('./native.js').Native} Native
 * @typedef {import('./native.js').BatchSums} BatchSums
 * @typedef {import('./host-model.js').HostModel} HostModel
 * @typedef {import('./host-dataset.js').HostDataset} HostDataset
 * @typedef {import('./task.js').Task} Task
 *
 * @typedef {import('./augment-list.js').AugmentationConfig} AugmentationConfig
 *
 * @typedef {object} Range samples of a data set
 * @property {HostDataset} dataset
 * @property {number} first
 * @property {number} count
 *
 * @typedef {object} Position where training stands: part of a checkpoint
 * @property {number} epoch the epoch in progress, or the next one
 * @property {number} batch steps of it that are done
 * @property {number} loss sum over the samples of those steps
 * @property {number} accuracy sum over the samples of those steps
 * @property {number} samples
 * @property {number} weight by which the sum of accuracies becomes a mean
 * @property {number[]} parts the sums of each output, where several have a loss
 * @property {import('./metrics/collector.js').MetricSet | null} metrics of those samples
 * @property {AugmentationConfig[] | null} augment of the run that stands there; null: none
 * @property {{ first: number, count: number, batchSize: number, shuffle: boolean } | null} plan
 *   what the batch number counts in; null before the first step
 *
 * @typedef {object} Feed where the batches of an epoch come from
 * @property {number} first sample, and
 * @property {number} count of samples; of a stream both are 0
 * @property {number} batches of an epoch, 0 while unknown
 * @property {import('./host-dataset.js').DatasetFacts | null} facts null: not known before the first batch
 * @property {(model: HostModel, plan: NonNullable<Position['plan']>, epoch: number, batch: number) => void} begin
 *   an epoch, from one of its batches on
 * @property {(batch: number, task: Task) => number | Promise<number>} ready batches that can be taken from number
 *   `batch` on; 0: the epoch is over
 * @property {(model: HostModel, batch: number) => BatchSums} step
 *
 * @typedef {object} FitJob
 * @property {Feed} data
 * @property {Range | null} validation
 * @property {number} epochs
 * @property {number} initialEpoch
 * @property {number} batchSize
 * @property {number} validationBatchSize
 * @property {boolean} shuffle
 * @property {boolean} resume
 * @property {Augment | null} augment
 * @property {number} yieldEvery milliseconds
 * @property {{ epoch: boolean, test: boolean }} begins what the program wants to know of before it begins
 * @property {number[]} classWeight of class 0, 1 …; [] without
 * @property {boolean} stopped before its first step
 *
 * @typedef {{ list: AugmentationConfig[], numbers: Float64Array }} Augment as said, and as the engine takes it
 *
 * @typedef {{ type: 'epochBegin', epoch: number } | { type: 'testBegin' }} BeginEvent
 *
 * @typedef {object} SliceEvent
 * @property {'slice'} type
 * @property {number} epoch
 * @property {number} batch number of the first step
 * @property {number} batches steps of the epoch
 * @property {Float64Array} means for each step the epoch's running mean loss and accuracy, and the
 *   metrics that are told after each batch
 * @property {number} msPerStep
 * @property {number} imagesPerSecond
 *
 * @typedef {object} EpochEvent
 * @property {'epoch'} type
 * @property {number} epoch
 * @property {number} batches
 * @property {Means} training
 * @property {Means | null} validation
 *
 * @typedef {{ loss: number, accuracy: number, metrics: number[] }} Means of the metrics those that
 *   the engine does not measure, then loss and accuracy of each part
 * @typedef {BatchSums & { parts: number[] }} Sums parts: loss, accuracy and weight of each output
 *   that has a loss, where several have
 * @typedef {import('./metrics/collector.js').Watch} Watch
 */

/**
 * @param {number} [epoch]
 * @param {Position['augment']} [augment]
 * @returns {Position}
 */
export function freshPosition(epoch = 0, augment = null) {
  return {
    epoch,
    batch: 0,
    loss: 0,
    accuracy: 0,
    samples: 0,
    weight: 0,
    parts: [],
    augment,
    plan: null,
    metrics: null,
  };
}

/**
 * @param {Native} native
 * @param {HostModel} model its `position` moves with every step
 * @param {FitJob} job
 * @param {Task} task
 * @returns {Promise<{ stopped: boolean }>}
 */
export async function fit(native, model, job, task) {
  const watch = model.watchBatches();
  try {
    return await fitWatched(native, model, job, task, watch);
  } finally {
    watch?.dispose();
  }
}

/**
 * @param {Native} native
 * @param {HostModel} model
 * @param {FitJob} job
 * @param {Task} task
 * @param {Watch | null} watch
 */
async function fitWatched(native, model, job, task, watch) {
  const { data, epochs, begins } = job;
  // Events that may be unanswered while the next slice runs. With none, every callback has been
  // awaited before the next step, so a callback decides exactly where training stops.
  const window = job.yieldEvery === 0 ? 0 : 1;
  let plan = planOf(job, job.batchSize);
  const start = startPosition(model, job, plan);
  if (start.epoch >= epochs) return { stopped: false };
  // Before the first step: a refused call leaves weights and position as they were.
  if (job.validation) {
    const { dataset, first, count } = job.validation;
    native.checkData(model.pointer, dataset.pointer, first, count);
  }
  native.weighClasses(model.pointer, job.classWeight);
  native.augment(model.pointer, job.augment?.numbers ?? NO_NUMBERS);
  data.begin(model, plan, start.epoch, start.batch);
  model.position = start;
  if (job.stopped) return { stopped: true };
  for (let epoch = start.epoch; epoch < epochs; epoch++) {
    if (begins.epoch) await tell(task, { type: 'epochBegin', epoch });
    if (task.stopped) return { stopped: true };
    if (task.batchSize && model.position.batch === 0) {
      plan = planOf(job, task.batchSize);
      task.batchSize = null;
      data.begin(model, plan, epoch, 0);
    } else if (epoch !== start.epoch) {
      data.begin(model, plan, epoch, 0);
    }
    model.position.plan = plan;
    model.position.metrics ??= model.newMetrics();
    if (model.position.metrics) watch?.reserve(model.position.metrics, plan.batchSize);
    for (;;) {
      await task.ready(window);
      const ready = await data.ready(model.position.batch, task);
      if (task.stopped) return { stopped: true };
      if (ready === 0) break;
      const most = await ratesAhead(model, ready, task);
      if (task.stopped) return { stopped: true };
      trainSlice(model, { ...job, most, watch }, task);
      await nextTurn();
    }
    const steps = model.position.batch;
    await task.ready(window);
    if (job.validation && begins.test) await tell(task, { type: 'testBegin' });
    if (task.stopped) return { stopped: true };
    const validation = job.validation
      ? await evaluate(native, model, job.validation, job.validationBatchSize, task)
      : null;
    if (task.stopped) return { stopped: true };
    const { position } = model;
    model.position = freshPosition(epoch + 1, start.augment);
    // A schedule in onEpochEnd must act on the next epoch's first step.
    await tell(task, {
      type: 'epoch',
      epoch,
      batches: steps,
      training: means(position),
      validation,
    });
    if (task.stopped) return { stopped: true };
  }
  if (model.hasAverage) model.useAverage();
  return { stopped: false };
}

/** The batches of a range of samples in the engine's memory. @implements {Feed} */
export class RangeFeed {
  #range;

  /** @param {Range} range */
  constructor(range) {
    this.#range = range;
    this.first = range.first;
    this.count = range.count;
    this.batches = 0;
    this.facts = range.dataset.facts;
  }

  /** @type {Feed['begin']} */
  begin(model, { batchSize, ...plan }, epoch) {
    const { pointer } = this.#range.dataset;
    model.native.trainBegin(model.pointer, pointer, { ...plan, batch: batchSize, epoch });
    this.batches = Math.ceil(this.count / batchSize);
  }

  /** @type {Feed['ready']} */
  ready(batch) {
    return this.batches - batch;
  }

  /** @type {Feed['step']} */
  step(model, batch) {
    return model.native.trainStep(model.pointer, batch);
  }
}

/**
 * Sends an event and waits until the program has dealt with it.
 *
 * @param {Task} task
 * @param {BeginEvent | EpochEvent} event
 */
async function tell(task, event) {
  task.emit(event);
  await task.ready(0);
}

/**
 * @param {FitJob} job
 * @param {number} batchSize
 * @returns {NonNullable<Position['plan']>}
 */
function planOf({ data: { first, count }, shuffle }, batchSize) {
  return { first, count, batchSize: Math.min(batchSize, count || Infinity), shuffle };
}

/**
 * @param {HostModel} model
 * @param {FitJob} job
 * @param {NonNullable<Position['plan']>} plan
 * @returns {Position}
 */
function startPosition(model, job, plan) {
  const augment = job.augment?.list ?? null;
  if (!job.resume) return { ...freshPosition(job.initialEpoch, augment), plan };
  const { position } = model;
  for (const key of /** @type {const} */ (['first', 'count', 'batchSize', 'shuffle'])) {
    if (position.batch === 0 || !position.plan || position.plan[key] === plan[key]) continue;
    throw new StateError(
      `fit: resume stands at batch ${position.batch} of an epoch with ${key} ` +
        `${position.plan[key]}, found ${plan[key]}.`,
      { field: key },
    );
  }
  if (position.batch > 0 && JSON.stringify(position.augment) !== JSON.stringify(augment)) {
    throw new StateError(
      `fit: resume stands at batch ${position.batch} of an epoch with another augment.`,
      { field: 'augment' },
    );
  }
  return { ...position, plan, augment };
}

/**
 * Whole steps until the time is up or the epoch ends; reports those that were done even when one
 * fails.
 *
 * @param {HostModel} model
 * @param {FitJob & { most: number, watch: Watch | null }} job with the most steps to make now
 * @param {Task} task
 */
function trainSlice(model, { data, most, yieldEvery, watch }, task) {
  const { position } = model;
  const { epoch, batch, samples } = position;
  const end = batch + most;
  /** @type {number[]} */
  const running = [];
  const started = performance.now();
  let elapsed = 0;
  try {
    do {
      model.applySchedule();
      const step = () => data.step(model, position.batch);
      const sums = measured(model, watch ? watch.run(step) : step());
      add(position, sums);
      position.batch++;
      const facts = /** @type {NonNullable<Feed['facts']>} */ (data.facts);
      if (position.metrics) watch?.add(position.metrics, sums.samples, facts);
      const { loss, accuracy, parts } = meansOf(position);
      running.push(loss, accuracy);
      if (position.metrics) running.push(...position.metrics.batchResults());
      running.push(...parts);
      elapsed = performance.now() - started;
    } while (position.batch < end && elapsed < yieldEvery);
  } finally {
    const done = position.batch - batch;
    const seconds = Math.max(elapsed, 1e-3) / 1000;
    if (done > 0) {
      const list = Float64Array.from(running);
      task.emit(
        {
          type: 'slice',
          epoch,
          batch,
          batches: data.batches,
          means: list,
          msPerStep: elapsed / done,
          imagesPerSecond: (position.samples - samples) / seconds,
        },
        [list.buffer],
      );
    }
  }
}

/**
 * @param {HostModel} model
 * @param {number} count steps that may follow
 * @param {Task} task
 * @returns {Promise<number>} how many of them have a known learning rate
 */
async function ratesAhead(model, count, task) {
  for (;;) {
    const { rate } = model;
    const known = rate ? await rate.prepare(task, model.step, count) : count;
    // Another may have been set while this one was asked for.
    if (rate === model.rate) return known;
  }
}

/**
 * One step on one batch of all samples of a range.
 *
 * @param {Native} native
 * @param {HostModel} model
 * @param {Range} range
 * @param {number[]} classWeight of class 0, 1 …; [] without
 * @param {Task} task
 * @returns {Promise<Means>}
 */
export async function trainOnBatch(native, model, { dataset, first, count }, classWeight, task) {
  await ratesAhead(model, 1, task);
  native.weighClasses(model.pointer, classWeight);
  native.augment(model.pointer, NO_NUMBERS);
  const plan = { first, count, batch: count, epoch: 0, shuffle: false };
  native.trainBegin(model.pointer, dataset.pointer, plan);
  const watch = model.watchBatches();
  try {
    const metrics = model.newMetrics();
    if (metrics) watch?.reserve(metrics, count);
    model.applySchedule();
    const step = () => native.trainStep(model.pointer, 0);
    const sums = measured(model, watch ? watch.run(step) : step());
    if (metrics) watch?.add(metrics, count, dataset.facts);
    return means({ ...sums, metrics });
  } finally {
    watch?.dispose();
  }
}

/**
 * Loss and metrics over a range. Ends early, without meaning, when the task is stopped.
 *
 * @param {Native} native
 * @param {HostModel} model
 * @param {Range} range
 * @param {number} batchSize
 * @param {Task} task
 * @param {(done: number) => void} [onSlice] receives the samples done after each slice
 * @returns {Promise<Means>}
 */
export async function evaluate(native, model, range, batchSize, task, onSlice) {
  const { dataset } = range;
  const measuring = new Measuring(model, Math.min(batchSize, range.count));
  try {
    await inSlices(range, batchSize, task, onSlice, (first, count, batch) => {
      const run = () => native.evaluate(model.pointer, dataset.pointer, first, count, batch);
      measuring.add(run, count, dataset.facts);
    });
    return measuring.means();
  } finally {
    measuring.dispose();
  }
}

/** Loss and metrics, batch by batch. */
export class Measuring {
  #model;
  #total;
  #watch;

  /** @param {HostModel} model @param {number} batchSize */
  constructor(model, batchSize) {
    this.#model = model;
    this.#total = { ...NOTHING, metrics: model.newMetrics() };
    this.#watch = model.watchBatches();
    if (this.#total.metrics) this.#watch?.reserve(this.#total.metrics, batchSize);
  }

  /**
   * @param {() => BatchSums} run measures a batch
   * @param {number} count its samples
   * @param {import('./host-dataset.js').DatasetFacts} facts of them
   */
  add(run, count, facts) {
    const watch = this.#watch;
    add(this.#total, measured(this.#model, watch ? watch.run(run) : run()));
    if (this.#total.metrics) watch?.add(this.#total.metrics, count, facts);
  }

  means() {
    return means(this.#total);
  }

  dispose() {
    this.#watch?.dispose();
  }
}

/**
 * @param {Native} native
 * @param {HostModel} model
 * @param {Range} range
 * @param {number} batchSize
 * @param {Task} task
 * @param {readonly ArrayBuffer[]} given memory for the outputs; [] for new
 * @param {(done: number) => void} [onSlice] receives the samples done after each slice
 * @returns {Promise<Float32Array<ArrayBuffer>[]>} one an output
 */
export async function predict(native, model, range, batchSize, task, given, onSlice) {
  const sizes = model.outputSizes;
  const outputs = sizes.map((size, output) =>
    given.length > 0 ? new Float32Array(given[output]) : new Float32Array(range.count * size),
  );
  await inSlices(range, batchSize, task, onSlice, (first, count, batch) => {
    const done = first - range.first;
    const outs = outputs.map((output, index) =>
      output.subarray(done * sizes[index], (done + count) * sizes[index]),
    );
    native.predict(model.pointer, range.dataset.pointer, first, count, batch, outs);
  });
  return outputs;
}

/**
 * @param {Range} range
 * @param {number} batchSize
 * @param {Task} task
 * @param {((done: number) => void) | undefined} onSlice
 * @param {(first: number, count: number, batch: number) => void} each
 */
export async function inSlices({ first, count }, batchSize, task, onSlice, each) {
  const batch = Math.min(batchSize, count);
  for (let done = 0; done < count;) {
    task.throwIfCancelled();
    if (task.stopped) return;
    const started = performance.now();
    do {
      const size = Math.min(batch, count - done);
      each(first + done, size, batch);
      done += size;
    } while (done < count && performance.now() - started < SLICE_MS);
    onSlice?.(done);
    if (done < count) await nextTurn();
  }
  task.throwIfCancelled();
}

/**
 * The sums of a batch, with those of each output where several have a loss.
 *
 * @param {HostModel} model
 * @param {BatchSums} sums
 * @returns {Sums}
 */
function measured(model, sums) {
  const parts = model.parts.flatMap((output) => {
    const { loss, accuracy, weight } = model.native.measured(model.pointer, output);
    return [loss, accuracy, weight];
  });
  return { ...sums, parts };
}

/** No augmentation. */
const NO_NUMBERS = new Float64Array(0);

/** @type {Sums} */
const NOTHING = { loss: 0, accuracy: 0, samples: 0, weight: 0, parts: [] };

/**
 * @param {Sums} sums
 * @param {Sums} more
 */
function add(sums, more) {
  sums.loss += more.loss;
  sums.accuracy += more.accuracy;
  sums.samples += more.samples;
  sums.weight += more.weight;
  sums.parts = more.parts.map((value, index) => value + (sums.parts[index] ?? 0));
}

/** Samples that all weigh nothing have no accuracy; 0, as in Keras. @param {number} sum @param {number} weight */
const rate = (sum, weight) => (weight === 0 ? 0 : sum / weight);

/** @param {Sums} sums */
function meansOf({ loss, accuracy, samples, weight, parts }) {
  /** Loss and accuracy of each part. @type {number[]} */
  const means = [];
  for (let at = 0; at < parts.length; at += 3) {
    means.push(parts[at] / samples, rate(parts[at + 1], parts[at + 2]));
  }
  return { loss: loss / samples, accuracy: rate(accuracy, weight), parts: means };
}

/**
 * @param {Sums & Pick<Position, 'metrics'>} sums
 * @returns {Means}
 */
function means({ metrics, ...sums }) {
  const { parts, ...total } = meansOf(sums);
  return { ...total, metrics: [...(metrics?.results() ?? []), ...parts] };
}

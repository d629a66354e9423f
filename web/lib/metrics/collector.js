/** The metrics of a compiled model in the worker: loaded with the first that a program asks for. */

import { ConfigError, FormatError } from '../errors.js';
import { NULL } from '../ffi.js';
import { describe, unknownName } from '../options.js';
import { F1Score, Precision, Recall } from './counts.js';
import {
  Accuracy,
  BinaryAccuracy,
  CosineSimilarity,
  MeanAbsoluteError,
  MeanSquaredError,
  RootMeanSquaredError,
  TopKCategoricalAccuracy,
} from './means.js';
import { AUC } from './ranking.js';

/**
 * @typedef {import('../host-model.js').HostModel} HostModel
 * @typedef {import('../compile.js').MetricConfig} MetricConfig
 * @typedef {import('./metric.js').Metric} Metric
 *
 * @typedef {object} Outputs what the model gives
 * @property {number} columns length of the last axis: of several dimensions each place counts as a sample
 * @property {string} loss its type
 * @property {boolean} logits they are not yet probabilities
 */

const KINDS = new Map(
  /** @type {[string, new (options: any) => Metric][]} */ ([
    ['accuracy', Accuracy],
    ['auc', AUC],
    ['binaryAccuracy', BinaryAccuracy],
    ['cosineSimilarity', CosineSimilarity],
    ['f1Score', F1Score],
    ['meanAbsoluteError', MeanAbsoluteError],
    ['meanSquaredError', MeanSquaredError],
    ['precision', Precision],
    ['recall', Recall],
    ['rootMeanSquaredError', RootMeanSquaredError],
    ['topKCategoricalAccuracy', TopKCategoricalAccuracy],
  ]),
);
/** Metrics that compare classes. */
const BY_CLASS = new Set([
  'accuracy',
  'auc',
  'f1Score',
  'precision',
  'recall',
  'topKCategoricalAccuracy',
]);
/** Metrics whose threshold is 0.5, of logits 0. */
const THRESHOLDED = new Set(['accuracy', 'binaryAccuracy', 'f1Score', 'precision', 'recall']);
const BY_SIDE = new Set([...THRESHOLDED, 'auc']);

/** Losses whose outputs stand each for itself, not for a choice. */
const SIDES = new Set(['binaryCrossentropy', 'binaryFocalCrossentropy', 'hinge', 'squaredHinge']);
/** Losses whose labels are −1 and 1, or 0 and 1, and whose outputs lie around 0. */
const SIGNED = new Set(['hinge', 'squaredHinge']);

export class MetricSet {
  /** @type {Metric[]} */
  #metrics;
  #columns;
  #signed;

  /**
   * @param {readonly MetricConfig[]} configs without 'accuracy', which the engine measures
   * @param {Outputs} outputs
   * @throws {ConfigError}
   */
  constructor(configs, outputs) {
    this.#metrics = configs.map((config) => makeMetric(config, outputs));
    this.#columns = outputs.columns;
    this.#signed = SIGNED.has(outputs.loss);
  }

  /**
   * @param {Float32Array} labels a class a sample, or as many values as outputs
   * @param {Float32Array} outputs
   */
  update(labels, outputs) {
    const shape = [outputs.length / this.#columns];
    const truth = Object.assign(labels, { shape });
    const guess = Object.assign(outputs, { shape });
    const sides =
      this.#signed &&
      Object.assign(
        labels.map((label) => Number(label > 0)),
        { shape },
      );
    for (const metric of this.#metrics) {
      metric.update(sides && BY_SIDE.has(metric.type) ? sides : truth, guess);
    }
  }

  /** @returns {number[]} */
  results() {
    return this.#metrics.map((metric) => metric.result());
  }

  /** Those that are told after each batch. @returns {number[]} */
  batchResults() {
    return this.#metrics.filter(({ type }) => type !== 'auc').map((metric) => metric.result());
  }

  toJSON() {
    return this.#metrics;
  }

  /** @param {unknown} states of `toJSON` */
  restore(states) {
    if (!Array.isArray(states) || states.length !== this.#metrics.length) {
      throw new FormatError("The checkpoint's position lacks the state of its metrics.");
    }
    try {
      this.#metrics.forEach((metric, i) => metric.restore(states[i]));
    } catch (cause) {
      throw new FormatError("The checkpoint's metrics are damaged.", { cause });
    }
  }
}

/** @param {MetricConfig} config @param {Outputs} outputs @returns {Metric} */
function makeMetric(config, { columns, loss, logits }) {
  const { type, ...options } = config;
  const where = { what: 'compile' };
  const Kind = KINDS.get(type);
  if (!Kind) throw unknownName(String(type), [...KINDS.keys()], 'metrics', where);
  const called = `compile: metric ${describe(options.name ?? type)}`;
  if (options.average === 'none') {
    throw new ConfigError(`${called} must be one number: average must not be 'none'.`, {
      field: 'metrics',
    });
  }
  if (columns > 1 && BY_CLASS.has(type) && SIDES.has(loss)) {
    throw new ConfigError(
      `${called} compares classes; with ${loss} it needs 1 output, the model has ${columns}.`,
      { field: 'metrics' },
    );
  }
  if (type === 'topKCategoricalAccuracy' && columns < 2) {
    throw new ConfigError(`${called} needs at least 2 outputs, the model has ${columns}.`, {
      field: 'metrics',
    });
  }
  if ((logits || SIGNED.has(loss)) && THRESHOLDED.has(type)) options.threshold ??= 0;
  if (logits && type === 'auc') options.fromLogits = true;
  return new Kind(options);
}

/** Where the engine leaves outputs and labels of a batch, and metrics read them. */
export class Watch {
  #native;
  #model;
  #output;
  #columns;
  /** Outputs, and behind them labels. @type {import('../ffi.js').Pointer<any>} */
  #buffer = NULL;
  #bytes = 0;

  /** @param {HostModel} model */
  constructor(model) {
    this.#native = model.native;
    this.#model = model.pointer;
    this.#output = model.watchedOutput;
    this.#columns = model.outputSizes[this.#output];
  }

  /** @param {number} rows of the largest batch to come @throws {OutOfMemoryError} */
  reserve(rows) {
    // Labels begin at a multiple of 16 bytes.
    const bytes = Math.ceil((rows * this.#columns) / 4) * 16;
    if (bytes <= this.#bytes) return;
    this.dispose();
    this.#buffer = this.#native.createBuffer(2 * bytes);
    this.#bytes = bytes;
  }

  /**
   * Runs one batch.
   *
   * @param {() => import('../native.js').BatchSums} compute
   */
  run(compute) {
    this.#native.watch(this.#model, this.#buffer, this.#labels);
    try {
      return compute();
    } finally {
      this.#native.watch(this.#model, NULL, NULL);
    }
  }

  /**
   * Adds the batch that was run.
   *
   * @param {MetricSet} metrics
   * @param {number} rows
   * @param {import('../host-data.js').DatasetFacts} facts of the samples
   */
  add(metrics, rows, { parts }) {
    const { labels, labelSize } = parts[this.#output];
    const { heap } = this.#native;
    const wide = labels === 'classes' ? 1 : labelSize;
    const truth = heap.floats(this.#labels, rows * wide);
    metrics.update(truth, heap.floats(this.#buffer, rows * this.#columns));
  }

  dispose() {
    if (this.#bytes > 0) this.#native.destroyBuffer(this.#buffer);
    this.#bytes = 0;
  }

  get #labels() {
    return /** @type {import('../ffi.js').Pointer<any>} */ (this.#buffer + this.#bytes);
  }
}

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
 * @typedef {object} Outputs what the model gives at one of its outputs
 * @property {number} size numbers a sample
 * @property {number} columns length of the last axis: of several dimensions each place counts as a sample
 * @property {string} loss its type
 * @property {boolean} logits they are not yet probabilities
 *
 * @typedef {Outputs & { metrics: Metric[] }} OutputMetrics
 *
 * @typedef {object} Place bytes from the beginning of the buffer
 * @property {number} output
 * @property {number} size
 * @property {number} values
 * @property {number} labels
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
  /** In the order they are told. @type {Metric[]} */
  #metrics = [];
  /** @type {Map<number, OutputMetrics>} */
  #outputs = new Map();

  /**
   * @param {readonly (MetricConfig & { output: number })[]} configs without 'accuracy', which the engine measures
   * @param {(output: number) => Outputs} describeOutput
   * @throws {ConfigError}
   */
  constructor(configs, describeOutput) {
    for (const { output, ...config } of configs) {
      const own = this.#outputs.get(output) ?? { ...describeOutput(output), metrics: [] };
      const metric = makeMetric(config, own);
      own.metrics.push(metric);
      this.#metrics.push(metric);
      this.#outputs.set(output, own);
    }
  }

  /** The outputs that metrics are of, and their numbers a sample. @returns {[output: number, size: number][]} */
  get outputs() {
    return Array.from(this.#outputs, ([output, { size }]) => [output, size]);
  }

  /**
   * @param {number} output one of `outputs`
   * @param {Float32Array} labels a class a sample, or as many values as the output
   * @param {Float32Array} values of the output
   */
  update(output, labels, values) {
    const own = this.#outputs.get(output);
    if (!own) return;
    const shape = [values.length / own.columns];
    const truth = Object.assign(labels, { shape });
    const guess = Object.assign(values, { shape });
    const sides =
      SIGNED.has(own.loss) &&
      Object.assign(
        labels.map((label) => Number(label > 0)),
        { shape },
      );
    for (const metric of own.metrics) {
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
  /** Of each output its values, and behind them its labels. @type {Place[]} */
  #places = [];
  /** @type {import('../ffi.js').Pointer<any>} */
  #buffer = NULL;
  #bytes = 0;

  /**
   * @param {import('../native.js').Native} native
   * @param {HostModel['pointer']} model
   */
  constructor(native, model) {
    this.#native = native;
    this.#model = model;
  }

  /**
   * @param {MetricSet} metrics
   * @param {number} rows of the largest batch to come
   * @throws {OutOfMemoryError}
   */
  reserve(metrics, rows) {
    let bytes = 0;
    this.#places = metrics.outputs.map(([output, size]) => {
      // All begin at a multiple of 16 bytes.
      const room = Math.ceil((rows * size) / 4) * 16;
      const place = { output, size, values: bytes, labels: bytes + room };
      bytes += 2 * room;
      return place;
    });
    if (bytes <= this.#bytes) return;
    this.dispose();
    this.#buffer = this.#native.createBuffer(bytes);
    this.#bytes = bytes;
  }

  /**
   * Runs one batch.
   *
   * @param {() => import('../native.js').BatchSums} compute
   */
  run(compute) {
    this.#tell(({ values, labels }) => [this.#at(values), this.#at(labels)]);
    try {
      return compute();
    } finally {
      this.#tell(() => [NULL, NULL]);
    }
  }

  /**
   * Adds the batch that was run.
   *
   * @param {MetricSet} metrics
   * @param {number} rows
   * @param {import('../host-dataset.js').DatasetFacts} facts of the samples
   */
  add(metrics, rows, { parts }) {
    const { heap } = this.#native;
    for (const { output, size, values, labels } of this.#places) {
      const wide = parts[output].labels === 'classes' ? 1 : parts[output].labelSize;
      const truth = heap.floats(this.#at(labels), rows * wide);
      metrics.update(output, truth, heap.floats(this.#at(values), rows * size));
    }
  }

  dispose() {
    if (this.#bytes > 0) this.#native.destroyBuffer(this.#buffer);
    this.#bytes = 0;
  }

  /** @param {(place: Place) => [values: import('../ffi.js').Pointer<any>, labels: import('../ffi.js').Pointer<any>]} where */
  #tell(where) {
    for (const place of this.#places) {
      this.#native.watch(this.#model, place.output, ...where(place));
    }
  }

  /** @param {number} offset */
  #at(offset) {
    return /** @type {import('../ffi.js').Pointer<any>} */ (this.#buffer + offset);
  }
}

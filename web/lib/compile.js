/** The options of `compile`. */

import { ConfigError } from './errors.js';
import { readLoss } from './losses.js';
import { readOptimizer } from './optimizers.js';
import { bothGiven, describe, needNumber, needOneOf, readOptions, wrongType } from './options.js';
import { perPlace } from './per-place.js';

/**
 * @typedef {import('./losses.js').LossName | import('./losses.js').LossAlias
 *   | import('./losses.js').LossConfig} Loss
 *
 * @typedef {object} CompileOptions
 * @property {import('./optimizers.js').OptimizerName | import('./optimizers.js').OptimizerConfig} [optimizer]
 *   default 'adam'
 * @property {Loss | readonly (Loss | null)[] | Readonly<Record<string, Loss | null>>} loss of a model
 *   of several outputs: one for all, or an array in their order, or an object by the names of
 *   their layers. Outputs with null, or left out of the object, take no part in training
 * @property {readonly number[] | Readonly<Record<string, number>>} [lossWeights] factors of the losses
 *   of several outputs in their sum, in the order of the outputs or by their names; default 1
 * @property {boolean} [fromLogits] the output is not yet a probability; default false
 * @property {Metrics | readonly Metrics[] | Readonly<Record<string, Metrics>>} [metrics] names, or objects
 *   of `tabgrad/metrics` for their options, such as `new TopKCategoricalAccuracy({ k: 3 })`; default
 *   none: only the loss is reported. Of a model of several outputs: an array for each of them, or an object of
 *   arrays by the names of their layers, reported as `name_f1Score`. One array for all: the
 *   accuracy of each output, and the other metrics of the first that has a loss, under their plain names
 * @property {readonly 'accuracy'[]} [weightedMetrics] accuracy in which samples count by their weights;
 *   reported as `accuracy` too, so not both. Default none
 * @property {'float32' | 'bfloat16'} [activationStorage] how values wait from the forward to the backward pass.
 *   'bfloat16' halves that memory: outputs and losses stay what they are, gradients are those of values rounded to
 *   8 significant bits. Default 'float32'
 *
 * @typedef {readonly (typeof METRIC_NAMES[number] | { config: object })[]} Metrics
 *
 * @typedef {{ type: string, name: string, output?: number, [option: string]: any }} MetricConfig
 *   output: its number, left out for the first that has a loss
 */

/** Those that are a number. */
const METRIC_NAMES = /** @type {const} */ ([
  'accuracy',
  'auc',
  'binaryAccuracy',
  'cosineSimilarity',
  'f1Score',
  'meanAbsoluteError',
  'meanSquaredError',
  'precision',
  'recall',
  'rootMeanSquaredError',
  'topKCategoricalAccuracy',
]);

/** In how many bits values wait for the backward pass. @type {ReadonlyMap<unknown, number>} */
export const STORAGE_BITS = new Map([
  ['float32', 32],
  ['bfloat16', 16],
]);

const WHERE = { what: 'compile' };

/**
 * @param {unknown} options
 * @param {readonly { name: string }[]} outputs the model's
 * @returns {import('./host-model.js').CompileConfig}
 * @throws {ConfigError} {HyperparameterError}
 */
export function readCompileOptions(options, outputs) {
  const names = /** @type {const} */ ([
    'optimizer',
    'loss',
    'lossWeights',
    'fromLogits',
    'metrics',
    'weightedMetrics',
    'activationStorage',
  ]);
  const given = readOptions(options, names, WHERE);
  if (given.loss === undefined)
    throw new ConfigError('compile: loss is missing.', { field: 'loss' });
  const losses = readLosses(given, outputs);
  const metrics = readAllMetrics(given.metrics ?? [], outputs, losses);
  const { activationStorage = 'float32' } = given;
  const storage = needOneOf(
    activationStorage,
    /** @type {const} */ (['float32', 'bfloat16']),
    'activationStorage',
    WHERE,
  );
  const weighted = readWeighted(given.weightedMetrics ?? []);
  if (metrics.some((metric) => metric === 'accuracy') && weighted.length > 0) {
    throw bothGiven('metrics', 'weightedMetrics', WHERE);
  }
  return {
    optimizer: readOptimizer(given.optimizer ?? 'adam', WHERE),
    ...losses,
    metrics: [...metrics, ...weighted],
    weighted: weighted.length > 0,
    ...(storage === 'bfloat16' && { activationStorage: storage }),
  };
}

/**
 * @param {{ loss?: unknown, lossWeights?: unknown, fromLogits?: unknown }} given
 * @param {readonly { name: string }[]} outputs
 * @returns {Pick<import('./host-model.js').CompileConfig, 'loss' | 'losses'>}
 */
function readLosses({ loss, lossWeights, fromLogits }, outputs) {
  const one = typeof loss !== 'object' || loss === null || 'type' in loss;
  const list = one ? outputs.map(() => loss) : perPlace(loss, outputs, 'loss', WHERE, false);
  const weights =
    lossWeights === undefined ? [] : perPlace(lossWeights, outputs, 'lossWeights', WHERE, false);
  const losses = list.map((value, output) => {
    if (value === null || (value === undefined && !one)) return null;
    const weight = needNumber(weights[output] ?? 1, 'lossWeights', WHERE);
    return { ...readLoss(value, fromLogits, WHERE), weight };
  });
  const first = losses.find((value) => value !== null);
  if (!first) throw new ConfigError('compile: no output has a loss.', { field: 'loss' });
  const { weight, ...only } = first;
  return outputs.length === 1 && weight === 1 ? { loss: only } : { loss: only, losses };
}

/** @param {unknown} value */
function readWeighted(value) {
  const field = 'weightedMetrics';
  if (!Array.isArray(value)) throw wrongType(value, field, 'an array of names', WHERE);
  return Array.from(value, (metric) => needOneOf(metric, ['accuracy'], field, WHERE));
}

/**
 * Those of one output, or of each.
 *
 * @param {unknown} metrics
 * @param {readonly { name: string }[]} outputs
 * @param {Pick<import('./host-model.js').CompileConfig, 'losses'>} compiled
 */
function readAllMetrics(metrics, outputs, { losses }) {
  const object = typeof metrics === 'object' && metrics !== null && !('config' in metrics);
  const apart = Array.isArray(metrics) ? metrics.some(Array.isArray) : object;
  if (!apart) return readMetrics(metrics);
  const lists = perPlace(metrics, outputs, 'metrics', WHERE, false);
  if (outputs.length === 1) return readMetrics(lists[0] ?? []);
  return lists.flatMap((list, output) => {
    const own = readMetrics(list ?? []);
    const { name } = outputs[output];
    if (own.length > 0 && !losses?.[output]) {
      throw new ConfigError(`compile: metrics of '${name}', which has no loss.`, {
        field: 'metrics',
      });
    }
    return own.map((metric) => {
      const config = metric === 'accuracy' ? { type: metric, name: metric } : metric;
      return { ...config, name: `${name}_${config.name}`, output };
    });
  });
}

/**
 * @param {unknown} metrics
 * @returns {('accuracy' | MetricConfig)[]} 'accuracy' is the engine's own
 */
export function readMetrics(metrics) {
  if (!Array.isArray(metrics)) throw wrongType(metrics, 'metrics', 'an array of names', WHERE);
  const seen = new Set(['loss', 'learningRate']);
  return Array.from(metrics, (metric) => {
    // Plain data: the worker makes the metric again.
    const config = metric?.config && JSON.parse(JSON.stringify(metric.config));
    const type = needOneOf(config ? config.type : metric, METRIC_NAMES, 'metrics', WHERE);
    const name = config?.name ?? type;
    if (seen.has(name)) {
      throw new ConfigError(`compile: metrics has the name ${describe(name)} twice.`, {
        field: 'metrics',
      });
    }
    seen.add(name);
    const own = config && (name !== type || config.threshold !== undefined);
    return type === 'accuracy' && !own ? type : { ...config, type, name };
  });
}

/**
 * What a model tells of its training: the metrics, and the outputs whose losses are told apart.
 *
 * @typedef {{ metrics: readonly ('accuracy' | MetricConfig)[], parts: string[] }} Told
 *
 * @param {import('./host-model.js').CompileConfig | null} config
 * @param {readonly { name: string }[]} outputs
 * @returns {Told}
 */
export function toldOf(config, outputs) {
  const parts = outputs.filter((_, output) => config?.losses?.[output]);
  const names = parts.length > 1 ? parts.map(({ name }) => name) : [];
  return { metrics: config?.metrics ?? [], parts: names };
}

/**
 * Means of an evaluation or an epoch by their names. Of several outputs that have a loss each has
 * its own `name_loss` and `name_accuracy`, as in Keras.
 *
 * @param {Told} told
 * @param {{ loss: number, accuracy: number, metrics: ArrayLike<number> }} means of `metrics` those
 *   that the engine does not measure, then loss and accuracy of each part
 * @returns {import('./fit.js').Logs}
 */
export function logsOf({ metrics, parts }, { loss, accuracy, metrics: values }) {
  /** @type {import('./fit.js').Logs} */
  const logs = { loss };
  let next = 0;
  for (const metric of metrics) {
    if (metric !== 'accuracy') logs[metric.name] = values[next++];
    else if (parts.length === 0) logs.accuracy = accuracy;
  }
  for (const name of parts) {
    logs[`${name}_loss`] = values[next++];
    const right = values[next++];
    if (metrics.includes('accuracy')) logs[`${name}_accuracy`] = right;
  }
  return logs;
}

/** The options of `compile`. */

import { ConfigError } from './errors.js';
import { readLoss } from './losses.js';
import { readOptimizer } from './optimizers.js';
import { bothGiven, describe, needOneOf, readOptions, wrongType } from './options.js';

/**
 * @typedef {object} CompileOptions
 * @property {import('./optimizers.js').OptimizerName | import('./optimizers.js').OptimizerConfig} [optimizer]
 *   default 'adam'
 * @property {import('./losses.js').LossName | import('./losses.js').LossAlias
 *   | import('./losses.js').LossConfig} loss
 * @property {boolean} [fromLogits] the output is not yet a probability; default false
 * @property {readonly (typeof METRIC_NAMES[number] | { config: object })[]} [metrics] names, or objects
 *   of `tabgrad/metrics` for their options, such as `new TopKCategoricalAccuracy({ k: 3 })`; default
 *   none: only the loss is reported
 * @property {readonly 'accuracy'[]} [weightedMetrics] accuracy in which samples count by their weights;
 *   reported as `accuracy` too, so not both. Default none
 *
 * @typedef {{ type: string, name: string, [option: string]: any }} MetricConfig
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

const WHERE = { what: 'compile' };

/**
 * @param {unknown} options
 * @returns {import('./host-model.js').CompileConfig}
 * @throws {ConfigError} {HyperparameterError}
 */
export function readCompileOptions(options) {
  const names = /** @type {const} */ ([
    'optimizer',
    'loss',
    'fromLogits',
    'metrics',
    'weightedMetrics',
  ]);
  const given = readOptions(options, names, WHERE);
  if (given.loss === undefined)
    throw new ConfigError('compile: loss is missing.', { field: 'loss' });
  const metrics = readMetrics(given.metrics ?? []);
  const weighted = readWeighted(given.weightedMetrics ?? []);
  if (metrics.includes('accuracy') && weighted.length > 0) {
    throw bothGiven('metrics', 'weightedMetrics', WHERE);
  }
  return {
    optimizer: readOptimizer(given.optimizer ?? 'adam', WHERE),
    loss: readLoss(given.loss, given.fromLogits, WHERE),
    metrics: [...metrics, ...weighted],
    weighted: weighted.length > 0,
  };
}

/** @param {unknown} value */
function readWeighted(value) {
  const field = 'weightedMetrics';
  if (!Array.isArray(value)) throw wrongType(value, field, 'an array of names', WHERE);
  return Array.from(value, (metric) => needOneOf(metric, ['accuracy'], field, WHERE));
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
 * Means of an evaluation or an epoch by their names.
 *
 * @param {readonly ('accuracy' | MetricConfig)[]} metrics
 * @param {{ loss: number, accuracy: number, metrics: ArrayLike<number> }} means
 * @returns {import('./fit.js').Logs}
 */
export function logsOf(metrics, { loss, accuracy, metrics: values }) {
  /** @type {import('./fit.js').Logs} */
  const logs = { loss };
  let next = 0;
  for (const metric of metrics) {
    if (metric === 'accuracy') logs.accuracy = accuracy;
    else logs[metric.name] = values[next++];
  }
  return logs;
}

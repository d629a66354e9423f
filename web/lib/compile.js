/** The options of `compile`. */

import { ConfigError } from './errors.js';
import { readLoss } from './losses.js';
import { readOptimizer } from './optimizers.js';
import { bothGiven, needOneOf, readOptions, wrongType } from './options.js';

/**
 * @typedef {object} CompileOptions
 * @property {import('./optimizers.js').OptimizerName | import('./optimizers.js').OptimizerConfig} [optimizer]
 *   default 'adam'
 * @property {import('./losses.js').LossName | import('./losses.js').LossAlias
 *   | import('./losses.js').LossConfig} loss
 * @property {boolean} [fromLogits] the output is not yet a probability; default false
 * @property {readonly 'accuracy'[]} [metrics] default none: only the loss is reported
 * @property {readonly 'accuracy'[]} [weightedMetrics] the same, but samples count by their weights;
 *   reported as `accuracy` too, so give one of the two. Default none
 */

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
  const metrics = readMetrics(given.metrics, 'metrics');
  const weighted = readMetrics(given.weightedMetrics, 'weightedMetrics');
  if (metrics.length > 0 && weighted.length > 0) {
    throw bothGiven('metrics', 'weightedMetrics', WHERE);
  }
  return {
    optimizer: readOptimizer(given.optimizer ?? 'adam', WHERE),
    loss: readLoss(given.loss, given.fromLogits, WHERE),
    metrics: [...metrics, ...weighted],
    weighted: weighted.length > 0,
  };
}

/** @param {unknown} value @param {string} field */
function readMetrics(value = [], field) {
  if (!Array.isArray(value)) throw wrongType(value, field, 'an array of names', WHERE);
  return Array.from(value, (metric) => needOneOf(metric, ['accuracy'], field, WHERE));
}

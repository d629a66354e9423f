/** The options of `compile`. */

import { ConfigError } from './errors.js';
import { readLoss } from './losses.js';
import { readOptimizer } from './optimizers.js';
import { needOneOf, readOptions, wrongType } from './options.js';

/**
 * @typedef {object} CompileOptions
 * @property {import('./optimizers.js').OptimizerName | import('./optimizers.js').OptimizerConfig} [optimizer]
 *   default 'adam'
 * @property {import('./losses.js').LossName | import('./losses.js').LossConfig} loss
 * @property {boolean} [fromLogits] the output is not yet a probability; default false
 * @property {readonly 'accuracy'[]} [metrics] default none: only the loss is reported
 */

const WHERE = { what: 'compile' };

/**
 * @param {unknown} options
 * @returns {import('./host-model.js').CompileConfig}
 * @throws {ConfigError} {HyperparameterError}
 */
export function readCompileOptions(options) {
  const names = /** @type {const} */ (['optimizer', 'loss', 'fromLogits', 'metrics']);
  const given = readOptions(options, names, WHERE);
  if (given.loss === undefined)
    throw new ConfigError('compile: loss is missing.', { field: 'loss' });
  const { optimizer = 'adam', metrics = [] } = given;
  if (!Array.isArray(metrics)) throw wrongType(metrics, 'metrics', 'an array of names', WHERE);
  return {
    optimizer: readOptimizer(optimizer, WHERE),
    loss: readLoss(given.loss, given.fromLogits, WHERE),
    metrics: Array.from(metrics, (metric) => needOneOf(metric, ['accuracy'], 'metrics', WHERE)),
  };
}

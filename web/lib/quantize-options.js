/** The options of `quantize` and `quantizeAware`. */

import { ConfigError } from './errors.js';
import { needNumber, needOneOf, needSignal, readOptions } from './options.js';

/**
 * @typedef {object} QuantizeOptions
 * @property {unknown} calibration a `Dataset` or an array of samples like those the model will see; a few hundred are
 *   enough, labels are not used
 * @property {number} [first] first of its samples to use, default 0
 * @property {number} [count] samples to use, default all after `first`
 * @property {'percentile' | 'minmax'} [method] how the range of an activation follows from its values: all but a few
 *   of them, or from the least to the largest. Default 'percentile'
 * @property {number} [percentile] share of the values, in percent, that the range holds at its upper and at its lower
 *   end; above 50, at most 100, default 99.99. The range of the input is never cut
 * @property {AbortSignal} [signal]
 */

const NAMES = /** @type {const} */ ([
  'calibration',
  'first',
  'count',
  'method',
  'percentile',
  'signal',
]);

/**
 * @param {unknown} options
 * @param {string} what
 * @throws {ConfigError} {InputTypeError}
 */
export function readQuantizeOptions(options, what) {
  const where = { what };
  const {
    method = 'percentile',
    percentile,
    signal,
    ...given
  } = readOptions(options, NAMES, where);
  if (given.calibration === undefined || given.calibration === null) {
    throw new ConfigError(
      `${what}: calibration is missing: samples like those the model will see.`,
      {
        field: 'calibration',
      },
    );
  }
  needOneOf(method, ['percentile', 'minmax'], 'method', where);
  if (method === 'minmax' && percentile !== undefined) {
    throw new ConfigError(`${what}: percentile has no meaning with method 'minmax'.`, {
      field: 'percentile',
    });
  }
  return {
    calibration: given.calibration,
    range: { first: given.first, count: given.count },
    percentile: method === 'minmax' ? 100 : needNumber(percentile ?? 99.99, 'percentile', where),
    signal: needSignal(signal, 'signal', where),
  };
}

/** Which of two values is better: of some names the larger, of some the smaller. */

import { ConfigError } from './errors.js';
import { describe, needOneOf } from './options.js';

/** What is better when it grows, by the name's end. */
const GROWS = /(accuracy|precision|recall|score|auc|similarity)$/i;
const SHRINKS = /(loss|error)$/i;

/**
 * @param {string} name of the value
 * @param {unknown} mode 'max', 'min', or 'auto': by the name
 * @param {import('./options.js').Where} where
 * @returns {1 | -1} 1 where more is better
 * @throws {ConfigError} 'auto' for a name that says neither
 */
export function growth(name, mode, where) {
  const chosen = needOneOf(mode, ['auto', 'min', 'max'], 'mode', where);
  if (chosen === 'auto' && !GROWS.test(name) && !SHRINKS.test(name)) {
    throw new ConfigError(
      `${where.what}: whether ${describe(name)} should grow is not known: give mode 'min' or 'max'.`,
      { field: 'mode' },
    );
  }
  return chosen === 'max' || (chosen === 'auto' && GROWS.test(name)) ? 1 : -1;
}

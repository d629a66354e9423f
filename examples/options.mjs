/** Command-line options of the examples: every one a number with a default. */

import { parseArgs } from 'node:util';

/**
 * @template {Record<string, number | undefined>} T
 * @param {T} defaults option name → default; undefined leaves the choice to the library
 * @returns {T}
 */
export function numberOptions(defaults) {
  const names = Object.keys(defaults);
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  });
  const given = Object.entries(values).map(([name, text]) => [name, wholeNumber(name, text)]);
  return { ...defaults, ...Object.fromEntries(given) };
}

/**
 * @param {string} name
 * @param {unknown} text
 */
export function wholeNumber(name, text) {
  const value = Number(text);
  if (text === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`--${name} must be a whole number, found '${text}'.`);
  }
  return value;
}

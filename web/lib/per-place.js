/** What is given for each input or output of a model that has several: in their order, or by their names. */

import { ConfigError } from './errors.js';
import { describe } from './options.js';

/**
 * @typedef {{ name: string }} Place an input or an output
 *
 * @param {unknown} value an array of one entry a place, or an object by their names
 * @param {readonly Place[]} places
 * @param {string} field
 * @param {import('./options.js').Where} where
 * @param {boolean} [all] whether the object must have every name; default true
 * @returns {unknown[]} one a place; undefined where the object leaves one out
 * @throws {ConfigError} naming the field and what is missing or unknown
 */
export function perPlace(value, places, field, where, all = true) {
  const names = places.map(({ name }) => name);
  const wanted = `an array of ${names.length} or an object of ${names.join(', ')}`;
  if (Array.isArray(value)) {
    if (value.length === names.length) return Array.from(value);
    throw new ConfigError(
      `${where.what}: ${field} must be ${wanted}, found an array of ${value.length}.`,
      { field },
    );
  }
  const plain = typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
  if (!plain) {
    throw new ConfigError(`${where.what}: ${field} must be ${wanted}, found ${describe(value)}.`, {
      field,
    });
  }
  const given = new Map(Object.entries(/** @type {Record<string, unknown>} */ (value)));
  const unknown = [...given.keys()].find((name) => !names.includes(name));
  const missing = all ? names.find((name) => !given.has(name)) : undefined;
  if (unknown === undefined && missing === undefined) return names.map((name) => given.get(name));
  const what = unknown === undefined ? `lacks '${missing}'` : `has '${unknown}'`;
  throw new ConfigError(`${where.what}: ${field} ${what}, it must be ${wanted}.`, { field });
}

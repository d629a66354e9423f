/** Data sets that the library knows how to load. */

import { cifar10Source, resolveSource } from '#platform';
import { CIFAR10_CLASSES, CIFAR10_URL } from './data/cifar10-facts.js';
import { readNormalization } from './dataset-options.js';
import { Dataset } from './dataset.js';
import { ConfigError, throwIfAborted } from './errors.js';
import {
  needBoolean,
  needFunction,
  needOneOf,
  needSignal,
  readOptions,
  wrongType,
} from './options.js';

/**
 * @typedef {import('./client.js').Client} Client
 *
 * @typedef {object} LoadOptions
 * @property {import('./data/cifar10.js').Cifar10Source} [source] default the authors' archive; in
 *   Node first the cache folder that `npm start` fills
 * @property {readonly ('train' | 'test')[]} [parts] default both
 * @property {boolean} [verify] compare each file's SHA-256, default true
 * @property {(progress: import('./data/cifar10.js').LoadProgress) => void} [onProgress]
 * @property {AbortSignal} [signal]
 * @property {number} [scale] {@link import('./dataset.js').DatasetOptions}, as are mean and std
 * @property {number | readonly number[]} [mean]
 * @property {number | readonly number[]} [std]
 *
 * @typedef {object} LoadedParts
 * @property {Dataset} train absent if `parts` leaves it out
 * @property {Dataset} test absent if `parts` leaves it out
 * @property {readonly string[]} classNames
 */

const NORMALIZATION = /** @type {const} */ (['scale', 'mean', 'std']);
const COMMON = /** @type {const} */ (['source', 'parts', 'onProgress', 'signal', ...NORMALIZATION]);

/**
 * CIFAR-10: 50,000 training and 10,000 test images of 32 x 32 pixels in ten classes (A. Krizhevsky,
 * 2009). Fetched, unpacked and verified in the worker, straight into the engine's memory (184 MB).
 *
 * @param {Client} client
 * @param {LoadOptions} [options]
 * @returns {Promise<LoadedParts>}
 * @throws what `loadCifar10` throws
 */
export async function cifar10(client, options) {
  const where = { what: 'datasets.cifar10' };
  const { verify = true, ...given } = readOptions(options, [...COMMON, 'verify'], where);
  needBoolean(verify, 'verify', where);
  return loadParts(
    client,
    'dataset.cifar10',
    given,
    { verify, source: cifar10Source(CIFAR10_URL) },
    where,
  );
}

/**
 * The first 1,000 training and 500 test images of CIFAR-10, which the page ships.
 *
 * @param {Client} client
 * @param {Omit<LoadOptions, 'verify'>} [options] `source` is the folder of sample.json
 * @returns {Promise<LoadedParts>}
 */
export async function cifar10Sample(client, options) {
  const where = { what: 'datasets.cifar10Sample' };
  const given = readOptions(options, COMMON, where);
  if (given.source === undefined) {
    throw new ConfigError(`${where.what}: source, the folder of sample.json, is missing.`, {
      field: 'source',
    });
  }
  return loadParts(client, 'dataset.sample', given, {}, where);
}

/**
 * What was dropped on a page can be read only until the event is over: taken at once, as entries that stay.
 *
 * @param {unknown} source
 * @returns {unknown} other sources as they are
 */
export function holdDropped(source) {
  if (typeof DataTransferItemList === 'undefined') return source;
  const items = source instanceof DataTransfer ? source.items : source;
  if (!(items instanceof DataTransferItemList)) return source;
  return Array.from(items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
}

/**
 * @param {Client} client
 * @param {string} method
 * @param {Record<string, any>} given
 * @param {object} defaults
 * @param {import('./options.js').Where} where
 */
async function loadParts(client, method, given, defaults, where) {
  const { parts = ['train', 'test'], onProgress, source } = given;
  if (!Array.isArray(parts) || parts.length === 0) {
    throw wrongType(parts, 'parts', "an array of 'train' and 'test'", where);
  }
  const signal = needSignal(given.signal, 'signal', where);
  throwIfAborted(signal, where.what);
  if (onProgress) needFunction(onProgress, 'onProgress', where);
  const args = {
    ...defaults,
    parts: parts.map((part) => needOneOf(part, ['train', 'test'], 'parts', where)),
    normalization: readNormalization(given, 3, true, where),
    ...(source === undefined ? {} : { source: wireSource(source) }),
  };
  const transfer = source instanceof ReadableStream ? [source] : [];
  const facts = await client.call(method, args, {
    signal,
    transfer,
    job: true,
    onEvent: onProgress,
  });
  const loaded = Object.entries(facts).map(([part, fact]) => [
    part,
    new Dataset(client, fact, CIFAR10_CLASSES),
  ]);
  return { ...Object.fromEntries(loaded), classNames: CIFAR10_CLASSES };
}

/**
 * A source in a form that crosses to the worker, addresses resolved against the program's own.
 *
 * @param {unknown} source
 */
function wireSource(source) {
  if (typeof source === 'string' || source instanceof URL) return resolveSource(source);
  if (typeof FileList !== 'undefined' && source instanceof FileList) return Array.from(source);
  return source;
}

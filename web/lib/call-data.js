/** The samples that `fit`, `evaluate` and the others work on: a data set, or an array sent for one call. */

import { inOneMessage, isDataset, upload } from './dataset.js';
import { ConfigError, InputTypeError } from './errors.js';

/**
 * @typedef {import('./client.js').Client} Client
 *
 * @typedef {{ dataset: number, first: number, count: number }} WireRange
 * @typedef {WireRange | { brought: object, first: number, count: number }} BroughtRange samples of a
 *   data set, or of one that comes with the call and lives as long as it
 *
 * @typedef {object} TakenData
 * @property {number | null} dataset the number of a data set, or null for
 * @property {import('./dataset.js').Content | null} content an array's values
 * @property {{ first: number, count: number }} range
 */

/**
 * With a data set, labels are its own and the options may follow at once.
 *
 * @param {unknown} x
 * @param {unknown} y
 * @param {unknown} options
 * @param {string} what
 * @returns {[labels: unknown, options: unknown]}
 */
export function labelsAndOptions(x, y, options, what) {
  if (!isDataset(x) && !isStream(x)) {
    if (y !== undefined && y !== null) return [y, options];
    throw new InputTypeError(
      `${what}: y is missing; only a Dataset or a stream brings its own labels.`,
      {
        field: 'y',
      },
    );
  }
  if (y === undefined || y === null) return [undefined, options];
  if (
    options === undefined &&
    typeof y === 'object' &&
    !Array.isArray(y) &&
    !ArrayBuffer.isView(y)
  ) {
    return [undefined, y];
  }
  throw new ConfigError(
    `${what}: y must be left out with a Dataset or a stream, which has its own labels.`,
    {
      field: 'y',
    },
  );
}

/**
 * Whether samples come one after the other: an iterable that is no array, or a function that gives one.
 *
 * @param {unknown} x
 */
export function isStream(x) {
  if (typeof x === 'function') return true;
  if (typeof x !== 'object' || x === null || ArrayBuffer.isView(x)) return false;
  try {
    return !Array.isArray(x) && (Symbol.asyncIterator in x || Symbol.iterator in x);
  } catch {
    // A revoked proxy is refused where its values are read.
    return false;
  }
}

/**
 * Runs a call on samples; an array is sent to the engine first and freed afterwards.
 *
 * @template Result
 * @param {Client} client
 * @param {TakenData} taken
 * @param {AbortSignal | undefined} signal
 * @param {(data: WireRange) => Promise<Result>} run
 * @returns {Promise<Result>}
 */
export async function withData(client, { dataset, content, range }, signal, run) {
  if (!content) return run({ dataset: /** @type {number} */ (dataset), ...range });
  const { id } = await upload(client, content, signal);
  try {
    return await run({ dataset: id, ...range });
  } finally {
    // Not awaited: the worker answers in order, so a later call finds the memory free.
    client.call('dataset.dispose', { id }).catch(() => {});
  }
}

/**
 * The same for a call that uses its samples once: when they are small they travel in the call's own
 * message, so that a prediction waits for one answer and not for two.
 *
 * @template Result
 * @param {Client} client
 * @param {TakenData} taken
 * @param {AbortSignal | undefined} signal
 * @param {(data: BroughtRange, transfer?: Transferable[]) => Promise<Result>} run
 * @returns {Promise<Result>}
 */
export async function withDataOnce(client, taken, signal, run) {
  const small = taken.content && inOneMessage(taken.content);
  if (!small) return withData(client, taken, signal, run);
  return run({ brought: small.args, ...taken.range }, small.transfer);
}

/** Folders and archives of pictures as data sets: the program's side of host-images.js. */

import { resolveSource } from '#platform';
import { listDropped } from './data/list-dropped.js';
import { Dataset } from './dataset.js';
import { throwIfAborted } from './errors.js';
import { IMAGE_OPTIONS, readImageOptions } from './image-options.js';
import { readOptions } from './options.js';

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./image-options.js').ImageSource} ImageSource
 * @typedef {import('./image-options.js').ImageFolderOptions} ImageFolderOptions
 */

const WHERE = { what: 'imageFolder' };

/**
 * Pictures as bytes 0 … 255, in the order of their paths. With a data set go its `classNames`, `files` (the path of
 * each sample) and `skipped` (files that could not be read, with the reason).
 *
 * @template {ImageFolderOptions} Options
 * @param {Client} client
 * @param {unknown} source {@link ImageSource}
 * @param {Options} [options]
 * @returns {Promise<Options extends { subset: 'both' } ? [training: Dataset, validation: Dataset] : Dataset>}
 * @throws {EmptyError} no picture. {EmptyClassError} a class without one. {MissingError} {IoError} {LoadError}
 * @throws {DuplicateError} folders whose names differ by case or Unicode form alone
 * @throws {ZipError} {TarError} {GzipError} a damaged archive. {OutOfMemoryError} {AbortedError}
 * @throws {ConfigError} {InputTypeError} {ShapeError} {LimitError}
 */
export async function imageFolder(client, source, options) {
  const given = readOptions(options, IMAGE_OPTIONS, WHERE);
  const { job, onProgress, signal } = readImageOptions(given, WHERE);
  throwIfAborted(signal, WHERE.what);
  const wire = await wireSource(source, signal);
  /** @type {{ parts: import('./host-images.js').ImageFacts[], classNames: string[] }} */
  const { parts, classNames } = await client.call(
    'dataset.imageFolder',
    { ...job, source: wire },
    { signal, job: true, onEvent: onProgress },
  );
  const loaded = parts.map(
    ({ facts, files, skipped }) =>
      new Dataset(client, facts, classNames, undefined, { files, skipped }),
  );
  return /** @type {any} */ (job.plan.subset === 'both' ? loaded : loaded[0]);
}

/**
 * A source in a form that crosses to the worker.
 *
 * @param {unknown} source
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<import('./data/image-files.js').WireSource>}
 */
export async function wireSource(source, signal) {
  const named = typeof source === 'string' || source instanceof URL;
  return named ? { place: resolveSource(source) } : listDropped(source, signal);
}

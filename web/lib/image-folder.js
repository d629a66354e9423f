/** Folders and archives of pictures as data sets: the program's side of host-images.js. */

import { resolveSource } from '#platform';
import { MAX_PIXELS } from './data/image-header.js';
import { listDropped } from './data/list-dropped.js';
import { readClassNames, readNormalization } from './dataset-options.js';
import { Dataset } from './dataset.js';
import { ConfigError, throwIfAborted } from './errors.js';
import {
  needBoolean,
  needFunction,
  needNumber,
  needOneOf,
  needSignal,
  needWhole,
  readOptions,
  wrongType,
} from './options.js';

/**
 * @typedef {import('./client.js').Client} Client
 *
 * @typedef {string | URL | Blob | Uint8Array | ArrayBuffer | FileList | readonly File[] | readonly FileSystemEntry[]
 *   | DataTransfer | DataTransferItemList | FileSystemDirectoryHandle | ReadonlyMap<string, Blob | Uint8Array>
 *   | { readonly [path: string]: Blob | Uint8Array }} ImageSource
 *   - a path (Node), of a folder or of an archive: zip, tar, tar.gz
 *   - a URL, File, Blob or bytes: of an archive
 *   - what was dropped on a page (`event.dataTransfer`), files of `<input type="file" webkitdirectory>`, the handle of
 *     `showDirectoryPicker()`
 *   - contents by their paths
 *
 * @typedef {object} ImageFolderOptions names and meanings of Keras's `image_dataset_from_directory`
 * @property {readonly [height: number, width: number]} [imageSize] to which pictures are resized, default [256, 256]
 * @property {'inferred' | null | ArrayLike<number>} [labels] 'inferred' (default): each folder is a class, in the order
 *   of their names; null: none; or one class a picture, in the order of their paths
 * @property {'int' | 'categorical' | 'binary' | null} [labelMode] 'int' (default): class numbers; 'categorical': one
 *   value a class, 0 or 1; 'binary': one value, 0 or 1, of two classes; null: none
 * @property {readonly string[]} [classNames] folders that are classes, in the order of their numbers; default all
 * @property {'rgb' | 'grayscale'} [colorMode] default 'rgb'
 * @property {number} [validationSplit] share of the pictures for validation; needs `subset`
 * @property {'training' | 'validation' | 'both'} [subset] which part to load; 'both' gives [training, validation]
 * @property {number} [seed] of that split, default 0: both parts need the same one
 * @property {'bilinear' | 'nearest'} [interpolation] default 'bilinear'
 * @property {boolean} [antialias] default false, as in Keras; true is better where pictures become much smaller
 * @property {boolean} [cropToAspectRatio] cut instead of stretch, default false
 * @property {string} [folder] only what lies below it, such as 'train' in an archive of train/ and test/;
 *   folders around both may be left out
 * @property {boolean} [allowEmptyClasses] default false: a class without a picture is refused
 * @property {number} [maxPixels] of one picture, default 50,000,000; larger ones are skipped before they are decoded
 * @property {number} [scale] {@link import('./dataset.js').DatasetOptions}, as are mean and std
 * @property {number | readonly number[]} [mean]
 * @property {number | readonly number[]} [std]
 * @property {(progress: import('./host-images.js').ImageProgress) => void} [onProgress] at most every 50 ms
 * @property {AbortSignal} [signal]
 */

const WHERE = { what: 'imageFolder' };
const OPTIONS = /** @type {const} */ ([
  'imageSize',
  'labels',
  'labelMode',
  'classNames',
  'colorMode',
  'validationSplit',
  'subset',
  'seed',
  'interpolation',
  'antialias',
  'cropToAspectRatio',
  'folder',
  'allowEmptyClasses',
  'maxPixels',
  'scale',
  'mean',
  'std',
  'onProgress',
  'signal',
]);
const SUBSETS = /** @type {const} */ (['training', 'validation', 'both']);
const LABEL_MODES = /** @type {const} */ (['int', 'categorical', 'binary']);

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
  const { job, onProgress, signal } = readImageOptions(options);
  throwIfAborted(signal, WHERE.what);
  const named = typeof source === 'string' || source instanceof URL;
  const wire = named ? { place: resolveSource(source) } : await listDropped(source, signal);
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
 * @param {unknown} options
 * @returns {{ job: Omit<import('./host-images.js').ImageJob, 'source'>, signal: AbortSignal | undefined,
 *   onProgress: ((progress: any) => void) | undefined }}
 */
function readImageOptions(options) {
  const given = readOptions(options, OPTIONS, WHERE);
  const channels =
    needOneOf(given.colorMode ?? 'rgb', ['rgb', 'grayscale'], 'colorMode', WHERE) === 'rgb' ? 3 : 1;
  const seen = (/** @type {string} */ field) =>
    needBoolean(/** @type {any} */ (given)[field] ?? false, field, WHERE);
  const labels = readLabels(given.labels);
  const labelMode = given.labelMode === undefined ? 'int' : given.labelMode;
  const job = {
    size: readImageSize(given.imageSize),
    channels,
    labelMode:
      labelMode === null || labels === null
        ? null
        : needOneOf(labelMode, LABEL_MODES, 'labelMode', WHERE),
    method: readMethod(given),
    cropToAspectRatio: seen('cropToAspectRatio'),
    maxPixels: needWhole(given.maxPixels ?? MAX_PIXELS, 'maxPixels', WHERE, 1),
    normalization: readNormalization(given, channels, true, WHERE),
    plan: {
      labels,
      classNames: given.classNames && readClassNames(given.classNames, WHERE),
      folder: readFolder(given.folder),
      ...readSplit(given),
      seed: needWhole(given.seed ?? 0, 'seed', WHERE),
      allowEmptyClasses: seen('allowEmptyClasses'),
    },
  };
  const { onProgress } = given;
  return {
    job,
    onProgress: onProgress && needFunction(onProgress, 'onProgress', WHERE),
    signal: needSignal(given.signal, 'signal', WHERE),
  };
}

/** @param {unknown} value @returns {[number, number]} */
function readImageSize(value = [256, 256]) {
  if (!Array.isArray(value) || value.length !== 2) {
    throw wrongType(value, 'imageSize', '[height, width]', WHERE);
  }
  const [height, width] = Array.from(value, (size) => needWhole(size, 'imageSize', WHERE, 1));
  return [height, width];
}

/**
 * @param {{ interpolation?: unknown, antialias?: unknown }} given
 * @returns {'NEAREST' | 'BILINEAR' | 'ANTIALIAS'}
 */
function readMethod({ interpolation = 'bilinear', antialias = false }) {
  const nearest =
    needOneOf(interpolation, ['bilinear', 'nearest'], 'interpolation', WHERE) === 'nearest';
  if (!needBoolean(antialias, 'antialias', WHERE)) return nearest ? 'NEAREST' : 'BILINEAR';
  if (!nearest) return 'ANTIALIAS';
  throw new ConfigError("imageFolder: antialias needs interpolation 'bilinear'.", {
    field: 'antialias',
  });
}

/** @param {unknown} value @returns {'inferred' | null | number[]} */
function readLabels(value = 'inferred') {
  if (value === 'inferred' || value === null) return value;
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) {
    throw wrongType(value, 'labels', "'inferred', null or an array of classes", WHERE);
  }
  const list = Array.from(/** @type {ArrayLike<unknown>} */ (/** @type {unknown} */ (value)));
  return list.map((label) => needWhole(label, 'labels', WHERE));
}

/** @param {unknown} value */
function readFolder(value) {
  if (value === undefined || typeof value === 'string') return value;
  throw wrongType(value, 'folder', 'a path', WHERE);
}

/** @param {{ validationSplit?: unknown, subset?: unknown }} given */
function readSplit({ validationSplit, subset }) {
  if ((validationSplit === undefined) !== (subset === undefined)) {
    throw new ConfigError('imageFolder: validationSplit and subset are given together.', {
      field: validationSplit === undefined ? 'validationSplit' : 'subset',
    });
  }
  const share = needNumber(validationSplit ?? 0, 'validationSplit', WHERE);
  if (subset === undefined) return { validationSplit: 0, subset: undefined };
  if (share > 0 && share < 1) {
    return { validationSplit: share, subset: needOneOf(subset, SUBSETS, 'subset', WHERE) };
  }
  throw new ConfigError(`imageFolder: validationSplit must be between 0 and 1, found ${share}.`, {
    field: 'validationSplit',
  });
}

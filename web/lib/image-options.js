/** What `imageFolder` and `imageStream` are asked for, checked. */

import { MAX_PIXELS } from './data/image-header.js';
import { readClassNames, readNormalization } from './dataset-options.js';
import { ConfigError } from './errors.js';
import {
  needBoolean,
  needFunction,
  needNumber,
  needOneOf,
  needSignal,
  needWhole,
  wrongType,
} from './options.js';

/**
 * @typedef {import('./options.js').Where} Where
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
 * @property {boolean} [applyExifOrientation] turn JPEG photos as the camera was held, default false, as in Keras and
 *   PyTorch
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

export const IMAGE_OPTIONS = /** @type {const} */ ([
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
  'applyExifOrientation',
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
 * @param {Partial<Record<typeof IMAGE_OPTIONS[number], any>>} given of known names
 * @param {Where} where
 * @returns {{ job: Omit<import('./host-images.js').ImageJob, 'source'>, signal: AbortSignal | undefined,
 *   onProgress: ((progress: any) => void) | undefined }}
 */
export function readImageOptions(given, where) {
  const channels =
    needOneOf(given.colorMode ?? 'rgb', ['rgb', 'grayscale'], 'colorMode', where) === 'rgb' ? 3 : 1;
  const seen = (/** @type {string} */ field) =>
    needBoolean(/** @type {any} */ (given)[field] ?? false, field, where);
  const labels = readLabels(given.labels, where);
  const labelMode = given.labelMode === undefined ? 'int' : given.labelMode;
  const job = {
    size: readImageSize(given.imageSize, where),
    channels,
    labelMode:
      labelMode === null || labels === null
        ? null
        : needOneOf(labelMode, LABEL_MODES, 'labelMode', where),
    method: readMethod(given, where),
    cropToAspectRatio: seen('cropToAspectRatio'),
    applyExifOrientation: seen('applyExifOrientation'),
    maxPixels: needWhole(given.maxPixels ?? MAX_PIXELS, 'maxPixels', where, 1),
    normalization: readNormalization(given, channels, true, where),
    plan: {
      what: where.what,
      labels,
      classNames: given.classNames && readClassNames(given.classNames, where),
      folder: readFolder(given.folder, where),
      ...readSplit(given, where),
      seed: needWhole(given.seed ?? 0, 'seed', where),
      allowEmptyClasses: seen('allowEmptyClasses'),
    },
  };
  const { onProgress } = given;
  return {
    job,
    onProgress: onProgress && needFunction(onProgress, 'onProgress', where),
    signal: needSignal(given.signal, 'signal', where),
  };
}

/** @param {unknown} value @param {Where} where @returns {[number, number]} */
function readImageSize(value = [256, 256], where) {
  if (!Array.isArray(value) || value.length !== 2) {
    throw wrongType(value, 'imageSize', '[height, width]', where);
  }
  const [height, width] = Array.from(value, (size) => needWhole(size, 'imageSize', where, 1));
  return [height, width];
}

/**
 * @param {{ interpolation?: unknown, antialias?: unknown }} given
 * @param {Where} where
 * @returns {'NEAREST' | 'BILINEAR' | 'ANTIALIAS'}
 */
function readMethod({ interpolation = 'bilinear', antialias = false }, where) {
  const nearest =
    needOneOf(interpolation, ['bilinear', 'nearest'], 'interpolation', where) === 'nearest';
  if (!needBoolean(antialias, 'antialias', where)) return nearest ? 'NEAREST' : 'BILINEAR';
  if (!nearest) return 'ANTIALIAS';
  throw new ConfigError(`${where.what}: antialias needs interpolation 'bilinear'.`, {
    field: 'antialias',
  });
}

/** @param {unknown} value @param {Where} where @returns {'inferred' | null | number[]} */
function readLabels(value = 'inferred', where) {
  if (value === 'inferred' || value === null) return value;
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) {
    throw wrongType(value, 'labels', "'inferred', null or an array of classes", where);
  }
  const list = Array.from(/** @type {ArrayLike<unknown>} */ (/** @type {unknown} */ (value)));
  return list.map((label) => needWhole(label, 'labels', where));
}

/** @param {unknown} value @param {Where} where */
function readFolder(value, where) {
  if (value === undefined || typeof value === 'string') return value;
  throw wrongType(value, 'folder', 'a path', where);
}

/** @param {{ validationSplit?: unknown, subset?: unknown }} given @param {Where} where */
function readSplit({ validationSplit, subset }, where) {
  if ((validationSplit === undefined) !== (subset === undefined)) {
    throw new ConfigError(`${where.what}: validationSplit and subset are given together.`, {
      field: validationSplit === undefined ? 'validationSplit' : 'subset',
    });
  }
  const share = needNumber(validationSplit ?? 0, 'validationSplit', where);
  if (subset === undefined) return { validationSplit: 0, subset: undefined };
  if (share > 0 && share < 1) {
    return { validationSplit: share, subset: needOneOf(subset, SUBSETS, 'subset', where) };
  }
  throw new ConfigError(`${where.what}: validationSplit must be between 0 and 1, found ${share}.`, {
    field: 'validationSplit',
  });
}

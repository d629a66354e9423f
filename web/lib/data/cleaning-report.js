/** What is wrong with a data set: files that cannot be read, samples that are there twice, labels to look at. */

import { sampleSource } from '../arrays.js';
import { isDataset } from '../dataset.js';
import { holdDropped } from '../datasets.js';
import { sharedEngine } from '../engine.js';
import { ConfigError, ShapeError } from '../errors.js';
import {
  bothGiven,
  needBoolean,
  needFunction,
  needNumber,
  needSignal,
  needWhole,
  readOptions,
  wrongType,
} from '../options.js';
import { classesOf } from './classes-of.js';
import { confidentErrors } from './confident-learning.js';
import { kFold } from './split.js';

/**
 * @typedef {import('../dataset.js').Dataset} Dataset
 * @typedef {import('../model.js').Model} Model
 *
 * @typedef {object} ReportOptions
 * @property {Model} [model] trained on other samples, whose predictions tell which labels are doubtful
 * @property {ArrayLike<number>} [predictions] instead: one probability a class and sample, of models that did not see
 *   the sample
 * @property {() => Model | Promise<Model>} [makeModel] instead: makes a compiled model; `k` of them are trained, each
 *   on all parts but one, which it predicts. They are disposed
 * @property {number} [k] default 5
 * @property {number} [seed] of the parts, default 0
 * @property {import('../fit-options.js').FitOptions} [fit] options of that training
 * @property {number} [minConfidence] least probability of the class that a label is doubted for, default 0.5; with 0 what
 *   the paper calls doubtful, which of a weak model's mistakes is a large part
 * @property {Dataset | unknown} [against] held-out samples, such as those for testing, which must not be among these: a
 *   `Dataset`, or a folder where pictures of a folder are looked at
 * @property {boolean} [near] look for near duplicates too, default true
 * @property {readonly [number, number]} [imageSize] of pictures of a folder, default [64, 64]
 * @property {(progress: { phase: 'load' | 'train', done: number, total: number | undefined }) => void} [onProgress]
 * @property {AbortSignal} [signal]
 *
 * @typedef {{ file: string, code: string, message: string }} Unreadable
 * @typedef {{ index: number, file?: string, of: number, ofFile?: string, sameLabel: boolean }} Duplicate a sample, and
 *   the one before it that it repeats
 * @typedef {Duplicate & { distance: number }} NearDuplicate distance: bits of 64 in which their average hashes differ
 * @typedef {{ index: number, file?: string, label: number, labelName?: string, suggested: number,
 *   suggestedName?: string, confidence: number, ownConfidence: number }} Mislabelled the most doubtful come first
 *
 * @typedef {object} CleaningReport
 * @property {number} count samples looked at
 * @property {Unreadable[]} unreadable
 * @property {string[]} emptyClasses names of classes without a sample
 * @property {Duplicate[]} duplicates
 * @property {NearDuplicate[]} nearDuplicates to look at: they need not be wrong
 * @property {Duplicate[]} leaks samples that lie in `against` too, of which `of` and `ofFile` are
 * @property {NearDuplicate[]} nearLeaks the same, to look at
 * @property {Mislabelled[]} mislabelled without predictions []
 * @property {number[]} indices of duplicates, exact leaks and mislabelled samples, rising: for `data.without`
 */

const WHERE = { what: 'cleaningReport' };
const OPTIONS = /** @type {const} */ ([
  'model',
  'predictions',
  'makeModel',
  'k',
  'seed',
  'fit',
  'minConfidence',
  'against',
  'near',
  'imageSize',
  'onProgress',
  'signal',
]);
const WAYS = /** @type {const} */ (['model', 'predictions', 'makeModel']);

/**
 * Looks through a data set, or through a folder or archive of pictures. Nothing is changed.
 *
 * @param {unknown} source a `Dataset`, or what `imageFolder` takes
 * @param {ReportOptions} [options]
 * @returns {Promise<CleaningReport>} plain objects
 * @throws {ConfigError} {ShapeError} {EmptyError} {AbortedError} and what `imageFolder`, `fit` and `predict` throw
 */
export async function cleaningReport(source, options) {
  const given = readOptions(options, OPTIONS, WHERE);
  const signal = needSignal(given.signal, 'signal', WHERE);
  const onProgress = given.onProgress && needFunction(given.onProgress, 'onProgress', WHERE);
  const near = needBoolean(given.near ?? true, 'near', WHERE);
  const minConfidence = needShare(given.minConfidence ?? 0.5);
  const ways = WAYS.filter((way) => given[way] !== undefined);
  if (ways.length > 1) throw bothGiven(ways[0], ways[1], WHERE);
  const { against } = given;
  if (against !== undefined && isDataset(against) !== isDataset(source)) {
    const wanted = isDataset(source) ? 'a Dataset' : 'a folder, as the pictures are in';
    throw wrongType(against, 'against', wanted, WHERE);
  }
  const settings = { ...given, near, minConfidence, signal, onProgress };
  if (isDataset(source)) return reportOn(source, against, settings);
  // What was dropped on a page is held at once.
  const folders = [source, against].filter((each) => each !== undefined).map(holdDropped);
  /** @type {Dataset[]} */
  const loaded = [];
  try {
    for (const folder of folders) {
      loaded.push(await loadFolder(folder, given.imageSize ?? [64, 64], signal, onProgress));
    }
    const [data, held] = loaded;
    return await reportOn(data, held, settings);
  } finally {
    for (const data of loaded) await data.dispose();
  }
}

/**
 * @param {Dataset} data
 * @param {Dataset | undefined} against
 * @param {ReportOptions & { near: boolean, minConfidence: number }} options
 * @returns {Promise<CleaningReport>}
 */
async function reportOn(data, against, options) {
  const { near, minConfidence, signal, onProgress } = options;
  const { exact, near: alike, leaks } = await data.findTwins({ near, against, signal, onProgress });
  const classes = await knownClasses(data);
  const own = { data, classes };
  const held = against && { data: against, classes: await knownClasses(against) };
  const duplicates = exact.map((pair) => pairIn(own, own, pair));
  const leaked = held ? leaks.exact.map((pair) => pairIn(own, held, pair)) : [];
  const mislabelled =
    classes && WAYS.some((way) => options[way] !== undefined)
      ? await doubtful(data, classes, minConfidence, options)
      : [];
  const present = new Set(classes);
  const indices = new Set([...duplicates, ...leaked, ...mislabelled].map(({ index }) => index));
  return {
    count: data.count,
    unreadable: data.skipped.map((file) => ({ ...file })),
    emptyClasses: classes ? data.classNames.filter((_, label) => !present.has(label)) : [],
    duplicates,
    nearDuplicates: alike.map((pair) => ({ ...pairIn(own, own, pair), distance: pair[2] })),
    leaks: leaked,
    nearLeaks: held
      ? leaks.near.map((pair) => ({ ...pairIn(own, held, pair), distance: pair[2] }))
      : [],
    mislabelled,
    indices: [...indices].sort((a, b) => a - b),
  };
}

/** @param {Dataset} data @returns {Promise<Int32Array | null>} null without labels */
async function knownClasses(data) {
  return data.labels === 'none' ? null : (await classesOf(data, WHERE.what)).classes;
}

/**
 * @typedef {{ data: Dataset, classes: Int32Array | null }} Labelled
 *
 * @param {Labelled} own
 * @param {Labelled} others
 * @param {readonly [index: number, of: number, ...unknown[]]} pair
 * @returns {Duplicate}
 */
function pairIn(own, others, [index, of]) {
  const labelOf = (/** @type {Labelled} */ { data, classes }, /** @type {number} */ sample) =>
    classes && (data.classNames[classes[sample]] ?? classes[sample]);
  const [label, other] = [labelOf(own, index), labelOf(others, of)];
  return {
    index,
    ...named(own.data, 'file', index),
    of,
    ...named(others.data, 'ofFile', of),
    sameLabel: label === null || other === null || label === other,
  };
}

/**
 * @param {any} source
 * @param {any} imageSize
 * @param {AbortSignal | undefined} signal
 * @param {any} onProgress
 * @returns {Promise<Dataset>}
 */
async function loadFolder(source, imageSize, signal, onProgress) {
  const { datasets } = await sharedEngine();
  const options = { imageSize, antialias: true, allowEmptyClasses: true, signal, onProgress };
  return datasets.imageFolder(source, options);
}

/** @param {unknown} value @returns {number} 0 … 1 */
function needShare(value) {
  const share = needNumber(value, 'minConfidence', WHERE);
  if (share >= 0 && share <= 1) return share;
  throw new ConfigError(`cleaningReport: minConfidence must be between 0 and 1, found ${share}.`, {
    field: 'minConfidence',
  });
}

/** @param {Dataset} data @param {string} key @param {number} index */
function named(data, key, index) {
  return data.files.length > 0 ? { [key]: data.files[index] } : {};
}

/**
 * @param {Dataset} data
 * @param {Int32Array} classes
 * @param {number} minConfidence
 * @param {ReportOptions} options
 * @returns {Promise<Mislabelled[]>}
 */
async function doubtful(data, classes, minConfidence, options) {
  const { model, predictions, signal } = options;
  const raw = model
    ? await model.predict(data, { signal })
    : predictions
      ? flat(predictions)
      : await predictOutOfFold(data, options);
  const width = raw.length / data.count;
  const highest = classes.reduce((most, label) => Math.max(most, label), 0);
  const columns = width === 1 ? 2 : width;
  if (!Number.isInteger(width) || width === 0 || highest >= columns) {
    throw new ShapeError(
      `cleaningReport: ${raw.length} predictions for ${data.count} samples of classes 0 to ${highest}.`,
      { field: 'predictions' },
    );
  }
  const nameOf = (/** @type {string} */ key, /** @type {number} */ label) =>
    label < data.classNames.length ? { [key]: data.classNames[label] } : {};
  const found = confidentErrors(raw, classes, width);
  const sure = found.filter(({ confidence }) => confidence >= minConfidence);
  return sure.map(({ index, suggested, ...rest }) => ({
    index,
    ...named(data, 'file', index),
    label: classes[index],
    ...nameOf('labelName', classes[index]),
    suggested,
    ...nameOf('suggestedName', suggested),
    ...rest,
  }));
}

/** @param {unknown} predictions */
function flat(predictions) {
  const { length, piece } = sampleSource(predictions, 'cleaningReport: predictions');
  return new Float32Array(piece(0, length).buffer);
}

/**
 * Predictions of models that were trained without the samples they predict.
 *
 * @param {Dataset} data
 * @param {ReportOptions} options
 * @returns {Promise<Float32Array>}
 */
async function predictOutOfFold(
  data,
  { makeModel, k = 5, seed = 0, fit = {}, signal, onProgress },
) {
  const make = needFunction(makeModel, 'makeModel', WHERE);
  needWhole(k, 'k', WHERE, 2);
  const folds = await kFold(data, { k, seed, stratified: true });
  /** @type {Float32Array | undefined} */
  let all;
  try {
    for (const [fold, { train, validation, validationIndices }] of folds.entries()) {
      onProgress?.({ phase: 'train', done: fold, total: k });
      /** @type {Model} */
      const model = await make();
      try {
        if (typeof model?.fit !== 'function') {
          throw new ConfigError('cleaningReport: makeModel must give a compiled model.', {
            field: 'makeModel',
          });
        }
        await model.fit(train, { ...fit, signal });
        const found = await model.predict(validation, { signal });
        const width = found.length / validation.count;
        all ??= new Float32Array(data.count * width);
        for (const [row, index] of validationIndices.entries()) {
          all.set(found.subarray(row * width, (row + 1) * width), index * width);
        }
      } finally {
        await model?.dispose?.();
      }
    }
    onProgress?.({ phase: 'train', done: k, total: k });
  } finally {
    for (const { train, validation } of folds) {
      await train.dispose();
      await validation.dispose();
    }
  }
  return /** @type {Float32Array} */ (all);
}

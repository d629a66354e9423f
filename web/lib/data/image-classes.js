/** Which files of a folder belong to the data set, and to which class: a folder a class, as in Keras. */

import {
  ConfigError,
  DuplicateError,
  EmptyClassError,
  EmptyError,
  MissingError,
  ShapeError,
} from '../errors.js';
import { IMAGE_NAME } from './image-header.js';
import { Random } from './random.js';

/**
 * @typedef {object} FolderOptions
 * @property {string} what for messages
 * @property {'inferred' | null | number[]} labels
 * @property {string[] | undefined} classNames
 * @property {string | undefined} folder only what lies below it
 * @property {boolean} strip whether folders in which everything lies do not count (archives, dropped folders)
 * @property {number} validationSplit
 * @property {'training' | 'validation' | 'both' | undefined} subset
 * @property {number} seed
 * @property {boolean} allowEmptyClasses
 *
 * @typedef {object} ImagePlan
 * @property {ImagePart[]} parts one, or those for training and for validation
 * @property {string[]} classNames
 * @property {number} ignored files that are not named like pictures, or lie in no class
 * @property {string[]} empty classes without a picture
 *
 * @typedef {{ files: number[], paths: string[], labels: number[] | null }} ImagePart files: numbers in the list; in
 *   the order of their paths
 */

/** What systems leave in folders and archives. */
const JUNK = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$)/;

/**
 * @param {readonly string[]} paths with slashes
 * @param {FolderOptions} options
 * @returns {ImagePlan}
 * @throws {EmptyError} {EmptyClassError} {DuplicateError} {MissingError} {ShapeError} {ConfigError}
 */
export function planImages(paths, options) {
  const chosen = choosePaths(paths, options);
  const { classNames, entries, empty } =
    options.labels === 'inferred'
      ? inferClasses(chosen, options)
      : { classNames: options.classNames ?? [], entries: chosen, empty: [] };
  if (entries.length === 0) {
    throw new EmptyError(
      `${options.what}: ${paths.length} files, none of them a picture (PNG, JPEG …) in a folder of its class.`,
      { field: 'source' },
    );
  }
  const labels = options.labels === 'inferred' ? entries.map(({ label }) => label) : options.labels;
  if (labels && labels.length !== entries.length) {
    throw new ShapeError(
      `${options.what}: ${labels.length} labels for ${entries.length} pictures (in the order of their paths).`,
      { field: 'labels' },
    );
  }
  const parts = splitOff(entries.length, options).map((numbers) => ({
    files: numbers.map((number) => entries[number].file),
    paths: numbers.map((number) => entries[number].path),
    labels: labels && numbers.map((number) => labels[number]),
  }));
  return { parts, classNames, ignored: paths.length - entries.length, empty };
}

/**
 * @typedef {{ file: number, path: string, label: number }} Entry path: below the folder of the classes
 *
 * @param {readonly string[]} paths
 * @param {FolderOptions} options
 * @returns {Entry[]} in the order of their paths
 */
function choosePaths(paths, { what, folder, strip, labels }) {
  const head = folder === undefined ? '' : `${folder.replace(/^\/+|\/+$/g, '')}/`;
  let pictures = paths
    .map((path, file) => ({ file, path: plain(path), label: 0 }))
    .filter(({ path }) => IMAGE_NAME.test(path) && !JUNK.test(path));
  let entries = below(pictures, head);
  // Folders in which everything lies need not be named before the one that is wanted …
  while (strip && entries.length === 0 && onlyFolder(pictures) !== '') {
    pictures = below(pictures, onlyFolder(pictures));
    entries = below(pictures, head);
  }
  if (head !== '' && entries.length === 0) {
    throw new MissingError(`${what}: there are no pictures below the folder ${folder}.`, {
      field: 'folder',
    });
  }
  // … and are no classes.
  while (strip && head === '' && labels === 'inferred' && onlyFolder(entries) !== '') {
    entries = below(entries, onlyFolder(entries));
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.file - b.file));
}

/** @param {Entry[]} entries @param {string} head @returns {Entry[]} with their paths in it */
function below(entries, head) {
  return entries
    .filter(({ path }) => path.startsWith(head))
    .map((entry) => ({ ...entry, path: entry.path.slice(head.length) }));
}

/** @param {Entry[]} entries @returns {string} the folder in which everything lies, and that in folders of its own; or '' */
function onlyFolder(entries) {
  const head = entries.length > 0 ? `${entries[0].path.split('/', 1)[0]}/` : '';
  return entries.every(({ path }) => path.startsWith(head) && path.includes('/', head.length))
    ? head
    : '';
}

/** @param {string} path of a system or an archive */
const plain = (path) => path.replaceAll('\\', '/').replace(/^(\.?\/)+/, '');

/**
 * @param {Entry[]} entries
 * @param {FolderOptions} options
 */
function inferClasses(entries, { what, classNames: wanted, allowEmptyClasses }) {
  const names = new Set(
    entries.filter(({ path }) => path.includes('/')).map(({ path }) => path.split('/', 1)[0]),
  );
  if (!wanted) refuseTwins(what, names);
  const classNames = wanted ?? [...names].sort((a, b) => (a < b ? -1 : 1));
  const numbers = new Map(classNames.map((name, number) => [name, number]));
  const counts = new Array(classNames.length).fill(0);
  /** @type {Entry[]} */
  const inClasses = [];
  for (const entry of entries) {
    const slash = entry.path.indexOf('/');
    const label = slash < 0 ? undefined : numbers.get(entry.path.slice(0, slash));
    if (label === undefined) continue;
    counts[label]++;
    inClasses.push({ ...entry, label });
  }
  const empty = classNames.filter((_, number) => counts[number] === 0);
  if (empty.length > 0 && !allowEmptyClasses && inClasses.length > 0)
    throw emptyClass(what, empty, '');
  return { classNames, entries: inClasses, empty };
}

/**
 * @param {string} what
 * @param {readonly string[]} names
 * @param {string} reason
 */
export function emptyClass(what, names, reason) {
  const list = names.slice(0, 5).map((name) => JSON.stringify(name.slice(0, 60)));
  return new EmptyClassError(
    `${what}: ${names.length === 1 ? 'the class' : 'the classes'} ${list.join(', ')}` +
      `${names.length > 5 ? ' …' : ''} ${names.length === 1 ? 'has' : 'have'} no picture that can be read` +
      `${reason}.`,
    { field: 'classNames' },
  );
}

/**
 * Folders whose names look the same: some systems would have made them one.
 *
 * @param {string} what
 * @param {Set<string>} names
 */
function refuseTwins(what, names) {
  /** @type {Map<string, string>} */
  const seen = new Map();
  for (const name of names) {
    const form = name.normalize('NFC').toLowerCase();
    const other = seen.get(form);
    if (other !== undefined) {
      throw new DuplicateError(
        `${what}: the folders ${JSON.stringify(other)} and ${JSON.stringify(name)} differ by case or ` +
          'Unicode form alone; rename one, or give classNames.',
        { field: 'classNames' },
      );
    }
    seen.set(form, name);
  }
}

/**
 * @param {number} count
 * @param {FolderOptions} options
 * @returns {number[][]} numbers of each part, rising
 */
function splitOff(count, { what, validationSplit, subset, seed }) {
  const all = Array.from({ length: count }, (_, number) => number);
  if (!subset) return [all];
  const held = Math.floor(count * validationSplit);
  if (held === 0 || held === count) {
    throw new ConfigError(
      `${what}: validationSplit ${validationSplit} of ${count} pictures leaves ${count - held} for ` +
        `training and ${held} for validation.`,
      { field: 'validationSplit' },
    );
  }
  // Shuffled before, as in Keras: the last files are often of the last class.
  const order = new Random(seed).shuffle(all);
  const training = order.slice(0, count - held).sort((a, b) => a - b);
  const validation = order.slice(count - held).sort((a, b) => a - b);
  return { training: [training], validation: [validation], both: [training, validation] }[subset];
}

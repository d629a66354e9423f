/**
 * Photos of the person: a folder with one folder a class, or with train and test folders of them; dropped, chosen, or in
 * an archive. They are read and resized by the library.
 */
import { datasets } from 'tabgrad';
import { FolderError } from './folder-problems.js';
import { reportOn } from './folder-report.js';

/**
 * @typedef {import('tabgrad').Dataset} Dataset
 * @typedef {{ name: string, source: Parameters<typeof datasets.imageFolder>[0] }} Picked
 *
 * @typedef {object} Read
 * @property {import('./image-sets.js').OnWork} onWork
 * @property {AbortSignal} signal
 *
 * @typedef {{ folder: string, data: Dataset }} Part folder: '' where everything is one part
 */

/** Photos become much smaller: all pixels that fall into one count; and phones note how they were held. */
export const PHOTO_OPTIONS = { antialias: true, applyExifOrientation: true };

const TRAIN = ['train', 'training'];
const TEST = ['test', 'testing', 'validation', 'valid', 'val'];
/** Of every class, where there is no test folder. */
const HELD_BACK = 0.2;

/**
 * @param {Picked} picked
 * @param {number} side to which pictures are resized
 * @param {Read} read
 * @returns {Promise<import('./data-source.js').Images>}
 */
export async function loadFolder(picked, side, read) {
  const parts = await loadParts(picked, side, read);
  try {
    const classNames = checkClasses(picked.name, parts);
    const report = await reportOn(parts, read);
    const [first, second] = parts.map(({ data }) => data);
    const halves = second ? { train: first, test: second } : await holdBack(picked.name, first);
    return { kind: 'folder', title: picked.name, ...halves, classNames, report };
  } catch (error) {
    await Promise.all(parts.map(({ data }) => data.dispose()));
    throw error;
  }
}

/**
 * @param {Picked} picked
 * @param {number} side
 * @param {Read} read
 * @returns {Promise<Part[]>} for training and for testing, or one for both
 */
async function loadParts({ name, source }, side, { onWork, signal }) {
  const options = {
    imageSize: /** @type {[number, number]} */ ([side, side]),
    ...PHOTO_OPTIONS,
    signal,
    onProgress: (/** @type {{ done: number, total: number | undefined }} */ { done, total }) =>
      onWork(`Reading ${name}`, done, total ?? 0),
  };
  /** The first of these folders that has classes. @param {readonly string[]} folders @returns {Promise<Part | null>} */
  const find = async (folders) => {
    for (const folder of folders) {
      try {
        return { folder, data: await datasets.imageFolder(source, { ...options, folder }) };
      } catch (error) {
        const { code } = /** @type {{ code?: string }} */ (error);
        if (code !== 'E_MISSING' && code !== 'E_EMPTY') throw error;
      }
    }
    return null;
  };
  onWork(`Looking into ${name}`, 0, 0);
  const train = await find(TRAIN);
  if (!train) return [{ folder: '', data: await datasets.imageFolder(source, options) }];
  try {
    const test = await find(TEST);
    return test ? [train, test] : [train];
  } catch (error) {
    await train.data.dispose();
    throw error;
  }
}

/**
 * @param {string} name
 * @param {Part[]} parts
 * @returns {readonly string[]} the classes, which all parts have
 */
function checkClasses(name, parts) {
  const [{ data, folder }] = parts;
  const { classNames } = data;
  if (!folder && classNames.every((one) => [...TRAIN, ...TEST].includes(one))) {
    throw new FolderError('E_NO_CLASSES', name, { found: [classNames] });
  }
  if (classNames.length < 2) throw new FolderError('E_ONE_CLASS', name, { found: [classNames] });
  const other = parts.find((part) => part.data.classNames.join('/') !== classNames.join('/'));
  if (other) {
    const found = [classNames, other.data.classNames];
    throw new FolderError('E_CLASSES', name, { found, folders: [folder, other.folder] });
  }
  return classNames;
}

/** @param {string} name @param {Dataset} whole */
async function holdBack(name, whole) {
  const shares = { train: 1 - HELD_BACK, test: HELD_BACK };
  try {
    const { train, test } = await whole.split({ ...shares, stratified: true, seed: 1 });
    // The parts share its memory, which goes with the last of the three.
    await whole.dispose();
    return { train, test };
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'E_EMPTY') throw error;
    throw new FolderError('E_TOO_FEW', name, { count: whole.count });
  }
}

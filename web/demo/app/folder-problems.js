/** What can be wrong with a folder of photos, in plain words: what and where. */
import { problemOf } from './problems.js';

const ARRANGE =
  'Put the pictures of each class into a folder of their own, such as photos/cat and photos/dog. ' +
  'Those may lie in folders named train and test.';

/** @typedef {'E_NO_CLASSES' | 'E_ONE_CLASS' | 'E_CLASSES' | 'E_TOO_FEW'} FolderCode */

/**
 * @typedef {object} Found
 * @property {(readonly string[])[]} [found] classes of each part
 * @property {string[]} [folders] of the parts
 * @property {number} [count] of pictures
 */

/** A folder whose files are all right, but not what a network can learn from. */
export class FolderError extends Error {
  /**
   * @param {FolderCode} code
   * @param {string} name
   * @param {Found} found
   */
  constructor(code, name, found) {
    super(MESSAGES[code](name, found));
    this.code = code;
  }
}

/** @type {Record<FolderCode, (name: string, found: Found) => string>} */
const MESSAGES = {
  E_NO_CLASSES: (name, { found = [] }) =>
    `“${name}” has pictures in ${list(found[0])}, but no folders of classes in there.`,
  E_ONE_CLASS: (name, { found = [] }) =>
    `“${name}” has one class folder only, ${list(found[0])}: there is nothing to tell it from.`,
  E_CLASSES: (name, { found = [], folders = [] }) =>
    `“${name}” has the classes ${list(found[0])} in ${folders[0]}, but ${list(found[1])} in ${folders[1]}.`,
  E_TOO_FEW: (name, { count }) =>
    `“${name}” has ${count} pictures in all, too few to keep some of each class back for validation.`,
};

/** @param {readonly string[]} names */
function list(names) {
  const shown = names.slice(0, 5).map((name) => `“${name}”`);
  return shown.join(', ') + (names.length > shown.length ? ' …' : '');
}

/**
 * @param {unknown} error of the library or of the page
 * @param {string} name of the folder or archive
 * @param {number} side of the pictures
 * @returns {import('./state.js').Problem}
 */
export function folderProblem(error, name, side) {
  const problem = problemOf(error);
  // The library names its function, the page the folder.
  const message = problem.message.replace(/^imageFolder: /, '');
  switch (problem.code) {
    case 'E_NO_CLASSES':
    case 'E_ONE_CLASS':
    case 'E_CLASSES':
      return { ...problem, hint: ARRANGE };
    case 'E_EMPTY':
      return {
        ...problem,
        message: `“${name}” has no class folder with pictures in it.`,
        hint: ARRANGE,
      };
    case 'E_EMPTY_CLASS':
      return {
        ...problem,
        message: `“${name}”: ${message}`,
        hint: 'PNG, JPEG, WebP and GIF can be read. Take the folder of the class away, or put pictures into it.',
      };
    case 'E_OOM':
    case 'E_LIMIT':
      return {
        ...problem,
        message: `“${name}” has too many pictures for the memory of this tab at ${side} × ${side} pixels.`,
        hint: `Choose a smaller picture size under Settings, or fewer pictures. (${message})`,
      };
    default:
      return { ...problem, message: `“${name}”: ${message}` };
  }
}

/** What a page has of folders (dropped, chosen, opened) as a list of files with their paths. */

import { InputTypeError, throwIfAborted } from '../errors.js';
import { IMAGE_NAME } from './image-header.js';

/**
 * @typedef {import('./image-files.js').NamedFile} NamedFile
 * @typedef {import('./image-files.js').WireSource} WireSource
 */

/**
 * @param {unknown} source {@link import('../image-options.js').ImageSource} that is no address
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<WireSource>} a single file that is not named like a picture is taken for an archive
 * @throws {InputTypeError} {AbortedError}
 */
export async function listDropped(source, signal) {
  if (source instanceof Blob || source instanceof ArrayBuffer || source instanceof Uint8Array) {
    return { place: source };
  }
  const files = await list(source, signal);
  if (files.length === 1 && !IMAGE_NAME.test(files[0].path) && files[0].file instanceof Blob) {
    return { place: files[0].file };
  }
  return { files };
}

/**
 * @param {unknown} source
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<NamedFile[]>}
 */
async function list(source, signal) {
  if (typeof source !== 'object' || source === null) throw unknown(source);
  if (source instanceof Map) return named([...source]);
  if (isFolderHandle(source)) return walkHandle(source, '', signal);
  if (Symbol.iterator in source) {
    const all = Array.from(/** @type {Iterable<unknown>} */ (source));
    /** @type {NamedFile[]} */
    const files = [];
    for (const one of all) {
      if (isEntry(one)) files.push(...(await walkEntry(one, signal)));
      else if (isFolderHandle(one)) files.push(...(await walkHandle(one, `${one.name}/`, signal)));
      else files.push(fileOf(one));
    }
    return files;
  }
  if (Object.getPrototypeOf(source) === Object.prototype) return named(Object.entries(source));
  throw unknown(source);
}

/** @param {unknown} found */
function unknown(found) {
  return new InputTypeError(
    'Pictures: expected a path, dropped or chosen files, a folder handle or an archive, found ' +
      `${Object.prototype.toString.call(found)}.`,
    { field: 'source' },
  );
}

/** @param {unknown} one @returns {NamedFile} */
function fileOf(one) {
  if (!(one instanceof Blob) || !('name' in one)) throw unknown(one);
  const { webkitRelativePath, name } = /** @type {File} */ (one);
  return { path: webkitRelativePath || name, file: one };
}

/** @param {[unknown, unknown][]} entries @returns {NamedFile[]} */
function named(entries) {
  return entries.map(([path, file]) => {
    if (file instanceof Blob || file instanceof Uint8Array) return { path: String(path), file };
    throw unknown(file);
  });
}

/** @param {unknown} value @returns {value is FileSystemEntry} */
function isEntry(value) {
  return typeof value === 'object' && value !== null && 'isDirectory' in value;
}

/** @param {unknown} value @returns {value is FileSystemDirectoryHandle} */
function isFolderHandle(value) {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && 'getDirectoryHandle' in value
  );
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} path
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<NamedFile[]>}
 */
async function walkHandle(folder, path, signal) {
  throwIfAborted(signal, 'Loading');
  /** @type {NamedFile[]} */
  const files = [];
  for await (const handle of folder.values()) {
    const place = `${path}${handle.name}`;
    if (handle.kind === 'file') files.push({ path: place, file: handle });
    else files.push(...(await walkHandle(handle, `${place}/`, signal)));
  }
  return files;
}

/**
 * @param {FileSystemEntry} entry
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<NamedFile[]>}
 */
async function walkEntry(entry, signal) {
  throwIfAborted(signal, 'Loading');
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    const file = await new Promise(
      (
        /** @type {(file: File) => void} */ resolve,
        /** @type {(error: unknown) => void} */ reject,
      ) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject),
    );
    return [{ path, file }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {NamedFile[]} */
  const files = [];
  for (;;) {
    // Browsers give at most a hundred at once; none means the end.
    const entries = await new Promise(
      (/** @type {(entries: FileSystemEntry[]) => void} */ resolve, reject) =>
        reader.readEntries(resolve, reject),
    );
    if (entries.length === 0) return files;
    for (const inner of entries) files.push(...(await walkEntry(inner, signal)));
  }
}

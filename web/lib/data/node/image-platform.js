/**
 * What reading pictures needs of Node: a folder's files, and a decoder of JPEG, which is loaded when the first such file
 * is met. The twin of image-platform-web.js; `#image-platform` in package.json chooses.
 */

import { open, readFile, readdir, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ImageError, IoError, MissingError } from '../../errors.js';

/**
 * A picture that is not a PNG.
 *
 * @param {Uint8Array} bytes a whole file, whose header was read
 * @param {import('../image-header.js').ImageHeader} header
 * @param {string} name
 * @returns {Promise<import('../decode-image.js').Picture>}
 * @throws {ImageError}
 */
export async function decodeOther(bytes, { type }, name) {
  if (type !== 'jpeg') {
    throw new ImageError(`${name}: Node reads PNG and JPEG, this is ${type}; save it as PNG.`);
  }
  const { decodeJpeg } = await import('./jpeg.js');
  return decodeJpeg(bytes, name);
}

/**
 * All files below a folder; links are not followed.
 *
 * @param {string | URL} folder a path or a file: URL
 * @returns {Promise<{ path: string, read: () => Promise<Uint8Array> }[] | undefined>} paths below the folder,
 *   with slashes; undefined: it is a file
 * @throws {MissingError} {IoError}
 */
export async function listFolder(folder) {
  const root = pathOf(folder);
  try {
    if (!(await stat(root)).isDirectory()) return undefined;
    const found = await readdir(root, { recursive: true, withFileTypes: true });
    return found
      .filter((entry) => entry.isFile())
      .map((entry) => {
        // `parentPath` is the newer name of `path`.
        const full = join(entry.parentPath ?? entry.path, entry.name);
        const path = full.slice(join(root, sep).length).replaceAll(sep, '/');
        return { path, read: () => readBytes(full, path) };
      });
  } catch (cause) {
    throw fileError(cause, `the folder ${folder}`);
  }
}

/**
 * A file as bytes that are read where they are wanted.
 *
 * @param {string | URL} file a path or a file: URL
 * @returns {Promise<import('../random-access.js').RandomAccess | undefined>}
 * @throws {MissingError} {IoError}
 */
export async function openFile(file) {
  try {
    const handle = await open(pathOf(file), 'r');
    const { size } = await handle.stat();
    return {
      size,
      async read(from, to) {
        const bytes = new Uint8Array(Math.max(0, Math.min(to, size) - from));
        for (let at = 0; at < bytes.length;) {
          const { bytesRead } = await handle.read(bytes, at, bytes.length - at, from + at);
          if (bytesRead === 0) throw new IoError(`${file} became shorter while it was read.`);
          at += bytesRead;
        }
        return bytes;
      },
      close: () => handle.close(),
    };
  } catch (cause) {
    throw fileError(cause, `the file ${file}`);
  }
}

/** @param {string | URL} place */
const pathOf = (place) => (/^file:/i.test(String(place)) ? fileURLToPath(place) : String(place));

/** @param {string} full @param {string} path */
async function readBytes(full, path) {
  try {
    return new Uint8Array(await readFile(full));
  } catch (cause) {
    throw fileError(cause, path);
  }
}

/** @param {unknown} cause @param {string} what */
function fileError(cause, what) {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  if (code === 'ENOENT') return new MissingError(`There is no ${what}.`, { cause });
  return new IoError(`Could not read ${what}: ${code}.`, { cause });
}

/** Files of a folder or an archive, each read when it is wanted: the worker's side. */

import { listFolder } from '#image-platform';
import { LimitError, TarError, throwIfAborted } from '../errors.js';
import { isFetchable } from './byte-source.js';
import { openRandomAccess, streamOf } from './random-access.js';

/**
 * @typedef {import('./random-access.js').RandomAccess} RandomAccess
 * @typedef {{ path: string, file: Blob | Uint8Array | FileSystemFileHandle }} NamedFile
 * @typedef {{ files: NamedFile[] } | { place: unknown }} WireSource
 *
 * @typedef {(index: number, read: () => Promise<Uint8Array>) => Promise<void>} Visit
 *
 * @typedef {object} FileSource
 * @property {string[]} paths
 * @property {boolean} anyOrder whether single files can be read without reading all
 * @property {boolean} strip whether folders in which everything lies do not count
 * @property {(wanted: Set<number>, visit: Visit, signal: AbortSignal) => Promise<void>} each in any order; a visit
 *   may begin before the last one ended
 * @property {() => Promise<void>} close
 */

/** Files that are read while one is decoded. */
const AHEAD = 4;
const MAX_FILES = 1_000_000;
/** A larger file is no picture under the limit of pixels. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;
/** What a tar archive of pictures may unpack to. */
const MAX_ARCHIVE_BYTES = 64 * 1024 ** 3;

/**
 * @param {WireSource} source
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(loaded: number, total: number | undefined) => void} options.onDownload
 * @returns {Promise<FileSource>}
 */
export async function openFiles(source, { signal, onDownload }) {
  if ('files' in source) {
    const read = source.files.map(
      ({ path, file }) =>
        () =>
          bytesOf(path, file),
    );
    return ofFiles(
      source.files.map(({ path }) => path),
      read,
      true,
    );
  }
  const { place } = source;
  if ((typeof place === 'string' || place instanceof URL) && !isFetchable(place)) {
    const found = await listFolder(place);
    if (found)
      return ofFiles(
        found.map(({ path }) => path),
        found.map(({ read }) => read),
        false,
      );
  }
  const archive = await openRandomAccess(place, { signal, onDownload });
  try {
    const [p, k] = await archive.read(0, 2);
    return p === 0x50 && k === 0x4b ? await ofZip(archive, signal) : await ofTar(archive, signal);
  } catch (error) {
    await archive.close();
    throw error;
  }
}

/**
 * @param {string[]} paths
 * @param {(() => Promise<Uint8Array>)[]} read
 * @param {boolean} strip
 * @param {() => Promise<void>} [close]
 * @returns {FileSource}
 */
function ofFiles(paths, read, strip, close = async () => {}) {
  if (paths.length > MAX_FILES) {
    throw new LimitError(`There are ${paths.length} files, the limit is ${MAX_FILES}.`);
  }
  return {
    paths,
    anyOrder: true,
    strip,
    close,
    async each(wanted, visit, signal) {
      const queue = wanted.values();
      /** @type {unknown[]} */
      const faults = [];
      const walk = async () => {
        for (const index of queue) {
          if (faults.length > 0) return;
          throwIfAborted(signal, 'Loading');
          await visit(index, read[index]);
        }
      };
      // All have ended before this does: nobody writes to what the caller frees.
      await Promise.all(
        Array.from({ length: AHEAD }, () => walk().catch((error) => void faults.push(error))),
      );
      if (faults.length > 0) throw faults[0];
    },
  };
}

/** @param {string} path @param {NamedFile['file']} file */
async function bytesOf(path, file) {
  if (file instanceof Uint8Array) return file;
  const blob = file instanceof Blob ? file : await file.getFile();
  if (blob.size > MAX_FILE_BYTES) throw tooLarge(path, blob.size);
  return new Uint8Array(await blob.arrayBuffer());
}

/** @param {string} path @param {number} size */
function tooLarge(path, size) {
  return new LimitError(`${path}: ${size} bytes, the limit is ${MAX_FILE_BYTES}.`);
}

/**
 * @param {RandomAccess} archive
 * @param {AbortSignal} signal
 */
async function ofZip(archive, signal) {
  const { readZip } = await import('./zip-members.js');
  const members = await readZip(archive);
  const read = members.map((member) => async () => {
    if (member.size > MAX_FILE_BYTES) throw tooLarge(member.path, member.size);
    return member.read(signal);
  });
  return ofFiles(
    members.map(({ path }) => path),
    read,
    true,
    archive.close,
  );
}

/**
 * A tar archive has no directory: it is read once for the names and once for the files.
 *
 * @param {RandomAccess} archive
 * @param {AbortSignal} signal
 * @returns {Promise<FileSource>}
 */
async function ofTar(archive, signal) {
  const { readTar } = await import('./tar-members.js');
  const limits = { maxBytes: MAX_ARCHIVE_BYTES, maxMembers: MAX_FILES, signal };
  /** @type {string[]} */
  const paths = [];
  await readTar(streamOf(archive), {
    ...limits,
    onMember: ({ path, regular }) => {
      if (regular) paths.push(path);
      return undefined;
    },
  });
  return {
    paths,
    anyOrder: false,
    strip: true,
    close: archive.close,
    async each(wanted, visit) {
      let number = 0;
      await readTar(streamOf(archive), {
        ...limits,
        onMember: ({ path, regular, size }) => {
          if (!regular) return undefined;
          const index = number++;
          if (path !== paths[index]) throw new TarError('The archive changed while it was read.');
          if (!wanted.has(index)) return undefined;
          return member(size, path, (read) => visit(index, read));
        },
      });
    },
  };
}

/**
 * @param {number} size
 * @param {string} path
 * @param {(read: () => Promise<Uint8Array>) => Promise<void>} visit
 * @returns {import('./tar-members.js').MemberConsumer}
 */
function member(size, path, visit) {
  if (size > MAX_FILE_BYTES) {
    const refuse = async () => {
      throw tooLarge(path, size);
    };
    return { push: () => {}, end: () => visit(refuse) };
  }
  const bytes = new Uint8Array(size);
  let filled = 0;
  return {
    push(piece) {
      bytes.set(piece, filled);
      filled += piece.length;
    },
    end: () => visit(async () => bytes),
  };
}

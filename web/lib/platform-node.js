/**
 * What differs between platforms, for Node. The twin of platform-web.js, which documents the
 * types; `#platform` in package.json chooses.
 */

import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker, parentPort } from 'node:worker_threads';
import { cacheFolder } from './data/node/cache-folder.js';
import { openPath as openNodePath } from './data/node/open-path.js';
import { IoError, LoadError } from './errors.js';

/**
 * Starts the engine's worker. It keeps the process alive only while held.
 *
 * @param {import('./platform-web.js').LinkHandlers} handlers
 * @param {string | URL | undefined} workerUrl a URL or a path
 * @returns {import('./platform-web.js').WorkerLink}
 */
export function startWorker({ onMessage, onDeath }, workerUrl) {
  // Node hands its own flags down, and no worker starts under --input-type (node --eval).
  const flags = process.execArgv.some((flag) => flag.startsWith('--input-type'));
  const options = flags ? { execArgv: [] } : {};
  const worker = workerUrl
    ? new Worker(asFileUrl(workerUrl), options)
    : new Worker(new URL('./worker.node.js', import.meta.url), options);
  worker.on('message', onMessage);
  worker.on('messageerror', (cause) => onDeath('a message of the worker could not be read', cause));
  worker.on('error', (cause) => onDeath(cause?.message ?? String(cause), cause));
  worker.on('exit', (code) => onDeath(`the worker ended with exit code ${code}`));
  worker.unref();
  return {
    post: (message, transfer = []) =>
      worker.postMessage(
        message,
        /** @type {import('node:worker_threads').TransferListItem[]} */ (transfer),
      ),
    terminate: () => void worker.terminate(),
    hold: (busy) => (busy ? worker.ref() : worker.unref()),
  };
}

/** @param {string | URL} place a URL or a path */
function asFileUrl(place) {
  if (place instanceof URL) return place;
  return /^(file|data|https?):/.test(place) ? new URL(place) : pathToFileURL(place);
}

/**
 * @param {string | URL} place a URL, or a path relative to the working folder
 * @returns {string}
 */
export function absoluteUrl(place) {
  return asFileUrl(place).href;
}

/**
 * How a data source that is an address is named to the worker, which has the same working folder.
 *
 * @param {string | URL} source
 */
export function resolveSource(source) {
  return String(source);
}

/**
 * Where CIFAR-10 comes from when a program names no source: the cache, if the data is there.
 *
 * @param {string} url of the authors' archive
 */
export function cifar10Source(url) {
  const folder = cacheFolder('cifar10');
  return existsSync(join(folder, 'verified.json')) ? folder : url;
}

/**
 * @param {string | URL} source a path, or a URL with file:, http: or https:
 * @returns {Promise<Uint8Array>}
 */
export async function readFile(source) {
  if (/^https?:/.test(String(source))) {
    const response = await fetch(source).catch((cause) => {
      throw new LoadError(`Could not fetch ${source}.`, { cause });
    });
    if (!response.ok) throw new LoadError(`Could not fetch ${source}: status ${response.status}.`);
    return new Uint8Array(await response.arrayBuffer());
  }
  try {
    const bytes = await fs.readFile(asFileUrl(source));
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (cause) {
    throw new IoError(`Could not read ${source}: ${reason(cause)}.`, { cause });
  }
}

/**
 * Writes beside the target and renames, so that a crash leaves the old file or the new one whole.
 *
 * @param {string | URL} target a path or a file: URL
 * @param {Uint8Array} bytes
 */
export async function writeFile(target, bytes) {
  const path = fileURLToPath(asFileUrl(target));
  const part = `${path}.${process.pid}.part`;
  try {
    await fs.writeFile(part, bytes);
    await fs.rename(part, path);
  } catch (cause) {
    await fs.rm(part, { force: true }).catch(() => {});
    throw new IoError(`Could not write ${target}: ${reason(cause)}.`, { cause });
  }
}

/**
 * Adds to the end of a file; it and its folder are made if they are not there.
 *
 * @param {string | URL} target a path or a file: URL
 * @param {Uint8Array} bytes
 */
export async function appendFile(target, bytes) {
  const path = fileURLToPath(asFileUrl(target));
  try {
    await fs.mkdir(dirname(path), { recursive: true });
    await fs.appendFile(path, bytes);
  } catch (cause) {
    throw new IoError(`Could not write ${target}: ${reason(cause)}.`, { cause });
  }
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

// ---- in the worker ----

/** @returns {import('./platform-web.js').Port} */
export function openPort() {
  const port = parentPort;
  if (!port) throw new LoadError('The engine worker was started outside a worker thread.');
  return {
    post: (message, transfer = []) =>
      port.postMessage(
        message,
        /** @type {import('node:worker_threads').TransferListItem[]} */ (transfer),
      ),
    listen: (handler) => void port.on('message', handler),
  };
}

/** @returns {string | undefined} why shared memory is out of reach here: in Node it never is */
export function whyNoThreads() {
  return undefined;
}

/** @returns {number} */
export function hardwareConcurrency() {
  return os.availableParallelism();
}

/** How to open a path in the data loaders. */
export const openPath = openNodePath;

/**
 * Reads and compiles a WebAssembly file.
 *
 * @param {URL} url
 * @returns {Promise<WebAssembly.Module>}
 * @throws {LoadError} naming the URL
 */
export async function compileWasm(url) {
  const bytes = await readWasm(url);
  try {
    return await WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
  } catch (cause) {
    throw new LoadError(`What lies at ${url} is not the engine's WebAssembly.`, { cause });
  }
}

/**
 * Reads a WebAssembly file.
 *
 * @param {URL} url
 * @returns {Promise<Uint8Array>}
 * @throws {LoadError} naming the URL
 */
export async function readWasm(url) {
  try {
    return await readFile(url);
  } catch (cause) {
    throw new LoadError(`Could not read the engine from ${url}.`, { cause });
  }
}

/**
 * Lets messages that have arrived be handled.
 *
 * @returns {Promise<void>}
 */
export function nextTurn() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

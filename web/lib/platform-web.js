/**
 * What differs between platforms, for browsers (also Deno, Electron pages and extensions). The
 * twin of platform-node.js; `#platform` in package.json chooses.
 *
 * The first half is for the program's thread, the second for the engine's worker.
 */

import { IoError, LoadError, UnsupportedError } from './errors.js';

/**
 * @typedef {object} WorkerLink one worker as the client sees it
 * @property {(message: unknown, transfer?: Transferable[]) => void} post
 * @property {() => void} terminate
 * @property {(busy: boolean) => void} hold whether the worker keeps the process alive (Node only)
 *
 * @typedef {object} LinkHandlers
 * @property {(message: any) => void} onMessage
 * @property {(problem: string, cause?: unknown) => void} onDeath the worker failed; called once or
 *   more
 *
 * @typedef {object} Port the program as the worker sees it
 * @property {(message: unknown, transfer?: Transferable[]) => void} post
 * @property {(handler: (message: any) => void) => void} listen
 */

/**
 * Starts the engine's worker.
 *
 * @param {LinkHandlers} handlers
 * @param {string | URL | undefined} workerUrl where worker.js lies, if not beside this file
 * @returns {WorkerLink}
 */
export function startWorker({ onMessage, onDeath }, workerUrl) {
  if (typeof Worker === 'undefined') {
    throw new UnsupportedError('This platform has no Worker, which the engine runs in.');
  }
  // The literal form is the one that bundlers recognise.
  const worker = workerUrl
    ? new Worker(workerUrl, { type: 'module' })
    : new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = (event) => onMessage(event.data);
  worker.onmessageerror = () => onDeath('a message of the worker could not be read');
  worker.onerror = (event) => {
    event.preventDefault();
    onDeath(event.message || `the worker script ${workerUrl ?? 'worker.js'} could not be loaded`);
  };
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    terminate: () => worker.terminate(),
    hold: () => {},
  };
}

/**
 * @param {string | URL} place perhaps relative to the page
 * @returns {string}
 */
export function absoluteUrl(place) {
  return new URL(place, globalThis.document?.baseURI ?? globalThis.location?.href).href;
}

/** How a data source that is an address is named to the worker. */
export const resolveSource = absoluteUrl;

/**
 * Where CIFAR-10 comes from when a program names no source.
 *
 * @param {string} url of the authors' archive
 */
export function cifar10Source(url) {
  return url;
}

/**
 * The bytes of a file that a program names.
 *
 * @param {string | URL} source
 * @returns {Promise<Uint8Array>}
 */
export async function readFile(source) {
  let response;
  try {
    response = await fetch(source);
  } catch (cause) {
    throw new LoadError(`Could not fetch ${source}.`, { cause });
  }
  if (!response.ok) throw new LoadError(`Could not fetch ${source}: status ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * @param {string | URL} target
 * @param {Uint8Array} _bytes
 * @returns {Promise<void>}
 */
export async function writeFile(target, _bytes) {
  throw new IoError(
    `A page cannot write the file ${target}: call save() without a target and keep the bytes.`,
  );
}

/**
 * @param {string | URL} target
 * @param {Uint8Array} _bytes
 * @returns {Promise<void>}
 */
export async function appendFile(target, _bytes) {
  throw new IoError(
    `A page cannot write the file ${target}: leave its folder out and keep the bytes.`,
  );
}

// ---- in the worker ----

/** @returns {Port} */
export function openPort() {
  const scope = /** @type {any} */ (globalThis);
  return {
    post: (message, transfer = []) => scope.postMessage(message, transfer),
    listen: (handler) => {
      scope.onmessage = (/** @type {MessageEvent} */ event) => handler(event.data);
    },
  };
}

/** @returns {string | undefined} why shared memory is out of reach here, if it is */
export function whyNoThreads() {
  if (globalThis.crossOriginIsolated === false) {
    return 'the page is not cross-origin isolated (it lacks the COOP and COEP headers)';
  }
  if (typeof SharedArrayBuffer === 'undefined') return 'there is no SharedArrayBuffer';
  return undefined;
}

/** @returns {number} */
export function hardwareConcurrency() {
  return globalThis.navigator?.hardwareConcurrency || 1;
}

/** How to open a path in the data loaders: only Node has paths. */
export const openPath = undefined;

/**
 * Fetches and compiles a WebAssembly file.
 *
 * @param {URL} url
 * @returns {Promise<WebAssembly.Module>}
 * @throws {LoadError} naming the URL
 */
export async function compileWasm(url) {
  const response = await fetchEngine(url);
  try {
    const type = response.headers.get('content-type') ?? '';
    // Streaming refuses any other type; servers that do not know .wasm are common.
    if (/^application\/wasm\b/.test(type)) return await WebAssembly.compileStreaming(response);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    throw new LoadError(`What lies at ${url} is not the engine's WebAssembly.`, { cause });
  }
}

/**
 * Fetches a WebAssembly file.
 *
 * @param {URL} url
 * @returns {Promise<Uint8Array>}
 * @throws {LoadError} naming the URL
 */
export async function readWasm(url) {
  const response = await fetchEngine(url);
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new LoadError(`Could not fetch the engine from ${url}.`, { cause });
  }
}

/** @param {URL} url */
async function fetchEngine(url) {
  let response;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
  } catch (cause) {
    throw new LoadError(`Could not fetch the engine from ${url}.`, { cause });
  }
  if (response.ok) return response;
  throw new LoadError(`Could not fetch the engine from ${url}: status ${response.status}.`);
}

/** @type {(() => void)[]} */
const waiting = [];
/** @type {MessageChannel | undefined} */
let channel;

/**
 * Lets messages that have arrived be handled. Not a timer: those are throttled in hidden tabs.
 *
 * @returns {Promise<void>}
 */
export function nextTurn() {
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  const { port2 } = channel;
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(0);
  });
}

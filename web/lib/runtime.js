/**
 * Chooses, loads and starts one of the engine's four builds, in the worker.
 *
 * | build            | when                                                                     |
 * | ---------------- | ------------------------------------------------------------------------ |
 * | relaxed-threads  | relaxed SIMD and shared memory are there                                 |
 * | relaxed          | relaxed SIMD, one thread                                                 |
 * | simd-threads     | shared memory; `deterministic: true`, or no relaxed SIMD                 |
 * | simd             | one thread, plain SIMD: the same bits as simd-threads                    |
 */

import { compileWasm, hardwareConcurrency, nextTurn, whyNoThreads } from '#platform';
import { relaxedSimd, simd, threads as sharedMemory } from 'wasm-feature-detect';
import { LoadError, OutOfMemoryError, UnsupportedError } from './errors.js';
import { Native } from './native.js';

/**
 * @typedef {'simd' | 'simd-threads' | 'relaxed' | 'relaxed-threads'} BuildName
 *
 * @typedef {object} RuntimeOptions
 * @property {number} [threads] 1 … 16, default the machine's processors
 * @property {boolean} [deterministic] plain SIMD: the same bits on every machine
 * @property {'auto' | 'plain' | 'relaxed'} [simd] default 'auto'
 * @property {string} [wasmUrl] absolute; of the folder of the engine's .wasm files, or of one file
 * @property {number} [threadTimeout] milliseconds to wait for threads to start, default 10,000
 *
 * @typedef {object} Choice
 * @property {BuildName} build
 * @property {number} threads
 * @property {string} reason why this build, for people
 * @property {boolean} relaxed relaxed SIMD is there, used or not
 */

/** Threads beyond this gain nothing; the engine's own limit. */
const MAX_THREADS = 16;
const THREAD_START_MS = 10_000;
/** Initial pages of 64 KiB; at least what the engine is linked with (INITIAL_MEMORY, 1 MB). */
const INITIAL_PAGES = 16;
/** 2 GB first; some devices (iOS) refuse a large shared maximum, so halve it down to 256 MB. */
const MAXIMUM_PAGES = [32_768, 16_384, 8_192, 4_096];

/**
 * Literal imports and URLs, so that bundlers find the files. They lie beside worker.js in dist/. An engine is two files
 * of WebAssembly: `rest` is loaded when something in it is first asked for.
 *
 * @type {Record<BuildName, { load: () => Promise<{ default: (options: object) => Promise<any> }>,
 *   wasm: () => URL, rest: () => URL }>}
 */
const BUILDS = {
  simd: {
    // @ts-ignore -- made by the build
    load: () => import('./engine-simd.mjs'),
    wasm: () => new URL('./engine-simd.wasm', import.meta.url),
    rest: () => new URL('./engine-simd-rest.wasm', import.meta.url),
  },
  'simd-threads': {
    // @ts-ignore -- made by the build
    load: () => import('./engine-simd-threads.mjs'),
    wasm: () => new URL('./engine-simd-threads.wasm', import.meta.url),
    rest: () => new URL('./engine-simd-threads-rest.wasm', import.meta.url),
  },
  relaxed: {
    // @ts-ignore -- made by the build
    load: () => import('./engine-relaxed.mjs'),
    wasm: () => new URL('./engine-relaxed.wasm', import.meta.url),
    rest: () => new URL('./engine-relaxed-rest.wasm', import.meta.url),
  },
  'relaxed-threads': {
    // @ts-ignore -- made by the build
    load: () => import('./engine-relaxed-threads.mjs'),
    wasm: () => new URL('./engine-relaxed-threads.wasm', import.meta.url),
    rest: () => new URL('./engine-relaxed-threads-rest.wasm', import.meta.url),
  },
};

/**
 * @param {RuntimeOptions} options
 * @returns {Promise<{ native: Native, choice: Choice }>}
 * @throws {UnsupportedError} no WebAssembly or no SIMD
 * @throws {LoadError} a file is missing or damaged; names the URL
 * @throws {OutOfMemoryError}
 */
export async function startRuntime(options) {
  const choice = await chooseBuild(options);
  try {
    return { native: await loadBuild(choice, options), choice };
  } catch (error) {
    if (!(error instanceof ThreadStartError)) throw error;
    const single = withoutThreads(choice, error.message);
    return { native: await loadBuild(single, options), choice: single };
  }
}

/** Threads could not be had: the caller falls back to one. */
class ThreadStartError extends Error {}

/** @param {RuntimeOptions} options @returns {Promise<Choice>} */
async function chooseBuild({ threads, deterministic = false, simd: wanted = 'auto' }) {
  if (typeof WebAssembly === 'undefined') {
    throw new UnsupportedError(
      'This browser has no WebAssembly, or a policy blocks it: the engine needs ' +
        "script-src 'wasm-unsafe-eval'.",
    );
  }
  if (!(await simd())) {
    throw new UnsupportedError(
      'This browser has no WebAssembly SIMD: the engine needs Chrome 91, Firefox 89, Safari 16.4 ' +
        'or newer.',
    );
  }
  const relaxed = await relaxedSimd();
  if (wanted === 'relaxed' && !relaxed) {
    throw new UnsupportedError("simd: 'relaxed' was asked for, and there is no relaxed SIMD here.");
  }
  const useRelaxed = relaxed && !deterministic && wanted !== 'plain';
  const reasons = [];
  if (deterministic) reasons.push('deterministic: plain SIMD');
  else if (wanted !== 'auto') reasons.push(`simd: '${wanted}' was asked for`);
  else reasons.push(relaxed ? 'relaxed SIMD is available' : 'there is no relaxed SIMD');
  const wantedThreads = Math.min(threads ?? (hardwareConcurrency() || 1), MAX_THREADS);
  const obstacle =
    whyNoThreads() ?? ((await sharedMemory()) ? undefined : 'there is no shared memory');
  /** @type {Choice} */
  const choice = {
    build: useRelaxed ? 'relaxed-threads' : 'simd-threads',
    threads: wantedThreads,
    reason: reasons.join('; '),
    relaxed,
  };
  if (obstacle) return withoutThreads(choice, obstacle);
  if (wantedThreads > 1) return { ...choice, reason: `${choice.reason}; ${wantedThreads} threads` };
  const why = threads === 1 ? 'threads: 1 was asked for' : 'there is one processor';
  return withoutThreads(choice, why);
}

/** @param {Choice} choice @param {string} why @returns {Choice} */
function withoutThreads(choice, why) {
  const build = choice.build.startsWith('relaxed') ? 'relaxed' : 'simd';
  return { ...choice, build, threads: 1, reason: `${choice.reason}; one thread: ${why}` };
}

/** @param {Choice} choice @param {RuntimeOptions} options */
async function loadBuild({ build, threads }, { wasmUrl, threadTimeout = THREAD_START_MS }) {
  const threaded = build.endsWith('threads');
  const { load, wasm, rest } = BUILDS[build];
  const url = wasmUrl === undefined ? wasm() : placeOf(wasmUrl, build);
  const restUrl = wasmUrl === undefined ? rest() : besides(url);
  const compiled = await compileWasm(url);
  const memory = makeMemory(threaded);
  const factory = await load().catch((cause) => {
    throw new LoadError(`Could not load the engine's script for ${url}.`, { cause });
  });
  const starting = instantiate(factory.default, compiled, memory, threads - 1, url);
  const module = threaded ? await withTimeout(starting, threadTimeout) : await starting;
  const native = new Native(module, memory, threads, hardwareConcurrency(), restUrl);
  await nextTurn();
  return native;
}

/** @param {string} wasmUrl @param {BuildName} build */
function placeOf(wasmUrl, build) {
  if (/\.wasm($|[?#])/.test(wasmUrl)) return new URL(wasmUrl);
  return new URL(`engine-${build}.wasm`, wasmUrl.endsWith('/') ? wasmUrl : `${wasmUrl}/`);
}

/** The engine's second file lies beside the first. @param {URL} url */
function besides(url) {
  return new URL(url.href.replace(/\.wasm(?=$|[?#])/, '-rest.wasm'));
}

/** @param {boolean} shared */
function makeMemory(shared) {
  let cause;
  for (const maximum of MAXIMUM_PAGES) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared });
    } catch (error) {
      cause = error;
    }
  }
  const least = Math.min(...MAXIMUM_PAGES) / 16;
  throw new OutOfMemoryError(`No memory for the engine, not even with a maximum of ${least} MB.`, {
    cause,
  });
}

/**
 * @param {(options: object) => Promise<any>} factory
 * @param {WebAssembly.Module} compiled
 * @param {WebAssembly.Memory} memory
 * @param {number} poolSize threads beside this one
 * @param {URL} url for the error
 * @returns {Promise<any>}
 */
function instantiate(factory, compiled, memory, poolSize, url) {
  return new Promise((resolve, reject) => {
    const fail = (/** @type {unknown} */ cause) =>
      reject(new LoadError(`The engine from ${url} could not be started.`, { cause }));
    factory({
      wasmMemory: memory,
      pthreadPoolSize: poolSize,
      // The factory would wait for ever if this failed, so its failure is reported from here.
      instantiateWasm: (
        /** @type {WebAssembly.Imports} */ imports,
        /** @type {(instance: WebAssembly.Instance, module: WebAssembly.Module) => void} */ receive,
      ) => {
        WebAssembly.instantiate(compiled, imports).then(
          (instance) => receive(instance, compiled),
          fail,
        );
        return {};
      },
    }).then(resolve, fail);
  });
}

/**
 * @template Result
 * @param {Promise<Result>} starting
 * @param {number} milliseconds
 * @returns {Promise<Result>}
 */
function withTimeout(starting, milliseconds) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new ThreadStartError(`threads did not start within ${milliseconds / 1000} s`));
    }, milliseconds);
    starting.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

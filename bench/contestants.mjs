/**
 * Contestants: a peer with a number of threads in a place, at one work. Each lives in a process of its own (Node, Python) or a
 * browser of its own, so that a crash leaves the rest standing.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPage } from './chromium.mjs';
import { startNode } from './place-node.mjs';
import { startPython } from './place-python.mjs';
import { peersFolder } from './install.mjs';

/**
 * @typedef {import('./works.mjs').Work} Work
 * @typedef {'node' | 'page' | 'python'} Place
 *
 * @typedef {object} Peer what a file of `peers/` exports as `peer`; it also exports `prepare`, unless its place is Python
 * @property {string} name
 * @property {Record<string, string>} [npm] packages and versions
 * @property {import('../wasm-build/apt.mjs').DebianPackage[]} [debian]
 * @property {(work: Work) => string | undefined} [refuses] the reason why it cannot do a work
 * @property {string[]} [works] the only ones it is asked for
 * @property {(threads: number) => number} [processors] what its page believes to have; default as many as threads
 * @property {Entry[]} contestants
 *
 * @typedef {object} Entry
 * @property {Place} place
 * @property {number} threads
 * @property {string} [label] default the peer's name
 * @property {Record<string, unknown>} [options] for `prepare`
 * @property {boolean} [slow] left out of the quick form
 * @property {string[]} [works] the only ones it takes part in
 *
 * @typedef {object} Setting what `prepare` is given beside the work
 * @property {Place} place
 * @property {number} threads
 * @property {string} base address of the peer's packages in a page, with / at its end
 * @property {Record<string, unknown>} options
 *
 * @typedef {object} Prepared
 * @property {string} version
 * @property {number} threads that it uses
 * @property {(seconds: number) => Promise<number>} run units a second over at least that long; 0 is one step
 * @property {() => Promise<number>} [peak] GFLOP/s of the peak kernel on as many threads
 * @property {() => Promise<unknown>} [close]
 *
 * @typedef {(work: Work, setting: Setting) => Promise<Prepared>} Prepare
 *
 * @typedef {object} Contestant
 * @property {string} version
 * @property {number} threads
 * @property {(seconds: number) => Promise<number>} run
 * @property {(() => Promise<number>) | undefined} peak
 * @property {string} [browser] its version
 * @property {() => Promise<unknown>} close
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A step of the slowest peer takes 20 s. */
const TIMEOUT_SECONDS = 120;

/**
 * @param {Peer} peer
 * @param {Entry} entry
 * @param {Work} work
 * @returns {Promise<Contestant>}
 */
export async function start(peer, entry, work) {
  const { place, threads, options = {} } = entry;
  const module = `bench/peers/${peer.name}.mjs`;
  const setting = { place, threads, base: '', options };
  if (place === 'node') {
    return remote(await startNode(), { module: join(ROOT, module), work, setting });
  }
  if (place === 'python') {
    const program = join(ROOT, `bench/peers/${peer.name}.py`);
    return remote(await startPython(program, threads), { work, setting });
  }
  return inPage(peer, module, work, setting);
}

/**
 * @typedef {object} Channel a process that answers calls, one at a time
 * @property {(method: string, values: object) => Promise<any>} call
 * @property {() => Promise<unknown>} close
 */

/** @param {Channel} channel @param {object} values @returns {Promise<Contestant>} */
async function remote(channel, values) {
  const { close } = channel;
  try {
    const facts = await limited(channel.call('prepare', values));
    return {
      version: facts.version,
      threads: facts.threads,
      run: (seconds) => limited(channel.call('run', { seconds })),
      peak: facts.peak ? () => limited(channel.call('peak', {})) : undefined,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * @param {Peer} peer @param {string} module @param {Work} work @param {Setting} setting
 * @returns {Promise<Contestant>}
 */
async function inPage(peer, module, work, setting) {
  const processors = peer.processors?.(setting.threads) ?? setting.threads;
  /** @type {Record<string, string>} */
  const mounts = peer.npm ? { '/peer/': join(peersFolder(peer.npm), 'node_modules/') } : {};
  const { page, version, close } = await openPage('', { mounts, processors });
  try {
    const values = { module: `/${module}`, work, setting: { ...setting, base: '/peer/' } };
    const facts = await limited(
      page.evaluate(async ({ module, work, setting }) => {
        const { prepare } = await import(module);
        const prepared = await prepare(work, setting);
        Object.assign(globalThis, { prepared });
        const { version, threads } = prepared;
        return { version, threads, peak: Boolean(prepared.peak) };
      }, values),
    );
    return {
      version: facts.version,
      threads: facts.threads,
      browser: version,
      run: (seconds) =>
        limited(
          page.evaluate((time) => /** @type {any} */ (globalThis).prepared.run(time), seconds),
        ),
      peak: facts.peak
        ? () => limited(page.evaluate(() => /** @type {any} */ (globalThis).prepared.peak()))
        : undefined,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @template T @param {Promise<T>} promise @returns {Promise<T>} */
async function limited(promise) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    const give = () => reject(new Error(`no answer in ${TIMEOUT_SECONDS} s`));
    timer = setTimeout(give, 1000 * TIMEOUT_SECONDS);
  });
  try {
    return await /** @type {Promise<T>} */ (Promise.race([promise, late]));
  } finally {
    clearTimeout(timer);
  }
}

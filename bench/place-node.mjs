/** A Node process for one contestant; this file is the parent's half and, when started by it, the child's. */

import { fork } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { relaxedSimd } from 'wasm-feature-detect';

const CHILD = '--contestant';

/** @returns {Promise<import('./contestants.mjs').Channel>} */
export async function startNode() {
  // Node 20 has relaxed SIMD behind this flag, later ones have it on.
  const execArgv = (await relaxedSimd()) ? [] : ['--experimental-wasm-relaxed-simd'];
  const child = fork(fileURLToPath(import.meta.url), [CHILD], { execArgv });
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.on('error', () => {}); // told by its end
  return {
    call: (method, values) =>
      new Promise((resolve, reject) => {
        const onEnd = () =>
          reject(new Error(`the process ended (${child.signalCode ?? child.exitCode})`));
        if (!child.connected) return onEnd();
        child.once('exit', onEnd);
        child.once('message', (/** @type {any} */ { answer, error }) => {
          child.off('exit', onEnd);
          if (error === undefined) resolve(answer);
          else reject(new Error(error));
        });
        return child.send({ method, ...values });
      }),
    async close() {
      child.kill();
      await ended;
    },
  };
}

/** Answers the parent's calls. */
function answerCalls() {
  /** @type {import('./contestants.mjs').Prepared} */
  let prepared;
  process.on('message', async (/** @type {any} */ { method, ...values }) => {
    try {
      process.send?.({ answer: await handle(method, values) });
    } catch (error) {
      process.send?.({ error: error instanceof Error ? error.message : String(error) });
    }
  });

  /** @param {string} method @param {any} values */
  async function handle(method, { module, work, setting, seconds }) {
    if (method === 'run') return prepared.run(seconds);
    if (method === 'peak') return prepared.peak?.();
    const { prepare } = await import(pathToFileURL(module).href);
    prepared = await prepare(work, setting);
    const { version, threads, peak } = prepared;
    return { version, threads, peak: Boolean(peak) };
  }
}

if (process.argv[2] === CHILD && process.send) answerCalls();

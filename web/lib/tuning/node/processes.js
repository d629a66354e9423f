/** Trials in processes of their own, each with an engine of its own. */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { absoluteUrl } from '#platform';
import { WorkerError, fromWire, toWire } from '../../errors.js';

/**
 * @typedef {import('node:child_process').ChildProcess} ChildProcess
 * @typedef {import('../trial.js').Hear} Hear
 *
 * @typedef {{ type: 'run', url: string, job: import('../trial.js').Job }
 *   | { type: 'abort', reason: import('../../errors.js').WireError }} ToChild
 * @typedef {{ type: 'report', logs: Record<string, number> }
 *   | { type: 'done', logs: Record<string, number> }
 *   | { type: 'failed', error: import('../../errors.js').WireError }} FromChild
 */

/** How long a trial may take to end after the signal, and a process after its last trial. */
const GRACE_MS = 5000;

/** Flags that say what this process runs, not how. */
const OWN_FLAGS = /^(--input-type|--eval|-e$|-p$|--print|--test|--inspect|--watch)/;

/**
 * @param {string | URL} module a path or URL whose module exports `train`
 * @param {number} count
 * @returns {import('../trial.js').Runner}
 */
export function openProcesses(module, count) {
  const url = absoluteUrl(module);
  /** @type {ChildProcess[]} */
  const idle = [];
  return {
    slots: count,
    async run(job, hear, signal) {
      const child = idle.pop() ?? start();
      try {
        const logs = await runIn(child, { type: 'run', url, job }, hear, signal);
        idle.push(child);
        return logs;
      } catch (error) {
        // Its engine may hold what the trial left.
        await end(child);
        throw error;
      }
    },
    async close() {
      await Promise.all(idle.map(end));
    },
  };
}

/** @returns {ChildProcess} */
function start() {
  return fork(fileURLToPath(new URL('./tuning-child.node.js', import.meta.url)), [], {
    execArgv: process.execArgv.filter((flag) => !OWN_FLAGS.test(flag)),
    // What a trial prints goes where this process prints.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
}

/**
 * @param {ChildProcess} child
 * @param {ToChild} message
 * @param {Hear} hear
 * @param {AbortSignal} signal
 * @returns {Promise<Record<string, number>>}
 * @throws {WorkerError} the process ended
 */
function runIn(child, message, hear, signal) {
  return new Promise((resolve, reject) => {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const abort = () => {
      /** @type {ToChild} */
      const request = { type: 'abort', reason: toWire(signal.reason) };
      child.send(request, () => {});
      timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    };
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      for (const [event, listener] of listeners) child.off(event, listener);
    };
    const fail = (/** @type {unknown} */ error) => {
      settle();
      reject(error);
    };
    /** @type {[event: string, listener: (...values: any[]) => void][]} */
    const listeners = [
      [
        'message',
        (/** @type {FromChild} */ answer) => {
          if (answer.type === 'failed') return fail(fromWire(answer.error));
          try {
            if (answer.type === 'report') return hear(answer.logs);
          } catch (error) {
            return fail(error);
          }
          settle();
          return resolve(answer.logs);
        },
      ],
      [
        'error',
        (cause) =>
          fail(new WorkerError(`The process of a trial failed: ${cause.message}`, { cause })),
      ],
      [
        'exit',
        (code, name) =>
          fail(
            new WorkerError(`The process of a trial ended with ${name ?? `exit code ${code}`}.`),
          ),
      ],
    ];
    for (const [event, listener] of listeners) child.on(event, listener);
    signal.addEventListener('abort', abort, { once: true });
    child.send(message, () => {});
    if (signal.aborted) abort();
  });
}

/** Lets a process end: it does when it hears no more from this one. @param {ChildProcess} child */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    if (child.connected) child.disconnect();
  });
}

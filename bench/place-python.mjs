/** A Python process for one contestant: lines of JSON, a call and its answer in turn. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Debian's packages belong to Debian's Python, whichever comes first on PATH. */
const PYTHON = '/usr/bin/python3';

/**
 * @param {string} program
 * @param {number} threads
 * @returns {Promise<import('./contestants.mjs').Channel>}
 */
export async function startPython(program, threads) {
  const env = { ...process.env, OMP_NUM_THREADS: String(threads) };
  const child = spawn(PYTHON, [program], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));
  child.stdin.on('error', () => {}); // a process that ended is told by its end
  const lines = createInterface({ input: child.stdout });
  const ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  return {
    call: (method, values) =>
      new Promise((resolve, reject) => {
        const onEnd = () =>
          reject(new Error(complaints.trim().split('\n').at(-1) || 'the process ended'));
        if (child.exitCode !== null || child.signalCode !== null) return onEnd();
        child.once('close', onEnd).once('error', onEnd);
        lines.once('line', (line) => {
          child.off('close', onEnd);
          const { answer, error } = JSON.parse(line);
          if (error === undefined) resolve(answer);
          else reject(new Error(error));
        });
        return child.stdin.write(`${JSON.stringify({ method, ...values })}\n`);
      }),
    async close() {
      child.kill();
      await ended;
    },
  };
}

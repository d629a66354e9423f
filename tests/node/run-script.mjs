/** Runs a Node program as a child process and waits for it to end by itself. */

import { spawn } from 'node:child_process';

/** An example that hangs is killed, and its test fails, after this long. */
const LIMIT_MS = 120_000;

/**
 * @param {string} script
 * @param {string[]} options
 * @param {{ cwd?: string }} [where]
 * @returns {Promise<{ code: number | null, output: string }>} code null: killed
 */
export function runScript(script, options = [], { cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...options], { cwd, timeout: LIMIT_MS });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => (output += text));
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/**
 * Running other programs: their output is kept aside and shown only when they fail, so a
 * start that works prints progress and nothing else.
 */
import { spawn } from 'node:child_process';
import { constants, accessSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A failure the reader can act on: printed as one sentence, without a stack trace. */
export class UserError extends Error {}

/**
 * The full path of a program, or undefined when PATH does not have it.
 * @param {string} name
 * @returns {string | undefined}
 */
export function findProgram(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not in this folder: look in the next.
    }
  }
  return undefined;
}

/**
 * Run a program to its end and return what it printed to standard output.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, what?: string, onLine?: (line: string) => void }} [options]
 *   what: the words that open the error when it fails
 * @returns {Promise<string>}
 */
export function run(program, args, { cwd, env, what, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let both = '';
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      out += text;
      both += text;
      if (onLine) for (const line of text.split('\n')) if (line) onLine(line);
    });
    child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (both += text));
    child.on('error', (error) =>
      reject(new UserError(`${what ?? program}: cannot run ${program} (${error.message})`)),
    );
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(out);
      const tail = both.trim().split('\n').slice(-30).join('\n');
      reject(
        new UserError(
          `${what ?? program} failed (${signal ? `signal ${signal}` : `exit code ${code}`}):\n${tail}`,
        ),
      );
    });
  });
}

/**
 * Run the body of a command-line program: failures become one message and exit code 1.
 * @param {() => Promise<unknown>} body
 */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    const text =
      error instanceof Error
        ? error instanceof UserError || !error.stack || 'code' in error
          ? error.message
          : error.stack
        : String(error);
    console.error(`tabgrad: ${text}`);
    process.exitCode = 1;
  }
}

/**
 * Every C test program of every flavour as a test case; its output is shown when it fails.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { cTestPrograms } from '../../wasm-build/build-c-tests.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Milliseconds one program may take: the slowest takes a few seconds. */
const LIMIT = 300_000;

/**
 * @param {string} path
 * @returns {Promise<{ code: number | string, output: string }>}
 */
function runProgram(path) {
  const [program, ...args] = path.endsWith('.cjs') ? [process.execPath, path] : [path];
  return new Promise((resolve, reject) => {
    const child = spawn(program ?? '', args, {
      cwd: ROOT,
      timeout: LIMIT,
      env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1', UBSAN_OPTIONS: 'print_stacktrace=1' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
    }
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal ?? '', output }));
  });
}

const sources = readdirSync(new URL('.', import.meta.url))
  .filter((name) => name.endsWith('.test.c'))
  .map((name) => name.slice(0, -'.test.c'.length));

for (const source of sources) {
  describe(`C: ${source}`, () => {
    // A program left over from a deleted test does not run; one that was not built is missed.
    const programs = cTestPrograms().filter(({ name }) => name === source);
    test('is built in four flavours', () => assert.equal(programs.length, 4));
    for (const { flavour, path } of programs) {
      test(flavour, async () => {
        const { code, output } = await runProgram(path);
        assert.equal(code, 0, `${source} (${flavour}) ended with ${code}:\n${output.slice(-8000)}`);
      });
    }
  });
}

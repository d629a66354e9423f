/**
 * What must hold for every commit beyond behaviour: types, lint, layout, fresh bindings, size.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import { formatC } from '../wasm-build/c-format.mjs';
import { checkSize } from '../wasm-build/check-size.mjs';
import { generateFfi } from '../wasm-build/generate-ffi.mjs';
import { run } from '../wasm-build/run-command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} program below node_modules @param {string[]} args */
const tool = async (program, ...args) => {
  await run(process.execPath, [join(ROOT, 'node_modules', program), ...args], {
    cwd: ROOT,
    what: args.join(' ') || program,
  });
};

describe('gates', () => {
  test('web/lib/ffi.js matches src/tabgrad.h', () => generateFfi({ check: true }));

  test('types: tsc --strict --checkJs', () => tool('typescript/bin/tsc', '-p', 'tsconfig.json'));

  test('eslint', () => tool('eslint/bin/eslint.js', '--max-warnings=0', '.'));

  test('prettier --check', () => tool('prettier/bin/prettier.cjs', '--check', '.'));

  test('clang-format', () => formatC({ check: true }));

  test('size of what a page loads', (t) => t.diagnostic(checkSize()));

  test('the glue of the engines runs under a content security policy', () => {
    const folder = join(ROOT, 'dist');
    const glue = readdirSync(folder).filter((name) => /^engine-.*\.mjs$/.test(name));
    assert.equal(glue.length, 4);
    for (const name of glue) {
      assert.doesNotMatch(readFileSync(join(folder, name), 'utf8'), /\beval\(|new Function/, name);
    }
  });

  test('the package has no run-time dependency and the lock no host name', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    assert.equal(manifest.dependencies, undefined);
    assert.doesNotMatch(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'), /"resolved"/);
  });
});

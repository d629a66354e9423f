/**
 * clang-format over the engine's C: laid out anew, or only compared.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, run, UserError } from './run-command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['src', 'tests/c', 'tests/fuzz', 'bench/c'];

/** @returns {string[]} every C file, relative to the root */
export function cFiles() {
  return FOLDERS.filter((folder) => existsSync(join(ROOT, folder))).flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .map((name) => join(folder, String(name)))
      // .inc files are tables with columns of their own.
      .filter((name) => /\.[ch]$/.test(name)),
  );
}

/**
 * @param {{ check: boolean }} options
 */
export async function formatC({ check }) {
  // Layouts differ between versions: only this one counts.
  const program = findProgram('clang-format-19');
  if (!program) throw new UserError('clang-format-19 is missing: please install it.');
  const files = cFiles();
  if (files.length === 0) return;
  await run(program, [...(check ? ['--dry-run', '--Werror'] : ['-i']), '--style=file', ...files], {
    cwd: ROOT,
    what: check ? 'clang-format (npm run format repairs it)' : 'clang-format',
  });
}

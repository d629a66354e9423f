/**
 * The size gates, compressed as servers do: what a page loads that trains a network of convolutions and dense layers, and
 * all that a page can load.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { ENGINES } from './build-engines.mjs';
import { ENTRIES } from './build-library.mjs';
import { UserError, main } from './run-command.mjs';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
/**
 * Bytes. PAGE: a lesson's page should load on a telephone. It loads both threads' halves of the library with what they
 * import, one engine's script and the first of its two files. ALL: every layer, loss and optimizer, files, ONNX, data
 * sets, metrics, callbacks and schedules.
 */
const LIMIT = { page: 139_200, all: 296_000 };

/** @param {string} name */
function compressed(name) {
  const path = join(DIST, name);
  if (!existsSync(path)) throw new UserError(`dist/${name} is missing: run "npm run build".`);
  return brotliCompressSync(readFileSync(path)).length;
}

/**
 * The files that these load before anything of them runs, or also what they import on demand.
 *
 * @param {string[]} names
 * @param {{ onDemand?: boolean }} [options]
 */
function withImports(names, { onDemand = false } = {}) {
  const imports = onDemand
    ? /(?:from|import\(?)"\.\/([^"]+\.js)"/g
    : /(?:from|import)"\.\/([^"]+\.js)"/g;
  const files = new Set(names);
  for (const name of files) {
    const code = readFileSync(join(DIST, name), 'utf8');
    for (const [, imported] of code.matchAll(imports)) files.add(imported);
  }
  return [...files];
}

/**
 * @returns {string} a sentence with the sizes
 */
export function checkSize() {
  const sum = (/** @type {string[]} */ names) =>
    names.reduce((total, name) => total + compressed(name), 0);
  // A page loads one engine; the largest counts.
  const largest = (/** @type {string[]} */ endings) =>
    Math.max(...ENGINES.map((name) => sum(endings.map((ending) => name + ending))));
  const library = sum(withImports(['index.js', 'worker.js']));
  const first = largest(['.mjs', '.wasm']);
  const page = library + first;
  const entries = [...ENTRIES, 'worker'].map((name) => `${name}.js`);
  const all =
    sum(withImports(entries, { onDemand: true })) + largest(['.mjs', '.wasm', '-rest.wasm']);
  const text =
    `page ${page} of at most ${LIMIT.page} (index.js and worker.js ${library}, engine ${first}), ` +
    `everything ${all} of at most ${LIMIT.all} bytes (brotli)`;
  if (page > LIMIT.page || all > LIMIT.all) throw new UserError(`Too large: ${text}.`);
  return text;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(async () => console.log(checkSize()));
}

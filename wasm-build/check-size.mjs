/**
 * The size gate: what one page loads, compressed as servers do, stays under a limit.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { ENGINES } from './build-engines.mjs';
import { UserError, main } from './run-command.mjs';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
/**
 * Bytes. A lesson's page should load on a telephone. One limit for the whole vocabulary of layers, losses and optimizers:
 * all of it is in every engine, since WebAssembly cannot load a part of a module later.
 */
const LIMIT = 172_000;

/** @param {string} name */
function compressed(name) {
  const path = join(DIST, name);
  if (!existsSync(path)) throw new UserError(`dist/${name} is missing: run "npm run build".`);
  return brotliCompressSync(readFileSync(path)).length;
}

/**
 * The files that these load before anything of them runs; what is imported on demand is not among them.
 *
 * @param {string[]} names
 */
function withImports(names) {
  const files = new Set(names);
  for (const name of files) {
    const code = readFileSync(join(DIST, name), 'utf8');
    for (const [, imported] of code.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) files.add(imported);
  }
  return [...files];
}

/**
 * @returns {string} a sentence with the sizes
 */
export function checkSize() {
  const library = withImports(['index.js', 'worker.js']).reduce(
    (sum, name) => sum + compressed(name),
    0,
  );
  // A page loads one engine; the largest counts.
  const engine = Math.max(
    ...ENGINES.map((name) => compressed(`${name}.mjs`) + compressed(`${name}.wasm`)),
  );
  const total = library + engine;
  const text = `index.js and worker.js ${library} + largest engine ${engine} = ${total} bytes (brotli), limit ${LIMIT}`;
  if (total > LIMIT) throw new UserError(`The page loads too much: ${text}.`);
  return text;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(async () => console.log(checkSize()));
}

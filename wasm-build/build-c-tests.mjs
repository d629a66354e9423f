/**
 * The C tests, in every flavour the engine is tested in.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cmakeBuild } from './cmake.mjs';
import { withProgress } from './progress.mjs';
import { ensureToolchain } from './toolchain.mjs';

const BUILD = fileURLToPath(new URL('../build/', import.meta.url));

/** Where the programs are, and what they show. */
const FLAVOURS = [
  { name: 'native, sanitizers', folder: 'native/asan/tests/tabgrad' },
  { name: 'native, double', folder: 'native/double/tests/tabgrad' },
  { name: 'wasm simd', folder: 'cmake-wasm/tests/engine-simd' },
  { name: 'wasm simd, threads', folder: 'cmake-wasm/tests/engine-simd-threads' },
];

/** Build what is old. */
export async function buildCTests() {
  await withProgress('C tests', async (onProgress) => {
    const toolchain = await ensureToolchain({ onProgress });
    // Float, threads, red zones and undefined behaviour: what ships, watched.
    await cmakeBuild(
      { folder: 'native/asan', options: ['-DTG_SANITIZE=ON'], targets: ['tabgrad', 'c-tests'] },
      onProgress,
    );
    // Double: finite differences sharp to 1e-5.
    await cmakeBuild(
      { folder: 'native/double', options: ['-DTG_DOUBLE=ON'], targets: ['tabgrad', 'c-tests'] },
      onProgress,
    );
    await cmakeBuild({ folder: 'cmake-wasm', targets: ['c-tests'], toolchain }, onProgress);
  });
}

/**
 * @returns {{ flavour: string, name: string, path: string }[]} every program that was built
 */
export function cTestPrograms() {
  return FLAVOURS.flatMap(({ name: flavour, folder }) => {
    const path = join(BUILD, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path)
      .filter((name) => !name.endsWith('.wasm'))
      .map((name) => ({ flavour, name: name.replace(/\.cjs$/, ''), path: join(path, name) }));
  });
}

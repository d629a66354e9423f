/**
 * npm run build: the four engines, the bindings, the library.
 *
 * node wasm-build/build.mjs [--only wasm|lib|native]
 *
 *   build/wasm/engine-*.mjs, .wasm   the engines, each with its second file, -rest.wasm
 *   web/lib/ffi.js                   the bindings (committed)
 *   dist/                            what the npm package ships
 *   build/native/release/            libtabgrad.a, only on request
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildEngines } from './build-engines.mjs';
import { cmakeBuild } from './cmake.mjs';
import { generateFfi } from './generate-ffi.mjs';
import { withProgress } from './progress.mjs';
import { UserError, main } from './run-command.mjs';
import { ensureToolchain } from './toolchain.mjs';

/**
 * @param {{ only?: string }} [options]
 */
export async function build({ only } = {}) {
  await generateFfi();
  if (only === undefined || only === 'wasm') {
    const toolchain = await withProgress('compiler', (onProgress) =>
      ensureToolchain({ onProgress }),
    );
    await withProgress('engine', (onProgress) => buildEngines(toolchain, onProgress));
  }
  if (only === undefined || only === 'lib') {
    const { buildLibrary } = await import('./build-library.mjs');
    await withProgress('library', (onProgress) => buildLibrary(onProgress));
  }
  if (only === 'native') {
    await withProgress('native', (onProgress) =>
      cmakeBuild({ folder: 'native/release', targets: ['tabgrad'] }, onProgress),
    );
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(async () => {
    const { values } = parseArgs({ options: { only: { type: 'string' } } });
    if (values.only !== undefined && !['wasm', 'lib', 'native'].includes(values.only)) {
      throw new UserError(`--only takes wasm, lib or native, not "${values.only}".`);
    }
    await build(values);
  });
}

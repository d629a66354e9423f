/**
 * CMake and Ninja: configure once, then let Ninja decide what is old.
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, run } from './run-command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * @typedef {object} Tree one build tree
 * @property {string} folder below build/
 * @property {string[]} [options] -D… of the configuration
 * @property {string[]} targets
 * @property {import('./toolchain.mjs').Toolchain} [toolchain] for WebAssembly; without it the build is native
 */

/**
 * Build targets of one tree.
 * @param {Tree} tree
 * @param {import('./progress.mjs').OnProgress} [onProgress]
 * @returns {Promise<string>} the tree's folder
 */
export async function cmakeBuild({ folder, options = [], targets, toolchain }, onProgress) {
  const path = join(ROOT, 'build', folder);
  const env = toolchain?.env ?? process.env;
  const all = [...options, ...(toolchain ? emscriptenOptions(toolchain) : nativeOptions())];
  const stamp = join(path, 'configured-with.json');
  const wanted = JSON.stringify({ all, emConfig: toolchain?.env.EM_CONFIG });
  if (
    !existsSync(join(path, 'build.ninja')) ||
    !existsSync(stamp) ||
    readFileSync(stamp, 'utf8') !== wanted
  ) {
    // Another compiler or an interrupted configuration: CMake's own cache would keep half of the old one.
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
    onProgress?.(`configuring ${folder}`);
    await run('cmake', ['-G', 'Ninja', '-S', ROOT, '-B', path, ...all], {
      env,
      what: `configuring ${folder}`,
    });
    writeFileSync(stamp, wanted);
  }
  await run('ninja', ['-C', path, ...targets], {
    // The compiler's own words, without colour codes, for the message of a failure.
    env: { ...env, NINJA_STATUS: '[%f/%t] ' },
    what: `building ${folder}`,
    onLine(line) {
      const match = /^\[(\d+)\/(\d+)\]/.exec(line);
      if (match && match[1] !== '0')
        onProgress?.(
          `building ${folder} ${match[1]}/${match[2]}`,
          Number(match[1]) / Number(match[2]),
        );
    },
  });
  return path;
}

/** @param {import('./toolchain.mjs').Toolchain} toolchain */
function emscriptenOptions({ emcc }) {
  const file = join(dirname(realpathSync(emcc)), 'cmake/Modules/Platform/Emscripten.cmake');
  return [`-DCMAKE_TOOLCHAIN_FILE=${file}`, `-DCMAKE_CROSSCOMPILING_EMULATOR=${process.execPath}`];
}

/** The same clang as the WebAssembly build where it is installed; else the system's compiler. */
function nativeOptions() {
  const clang = findProgram('clang-19');
  return clang ? [`-DCMAKE_C_COMPILER=${clang}`] : [];
}

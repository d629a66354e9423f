/**
 * The four engines: compiled by CMake, each split in two files, then their JavaScript glue is made fit for bundlers and
 * made small.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cmakeBuild } from './cmake.mjs';
import { UserError } from './run-command.mjs';
import { REST_SOURCES, splitEngine, splitTools } from './split-engine.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const ENGINE_FOLDER = join(ROOT, 'build/wasm');
export const ENGINES = [
  'engine-simd',
  'engine-relaxed',
  'engine-simd-threads',
  'engine-relaxed-threads',
];

/** What an engine is made by, beside what CMake builds. */
const OWN_CODE = ['build-engines.mjs', 'split-engine.mjs'].map((name) =>
  fileURLToPath(new URL(name, import.meta.url)),
);

/**
 * @param {import('./toolchain.mjs').Toolchain} toolchain
 * @param {import('./progress.mjs').OnProgress} [onProgress]
 */
export async function buildEngines(toolchain, onProgress) {
  const folder = await cmakeBuild(
    { folder: 'cmake-wasm', targets: ENGINES, toolchain },
    onProgress,
  );
  mkdirSync(ENGINE_FOLDER, { recursive: true });
  for (const name of ENGINES) {
    const glue = join(folder, `${name}.mjs`);
    const out = join(ENGINE_FOLDER, `${name}.mjs`);
    const inputs = [glue, join(folder, REST_SOURCES), ...OWN_CODE];
    if (inputs.every((input) => isNewer(out, input))) continue;
    await splitEngine(await splitTools(toolchain), folder, name, {
      first: join(ENGINE_FOLDER, `${name}.wasm`),
      rest: join(ENGINE_FOLDER, `${name}-rest.wasm`),
    });
    const { transform } = await import('esbuild');
    const original = readFileSync(glue, 'utf8');
    // Looked for before names are shortened.
    if (/fd_write/.test(original)) {
      throw new UserError(
        `${name}: the engine imports fd_write: something in src/ prints. The engine reports through tg_last_error alone.`,
      );
    }
    const text = fitForBundlers(name, original);
    const { code } = await transform(text, { minify: true, format: 'esm', target: 'es2022' });
    check(name, code);
    writeFileSync(out, hideNodeImports(code));
  }
}

/** @param {string} made @param {string} from */
function isNewer(made, from) {
  return existsSync(made) && statSync(made).mtimeMs >= statSync(from).mtimeMs;
}

/**
 * Bundlers recognise a worker only when its options are a literal in the call; Emscripten keeps them in a variable.
 * @param {string} name
 * @param {string} glue
 */
function fitForBundlers(name, glue) {
  let text = glue;
  if (name.endsWith('-threads')) {
    const options =
      /var (\w+)\s*=\s*\{\s*"?type"?:\s*"module",\s*"?workerData"?:\s*"em-pthread",\s*"?name"?:\s*"em-pthread"\s*\};?/;
    const variable = options.exec(text)?.[1];
    const call =
      variable &&
      new RegExp(
        `(new Worker\\(new URL\\("${name}\\.mjs",\\s*import\\.meta\\.url\\)),\\s*${variable}\\)`,
      );
    if (!call || !call.test(text)) {
      throw new UserError(
        `${name}.mjs: the glue of this Emscripten starts its threads in a way this build does not know.`,
      );
    }
    text = text
      .replace(options, '')
      .replace(call, '$1, { type: "module", workerData: "em-pthread", name: "em-pthread" })');
  }
  return text;
}

/**
 * Node's own modules are imported only in Node; a bundler for browsers must leave these imports alone. After minifying,
 * which drops comments.
 * @param {string} code
 */
function hideNodeImports(code) {
  return code.replace(
    /\bimport\("(module|worker_threads)"\)/g,
    'import(/* webpackIgnore: true */ /* @vite-ignore */ "$1")',
  );
}

/**
 * @param {string} name
 * @param {string} code
 */
function check(name, code) {
  const wanted = [`new URL("${name}.wasm",import.meta.url)`];
  if (name.endsWith('-threads'))
    wanted.push(`new Worker(new URL("${name}.mjs",import.meta.url),{type:"module"`);
  for (const literal of wanted) {
    if (!code.includes(literal))
      throw new UserError(`${name}.mjs lacks ${literal}, which bundlers look for.`);
  }
}

/**
 * dist/, which is what the npm package ships: the library bundled for browsers and for Node, the engines beside it,
 * the types. Nothing in it has a run-time dependency: what is used from npm is bundled, with its licence.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENGINES, ENGINE_FOLDER } from './build-engines.mjs';
import { UserError, run } from './run-command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = join(ROOT, 'web/lib');
const DIST = join(ROOT, 'dist');
/** What a program imports: `tabgrad`, and of the others `tabgrad/<name>`. */
export const ENTRIES = [
  'index',
  'applications',
  'augment',
  'callbacks',
  'data',
  'explain',
  'learning',
  'metrics',
  'robustness',
  'schedules',
  'tuning',
];
/** Files of their own that no program imports: output's name → source. */
const INNER = {
  browser: { worker: 'worker.js' },
  node: { worker: 'worker.js', 'tuning-child': 'tuning/node/child.js' },
};
/** Copied as they are, for Node: their loader looks for the .wasm file beside it. */
const JPEG = {
  package: '@cornerstonejs/codec-libjpeg-turbo-8bit',
  files: {
    'dist/libjpegturbowasm_decode.js': 'libjpegturbowasm_decode.cjs',
    'dist/libjpegturbowasm_decode.wasm': 'libjpegturbowasm_decode.wasm',
  },
};
const STAMP = join(ROOT, 'build/library.json');

/**
 * @param {import('./progress.mjs').OnProgress} [onProgress]
 */
export async function buildLibrary(onProgress) {
  for (const name of ['index.js', 'worker.js']) {
    if (!existsSync(join(SOURCE, name))) throw new UserError(`web/lib/${name} is missing.`);
  }
  const inputs = fingerprint();
  if (
    existsSync(STAMP) &&
    readFileSync(STAMP, 'utf8') === inputs &&
    existsSync(join(DIST, 'index.js'))
  )
    return;
  rmSync(STAMP, { force: true });
  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST, { recursive: true });
  onProgress?.('bundling', 0);
  const packages = new Set([...(await bundle('browser', '')), ...(await bundle('node', '.node'))]);
  copyEngines();
  for (const [from, to] of Object.entries(JPEG.files)) {
    copyFileSync(join(ROOT, 'node_modules', JPEG.package, from), join(DIST, to));
  }
  writeNotices(packages.add(JPEG.package));
  onProgress?.('types', 0.3);
  await run(
    process.execPath,
    [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      '-p',
      join(ROOT, 'wasm-build/tsconfig.types.json'),
    ],
    { cwd: ROOT, what: 'emitting the types' },
  );
  // For who imports the bundles by their path: the same types, without a look into minified code.
  for (const name of ENTRIES) {
    for (const suffix of ['', '.node']) {
      const types = `export * from './types/${name}.js';\n`;
      writeFileSync(join(DIST, `${name}${suffix}.d.ts`), types);
    }
  }
  onProgress?.('done', 1);
  writeFileSync(STAMP, inputs);
}

/** Names, sizes and dates of everything dist/ is made from. */
function fingerprint() {
  const files = [
    ...walk(SOURCE),
    ...ENGINES.flatMap((name) => [
      join(ENGINE_FOLDER, `${name}.mjs`),
      join(ENGINE_FOLDER, `${name}.wasm`),
      join(ENGINE_FOLDER, `${name}-rest.wasm`),
    ]),
    ...['package.json', 'package-lock.json', 'wasm-build/tsconfig.types.json'].map((name) =>
      join(ROOT, name),
    ),
    fileURLToPath(import.meta.url),
  ];
  return JSON.stringify(
    files.map((path) => {
      if (!existsSync(path))
        throw new UserError(`${path.slice(ROOT.length)} is missing: run "npm run build".`);
      const { size, mtimeMs } = statSync(path);
      return [path.slice(ROOT.length), size, mtimeMs];
    }),
  );
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function walk(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
    )
    .sort();
}

/**
 * A file for each entry and one for the worker, and chunks: what several need, loaded once, and what few programs need
 * (archives, the sample's images), loaded when it is used.
 * @param {'browser' | 'node'} platform resolves #platform of package.json
 * @param {string} suffix of the files' names
 * @returns {Promise<string[]>} names of the npm packages that went in
 */
async function bundle(platform, suffix) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    entryPoints: Object.fromEntries(
      [...ENTRIES.map((name) => [name, `${name}.js`]), ...Object.entries(INNER[platform])].map(
        ([name, path]) => [`${name}${suffix}`, join(SOURCE, path)],
      ),
    ),
    outdir: DIST,
    bundle: true,
    format: 'esm',
    splitting: true,
    chunkNames: `[name]-[hash]`,
    platform,
    // What has the fixed-width SIMD of WebAssembly has this language.
    target: platform === 'node' ? 'node20' : 'es2022',
    minify: true,
    legalComments: 'inline',
    // The engine's glue stays a file of its own: its threads start from it.
    external: ['./engine-*.mjs', '#libjpeg-turbo'],
    metafile: true,
    logLevel: 'silent',
    absWorkingDir: ROOT,
  }).catch((error) => {
    throw new UserError(`bundling the library failed:\n${error.message}`);
  });
  const worker = `new URL("./worker${suffix}.js",import.meta.url)`;
  const outputs = Object.keys(metafile.outputs);
  if (!outputs.some((path) => readFileSync(join(ROOT, path), 'utf8').includes(worker))) {
    throw new UserError(`no file of dist/ has ${worker}, which bundlers look for.`);
  }
  return Object.keys(metafile.inputs).flatMap((path) => {
    const match = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    return match ? [match[1] ?? ''] : [];
  });
}

function copyEngines() {
  for (const name of ENGINES) {
    for (const ending of ['.mjs', '.wasm', '-rest.wasm']) {
      copyFileSync(join(ENGINE_FOLDER, `${name}${ending}`), join(DIST, `${name}${ending}`));
    }
  }
}

/** Of packages that hold the work of others without its licence. */
const LICENCES = new Map([[JPEG.package, join(ROOT, 'wasm-build/licences/libjpeg-turbo.txt')]]);

/** The licences of bundled packages go where their code goes. @param {Set<string>} packages */
function writeNotices(packages) {
  const parts = [...packages].sort().map((name) => {
    const folder = join(ROOT, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const own = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const file = own ? join(folder, own) : LICENCES.get(name);
    const text = file ? readFileSync(file, 'utf8').trim() : `Licence: ${license}`;
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  writeFileSync(join(DIST, 'THIRD-PARTY-NOTICES.txt'), parts.join(`\n${'-'.repeat(78)}\n\n`));
}

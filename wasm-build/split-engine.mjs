/**
 * An engine in two files: what most models need, and the rest (TG_REST_SOURCES in CMakeLists.txt), which a page loads
 * when something in it is first asked for (src/rest.h). Binaryen's wasm-split moves the functions; both files share
 * memory and table, and what one calls in the other goes through the table or an import.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UserError, run } from './run-command.mjs';

/**
 * Files of the first part that call the second one, and why nothing is called before it is there. All else would
 * trap in a page, so the build fails.
 */
const GUARDED = new Map([
  [
    'src/exports.c',
    'tg_calibrate, tg_model_inspect, tg_dataset_preview and tg_dataset_resize begin with tg_need_rest',
  ],
  ['src/graph.c', 'ops that are not TG_FIRST_OP are found by tg_need_rest alone'],
  ['src/initialize.c', 'orthogonal: check_settings of src/graph.c'],
  ['src/kernels/activation.c', 'its other functions are of ops that are not TG_FIRST_OP'],
  ['src/kernels/conv2d_filter_gradient.c', 'in groups: check_groups of src/ops/conv2d.c'],
  ['src/kernels/conv2d_forward.c', 'the same'],
  ['src/kernels/conv2d_input_gradient.c', 'the same'],
  ['src/lean.c', 'weights in 8 bits: check_settings of src/graph.c'],
  ['src/loss.c', 'tg_loss_make'],
  ['src/model.c', 'tg_model_augment'],
  ['src/ops/add.c', 'different shapes: infer'],
  ['src/ops/conv2d.c', 'depthwise and in groups: check_groups'],
  ['src/ops/pool2d.c', 'bytes come from ops of the second part alone'],
  ['src/optim/optim.c', 'tg_rule.rest'],
  ['src/train.c', 'models with an augmentation alone: tg_model_augment'],
  ['src/regularize.c', 'penalties and constraints: check_settings of src/graph.c'],
]);

/** CMake's list of the second part's sources, in its folder. */
export const REST_SOURCES = 'rest-sources.txt';

/** What the engine is compiled for; wasm-split would take newer features where they are allowed. */
const FEATURES = [
  '--mvp-features',
  '--enable-bulk-memory',
  '--enable-mutable-globals',
  '--enable-nontrapping-float-to-int',
  '--enable-sign-ext',
  '--enable-simd',
];

/**
 * @typedef {{ nm: string, split: string, optimize: string, env: NodeJS.ProcessEnv }} Tools
 */

/**
 * LLVM's and Binaryen's programs, where Emscripten has them from.
 * @param {import('./toolchain.mjs').Toolchain} toolchain
 * @returns {Promise<Tools>}
 */
export async function splitTools({ emcc, env }) {
  const config = join(dirname(emcc), 'em-config');
  const root = async (/** @type {string} */ name) =>
    (await run(config, [name], { env, what: `asking Emscripten for its ${name}` })).trim();
  const [llvm, binaryen] = await Promise.all([root('LLVM_ROOT'), root('BINARYEN_ROOT')]);
  return {
    nm: join(llvm, 'llvm-nm'),
    split: join(binaryen, 'bin/wasm-split'),
    optimize: join(binaryen, 'bin/wasm-opt'),
    env,
  };
}

/**
 * @param {Tools} tools
 * @param {string} folder of the CMake build
 * @param {string} name of the engine, whose module in the folder still has the names of its functions
 * @param {{ first: string, rest: string }} out the files to write
 */
export async function splitEngine(tools, folder, name, { first, rest }) {
  const sources = new Set(
    readFileSync(join(folder, REST_SOURCES), 'utf8').split('\n').filter(Boolean),
  );
  const objects = await symbols(tools, join(folder, 'CMakeFiles', `${name}-objects.dir`));
  const functions = objects
    .filter(({ source }) => sources.has(source))
    .flatMap(({ functions }) => functions);
  checkCalls(objects, sources);
  const scratch = mkdtempSync(join(tmpdir(), 'tabgrad-split-'));
  try {
    const list = join(scratch, 'functions.txt');
    writeFileSync(list, functions.join('\n'));
    const features = [
      ...FEATURES,
      ...(name.includes('relaxed') ? ['--enable-relaxed-simd'] : []),
      ...(name.endsWith('threads') ? ['--enable-threads'] : []),
    ];
    // Two parts of different builds do not link.
    const whole = join(folder, `${name}.wasm`);
    const mark = createHash('sha256').update(readFileSync(whole)).digest('hex').slice(0, 6);
    const parts = { first: join(scratch, 'first.wat'), rest: join(scratch, 'rest.wat') };
    await run(
      tools.split,
      [
        ...features,
        '--split',
        '--emit-text',
        '--import-namespace=a',
        `--export-prefix=${mark}_`,
        `--split-funcs=@${list}`,
        whole,
        '-o1',
        parts.first,
        '-o2',
        parts.rest,
      ],
      { env: tools.env, what: `splitting ${name}` },
    );
    writeFileSync(parts.first, withTraps(readFileSync(parts.first, 'utf8')));
    for (const [part, file] of /** @type {const} */ ([
      [parts.first, first],
      [parts.rest, rest],
    ])) {
      await run(tools.optimize, [...features, '--strip-debug', '-Oz', part, '-o', file], {
        env: tools.env,
        what: `optimising ${file}`,
      });
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/**
 * wasm-split lets the first part import a function for each place in the table that the second one will fill. Nothing is
 * called before that, so a trap does instead, and nobody has to provide them.
 * @param {string} text of the first part
 */
function withTraps(text) {
  /** @type {string[]} */
  const traps = [];
  const rest = text.replace(
    /^ \(import "placeholder" "\d+" \(func (.*)\)\)\n/gm,
    (_, signature) => {
      traps.push(` (func ${signature} (unreachable))\n`);
      return '';
    },
  );
  if (traps.length === 0) throw new UserError('wasm-split: no placeholder was found in its text.');
  const end = rest.lastIndexOf(')');
  return rest.slice(0, end) + traps.join('') + rest.slice(end);
}

/**
 * @typedef {{ source: string, functions: string[], undefined: string[], defined: string[] }} ObjectFile
 *   functions: those it defines; defined: all of its global names
 *
 * @param {Tools} tools
 * @param {string} folder of an engine's objects
 * @returns {Promise<ObjectFile[]>}
 */
async function symbols({ nm, env }, folder) {
  const files = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.o'))
    .map((path) => join(folder, 'src', path));
  const text = await run(nm, ['--no-demangle', ...files], { env, what: 'reading object files' });
  return text
    .trim()
    .split('\n\n')
    .map((block) => {
      const [header = '', ...lines] = block.trim().split('\n');
      const rows = lines.map((line) => line.slice(8).trim().split(' '));
      const named = (/** @type {RegExp} */ kind) =>
        rows.filter(([type = '']) => kind.test(type)).map(([, symbol = '']) => symbol);
      return {
        source: header.slice(folder.length + 1).replace(/\.o:$/, ''),
        functions: named(/^[tT]$/),
        undefined: named(/^U$/),
        defined: named(/^[TDR]$/),
      };
    })
    .filter(({ source }) => existsSync(join(folder, `${source}.o`)));
}

/**
 * @param {ObjectFile[]} objects
 * @param {Set<string>} rest sources of the second part
 */
function checkCalls(objects, rest) {
  const owner = new Map(
    objects.flatMap(({ source, defined }) =>
      rest.has(source)
        ? defined.map((symbol) => /** @type {[string, string]} */ ([symbol, source]))
        : [],
    ),
  );
  for (const { source, undefined: wanted } of objects) {
    if (rest.has(source) || GUARDED.has(source)) continue;
    const symbol = wanted.find((name) => owner.has(name));
    if (symbol) {
      throw new UserError(
        `${source} calls ${symbol} of ${owner.get(symbol)}, which is in the engine's second file: ` +
          'take that out of TG_REST_SOURCES (CMakeLists.txt), or guard the call by tg_need_rest and name it in wasm-build/split-engine.mjs.',
      );
    }
  }
}

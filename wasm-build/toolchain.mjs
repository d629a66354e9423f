/**
 * The C to WebAssembly compiler. One version is pinned: Emscripten 3.1.69, the first one packaged
 * for Debian whose relaxed-SIMD opcodes, ES-module output and thread glue are right (Debian 12's own
 * 3.1.6 has none of the three). Any newer `emcc` on PATH is taken as it is.
 *
 * Debian 12 has the matching clang 19 but not that Emscripten; Debian 13 has it, as a package for every
 * architecture. So its files are downloaded through a private apt tree (the system's apt
 * is not touched, signatures are checked with the keyring the system already has), unpacked into the cache
 * folder, and told where to find the system's LLVM.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { debianVersion, ensurePackages } from './apt.mjs';
import { cacheFolder } from './cache.mjs';
import { UserError, findProgram, main, run } from './run-command.mjs';

const OLDEST = [3, 1, 69];
/** Part of the cache folder's name: raise it when the steps below change. */
const LAYOUT = 1;
const LLVM = '/usr/lib/llvm-19/bin';
const SUITE = { from: 'bookworm', to: 'trixie' };

/** Debian 12's own packages that Emscripten and the build stand on. */
const SYSTEM_PACKAGES = [
  { name: 'clang-19', file: `${LLVM}/clang` },
  { name: 'lld-19', file: `${LLVM}/wasm-ld` },
  { name: 'llvm-19', file: `${LLVM}/llvm-ar` },
  { name: 'cmake', file: '/usr/bin/cmake' },
  { name: 'ninja-build', file: '/usr/bin/ninja' },
  { name: 'python3', file: '/usr/bin/python3' },
];

/** What is unpacked privately: Emscripten, Binaryen with the newer libc it was linked to, and acorn for the JS optimiser. */
const PRIVATE_PACKAGES = [
  'emscripten',
  'binaryen',
  'libc6',
  'libstdc++6',
  'libgcc-s1',
  'node-acorn',
];

/**
 * @typedef {object} Toolchain
 * @property {string} emcc path of the compiler
 * @property {string} version such as "3.1.69"
 * @property {NodeJS.ProcessEnv} env environment to run it and CMake with
 */

/**
 * The compiler, installed if need be. A second call takes milliseconds.
 * @param {{ onProgress?: (text: string, fraction?: number) => void }} [options]
 * @returns {Promise<Toolchain>}
 */
export async function ensureToolchain({ onProgress } = {}) {
  const onPath = findProgram('emcc');
  if (onPath) {
    const version = emccVersion(onPath);
    if (isNewEnough(version)) {
      if (!findProgram('cmake') || !findProgram('ninja')) {
        await ensurePackages(
          SYSTEM_PACKAGES.filter(({ name }) => name === 'cmake' || name === 'ninja-build'),
          { why: 'build the engine', onProgress },
        );
      }
      return { emcc: onPath, version, env: { ...process.env } };
    }
  }
  const debian = debianVersion();
  if (debian === 12 && process.arch === 'x64') return privateEmscripten({ onProgress });
  if (debian !== undefined && debian >= 13) {
    await ensurePackages(
      [
        { name: 'emscripten', file: '/usr/bin/emcc' },
        { name: 'cmake', file: '/usr/bin/cmake' },
        { name: 'ninja-build', file: '/usr/bin/ninja' },
      ],
      { why: 'build the engine', onProgress },
    );
    return {
      emcc: '/usr/bin/emcc',
      version: emccVersion('/usr/bin/emcc'),
      env: { ...process.env },
    };
  }
  const found = onPath ? ` (found ${emccVersion(onPath)} on PATH)` : '';
  throw new UserError(
    `Emscripten ${OLDEST.join('.')} or newer is needed to build the engine${found}: ` +
      'please install emsdk (see emscripten.org), cmake and ninja, activate emsdk so that emcc is on PATH, and run this again.',
  );
}

/**
 * The version an installed emcc states, read from the file beside it where possible: starting emcc takes 0.3 s.
 * @param {string} emcc
 */
function emccVersion(emcc) {
  try {
    const beside = join(dirname(emcc), 'emscripten-version.txt');
    if (existsSync(beside)) return readFileSync(beside, 'utf8').replace(/["\s]/g, '');
    return (
      /\b(\d+\.\d+\.\d+)/.exec(execFileSync(emcc, ['--version'], { encoding: 'utf8' }))?.[1] ?? ''
    );
  } catch {
    return '';
  }
}

/** @param {string} version */
function isNewEnough(version) {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [i, oldest] of OLDEST.entries()) {
    const part = parts[i] ?? Number.NaN;
    if (part !== oldest) return part > oldest;
  }
  return true;
}

/**
 * Emscripten 3.1.69 in the cache folder, on Debian 12.
 * @param {{ onProgress?: (text: string, fraction?: number) => void }} options
 * @returns {Promise<Toolchain>}
 */
async function privateEmscripten({ onProgress }) {
  await ensurePackages(SYSTEM_PACKAGES, { why: 'build the engine', onProgress });
  const home = cacheFolder(`emscripten-${OLDEST.join('.')}-${LAYOUT}`);
  const stamp = join(home, 'complete.json');
  const root = join(home, 'root');
  const emcc = join(root, 'usr/share/emscripten/emcc');
  // The stamp names the node it was configured with: Emscripten runs its JS tools with that one.
  const wanted = JSON.stringify({ node: process.execPath, home });
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted || !existsSync(emcc)) {
    rmSync(stamp, { force: true });
    // Whatever an interrupted install left is not trusted: unpacked files are made anew.
    rmSync(root, { recursive: true, force: true });
    await download(home, onProgress);
    await unpack(home, root, onProgress);
    wrapBinaryen(root);
    linkAcorn(root);
    writeConfig(home, root);
    onProgress?.('checking the compiler', 0.95);
    await run(emcc, ['--version'], { env: environment(home), what: 'the installed emcc' });
    rmSync(join(home, 'debs'), { recursive: true, force: true });
    writeFileSync(`${stamp}.part`, wanted);
    renameSync(`${stamp}.part`, stamp);
    onProgress?.('compiler ready', 1);
  }
  return { emcc, version: OLDEST.join('.'), env: environment(home) };
}

/** @param {string} home */
function environment(home) {
  return { ...process.env, EM_CONFIG: join(home, 'config.py') };
}

/**
 * The system's own Debian source, with the release's name replaced. Only the main suite: the
 * -updates and -security suites are not needed for files that are pinned by that release.
 * @param {string} folder receives the source file
 */
function writeSources(folder) {
  const parts = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : []),
  ].filter((path) => existsSync(path));
  for (const path of files) {
    const text = readFileSync(path, 'utf8');
    if (path.endsWith('.sources')) {
      for (const stanza of text.split(/\n\s*\n/)) {
        const lines = stanza.split('\n').filter((line) => !line.startsWith('#'));
        const suites = lines.find((line) => /^Suites:/i.test(line));
        if (
          !suites?.split(/\s+/).includes(SUITE.from) ||
          lines.some((line) => /^Enabled:\s*no/i.test(line))
        )
          continue;
        const stated = lines.map((line) =>
          /^Suites:/i.test(line)
            ? `Suites: ${SUITE.to}`
            : /^Components:/i.test(line)
              ? 'Components: main'
              : /^Types:/i.test(line)
                ? 'Types: deb'
                : line,
        );
        writeFileSync(join(folder, 'debian.sources'), `${stated.join('\n').trim()}\n`);
        return;
      }
    } else if (path.endsWith('.list')) {
      for (const line of text.split('\n')) {
        const match = /^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line.trim());
        if (match?.[3] !== SUITE.from || !/\bmain\b/.test(match[4] ?? '')) continue;
        writeFileSync(
          join(folder, 'debian.list'),
          `deb ${match[1] ?? ''}${match[2]} ${SUITE.to} main\n`,
        );
        return;
      }
    }
  }
  throw new UserError(
    `No Debian source with the suite ${SUITE.from} was found in /etc/apt: add one, or install emsdk and put emcc ${OLDEST.join('.')} or newer on PATH.`,
  );
}

/**
 * Fetch the private packages with an apt that knows nothing of the system's state.
 * @param {string} home
 * @param {((text: string, fraction?: number) => void) | undefined} onProgress
 */
async function download(home, onProgress) {
  const apt = join(home, 'apt');
  const debs = join(home, 'debs');
  rmSync(apt, { recursive: true, force: true });
  rmSync(debs, { recursive: true, force: true });
  for (const folder of [
    `${apt}/sources`,
    `${apt}/state/lists/partial`,
    `${apt}/cache/archives/partial`,
    debs,
  ]) {
    mkdirSync(folder, { recursive: true });
  }
  // apt notes installed packages in a status file; an empty one keeps the system's out of the choice.
  writeFileSync(join(apt, 'state', 'status'), '');
  writeSources(join(apt, 'sources'));
  const options = [
    ['Dir::Etc::SourceList', '/dev/null'],
    ['Dir::Etc::SourceParts', join(apt, 'sources')],
    ['Dir::State', join(apt, 'state')],
    ['Dir::State::Lists', join(apt, 'state', 'lists')],
    ['Dir::State::Status', join(apt, 'state', 'status')],
    ['Dir::Cache', join(apt, 'cache')],
    // As root apt would fetch as the user _apt, who cannot read a cache folder in a home.
    ['APT::Sandbox::User', ''],
    ['Acquire::Languages', 'none'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  onProgress?.('reading the package lists of Emscripten 3.1.69', 0.02);
  await run('apt-get', ['-q', ...options, 'update'], { what: 'apt-get update (private lists)' });
  let done = 0;
  for (const name of PRIVATE_PACKAGES) {
    onProgress?.(`downloading ${name}`, 0.1 + (0.4 * done) / PRIVATE_PACKAGES.length);
    await run('apt-get', ['-q', ...options, 'download', name], {
      cwd: debs,
      what: `downloading ${name}`,
    });
    done += 1;
  }
  rmSync(apt, { recursive: true, force: true });
}

/**
 * @param {string} home
 * @param {string} root
 * @param {((text: string, fraction?: number) => void) | undefined} onProgress
 */
async function unpack(home, root, onProgress) {
  mkdirSync(root, { recursive: true });
  const debs = readdirSync(join(home, 'debs')).filter((name) => name.endsWith('.deb'));
  let done = 0;
  for (const deb of debs) {
    onProgress?.(`unpacking ${deb.split('_')[0]}`, 0.5 + (0.4 * done) / debs.length);
    await run('dpkg', ['-x', join(home, 'debs', deb), root], { what: `unpacking ${deb}` });
    done += 1;
  }
}

/**
 * Binaryen's programs were linked to a newer libc than the system's: run each through the unpacked loader.
 * @param {string} root
 */
function wrapBinaryen(root) {
  const programs = readdirSync(join(root, 'usr/bin')).filter(
    (name) => name.startsWith('wasm') && !name.includes('emscripten.py'),
  );
  const loader = findLoader(root);
  const libraries = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu', 'usr/lib64', 'lib64']
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .join(':');
  const bin = join(root, 'binaryen/bin');
  mkdirSync(bin, { recursive: true });
  for (const name of programs) {
    const wrapper = join(bin, name);
    writeFileSync(
      wrapper,
      `#!/bin/sh\nexec "${loader}" --library-path "${libraries}" "${join(root, 'usr/bin', name)}" "$@"\n`,
    );
    chmodSync(wrapper, 0o755);
  }
}

/** @param {string} root */
function findLoader(root) {
  for (const folder of ['usr/lib64', 'lib64', 'usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu']) {
    const path = join(root, folder, 'ld-linux-x86-64.so.2');
    // The link in lib64 is absolute in some releases and would name the system's own loader.
    if (existsSync(path) && !lstatSync(path).isSymbolicLink()) return path;
  }
  throw new UserError('The unpacked libc6 has no loader ld-linux-x86-64.so.2.');
}

/**
 * Emscripten's JS optimiser imports acorn; only Debian's own node looks in Debian's folder for it.
 * @param {string} root
 */
function linkAcorn(root) {
  const link = join(root, 'usr/share/emscripten/node_modules');
  rmSync(link, { recursive: true, force: true });
  symlinkSync('../nodejs', link);
}

/**
 * @param {string} home
 * @param {string} root
 */
function writeConfig(home, root) {
  writeFileSync(
    join(home, 'config.py'),
    [
      `LLVM_ROOT = ${JSON.stringify(LLVM)}`,
      `BINARYEN_ROOT = ${JSON.stringify(join(root, 'binaryen'))}`,
      `NODE_JS = ${JSON.stringify(process.execPath)}`,
      `CACHE = ${JSON.stringify(join(root, 'usr/share/emscripten/cache'))}`,
      '# The system libraries come prebuilt.',
      'FROZEN_CACHE = True',
      '',
    ].join('\n'),
  );
}

// Run by itself it installs the compiler and prints where it is.
if (
  process.argv[1] &&
  import.meta.url.endsWith('/toolchain.mjs') &&
  process.argv[1].endsWith('toolchain.mjs')
) {
  await main(async () => {
    const { emcc, version } = await ensureToolchain({ onProgress: (text) => console.log(text) });
    console.log(`Emscripten ${version}: ${emcc}`);
  });
}

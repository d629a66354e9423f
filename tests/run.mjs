/**
 * npm test: everything a fresh clone needs, then every test in one run of node:test.
 *
 * npm test -- <pattern> …   only the test files whose path contains one of the patterns
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages } from '../wasm-build/apt.mjs';
import { ensureData, ensurePackagesOfLock, requireNode } from '../wasm-build/bootstrap.mjs';
import { UserError, main } from '../wasm-build/run-command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Debian's packages that only the tests need. */
const PACKAGES = [
  { name: 'chromium', file: '/usr/bin/chromium' },
  { name: 'libsimde-dev', file: '/usr/include/simde/wasm/simd128.h' },
  { name: 'clang-19', file: '/usr/lib/llvm-19/bin/clang' },
  {
    name: 'libclang-rt-19-dev',
    file: '/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.asan-x86_64.a',
  },
  { name: 'clang-format-19', file: '/usr/bin/clang-format-19' },
  { name: 'libc6-dev', file: '/usr/include/stdio.h' },
];

/** The ONNX project's test data: 40 MB that only one test reads, so its absence is told and no more. */
const ONNX = [{ name: 'libonnx-testdata', file: '/usr/share/libonnx-testdata/data' }];

/**
 * The test files, gates first: what fails fastest is told first.
 * @param {string[]} patterns
 */
function testFiles(patterns) {
  const files = ['tests/gates.test.mjs', 'tests/c/run.test.mjs'];
  for (const folder of ['tests/node', 'tests/browser', 'tests/bundlers']) {
    if (!existsSync(join(ROOT, folder))) continue;
    const found = readdirSync(join(ROOT, folder), { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((name) => name.endsWith('.test.mjs') && !name.includes('node_modules'));
    files.push(...found.sort());
  }
  if (patterns.length === 0) return files;
  const chosen = files.filter((name) => patterns.some((pattern) => name.includes(pattern)));
  if (chosen.length === 0)
    throw new UserError(`No test file's path contains ${patterns.join(' or ')}.`);
  return chosen;
}

/** @param {string[]} files @returns {Promise<number>} the exit code */
function runTests(files) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const args = ['--test', '--test-reporter=spec', '--test-reporter-destination=stdout'];
  // One file at a time: browsers, timings and the two cores do not bear company. Node 20 has the option from 20.10 on.
  if (major > 20 || minor >= 10) args.push('--test-concurrency=1');
  // Relaxed SIMD is behind a flag in Node 20 only, and newer ones refuse a flag they do not know.
  if (process.allowedNodeEnvironmentFlags.has('--experimental-wasm-relaxed-simd') || major === 20) {
    args.push('--experimental-wasm-relaxed-simd');
  }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args, ...files], { cwd: ROOT, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

await main(async () => {
  requireNode();
  const files = testFiles(process.argv.slice(2));
  await ensurePackagesOfLock();
  await ensurePackages(PACKAGES, {
    why: 'run the tests',
    onProgress: (text) => console.error(text),
  });
  if (files.some((name) => name.includes('onnx-suite'))) {
    await ensurePackages(ONNX, { why: 'run the ONNX suite' }).catch((error) =>
      console.error(`${error.message}; the ONNX suite is skipped`),
    );
  }
  const { build } = await import('../wasm-build/build.mjs');
  await build();
  await ensureData();
  if (files.includes('tests/c/run.test.mjs')) {
    const { buildCTests } = await import('../wasm-build/build-c-tests.mjs');
    await buildCTests();
  }
  process.exitCode = await runTests(files);
});

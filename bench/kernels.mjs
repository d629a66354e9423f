/**
 * Speed of the kernels in Node, on one thread: every convolution of the networks and products beside the peak kernel, every other
 * layer and optimizer beside copying; plain SIMD, and relaxed SIMD where Node has it. Words choose the lines whose names have one.
 *
 *     node bench/kernels.mjs [word …]
 */

import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { relaxedSimd } from 'wasm-feature-detect';
import { cmakeBuild } from '../wasm-build/cmake.mjs';
import { withProgress } from '../wasm-build/progress.mjs';
import { main, run } from '../wasm-build/run-command.mjs';
import { ensureToolchain } from '../wasm-build/toolchain.mjs';
import { kernelJobs, kernelsTable } from './kernels-table.mjs';
import { describeMachine, today } from './machine.mjs';

const FOLDER = fileURLToPath(new URL('../build/cmake-wasm/', import.meta.url));

/**
 * @param {string[]} [words] of which a line's name has one; none: all lines
 * @returns {Promise<string>} a table for each build
 */
export async function measureKernels(words = []) {
  // Node 20 has relaxed SIMD behind this flag, later ones have it on.
  const flags = (await relaxedSimd()) ? [] : ['--experimental-wasm-relaxed-simd'];
  return withProgress('kernels', async (onProgress) => {
    const toolchain = await ensureToolchain({ onProgress });
    await cmakeBuild({ folder: 'cmake-wasm', targets: ['kernels-bench'], toolchain }, onProgress);
    const jobs = kernelJobs().filter(
      ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
    );
    const tables = [];
    for (const build of ['simd', 'relaxed']) {
      onProgress(`engine-${build}`);
      const program = join(FOLDER, `kernels-bench-engine-${build}.cjs`);
      const args = [program, ...jobs.map(({ argument }) => argument)];
      if (build === 'relaxed') args.unshift(...flags);
      const output = await run(process.execPath, args, { what: build });
      tables.push(`engine-${build}\n${kernelsTable(jobs, output)}`);
    }
    return tables.join('\n');
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(async () => {
    console.log(
      `${describeMachine()}, ${today()}\n\n${await measureKernels(process.argv.slice(2))}`,
    );
  });
}

/**
 * Speed of the kernels in Node, on one thread, beside the peak kernel, at every convolution of the networks: plain SIMD, and relaxed
 * SIMD where Node has it.
 *
 *     node bench/kernels.mjs
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

/** @returns {Promise<string>} a table for each build */
export async function measureKernels() {
  // Node 20 has relaxed SIMD behind this flag, later ones have it on.
  const flags = (await relaxedSimd()) ? [] : ['--experimental-wasm-relaxed-simd'];
  return withProgress('kernels', async (onProgress) => {
    const toolchain = await ensureToolchain({ onProgress });
    await cmakeBuild({ folder: 'cmake-wasm', targets: ['kernels-bench'], toolchain }, onProgress);
    const jobs = kernelJobs();
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
    console.log(`${describeMachine()}, ${today()}\n\n${await measureKernels()}`);
  });
}

/**
 * Speed of the kernels in Node, on one thread, beside the peak kernel: plain SIMD, and relaxed SIMD where Node has it.
 *
 *     node bench/kernels.mjs
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { relaxedSimd } from 'wasm-feature-detect';
import { cmakeBuild } from '../wasm-build/cmake.mjs';
import { withProgress } from '../wasm-build/progress.mjs';
import { ensureToolchain } from '../wasm-build/toolchain.mjs';
import { describeMachine, today } from './machine.mjs';

const FOLDER = fileURLToPath(new URL('../build/cmake-wasm/', import.meta.url));
/** Node 20 has relaxed SIMD behind this flag, later ones have it on. */
const FLAGS = (await relaxedSimd()) ? [] : ['--experimental-wasm-relaxed-simd'];

await withProgress('kernels', async (onProgress) => {
  const toolchain = await ensureToolchain({ onProgress });
  await cmakeBuild({ folder: 'cmake-wasm', targets: ['kernels-bench'], toolchain }, onProgress);
});
console.log(`${describeMachine()}, ${today()}`);
for (const [build, flags] of [
  ['simd', []],
  ['relaxed', FLAGS],
]) {
  console.log(`\nengine-${build}`);
  const program = join(FOLDER, `kernels-bench-engine-${build}.cjs`);
  const { status } = spawnSync(process.execPath, [...flags, program], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

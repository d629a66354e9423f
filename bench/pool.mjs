/**
 * What handing out work costs: from dispatch to join of one tile a thread, in Node, workers awake or asleep.
 *
 *     node bench/pool.mjs
 */

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { cmakeBuild } from '../wasm-build/cmake.mjs';
import { withProgress } from '../wasm-build/progress.mjs';
import { main, run } from '../wasm-build/run-command.mjs';
import { ensureToolchain } from '../wasm-build/toolchain.mjs';
import { describeMachine, today } from './machine.mjs';

const PROGRAM = fileURLToPath(new URL('../build/cmake-wasm/pool-bench.cjs', import.meta.url));

await main(async () => {
  const lines = await withProgress('pool', async (onProgress) => {
    const toolchain = await ensureToolchain({ onProgress });
    await cmakeBuild({ folder: 'cmake-wasm', targets: ['pool-bench'], toolchain }, onProgress);
    const processors = String(availableParallelism());
    const outputs = [];
    for (const threads of ['2', '4'])
      outputs.push(await run(process.execPath, [PROGRAM, threads, processors], { what: 'pool' }));
    return outputs.join('').trim().split('\n');
  });
  console.log(`${describeMachine()}, ${today()}\n\nmicroseconds a call, median (ninth decile)`);
  for (const line of lines) {
    const { threads, working, warm, asleep } = JSON.parse(line);
    const cells = [warm, asleep].map(([median, most]) => `${median} (${most})`);
    console.log(`${threads} threads, ${working} at work: awake ${cells[0]}, asleep ${cells[1]}`);
  }
});

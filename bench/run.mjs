/**
 * npm run bench: our engine and its peers in turns, as tables, and as bench/RESULTS.md when it is the whole.
 *
 *     npm run bench -- [--quick] [--only seed-cnn-train-b32,kernels] [--peers tfjs-wasm,pytorch]
 *                      [--chunks 5] [--seconds 1] [--write bench/RESULTS.md]
 */

import { writeFile } from 'node:fs/promises';
import { ensurePackagesOfLock, requireNode } from '../wasm-build/bootstrap.mjs';
import { main } from '../wasm-build/run-command.mjs';
import { withProgress } from '../wasm-build/progress.mjs';

/** Above it somebody else computes: figures do not count, and do not take the place of those that do. */
const QUIET_LOAD = 1.5;

await main(async () => {
  requireNode();
  await ensurePackagesOfLock();
  const { PEERS, OURS } = await import('./peers.mjs');
  const { WORKS } = await import('./works.mjs');
  const { DEFAULT_FILE, readOptions } = await import('./options.mjs');
  const { losses, targetTable, workTable } = await import('./table.mjs');
  const { machineLoad, report, versions } = await import('./report.mjs');
  const { describeMachine, today } = await import('./machine.mjs');

  // Before the build, which is a load itself.
  const load = machineLoad();
  const busy = load > QUIET_LOAD ? `The machine is busy (load ${load.toFixed(2)}): ` : '';
  const args = process.argv.slice(2);
  const options = readOptions(args, { works: WORKS, peers: PEERS.map(({ name }) => name) });
  const { build } = await import('../wasm-build/build.mjs');
  await build();
  const { install } = await import('./install.mjs');
  const { measureWork } = await import('./measure-work.mjs');

  /** @type {Map<string, string>} */
  const missing = new Map();
  const peers = [OURS];
  await withProgress('peers', async (onProgress) => {
    for (const peer of PEERS.filter(({ name }) => options.peers.includes(name))) {
      const reason = await install(peer, onProgress);
      if (reason === undefined) peers.push(peer);
      else missing.set(peer.name, reason);
    }
  });

  console.log(`${describeMachine()}, load ${load.toFixed(2)}, ${today()}\n`);
  /** @type {import('./table.mjs').Measured[]} */
  const all = [];
  for (const work of options.works) {
    const candidates = peers
      .filter(({ works }) => !works || works.includes(work.id))
      .flatMap((peer) => peer.contestants.map((entry) => ({ peer, entry })))
      .filter(({ entry }) => !(options.quick && entry.slow))
      .filter(({ entry }) => !entry.works || entry.works.includes(work.id));
    const results = await withProgress('bench', (onProgress) =>
      measureWork(work, candidates, options, onProgress),
    );
    all.push({ work, results });
    console.log(`${work.title}\n\n${workTable({ work, results })}`);
  }
  for (const line of losses(all)) console.log(`slower: ${line}`);
  console.log(`\n${targetTable(all)}`);
  for (const [name, reason] of missing) console.log(`${name} ${reason}`);
  if (options.quick) console.log('--quick leaves out slow peers and most works.');
  console.log(`${versions(all).join(', ')}\n`);

  let kernels = '';
  if (options.kernels) {
    const { measureKernels } = await import('./kernels.mjs');
    kernels = await measureKernels();
    console.log(kernels);
  }
  if (busy) console.log(`${busy}these figures do not count.`);
  if (options.write && !(busy && options.write === DEFAULT_FILE)) {
    const command = ['npm run bench', ...(args.length ? ['--', ...args] : [])].join(' ');
    await writeFile(options.write, report({ all, missing, kernels, options, command, load }));
  }
});

/**
 * Training speed of S1, batch 32: one and two threads, relaxed and plain SIMD, Node and Chromium, beside the peak kernel.
 *
 *     node bench/training.mjs [--chunks 5] [--threads 1,2] [--places node,chromium] [--write docs/speed.md]
 *
 * Node 20 has relaxed SIMD behind a flag: `node --experimental-wasm-relaxed-simd bench/training.mjs`.
 */

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import * as tabgrad from 'tabgrad';
import { runInChromium } from './chromium.mjs';
import { describeCommand, describeMachine, today } from './machine.mjs';
import { measureTraining } from './measure-training.mjs';
import { median, spread } from './statistics.mjs';

/** Floating-point operations of forward, backward and update for one image, counted as direct convolution. */
const FLOP_PER_IMAGE = 25.7e6;

const { values: options } = parseArgs({
  options: {
    chunks: { type: 'string', default: '5' },
    threads: { type: 'string', default: '1,2' },
    places: { type: 'string', default: 'node,chromium' },
    write: { type: 'string' },
  },
});
const job = {
  chunks: Number(options.chunks),
  threadCounts: options.threads.split(',').map(Number),
};

/** @type {string[]} */
const rows = [];
for (const place of options.places.split(',')) {
  if (place === 'node') {
    addRows(`Node ${process.version}`, await measureTraining(tabgrad, job));
  } else {
    const measured = await runInChromium('bench/measure-training.mjs', 'measureTraining', job);
    addRows(`Chromium ${measured.version}`, measured.result);
  }
}

const table = `| where | build | threads | images/s | spread | peak kernel GFLOP/s | spread | of the peak |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
console.log(table);
if (options.write) await writeFile(options.write, report());

/**
 * @param {string} place
 * @param {import('./measure-training.mjs').ThreadResult[]} results
 */
function addRows(place, results) {
  for (const { threads, build, imagesPerSecond, peakGflops } of results) {
    const speed = median(imagesPerSecond);
    const peak = median(peakGflops);
    const cells = [
      place,
      build,
      threads,
      Math.floor(speed),
      percent(spread(imagesPerSecond)),
      peak.toFixed(1),
      percent(spread(peakGflops)),
      percent((speed * FLOP_PER_IMAGE) / (peak * 1e9)),
    ];
    rows.push(`| ${cells.join(' | ')} |`);
  }
}

function report() {
  return `# Training speed of S1

Whole steps (forward, backward, Adam) of the CIFAR-10 network S1, batch 32, ${job.chunks} chunks of at least one second for each row,
taken in turns; median, and spread as (largest - smallest) / median. The peak kernel is the engine's own matrix micro-kernel on data in
the first-level cache, run before each chunk on as many threads. "Of the peak" counts 25.7 MFLOP an image.

${table}
Machine: ${describeMachine()}. Date: ${today()}. Command: \`${describeCommand()}\`
`;
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(100 * share)} %`;
}

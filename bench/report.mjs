/** The report that is written to a file: what was measured, where, with which versions. */

import os from 'node:os';
import { describeMachine, today } from './machine.mjs';
import { losses, targetTable, workTable } from './table.mjs';

/**
 * @param {object} run
 * @param {import('./table.mjs').Measured[]} run.all
 * @param {Map<string, string>} run.missing peers that are left out, and why
 * @param {string} run.kernels '' when they were not measured
 * @param {import('./options.mjs').Options} run.options
 * @param {string} run.command
 * @param {number} run.load average of one minute before the run
 */
export function report({ all, missing, kernels, options, command, load }) {
  const lost = losses(all);
  const targets = targetTable(all);
  const parts = [
    '# Results',
    `${options.chunks} chunks of at least ${options.seconds} s after warm-up, everybody in turns (A B A B …): medians, and spread as
(largest - smallest) / median. A ratio is the median of the ratios round by round, with the least and the most. "Of the peak" is held against
the engine's matrix micro-kernel on data in the first-level cache, run before each chunk in the same place on as many threads (native ones against that in
Node); FLOP count direct convolution, so an algorithm with fewer multiplications may pass 100 %.`,
    `Machine: ${describeMachine()}; load before the run ${load.toFixed(2)}. Date: ${today()}. Command: \`${command}\``,
    `Versions: ${versions(all).join(', ')}.`,
    ...all.flatMap((measured) => [`## ${measured.work.title}`, workTable(measured).trimEnd()]),
    ...(lost.length > 0 ? ['## Where tabgrad loses', list(lost)] : []),
    ...(targets ? ['## Targets', targets.trimEnd()] : []),
    ...(kernels ? ['## Kernels, one thread in Node', `\`\`\`\n${kernels.trim()}\n\`\`\``] : []),
    ...(missing.size > 0
      ? ['## Left out', list([...missing].map(([name, why]) => `${name}: ${why}`))]
      : []),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** @param {import('./table.mjs').Measured[]} all @returns {string[]} */
export function versions(all) {
  const found = new Set();
  for (const { results } of all) {
    for (const { name, version, browser } of results) {
      if (browser) found.add(`Chromium ${browser}`);
      if (version) found.add(`${name} ${version}`);
    }
  }
  return [...found];
}

/** @param {string[]} lines */
function list(lines) {
  return lines.map((line) => `- ${line}`).join('\n');
}

/** Average load of the last minute. */
export function machineLoad() {
  return os.loadavg()[0];
}

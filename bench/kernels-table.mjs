/** What the kernel bench (c/kernels_bench.c) is asked for, and its answers as a table. */

import { movingLayers, multiplyingLayers } from './layer-jobs.mjs';
import { MOVING_HEADER, movingRow, movingSlower } from './moving-table.mjs';
import { convolutions, countMacs } from './networks.mjs';

/**
 * @typedef {object} Job
 * @property {string} name
 * @property {string} argument for the kernel bench
 * @property {boolean} [first] of a convolution: whether its input needs no gradient
 * @property {boolean} [bytes] whether figures are GB/s, and parts of what copying reaches
 * @property {number[]} [operations] where arithmetic may be the limit: vector instructions for four elements
 * @property {number[]} [moved] bytes that those move
 * @property {number} [besides] arithmetic besides products, forward, as part of theirs; percents count both
 * @property {number} [flop] of a depthwise convolution: FLOP for each byte of x and y
 * @property {boolean} [wide] of a convolution: whether it is 3x3 with at least 32 channels on both sides
 *
 * @typedef {object} Answer a way to compute a job
 * @property {string} path
 * @property {boolean} chosen whether the engine takes it
 * @property {([rate: number, share: number] | null)[]} passes GFLOP/s and part of the peak
 */

/** What a step of S1 does before its first layer. */
const INPUT = 'input';
const PASSES = ['forward', 'input grad', 'filter grad'];
/** What every pass of a convolution is to reach, and what those are that have channels enough. */
const FLOOR = 0.75;
const WIDE_GOAL = 1.5;
/** What every other layer is to reach, of arithmetic or memory. */
const HALF = 0.5;
/** A run takes about 5 ms, of 32 images at most. */
const MACS = 1e8;

/** Groups and dilation. @type {Job[]} */
const WINDOWS = [
  { name: '32x32x64 -> 64 in 8 groups', argument: 'conv:32,64,64,3,1,1,16,8,1' },
  { name: '32x32x64 -> 64 in 4 groups', argument: 'conv:32,64,64,3,1,1,8,4,1' },
  { name: '32x32x128 -> 128 in 32 groups', argument: 'conv:32,128,128,3,1,1,8,32,1' },
  { name: '16x16x64 -> 64 dilated by 2', argument: 'conv:16,64,64,3,1,1,8,1,2' },
  { name: '33x33x32 -> 32 dilated by 4', argument: 'conv:33,32,32,3,1,1,8,1,4' },
];

/**
 * Of MobileNet: nine multiply-adds for an element of y, in each pass; x is `stride` times as high and as wide.
 *
 * @type {Job[]}
 */
const DEPTHWISE = [
  { side: 112, channels: 32, stride: 1, images: 8 },
  { side: 112, channels: 64, stride: 2, images: 8 },
  { side: 28, channels: 256, stride: 1, images: 16 },
  { side: 14, channels: 512, stride: 1, images: 32 },
  { side: 7, channels: 1024, stride: 1, images: 32 },
].map(({ side, channels, stride, images }) => ({
  name: `depthwise ${side}x${side}x${channels}${stride > 1 ? ` / ${stride}` : ''}`,
  argument: `depthwise:${side},${channels},3,${stride},1,${images}`,
  bytes: true,
  flop: (2 * 9) / (4 * (stride ** 2 + 1)),
}));

/** @returns {Job[]} every convolution of the networks, some products, and every other layer (layer-jobs.mjs) */
export function kernelJobs() {
  const convs = convolutions().map(({ name, layer, shape, first }) => {
    const { filters, kernel, stride, same } = layer;
    const { side, channels } = shape;
    const fitting = Math.floor(MACS / countMacs(layer, shape));
    const images = Math.max(1, Math.min(32, fitting));
    const numbers = [side, channels, filters, kernel, stride, Number(same), images];
    const wide = kernel === 3 && Math.min(channels, filters) >= 32;
    return { name, argument: `conv:${numbers}`, first, wide };
  });
  const products = [
    { name: 'dense 32 x 1024 -> 64', argument: 'gemm:32,1024,64' },
    { name: 'dense 32 x 64 -> 10', argument: 'gemm:32,64,10' },
    { name: 'gemm 1024', argument: 'gemm:1024,1024,1024' },
  ];
  const input = { name: 'input of S1', argument: INPUT };
  const multiplying = [...convs, ...products, ...WINDOWS, ...multiplyingLayers()];
  return [...multiplying, ...DEPTHWISE, ...movingLayers(), input];
}

/** @param {Job[]} jobs @param {string} output of the kernel bench, in the jobs' order */
export function kernelsTable(jobs, output) {
  const [top, ...answers] = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const lines = [
    `peak ${top.peak.toFixed(1)} GFLOP/s; copying 64 MB ${top.memory.toFixed(1)} GB/s`,
  ];
  const header = PASSES.map((pass) => `  ${pass.padEnd(13)}`).join('');
  lines.push(`${'GFLOP/s, percent of peak'.padEnd(33)}${'path'.padEnd(11)}${header}`.trimEnd());
  /** @type {string[]} */
  const below = [];
  /** @type {string[]} */
  const short = [];
  /** @type {string[]} */
  const slow = [];
  for (const [number, job] of jobs.entries()) {
    if (job.argument === INPUT) {
      const { gather, shuffle, moved, drawn, colors } = answers.shift();
      lines.push(
        `${job.name}, batch 32: gather ${gather} us, shuffle ${shuffle} us a step`,
        `augmented, batch 32: flip, crop, cutout of S1 ${moved} us; affine at 224x224x3 ${drawn} us, colours ${colors} us`,
      );
      continue;
    }
    if (job.bytes) {
      if (!jobs[number - 1]?.bytes) lines.push('', ...MOVING_HEADER);
      const answer = answers.shift();
      lines.push(movingRow(job, answer, top));
      slow.push(...movingSlower(job, answer, top));
      continue;
    }
    /** @type {Answer} */
    let answer;
    let name = job.name;
    do {
      answer = answers.shift();
      const [forward] = answer.passes;
      if (job.besides && forward) forward[1] *= 1 + job.besides;
      lines.push(row(name, answer, job.first === true));
      name = '';
    } while (!answer.chosen);
    if (job.wide === undefined) {
      slow.push(...slower(job.name, answer.passes, HALF));
      continue;
    }
    const counted = answer.passes.map((pass, i) => (job.first && i === 1 ? null : pass));
    below.push(...slower(job.name, counted, FLOOR));
    if (job.wide) short.push(...slower(job.name, counted, WIDE_GOAL));
  }
  return `${lines.join('\n')}
* what the engine takes. (In brackets: part of no step, as an image needs no gradient.)
layers below ${percent(HALF)} of arithmetic and of memory: ${slow.join('; ') || 'none'}
convolutions below ${percent(FLOOR)}: ${below.join('; ') || 'none'}
3x3 from and to at least 32 channels below ${percent(WIDE_GOAL)}: ${short.join('; ') || 'none'}
`;
}

/** @param {string} name @param {Answer['passes']} passes @param {number} least @returns {string[]} one line, or none */
function slower(name, passes, least) {
  const found = passes.flatMap((pass, i) =>
    pass && pass[1] < least ? [`${PASSES[i]} ${percent(pass[1])}`] : [],
  );
  return found.length > 0 ? [`${name}: ${found.join(', ')}`] : [];
}

/** @param {string} name @param {Answer} answer @param {boolean} first */
function row(name, { path, chosen, passes }, first) {
  const cells = passes.map((pass, i) => {
    if (!pass) return ' '.repeat(15);
    const figures = `${pass[0].toFixed(1).padStart(6)} ${percent(pass[1]).padStart(5)}`;
    return first && i === 1 ? ` (${figures})` : `  ${figures} `;
  });
  return `${name.padEnd(33)}${`${path}${chosen ? ' *' : ''}`.padEnd(11)}${cells.join('')}`.trimEnd();
}

/** Never rounded up. @param {number} share */
function percent(share) {
  return `${Math.floor(100 * share + 1e-9)}%`;
}

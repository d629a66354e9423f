/** The bench without its peers: arithmetic, tables, options, files, and our own engine on short chunks. Needs no network. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as library from 'tabgrad';
import { measureWork } from '../../bench/measure-work.mjs';
import { onnxModel } from '../../bench/onnx-model.mjs';
import { readOptions } from '../../bench/options.mjs';
import { OURS, PEERS } from '../../bench/peers.mjs';
import { peersFolder } from '../../bench/install.mjs';
import { report } from '../../bench/report.mjs';
import { median, ratio, spread } from '../../bench/statistics.mjs';
import { losses, targetTable, workTable } from '../../bench/table.mjs';
import { kernelJobs, kernelsTable } from '../../bench/kernels-table.mjs';
import { NOT_HERE, OPTIMIZERS } from '../../bench/layer-jobs.mjs';
import { NETWORKS, convolutions, countFlop } from '../../bench/networks.mjs';
import { kerasGraph } from '../../bench/peers/keras-graph.mjs';
import { WORKS, timed } from '../../bench/works.mjs';

const KNOWN = { works: WORKS, peers: PEERS.map(({ name }) => name) };
const [TRAINING] = WORKS;

/** @param {Partial<import('../../bench/measure-work.mjs').Result>} result */
const made = (result) => ({
  name: 'tabgrad',
  label: result.name ?? 'tabgrad',
  place: /** @type {const} */ ('node'),
  threads: 2,
  rates: [],
  peaks: [],
  ...result,
});

describe('arithmetic', () => {
  it('median, spread', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.equal(spread([90, 100, 110]), 0.2);
  });

  it('a ratio compares round with round', () => {
    // Both slow down in the second round: the ratio does not see it.
    assert.deepEqual(ratio([100, 50, 120], [50, 25, 40]), { median: 2, least: 2, most: 3 });
    assert.deepEqual(ratio([100, 50], [50]), { median: 2, least: 2, most: 2 });
    assert.equal(ratio([100], []), undefined);
  });

  it('FLOP of an image', () => {
    const counted = WORKS.filter(({ mode }) => mode !== 'gemm').map(({ id, flop }) => [
      id,
      (flop / 1e6).toFixed(1),
    ]);
    assert.deepEqual(Object.fromEntries(counted), {
      'seed-cnn-train-b32': '25.7',
      'seed-cnn-train-b128': '25.7',
      'dropout-cnn-train-b32': '23.6',
      'resnet20-train-b128': '244.0',
      'binary-224-train-b8': '3246.7',
      'seed-cnn-infer-b1': '9.1',
      'seed-cnn-infer-b100': '9.1',
      'resnet20-infer-b100': '81.6',
      'binary-224-infer-b1': '1110.6',
    });
    assert.equal(countFlop(NETWORKS.resnet20).infer, 2 * 40_813_184);
    assert.equal(countFlop(WORKS[WORKS.length - 1].network).infer, 2 * 1024 * 1024);
  });

  it('every convolution once, and whether its input needs a gradient', () => {
    const found = convolutions();
    assert.deepEqual(
      found.map(({ name }) => name),
      [
        'seed-cnn 32x32x3 -> 32',
        'seed-cnn 15x15x32 -> 64',
        'seed-cnn 6x6x64 -> 64',
        'resnet20 32x32x3 -> 16 same',
        'resnet20 32x32x16 -> 16 same',
        'resnet20 32x32x16 -> 32 / 2',
        'resnet20 16x16x32 -> 32 same',
        'resnet20 32x32x16 -> 32 1x1 / 2',
        'resnet20 16x16x32 -> 64 / 2',
        'resnet20 8x8x64 -> 64 same',
        'resnet20 16x16x32 -> 64 1x1 / 2',
        'binary-224 224x224x3 -> 32',
        'binary-224 111x111x32 -> 64',
        'binary-224 54x54x64 -> 128',
        'binary-224 26x26x128 -> 128',
      ],
    );
    for (const { first, shape } of found) assert.equal(first, shape.channels === 3);
  });

  it('a chunk lasts at least as long as asked for, and one step at least', async () => {
    let steps = 0;
    const wait = () => new Promise((resolve) => setTimeout(resolve, 2, steps++));
    const started = performance.now();
    const rate = await timed(wait, 10, 0.02);
    const elapsed = performance.now() - started;
    assert.ok(elapsed >= 20 && rate <= (10 * steps) / 0.02, `${elapsed} ms, ${rate}`);
    steps = 0;
    await timed(wait, 10, 0);
    assert.equal(steps, 1);
  });
});

describe('tables', () => {
  const results = [
    made({ rates: [100, 200, 100], peaks: [50, 50, 50] }),
    made({ threads: 1, rates: [50, 100, 50], peaks: [25, 25, 25] }),
    made({ name: 'pytorch', place: 'python', rates: [200, 300, 200] }),
    made({ name: 'tfjs-wasm', place: 'page', failure: 'no such kernel' }),
  ];
  const all = [{ work: TRAINING, results }];

  it('show medians, ratios with their spread, and why somebody has none', () => {
    const lines = workTable(all[0]).split('\n');
    const { flop } = TRAINING;
    assert.match(lines[2], /^\| tabgrad \| Node \| 2 \| 100 \| 100 % \|/);
    assert.match(lines[2], new RegExp(`\\| ${Math.round((100 * 100 * flop) / 50e9)} % \\|`));
    assert.match(
      lines[4],
      /^\| pytorch \| native \| 2 \| 200 \| .* \| 0\.50 \(0\.50 to 0\.66\) \| – \|$/,
    );
    assert.match(lines[5], /^\| tfjs-wasm \| Chromium \| 2 \| no such kernel \|/);
  });

  it('show losses and targets', () => {
    assert.deepEqual(losses(all), [
      'seed-cnn training, batch 32, 2T, Node: 0.50 (0.50 to 0.66) of pytorch',
    ]);
    const rows = targetTable(all).trim().split('\n').slice(2);
    assert.equal(rows.length, 3);
    assert.match(rows[0], /\| pytorch \| 2T Node \| 0\.85 \| 1\.2 \| 0\.50 .* \| below \|/);
    assert.match(rows[1], /\| tfjs-wasm \| 2T Node \| 8 \| 13 \| – \| no such kernel \|/);
    assert.match(rows[2], /\| one thread \| 2T Node \| .* 2\.00 .* \| goal met \|/);
  });

  it('hold a target against the best of several, all of whom were measured', () => {
    const work = { ...TRAINING, targets: [{ against: ['a', 'b'], floor: 2, goal: 3 }] };
    const [own] = results;
    const a = made({ name: 'a', rates: [50, 100, 50] });
    const b = made({ name: 'b', rates: [40, 80, 40] });
    const broken = made({ name: 'b', failure: 'no memory' });
    const table = (/** @type {typeof results} */ ...others) =>
      targetTable([{ work, results: [own, ...others] }]);
    assert.match(table(b, a), /\| best of a, b \| 2T Node \| 2 \| 3 \| 2\.00 .* \| floor met \|/);
    assert.match(table(a, broken), /\| best of a, b \| 2T Node \| 2 \| 3 \| – \| no memory \|/);
    assert.equal(table(a), '');
  });

  it('of the kernels mark the way that the engine takes, and name what is slow', () => {
    const jobs = [
      { name: 'first', argument: 'conv:…', first: true, wide: false },
      { name: 'second', argument: 'conv:…', first: false, wide: true },
      { name: 'product', argument: 'gemm:…' },
      { name: 'moving', argument: 'layer:…', bytes: true, operations: [60, 1] },
    ];
    const line = (
      /** @type {string} */ path,
      /** @type {boolean} */ chosen,
      /** @type {(number | null)[]} */ shares,
    ) =>
      JSON.stringify({ path, chosen, passes: shares.map((share) => share && [50 * share, share]) });
    const output = [
      JSON.stringify({ peak: 50, memory: 20 }),
      line('direct', true, [0.9, 0.3, 0.749]),
      line('direct', false, [0.5, 0.5, 0.5]),
      line('Winograd', true, [2, 1.4, 1.6]),
      line('gemm', true, [0.4, null, 0.6]),
      JSON.stringify({ path: 'layer', chosen: true, passes: [[4, 0.1], [8, 0.2], null] }),
    ].join('\n');
    const lines = kernelsTable(jobs, output).trim().split('\n');
    assert.equal(lines[0], 'peak 50.0 GFLOP/s; copying 64 MB 20.0 GB/s');
    assert.match(lines[2], /^first +direct \* +45\.0 +90% +\( +15\.0 +30%\) +37\.5 +74%$/);
    assert.match(lines[3], /^second +direct +25\.0/);
    assert.match(lines[4], /^ +Winograd \* +100\.0 +200%/);
    assert.match(lines[5], /^product +gemm \* +20\.0 +40% +30\.0 +60%$/);
    // 4 GB/s are 1/8 of 1e9 vectors, 60 instructions each, of four FLOP.
    assert.match(lines[9], /^moving +4\.0 +20% +10% +60% +8\.0 +40% +20% +1%$/);
    assert.match(lines[11], /memory: product: forward 40%; moving: backward 40%$/);
    assert.equal(lines[12], 'convolutions below 75%: first: filter grad 74%');
    assert.match(lines[13], /below 150%: second: input grad 140%$/);
  });

  it('of the kernels have every operator and every optimizer', () => {
    const rows = (/** @type {string} */ file, /** @type {string} */ macro) =>
      [
        ...readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8').matchAll(
          new RegExp(`^${macro}\\((\\w+)\\)$`, 'gm'),
        ),
      ].map(([, name]) => name);
    const camel = (/** @type {string} */ name) =>
      name.replace(/_rnn$/, 'RNN').replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
    const measured = kernelJobs().map(({ argument }) => argument.split(/[:,]/)[1]);
    const without = rows('ops/ops.inc', 'TG_(?:FIRST_)?OP')
      .map(camel)
      .filter((op) => !measured.includes(op));
    assert.deepEqual(without.sort(), Object.keys(NOT_HERE).sort());
    assert.deepEqual(rows('optim/rules.inc', 'TG_RULE'), OPTIMIZERS);
  });

  it('of the kernels have every convolution, in runs of a few milliseconds', () => {
    const convs = kernelJobs().slice(0, convolutions().length); // other windows come later
    assert.ok(convs.every(({ argument }) => argument.startsWith('conv:')));
    assert.equal(convs[1].argument, 'conv:15,32,64,3,1,0,32');
    assert.equal(convs[7].argument, 'conv:32,16,32,1,2,1,32');
    assert.equal(convs[12].argument, 'conv:111,32,64,3,1,0,1');
  });

  it('are parts of the report, beside machine, command and what is missing', () => {
    const text = report({
      all,
      missing: new Map([['pytorch', 'left out: no root']]),
      kernels: '',
      options: readOptions([], KNOWN),
      command: 'npm run bench',
      load: 0.5,
    });
    for (const part of [workTable(all[0]).trim(), targetTable(all).trim(), 'Node v', 'load'])
      assert.ok(text.includes(part), part);
    assert.match(text, /- pytorch: left out: no root/);
  });
});

describe('options', () => {
  it('the whole writes the report, a part does not', () => {
    const whole = readOptions([], KNOWN);
    assert.deepEqual([whole.chunks, whole.seconds, whole.kernels], [5, 1, true]);
    assert.equal(whole.write, 'bench/RESULTS.md');
    assert.equal(whole.works.length, WORKS.length);
    assert.equal(readOptions(['--only', 'kernels'], KNOWN).works.length, 0);
    assert.equal(readOptions(['--peers', 'pytorch'], KNOWN).write, undefined);
  });

  it('--quick, --only, --peers', () => {
    const quick = readOptions(['--quick'], KNOWN);
    const ids = ['seed-cnn-train-b32', 'seed-cnn-infer-b100'];
    assert.deepEqual([quick.works.map(({ id }) => id), quick.write], [ids, undefined]);
    const part = readOptions(['--only', 'binary', '--peers', 'tfjs-wasm,pytorch'], KNOWN);
    assert.deepEqual(
      [part.works.map(({ id }) => id), part.peers],
      [
        ['binary-224-train-b8', 'binary-224-infer-b1'],
        ['tfjs-wasm', 'pytorch'],
      ],
    );
  });

  it('what is unknown is refused by name', () => {
    for (const args of [
      ['--only', 'lstm'],
      ['--peers', 'torch'],
      ['--chunks', '1.5'],
      ['--seconds', '0'],
      ['--fast'],
    ]) {
      assert.throws(
        () => readOptions(args, KNOWN),
        (/** @type {Error} */ error) => error.message.includes(/** @type {string} */ (args.at(-1))),
      );
    }
  });
});

describe('files', () => {
  it('an ONNX model holds all weights, those of branches too', () => {
    for (const { network, parameters, ops } of [
      { network: NETWORKS['seed-cnn'], parameters: 122_570, ops: ['Conv', 'MaxPool', 'Gemm'] },
      // 1568 of them moving averages
      {
        network: NETWORKS.resnet20,
        parameters: 272_474 + 1568,
        ops: ['BatchNormalization', 'Add', 'GlobalAveragePool'],
      },
    ]) {
      const bytes = Buffer.from(onnxModel(network));
      assert.ok(bytes.length > 4 * parameters && bytes.length < 4.1 * parameters + 2000);
      for (const op of ops) assert.ok(bytes.includes(op), op);
    }
  });

  it('packages lie outside of the checkout, by name and version', () => {
    const folder = peersFolder({ a: '1', b: '2' });
    assert.equal(folder, peersFolder({ b: '2', a: '1' }));
    assert.notEqual(folder, peersFolder({ a: '1', b: '3' }));
  });
});

describe('our own engine', () => {
  const short = { chunks: 2, seconds: 0.05 };
  const candidates = [{ peer: OURS, entry: { place: /** @type {const} */ ('node'), threads: 2 } }];

  it('has the networks that are described', async () => {
    const parameters = [122_570, 315_722, 272_474, 9_679_041];
    const engine = await library.createEngine({ threads: 1 });
    for (const [i, network] of Object.values(NETWORKS).entries()) {
      const model = await engine.model(kerasGraph(network, library));
      const { macs, trainableParameters } = model.summary();
      assert.equal(2 * macs, countFlop(network).infer);
      assert.equal(trainableParameters, parameters[i]);
    }
    await engine.dispose();
  });

  for (const id of [
    ...['seed-cnn-train-b32', 'resnet20-train-b128', 'seed-cnn-infer-b1', 'gemm-1024'],
  ]) {
    it(`${id} in a process of its own`, async () => {
      // Few batches, so that an epoch is short.
      const [known] = WORKS.filter((work) => work.id === id);
      const work = { ...known, batches: 2 };
      const [result] = await measureWork(work, candidates, short, () => {});
      assert.equal(result.failure, undefined);
      assert.equal(result.rates.length, 2);
      assert.equal(result.peaks.length, 2);
      assert.ok(Math.min(...result.rates, ...result.peaks) > 0);
      assert.match(result.version ?? '', /^\d+\.\d+\.\d+.* \(.*threads\)$/);
    });
  }

  it('a peer that fails leaves the rest standing', async () => {
    const broken = { ...OURS, name: 'no-such-peer' };
    const both = [{ ...candidates[0], peer: broken }, candidates[0]];
    const [failed, ours] = await measureWork({ ...TRAINING, batches: 2 }, both, short, () => {});
    assert.match(failed.failure ?? '', /no-such-peer/);
    assert.equal(ours.rates.length, 2);
  });
});

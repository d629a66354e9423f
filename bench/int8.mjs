/**
 * A quantised S1 beside the float model: speed in turns, in Node and in Chromium, and accuracy on the whole test set.
 *
 *     node bench/int8.mjs [--rounds 15] [--skip-chromium] [--skip-accuracy]
 */

import { readFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import * as library from 'tabgrad';
import { runInChromium } from './chromium.mjs';
import { describeCommand, describeMachine, today } from './machine.mjs';
import { measureInt8Speed } from './measure-int8.mjs';
import { median, ratio } from './statistics.mjs';

const MODEL = 'web/public/pretrained/s1.safetensors';
const PATH = fileURLToPath(new URL(`../${MODEL}`, import.meta.url));

/**
 * @typedef {import('./measure-int8.mjs').Int8Row & { place: string }} PlacedRow
 *
 * @typedef {object} Accuracy of S1 on the test set, 0…1
 * @property {number} floats
 * @property {number} int8
 * @property {number} images
 */

/**
 * @param {{ rounds?: number, chromium?: boolean, accuracy?: boolean }} [options] default 15 rounds, everything
 * @returns {Promise<{ rows: PlacedRow[], accuracy: Accuracy | undefined, markdown: string }>}
 */
export async function measureInt8({ rounds = 15, chromium = true, accuracy = true } = {}) {
  const work = { threads: [1, 2], batches: [1, 100], rounds };
  const node = await measureInt8Speed(library, { ...work, model: await readFile(PATH) });
  const rows = node.map((row) => ({ ...row, place: `Node ${process.versions.node}` }));
  if (chromium) {
    const there = await runInChromium('bench/measure-int8.mjs', 'measureInt8Speed', {
      ...work,
      model: `/${MODEL}`,
    });
    const place = `Chromium ${there.version}`;
    rows.push(...there.result.map((/** @type {any} */ row) => ({ ...row, place })));
  }
  const shares = accuracy ? await measureAccuracy() : undefined;
  return { rows, accuracy: shares, markdown: describeRows(rows, shares) };
}

/** @returns {Promise<Accuracy>} */
async function measureAccuracy() {
  const engine = await library.createEngine();
  const cifar = await engine.datasets.cifar10();
  const model = await engine.load(PATH);
  model.compile({
    loss: 'sparseCategoricalCrossentropy',
    fromLogits: true,
    metrics: ['accuracy'],
  });
  // The first 500 training images: neither the test set nor its labels take part.
  const small = await model.quantize({ calibration: cifar.train, count: 500 });
  const share = async (/** @type {import('tabgrad').Model} */ one) =>
    /** @type {number} */ ((await one.evaluate(cifar.test, { batchSize: 100 })).accuracy);
  const result = { floats: await share(model), int8: await share(small), images: cifar.test.count };
  await engine.dispose();
  return result;
}

/**
 * @param {PlacedRow[]} rows
 * @param {Accuracy | undefined} accuracy
 */
function describeRows(rows, accuracy) {
  const lines = [
    '| where | build | threads | batch | float, ms | int8, ms | times as fast (least, most) |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ place, build, threads, batch, floats, int8 }) => {
      const times = /** @type {import('./statistics.mjs').Ratio} */ (ratio(floats, int8));
      const span = `${times.median.toFixed(2)} (${times.least.toFixed(2)}, ${times.most.toFixed(2)})`;
      const cells = [place, build, threads, batch, ms(floats), ms(int8), span];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
  if (!accuracy) return lines.join('\n');
  const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(2)} %`;
  const text = `Accuracy on ${accuracy.images} test images: float ${percent(accuracy.floats)}, int8 ${percent(accuracy.int8)}.`;
  return [...lines, '', text].join('\n');
}

/** @param {number[]} values */
function ms(values) {
  return median(values).toFixed(3);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '15' },
      'skip-chromium': { type: 'boolean', default: false },
      'skip-accuracy': { type: 'boolean', default: false },
    },
  });
  const { markdown } = await measureInt8({
    rounds: Number(values.rounds),
    chromium: !values['skip-chromium'],
    accuracy: !values['skip-accuracy'],
  });
  console.log(`${describeMachine()}, ${today()}, ${describeCommand()}\n\n${markdown}`);
}

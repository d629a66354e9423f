/**
 * Writes images of CIFAR-10 as PNG files, for the examples that read pictures from folders: train/ and test/, with a folder
 * for each class.
 *
 *     node examples/cifar10-folders.mjs photos [--classes cat,dog] [--train 1000] [--test 500]
 *
 * --train and --test count the images of each class; without --classes all ten are written.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encode } from 'fast-png';
import { datasets, dispose } from 'tabgrad';
import { wholeNumber } from './options.mjs';
import { PIXELS } from './ways.mjs';

const text = /** @type {const} */ ({ type: 'string' });
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { classes: text, train: text, test: text },
});
const [folder] = positionals;
if (!folder) throw new RangeError('Which folder? node examples/cifar10-folders.mjs photos');

const cifar = await datasets.cifar10();
const classes = values.classes?.split(',') ?? [...cifar.classNames];
for (const name of classes) {
  if (cifar.classNames.includes(name)) continue;
  throw new RangeError(`--classes: CIFAR-10 has ${cifar.classNames.join(', ')}, not '${name}'.`);
}
await write('train', cifar.train, wholeNumber('train', values.train ?? '1000'));
await write('test', cifar.test, wholeNumber('test', values.test ?? '500'));
await dispose();

/**
 * The first `most` images of each class.
 *
 * @param {string} part
 * @param {import('tabgrad').Dataset} data
 * @param {number} most
 */
async function write(part, data, most) {
  const { x, y } = /** @type {{ x: Uint8Array, y: Int32Array }} */ (await data.read(0, data.count));
  for (const name of classes) {
    const to = join(folder, part, name);
    await mkdir(to, { recursive: true });
    const label = cifar.classNames.indexOf(name);
    const numbers = Array.from(y.keys()).filter((number) => y[number] === label);
    for (const number of numbers.slice(0, most)) {
      const image = { width: 32, height: 32, channels: 3, depth: /** @type {const} */ (8) };
      const pixels = x.subarray(number * PIXELS, (number + 1) * PIXELS);
      await writeFile(join(to, `${number}.png`), encode({ ...image, data: pixels }));
    }
    console.log(`${to}: ${Math.min(most, numbers.length)} images`);
  }
}

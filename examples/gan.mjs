/**
 * A generative adversarial network (DCGAN: Radford, Metz, Chintala 2015) learns to make images like those of CIFAR-10. How
 * near it comes is told by the mean and the standard deviation of each value of an image over many images: how far those
 * of made images are from those of real ones, in percent of the range of a pixel.
 *
 *     node examples/gan.mjs [--epochs 8] [--images 20000] [--filters 32] [--seeds 1] [--threads 2]
 */

import { dispose } from 'tabgrad';
import { gan } from 'tabgrad/applications';
import { numberOptions } from './options.mjs';
import { PIXELS, compare, readCifar, showProgress } from './ways.mjs';

const { epochs, images, filters, seeds, threads } = numberOptions({
  epochs: 8,
  images: 20_000,
  filters: 32,
  seeds: 1,
  threads: undefined,
});
const BATCH = 64;
/** Images that are compared. */
const PROBE = 1000;

const { train } = await readCifar({ images, test: 1, threads });
const batches = Math.floor(train.y.length / BATCH);

/**
 * Of each value of an image, over the first images, 0 … 1.
 *
 * @param {ArrayLike<number>} pixels
 * @param {number} range of a pixel
 */
function statistics(pixels, range) {
  const count = Math.min(PROBE, pixels.length / PIXELS);
  return Array.from({ length: PIXELS }, (_, place) => {
    let [sum, squares] = [0, 0];
    for (let image = 0; image < count; image++) {
      const value = pixels[image * PIXELS + place] / range;
      sum += value;
      squares += value * value;
    }
    const mean = sum / count;
    return [mean, Math.sqrt(Math.max(squares / count - mean * mean, 0))];
  });
}
const real = statistics(train.x, 255);

/** @param {number} seed */
async function experiment(seed) {
  const pair = await gan({ filters, seed });
  const distance = async () => {
    const made = statistics(await pair.generator.predict(pair.noise(PROBE, seed)), 1);
    const apart = made.flatMap((own, n) => own.map((value, k) => Math.abs(value - real[n][k])));
    return apart.reduce((sum, value) => sum + value, 0) / apart.length;
  };
  const before = await distance();
  for (let epoch = 0; epoch < epochs; epoch++) {
    let [discriminator, generator] = [0, 0];
    for (let batch = 0; batch < batches; batch++) {
      const step = epoch * batches + batch;
      const pictures = train.x.subarray(batch * BATCH * PIXELS, (batch + 1) * BATCH * PIXELS);
      const losses = await pair.trainOnBatch(pictures, pair.noise(BATCH, 1_000_000 * seed + step));
      discriminator += losses.discriminatorLoss / batches;
      generator += losses.generatorLoss / batches;
      showProgress(`epoch ${epoch + 1}`, (batch + 1) / batches);
    }
    const losses = `discriminator ${discriminator.toFixed(4)}, generator ${generator.toFixed(4)}`;
    console.log(
      `epoch ${epoch + 1}: losses ${losses}, distance ${(100 * (await distance())).toFixed(2)}`,
    );
  }
  const after = await distance();
  await pair.dispose();
  return { 'distance before': before, 'distance after': after };
}

await compare(seeds, experiment, [['distance after', 'distance before']]);
await dispose();

/** Generative adversarial networks. */

import { ShapeError } from '../errors.js';
import { input } from '../functional.js';
import { initializers } from '../initializers.js';
import { layers } from '../layers.js';
import { optimizers } from '../optimizers.js';
import { needWhole } from '../options.js';
import { Random } from '../random.js';
import { makeNetwork, needMultiples, readNetwork } from './network.js';

/**
 * @typedef {import('../model.js').Model} Model
 * @typedef {import('./network.js').Network} Network
 * @typedef {import('./network.js').SymbolicTensor} SymbolicTensor
 */

/**
 * A generator and a discriminator of pictures (Goodfellow et al. 2014) as DCGAN has them (Radford, Metz, Chintala 2015,
 * "Unsupervised representation learning with deep convolutional generative adversarial networks"), with pixels 0 … 1:
 * noise → dense → three transposed convolutions of stride 2; and three convolutions of stride 2 → dense, which gives
 * the logit of "is real". 1,068,931 and 663,361 parameters for 32x32x3. Both are compiled.
 *
 * @param {import('./network.js').NetworkOptions & { latentDim?: number, filters?: number, learningRate?: number }}
 *   [options] latentDim: numbers a picture is made from, default 100; filters of the convolutions nearest to the picture,
 *   twice and four times as many further off, default 64; learningRate of both, default 2e-4; height and width must be
 *   multiples of 8
 * @returns {Promise<Gan>}
 * @throws {ConfigError} {ShapeError} {LimitError} naming the option, or layer and both numbers
 */
export async function gan(options) {
  const names = /** @type {const} */ (['latentDim', 'filters', 'learningRate']);
  const { own, network } = readNetwork(options, names, 'gan');
  const latentDim = needWhole(own.latentDim ?? 100, 'latentDim', network.where, 1);
  const filters = needWhole(own.filters ?? 64, 'filters', network.where, 1);
  const { learningRate = 2e-4 } = own;
  needMultiples(network, 8);
  const generator = await makeGenerator(network, latentDim, filters);
  const discriminator = await makeDiscriminator(network, filters);
  const adam = { learningRate, beta1: 0.5 };
  await generator.compile({ loss: 'meanSquaredError', optimizer: optimizers.adam(adam) });
  await discriminator.compile({
    loss: 'binaryCrossentropy',
    fromLogits: true,
    // A step on real pictures and one on made ones are one update, each with its own batch statistics.
    optimizer: optimizers.adam({ ...adam, gradientAccumulationSteps: 2 }),
  });
  return new Gan(generator, discriminator);
}

/** The two networks, which learn from each other. */
export class Gan {
  /** Not for programs: use `gan`. @param {Model} generator @param {Model} discriminator */
  constructor(generator, discriminator) {
    /** [latentDim] → [height, width, channels]: `generator.predict(gan.noise(16, seed))`. */
    this.generator = generator;
    /** [height, width, channels] → [1], the logit of "is real". */
    this.discriminator = discriminator;
  }

  /**
   * What pictures are made from: numbers in [−1, 1) that the seed decides.
   *
   * @param {number} count pictures
   * @param {number} seed a whole number from 0
   * @returns {Float32Array<ArrayBuffer>} count · latentDim
   */
  noise(count, seed) {
    const where = { what: 'noise' };
    const random = new Random(needWhole(seed, 'seed', where));
    const length = needWhole(count, 'count', where, 1) * this.generator.inputShape[0];
    return Float32Array.from({ length }, () => 2 * random.next() - 1);
  }

  /**
   * One step of each: the discriminator learns to tell the pictures from as many made ones, then the generator to make
   * such as pass for real (the loss that does not saturate, Goodfellow et al. 2014, section 3).
   *
   * @param {Uint8Array | Float32Array} images pixels 0 … 255, or floats 0 … 1
   * @param {Float32Array} noise for as many pictures
   * @returns {Promise<{ discriminatorLoss: number, generatorLoss: number }>} before the updates
   * @throws {ShapeError} another number of pictures than of noise
   */
  async trainOnBatch(images, noise) {
    const { generator, discriminator } = this;
    const size = discriminator.inputShape.reduce((product, side) => product * side, 1);
    const count = noise.length / generator.inputShape[0];
    if (images.length !== count * size) {
      throw new ShapeError(
        `Gan.trainOnBatch: images are ${images.length / size} pictures, noise is for ${count}.`,
        { field: 'images' },
      );
    }
    const asInTraining = { training: true, batchSize: count };
    const picture = generator.outputs[0].name;
    const made = await generator.gradients(noise, undefined, {
      of: picture,
      wrt: picture,
      ...asInTraining,
    });
    const fake = made.values[picture];
    const real = new Float32Array(count).fill(1);
    const onReal = await discriminator.trainOnBatch(images, real);
    const onFake = await discriminator.trainOnBatch(fake, new Float32Array(count));

    const [pixels, logit] = [discriminator.inputs[0].name, discriminator.outputs[0].name];
    const judged = await discriminator.gradients(fake, real, {
      wrt: [pixels, logit],
      ...asInTraining,
    });
    const gradient = judged.gradients[pixels];
    // The mean squared error from here has this gradient: 2 (fake − wanted) / (size · count).
    const wanted = fake.map((value, index) => value - 0.5 * size * count * gradient[index]);
    await generator.trainOnBatch(noise, wanted);
    const logits = judged.values[logit];
    return {
      discriminatorLoss: (onReal.loss + onFake.loss) / 2,
      generatorLoss: logits.reduce((sum, z) => sum + softplus(-z), 0) / count,
    };
  }

  /** Frees both models. @returns {Promise<void>} */
  async dispose() {
    await this.generator.dispose();
    await this.discriminator.dispose();
  }
}

/** @param {number} x @returns {number} log(1 + eˣ) */
function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

const WINDOW = /** @type {const} */ ({ kernelSize: 4, strides: 2, padding: 'same' });
const START = { kernelInitializer: initializers.randomNormal({ stddev: 0.02 }) };

/** @param {Network} network @param {number} latentDim @param {number} filters */
function makeGenerator(network, latentDim, filters) {
  const [height, width, channels] = network.inputShape;
  const start = [height / 8, width / 8, 4 * filters];
  const noise = input({ shape: [latentDim] });
  const dense = layers.dense({ units: start[0] * start[1] * start[2], useBias: false, ...START });
  let x = layers.reshape({ targetShape: start }).apply(dense.apply(noise));
  for (const count of [2 * filters, filters]) {
    const larger = layers.conv2dTranspose({ filters: count, useBias: false, ...WINDOW, ...START });
    x = larger.apply(layers.reLU().apply(normalized(x)));
  }
  const last = layers.conv2dTranspose({
    filters: channels,
    activation: 'sigmoid',
    name: 'picture',
    ...WINDOW,
    ...START,
  });
  const outputs = last.apply(layers.reLU().apply(normalized(x)));
  return makeNetwork(named(network, 'generator'), 'generator', noise, outputs);
}

/** @param {Network} network @param {number} filters */
function makeDiscriminator(network, filters) {
  const picture = input({ shape: network.inputShape });
  const centred = layers.rescaling({ scale: 2, offset: -1 }).apply(picture);
  let x = layers.conv2d({ filters, ...WINDOW, ...START }).apply(centred);
  for (const count of [2 * filters, 4 * filters]) {
    const smaller = layers.conv2d({ filters: count, useBias: false, ...WINDOW, ...START });
    x = normalized(smaller.apply(leaky(x)));
  }
  const logit = layers.dense({ units: 1, name: 'logit', ...START });
  const outputs = logit.apply(layers.flatten().apply(leaky(x)));
  return makeNetwork(named(network, 'discriminator'), 'discriminator', picture, outputs);
}

/** @param {SymbolicTensor} x */
function normalized(x) {
  return layers.batchNormalization({ momentum: 0.9 }).apply(x);
}

/** @param {SymbolicTensor} x */
function leaky(x) {
  return layers.leakyReLU({ negativeSlope: 0.2 }).apply(x);
}

/** @param {Network} network @param {string} part @returns {Network} */
function named(network, part) {
  return { ...network, name: network.name === undefined ? part : `${network.name}_${part}` };
}

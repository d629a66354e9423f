/** Gradients of the score with respect to the input. */

import { ConfigError } from '../errors.js';
import { needNumber, needWhole } from '../options.js';
import { Random } from '../random.js';
import { openSubject } from './subject.js';

/**
 * @typedef {import('../inspect.js').Tensor} Tensor
 * @typedef {import('./subject.js').ExplainOptions} ExplainOptions
 */

/**
 * How the score of a class changes with every value of the input: its gradient. `heatmap` makes the picture of Simonyan et
 * al. of it: the largest magnitude of a pixel's channels.
 *
 * Source: Simonyan, Vedaldi, Zisserman 2013, "Deep inside convolutional networks".
 *
 * @param {import('../model.js').Model} model of one input, of floats; it stays as it is
 * @param {unknown} x samples or a `Dataset`, as `predict` takes them
 * @param {ExplainOptions} [options] beforeActivation default true: of the logits
 * @returns {Promise<Tensor>} [n, …inputShape], with its sign
 * @throws {ConfigError} {ShapeError} {LabelRangeError} {InputTypeError} {UnsupportedError} {AbortedError} naming the field
 */
export async function saliency(model, x, options) {
  const where = { what: 'saliency' };
  const { subject } = await openSubject(model, x, options, [], where, true);
  return meanGradients(subject, 1, (sample, _, into) => into.set(subject.sample(sample)));
}

/**
 * The mean gradient at copies of the input with noise added: saliency without its speckles.
 *
 * Source: Smilkov et al. 2017, "SmoothGrad".
 *
 * @param {import('../model.js').Model} model of one input, of floats
 * @param {unknown} x
 * @param {ExplainOptions & { samples?: number, noise?: number, seed?: number }} [options] samples: copies of each sample,
 *   default 50; noise: standard deviation of the normal noise, as a share of a sample's range from its least to its
 *   largest value, default 0.15; seed default 0; beforeActivation default true
 * @returns {Promise<Tensor>} [n, …inputShape], with its sign
 * @throws as `saliency`
 */
export async function smoothGrad(model, x, options) {
  const where = { what: 'smoothGrad' };
  const names = /** @type {const} */ (['samples', 'noise', 'seed']);
  const { subject, own } = await openSubject(model, x, options, names, where, true);
  const copies = needWhole(own.samples ?? 50, 'samples', where, 1);
  const noise = needNumber(own.noise ?? 0.15, 'noise', where);
  if (!(noise >= 0 && noise < Infinity)) {
    throw new ConfigError(`smoothGrad: noise must be a finite number from 0, found ${noise}.`, {
      field: 'noise',
    });
  }
  const seed = needWhole(own.seed ?? 0, 'seed', where);
  return meanGradients(subject, copies, (sample, copy, into) => {
    const values = subject.sample(sample);
    const random = new Random(seed, sample, copy);
    const deviation = noise * range(values);
    for (let i = 0; i < values.length; i++) into[i] = values[i] + deviation * random.normal();
  });
}

/**
 * @param {import('./subject.js').Subject} subject
 * @param {number} copies of each sample
 * @param {(sample: number, copy: number, into: Float32Array) => void} write
 * @returns {Promise<Tensor>}
 */
async function meanGradients(subject, copies, write) {
  const { count, size, shape } = subject;
  const sums = new Float64Array(count * size);
  subject.expect(count * copies);
  await subject.gradients(
    count * copies,
    (at, into) => {
      const sample = Math.floor(at / copies);
      write(sample, at % copies, into);
      return sample;
    },
    (gradients, _, samples) => {
      samples.forEach((sample, i) => {
        for (let k = 0; k < size; k++) sums[sample * size + k] += gradients[i * size + k];
      });
    },
  );
  const means = Float32Array.from(sums, (sum) => sum / copies);
  return Object.assign(means, { shape: [count, ...shape] });
}

/** @param {Float32Array} values */
function range(values) {
  let least = Infinity;
  let most = -Infinity;
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return most - least;
}

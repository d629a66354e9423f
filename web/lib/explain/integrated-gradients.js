/** Integrated gradients. */

import { needOneOf, needWhole } from '../options.js';
import { gaussLegendre, middles } from './quadrature.js';
import { openSubject } from './subject.js';

const RULES = { gaussLegendre, middle: middles };

/**
 * What every value of the input adds to the score, measured from a baseline: (x − baseline) times the mean gradient on the
 * straight line between them. The sum over a sample is f(x) − f(baseline), but for the error of the quadrature, which
 * `delta` tells: more steps make it smaller.
 *
 * Source: Sundararajan, Taly, Yan 2017, "Axiomatic attribution for deep networks".
 *
 * @param {import('../model.js').Model} model of one input, of floats
 * @param {unknown} x samples or a `Dataset`
 * @param {import('./subject.js').ExplainOptions & { baseline?: unknown, steps?: number,
 *   rule?: 'gaussLegendre' | 'middle' }} [options] baseline: a number for all values or one sample (Uint8Array: pixels),
 *   default 0; steps: points on the line, default 50; rule: Gauss and Legendre's, default, or the middles of equal parts;
 *   beforeActivation default false
 * @returns {Promise<import('../inspect.js').Tensor & { delta: number[] }>} [n, …inputShape]; delta: for each sample
 *   f(x) − f(baseline) − the sum
 * @throws {ConfigError} {ShapeError} {LabelRangeError} {InputTypeError} {UnsupportedError} {AbortedError} naming the field
 */
export async function integratedGradients(model, x, options) {
  const where = { what: 'integratedGradients' };
  const names = /** @type {const} */ (['baseline', 'steps', 'rule']);
  const { subject, own } = await openSubject(model, x, options, names, where);
  const steps = needWhole(own.steps ?? 50, 'steps', where, 1);
  const rule = /** @type {keyof typeof RULES} */ (
    needOneOf(own.rule ?? 'gaussLegendre', Object.keys(RULES), 'rule', where)
  );
  const [baseline] = await subject.baselines(own.baseline ?? 0);
  const { points, weights } = RULES[rule](steps);
  const { count, size, shape } = subject;
  const means = new Float64Array(count * size);
  subject.expect(count * steps + count);
  await subject.gradients(
    count * steps,
    (copy, into) => {
      const sample = Math.floor(copy / steps);
      const values = subject.sample(sample);
      const share = points[copy % steps];
      for (let i = 0; i < size; i++) into[i] = baseline[i] + share * (values[i] - baseline[i]);
      return sample;
    },
    (gradients, _, samples, first) => {
      samples.forEach((sample, i) => {
        const weight = weights[(first + i) % steps];
        for (let k = 0; k < size; k++) means[sample * size + k] += weight * gradients[i * size + k];
      });
    },
  );
  // f of the baseline for each sample, whose targets differ.
  const without = await subject.scores(count, (sample, into) => {
    into.set(baseline);
    return sample;
  });
  const delta = Array.from(subject.values, (value, i) => value - without[i]);
  const parts = new Float32Array(count * size);
  for (let i = 0; i < parts.length; i++) {
    parts[i] = means[i] * (subject.samples[i] - baseline[i % size]);
    delta[Math.floor(i / size)] -= parts[i];
  }
  return Object.assign(parts, { shape: [count, ...shape], delta });
}

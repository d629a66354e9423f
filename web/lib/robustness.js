/**
 * Attacks: samples changed a little, so that a model errs. For measuring how robust a model is, and for training that
 * makes it so: give the changed samples to `trainOnBatch`.
 */

import { ConfigError, InputTypeError } from './errors.js';
import { describe, needBoolean, needNumber, needWhole, readOptions } from './options.js';
import { Random } from './random.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./inspect.js').Tensor} Tensor
 *
 * @typedef {object} AttackOptions
 * @property {number} [epsilon] largest change of a value, default 8 / 255
 * @property {number} [min] smallest value that a sample may have, default 0
 * @property {number} [max] largest, default 1
 * @property {boolean} [targeted] `y` are the classes that the model shall give, instead of the true ones, which it shall
 *   not; default false
 * @property {number} [batchSize] default 32
 * @property {AbortSignal} [signal]
 *
 * @typedef {object} StepOptions
 * @property {number} [steps] default 10
 * @property {number} [stepSize] default 2 / 255
 * @property {boolean} [randomStart] begin anywhere within epsilon, default true
 * @property {number} [seed] of the start, a whole number from 0, default 0
 */

const COMMON = /** @type {const} */ (['epsilon', 'min', 'max', 'targeted', 'batchSize', 'signal']);

/**
 * The fast gradient sign method: every value moves by epsilon, in the direction in which the loss grows (Goodfellow,
 * Shlens, Szegedy 2014, "Explaining and harnessing adversarial examples").
 *
 * @param {Model} model of one input, compiled
 * @param {Uint8Array | Float32Array} x samples; pixels 0 … 255 become 0 … 1, floats are taken as they are
 * @param {unknown} y their labels, as `fit` takes them
 * @param {AttackOptions} [options]
 * @returns {Promise<Tensor>} floats within [min, max], [n, …shape]
 * @throws {ConfigError} {InputTypeError} {ShapeError} {StateError} not compiled
 */
export async function fgsm(model, x, y, options) {
  const attack = readAttack(model, x, readOptions(options, COMMON, { what: 'fgsm' }), 'fgsm');
  return climb(model, x, y, attack, { steps: 1, stepSize: attack.epsilon, random: null });
}

/**
 * Projected gradient descent: many small steps of that kind, each followed by the way back to within epsilon of the
 * sample (Madry et al. 2017, "Towards deep learning models resistant to adversarial attacks").
 *
 * @param {Model} model of one input, compiled
 * @param {Uint8Array | Float32Array} x samples; pixels 0 … 255 become 0 … 1, floats are taken as they are
 * @param {unknown} y their labels, as `fit` takes them
 * @param {AttackOptions & StepOptions} [options]
 * @returns {Promise<Tensor>} floats within [min, max], [n, …shape]
 * @throws {ConfigError} {InputTypeError} {ShapeError} {StateError} not compiled
 */
export async function pgd(model, x, y, options) {
  const where = { what: 'pgd' };
  const names = /** @type {const} */ (['steps', 'stepSize', 'randomStart', 'seed']);
  const {
    steps = 10,
    stepSize = 2 / 255,
    randomStart = true,
    seed = 0,
    ...common
  } = readOptions(options, [...COMMON, ...names], where);
  const attack = readAttack(model, x, common, 'pgd');
  return climb(model, x, y, attack, {
    steps: needWhole(steps, 'steps', where, 1),
    stepSize: needPositive(stepSize, 'stepSize', where),
    random: needBoolean(randomStart, 'randomStart', where)
      ? new Random(needWhole(seed, 'seed', where))
      : null,
  });
}

/**
 * @param {Model} model
 * @param {unknown} x
 * @param {Partial<Record<typeof COMMON[number], any>>} options
 * @param {string} what
 */
function readAttack(model, x, options, what) {
  const where = { what };
  const { epsilon = 8 / 255, min = 0, max = 1, targeted = false, ...gradients } = options;
  if (model.inputs.length !== 1) {
    throw new ConfigError(`${what}: the model must have 1 input, found ${model.inputs.length}.`);
  }
  if (!(x instanceof Uint8Array) && !(x instanceof Float32Array)) {
    const found = describe(x);
    throw new InputTypeError(`${what}: x must be a Uint8Array or Float32Array, found ${found}.`);
  }
  if (!(needNumber(min, 'min', where) < needNumber(max, 'max', where))) {
    throw new ConfigError(`${what}: min must be less than max, found ${min} and ${max}.`, {
      field: 'min',
    });
  }
  return {
    epsilon: needPositive(epsilon, 'epsilon', where),
    min,
    max,
    direction: needBoolean(targeted, 'targeted', where) ? -1 : 1,
    gradients,
  };
}

/** @param {unknown} value @param {string} field @param {import('./options.js').Where} where */
function needPositive(value, field, where) {
  const number = needNumber(value, field, where);
  if (number > 0 && number < Infinity) return number;
  throw new ConfigError(`${where.what}: ${field} must be above 0, found ${number}.`, { field });
}

/**
 * @param {Model} model
 * @param {Uint8Array | Float32Array} x
 * @param {unknown} y
 * @param {ReturnType<typeof readAttack>} attack
 * @param {{ steps: number, stepSize: number, random: Random | null }} how
 * @returns {Promise<Tensor>}
 */
async function climb(model, x, y, attack, { steps, stepSize, random }) {
  const { epsilon, min, max, direction, gradients: options } = attack;
  const [{ name, shape }] = model.inputs;
  const start = x instanceof Uint8Array ? Float32Array.from(x, (pixel) => pixel / 255) : x;
  const within = (/** @type {number} */ value, /** @type {number} */ index) => {
    const near = Math.min(Math.max(value, start[index] - epsilon), start[index] + epsilon);
    return Math.min(Math.max(near, min), max);
  };
  let changed = Float32Array.from(start, (value, index) =>
    random ? within(value + epsilon * (2 * random.next() - 1), index) : value,
  );
  for (let step = 0; step < steps; step++) {
    const { gradients } = await model.gradients(changed, y, options);
    const slope = gradients[name];
    changed = changed.map((value, index) =>
      within(value + direction * stepSize * Math.sign(slope[index]), index),
    );
  }
  const size = shape.reduce((product, side) => product * side, 1);
  return Object.assign(changed, { shape: [changed.length / size, ...shape] });
}

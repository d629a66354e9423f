/**
 * What is explained: one value f that a model gives for each sample, such as the score of its class. Many changed copies
 * of the samples go to the engine in one call, as many as a message holds.
 */

import {
  ConfigError,
  LabelRangeError,
  ShapeError,
  UnsupportedError,
  throwIfAborted,
} from '../errors.js';
import {
  describe,
  needBoolean,
  needFunction,
  needSignal,
  needWhole,
  readOptions,
  wrongType,
} from '../options.js';
import { readInputs } from './inputs.js';

/**
 * @typedef {import('../model.js').Model} Model
 * @typedef {import('../inspect.js').Tensor} Tensor
 * @typedef {import('../options.js').Where} Where
 *
 * @typedef {object} ExplainOptions what all methods take
 * @property {number | readonly number[]} [target] which of the layer's values is explained: a class, the same for all
 *   samples or one for each; values of several dimensions are counted in their order. Default: the largest of each sample
 * @property {string} [layer] whose values; default the model's first output
 * @property {boolean} [beforeActivation] the layer's value before its own activation: the logits of a final softmax.
 *   Default true for Grad-CAM and saliency, as in their papers; false for the others
 * @property {number} [batchSize] samples that the engine takes at once; default 32
 * @property {number} [first] of `x`, default 0
 * @property {number} [count] default all
 * @property {AbortSignal} [signal] ends with E_ABORTED
 * @property {(progress: { done: number, total: number }) => void} [onProgress] after each call of the engine, in copies
 *   of samples
 */

const COMMON = /** @type {const} */ ([
  'target',
  'layer',
  'beforeActivation',
  'batchSize',
  'first',
  'count',
  'signal',
  'onProgress',
]);

/** Values that a call may carry: 4 MB, which travel in one message. */
const VALUES_A_CALL = 2 ** 20;
/** So that a signal is heard soon also where samples are small. */
const COPIES_A_CALL = 4096;

export class Subject {
  #model;
  /** @type {{ layer: string, beforeActivation: boolean }} */
  #place;
  #calling;
  #onProgress;
  #done = 0;
  #total = 0;

  /**
   * Not for programs: use `openSubject`.
   *
   * @param {Model} model
   * @param {Tensor} samples as the network sees them
   * @param {Where} where
   * @param {{ layer: string, beforeActivation: boolean, batchSize: number, signal?: AbortSignal,
   *   onProgress?: (progress: { done: number, total: number }) => void }} options
   */
  constructor(model, samples, where, { layer, beforeActivation, batchSize, signal, onProgress }) {
    const [count, ...shape] = samples.shape;
    this.#model = model;
    this.#place = { layer, beforeActivation };
    this.#calling = { batchSize, signal };
    this.#onProgress = onProgress;
    this.where = where;
    this.samples = samples;
    this.count = count;
    /** Of one sample. */
    this.shape = shape;
    this.size = samples.length / count;
    /** Which value of each sample is explained. @type {number[]} */
    this.targets = [];
    /** f of each sample. @type {Float64Array} */
    this.values = new Float64Array(count);
  }

  /** The name of the model's input. */
  get input() {
    return this.#model.inputs[0].name;
  }

  /** @param {number} index @returns {Float32Array} a sample's values */
  sample(index) {
    return this.samples.subarray(index * this.size, (index + 1) * this.size);
  }

  /**
   * Reads `target`, and what f is of the samples themselves.
   *
   * @param {unknown} target
   * @throws {LabelRangeError} {ConfigError}
   */
  async aim(target) {
    const { data, size } = await this.#outputs(this.samples);
    const given = Array.isArray(target) || ArrayBuffer.isView(target);
    const list = given ? Array.from(/** @type {Iterable<unknown>} */ (target)) : null;
    if (list && list.length !== this.count) {
      const wanted = `one number or an array of ${this.count}, one for each sample`;
      throw wrongType(list, 'target', wanted, this.where);
    }
    for (let i = 0; i < this.count; i++) {
      const own = list ? list[i] : target;
      const at =
        own === undefined ? largest(data, i * size, size) : needWhole(own, 'target', this.where);
      if (at >= size) {
        throw new LabelRangeError(
          `${this.where.what}: target is ${at} for sample ${i}, layer '${this.#place.layer}' gives ${size} values.`,
          { layer: this.#place.layer, field: 'target' },
        );
      }
      this.targets[i] = at;
      this.values[i] = data[i * size + at];
    }
  }

  /**
   * What stands for "nothing there".
   *
   * @param {unknown} value a number, or samples
   * @param {number} [most] how many samples it may be; default 1
   * @returns {Promise<Float32Array[]>} one or more samples
   * @throws {ConfigError} {ShapeError} naming both numbers
   */
  async baselines(value, most = 1) {
    const { what } = this.where;
    if (typeof value === 'number') {
      if (Number.isFinite(value)) return [new Float32Array(this.size).fill(value)];
      throw new ConfigError(
        `${what}: baseline must be a finite number or samples, found ${describe(value)}.`,
        { field: 'baseline' },
      );
    }
    const found = await readInputs(this.#model, value, 'baseline', this.where, this.#calling);
    const [count] = found.shape;
    if (count > most) {
      throw new ShapeError(`${what}: baseline has ${count} samples, expected ${most}.`, {
        field: 'baseline',
      });
    }
    return Array.from({ length: count }, (_, i) =>
      found.subarray(i * this.size, (i + 1) * this.size),
    );
  }

  /** How many copies the method will send, for the progress. @param {number} copies */
  expect(copies) {
    this.#total += copies;
  }

  /**
   * f of copies.
   *
   * @param {number} total
   * @param {(copy: number, into: Float32Array) => number} write fills in a copy, gives the number of its sample
   * @returns {Promise<Float64Array>}
   */
  async scores(total, write) {
    const scores = new Float64Array(total);
    await this.#inCalls(total, write, async (copies, samples, first) => {
      const { data, size } = await this.#outputs(copies);
      samples.forEach((sample, i) => {
        scores[first + i] = data[i * size + this.targets[sample]];
      });
    });
    return scores;
  }

  /**
   * Gradients of f at copies with respect to the input, or to a layer.
   *
   * @param {number} total
   * @param {(copy: number, into: Float32Array) => number} write as above
   * @param {(gradients: Tensor, values: Tensor, samples: number[], first: number) => void} use is called
   *   for the copies from `first` on, with the numbers of their samples
   * @param {string} [layer] default the input
   */
  async gradients(total, write, use, layer = this.input) {
    await this.#inCalls(total, write, async (copies, samples, first) => {
      const index = samples.map((sample) => this.targets[sample]);
      const of = { ...this.#place, index };
      const options = { of, wrt: layer, ...this.#calling };
      const { gradients, values } = await this.#model.gradients(copies, undefined, options);
      use(gradients[layer], values[layer], samples, first);
    });
  }

  /**
   * @param {number} total
   * @param {(copy: number, into: Float32Array) => number} write
   * @param {(copies: Float32Array, samples: number[], first: number) => Promise<void>} run
   */
  async #inCalls(total, write, run) {
    const { size } = this;
    const most = Math.max(1, Math.min(COPIES_A_CALL, Math.floor(VALUES_A_CALL / size)));
    for (let first = 0; first < total; first += most) {
      throwIfAborted(this.#calling.signal, this.where.what);
      const count = Math.min(most, total - first);
      const copies = new Float32Array(count * size);
      const samples = Array.from({ length: count }, (_, i) =>
        write(first + i, copies.subarray(i * size, (i + 1) * size)),
      );
      await run(copies, samples, first);
      this.#done += count;
      this.#onProgress?.({ done: this.#done, total: this.#total });
    }
  }

  /**
   * All values of the layer that is explained.
   *
   * @param {Float32Array} x
   * @returns {Promise<{ data: Float32Array, size: number }>} size: values a sample
   */
  async #outputs(x) {
    const { layer, beforeActivation } = this.#place;
    const { outputs } = this.#model;
    const plain = outputs.length === 1 && outputs[0].name === layer && !beforeActivation;
    /** @type {Tensor} */
    const data = plain
      ? await this.#model.predict(x, this.#calling)
      : (await this.#model.activations(x, { layers: [this.#place], ...this.#calling }))[layer];
    return { data, size: data.length / data.shape[0] };
  }
}

/**
 * Reads what all methods take.
 *
 * @template {string} Name
 * @param {unknown} model
 * @param {unknown} x
 * @param {unknown} options
 * @param {readonly Name[]} names of the method's own options
 * @param {Where} where
 * @param {boolean} beforeActivation the method's default
 * @returns {Promise<{ subject: Subject, own: Partial<Record<Name, any>> }>}
 */
export async function openSubject(model, x, options, names, where, beforeActivation = false) {
  const own = readOptions(options, [...COMMON, ...names], where);
  const explained = needModel(model, where);
  if (explained.inputs.length > 1) {
    throw new UnsupportedError(
      `${where.what}: the model has ${explained.inputs.length} inputs; only models of one input are explained.`,
      { field: 'model' },
    );
  }
  const { layer = explained.outputs[0].name } = own;
  if (typeof layer !== 'string') throw wrongType(layer, 'layer', 'the name of a layer', where);
  const common = {
    layer,
    beforeActivation: needBoolean(
      own.beforeActivation ?? beforeActivation,
      'beforeActivation',
      where,
    ),
    batchSize: needWhole(own.batchSize ?? 32, 'batchSize', where, 1),
    signal: needSignal(own.signal, 'signal', where),
    onProgress: own.onProgress && needFunction(own.onProgress, 'onProgress', where),
  };
  const { batchSize, signal } = common;
  throwIfAborted(signal, where.what);
  const range = { first: own.first, count: own.count, batchSize, signal };
  const samples = await readInputs(explained, x, 'x', where, range);
  const subject = new Subject(explained, samples, where, common);
  await subject.aim(own.target);
  return { subject, own };
}

/**
 * @param {unknown} model
 * @param {Where} where
 * @returns {Model} of floats
 */
export function needModel(model, where) {
  const found = /** @type {any} */ (model);
  if (typeof found?.activations !== 'function' || typeof found.gradients !== 'function') {
    throw wrongType(model, 'model', 'a model', where);
  }
  if (!found.isQuantized) return found;
  throw new UnsupportedError(
    `${where.what}: a quantised model gives no inner values; explain the float model.`,
    { field: 'model' },
  );
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} start
 * @param {number} count
 * @returns {number} where the first of the largest is, from `start`
 */
function largest(values, start, count) {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i] > values[start + best]) best = i;
  return best;
}

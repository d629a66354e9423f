/**
 * The library's layers for the values of an ONNX graph. A value knows its shape in ONNX and in which order of axes the
 * engine holds it: as ONNX has it (NCHW), or channels last (NHWC), where convolutions, pooling and their like work.
 * The other order is made when an operator asks for it, once a value, so that a network of convolutions stays channels
 * last throughout.
 *
 * The engine's samples have up to four axes. Neighbouring axes are joined where an operator can do without them, and a
 * change of shape alone is no layer until somebody needs it.
 */

import { UnsupportedError } from '../errors.js';
import { input } from '../functional.js';
import { layers } from '../layers.js';
import { transpose } from './constants.js';

/**
 * @typedef {import('./proto.js').Tensor} Tensor
 * @typedef {import('./proto.js').OnnxNode} OnnxNode
 * @typedef {import('../symbolic.js').SymbolicTensor} SymbolicTensor
 * @typedef {{ name: string, data: Float32Array }} Weight
 */

/** The engine's limit for axes of a sample. */
export const MAX_RANK = 4;

/** @param {readonly number[]} sizes */
export const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

/** @param {ArrayLike<number>} kernel @param {ArrayLike<number>} [bias] @returns {Record<string, ArrayLike<number>>} */
export const weightsOf = (kernel, bias) => (bias ? { kernel, bias } : { kernel });

/** A value of the graph that the engine computes. */
export class Value {
  /** The same value in the other order of axes. @type {Value | undefined} */
  twin;

  /**
   * @param {readonly number[]} shape in ONNX, the batch included
   * @param {SymbolicTensor} layer whose output it is
   * @param {readonly number[]} held sizes of that output, a sample
   * @param {boolean} last channels last
   */
  constructor(shape, layer, held, last) {
    this.shape = shape;
    this.layer = layer;
    this.held = held;
    this.last = last;
  }
}

export class Builder {
  #names = new Set();
  /** Constants that are layers already, by their numbers. @type {Map<ArrayLike<number>, Value>} */
  #variables = new Map();
  /** What the layers' weights are. @type {Weight[]} */
  weights = [];
  /** The ONNX node that layers are made for. @type {OnnxNode | null} */
  node = null;

  /**
   * @param {number} opset
   * @param {number} batch size of the first axis, where that is the engine's batch; 0: samples are whole tensors
   */
  constructor(opset, batch) {
    this.opset = opset;
    this.batch = batch;
  }

  /** @param {string} why @param {string} [field] the value it is about @returns {UnsupportedError} */
  unsupported(why, field) {
    const { type = '', name = '' } = this.node ?? {};
    return new UnsupportedError(`ONNX ${type} '${name}': ${why}.`, { layer: name, field });
  }

  // ---- shapes ----

  /** Sizes of a sample in ONNX's order. @param {readonly number[]} shape */
  sampleOf(shape) {
    if (this.batch === 0) return shape;
    if (shape.length === 0 || shape[0] !== this.batch) {
      throw this.unsupported(`[${shape}] does not keep the batch of ${this.batch}`);
    }
    return shape.slice(1);
  }

  /** Sizes of a sample, channels last. @param {readonly number[]} shape [batch, channels, …] */
  sampleLast(shape) {
    const [batch, channels, ...space] = shape;
    if (this.batch === 0 && batch !== 1) {
      throw this.unsupported(`a batch of ${batch} in a graph that does not keep it`);
    }
    return [...space, channels];
  }

  /** The axis of a sample, from 0, that an axis of the shape is. @param {number} axis @param {boolean} last @param {number} rank */
  sampleAxis(axis, last, rank) {
    if (last) {
      if (axis === 0) throw this.unsupported('an operation along the batch');
      return axis === 1 ? rank - 2 : axis - 2;
    }
    if (this.batch === 0) return axis;
    if (axis === 0) throw this.unsupported('an operation along the batch');
    return axis - 1;
  }

  // ---- layers ----

  /**
   * A layer, to be applied once or several times.
   *
   * @param {keyof typeof layers} type
   * @param {object} options
   * @param {Record<string, ArrayLike<number>>} [weights] by the ends of their names
   * @returns {import('../layers.js').Applicable}
   */
  make(type, options, weights = {}) {
    const name = this.#name(type);
    for (const [suffix, data] of Object.entries(weights)) {
      this.weights.push({ name: `${name}/${suffix}`, data: Float32Array.from(data) });
    }
    return /** @type {(options: object) => any} */ (layers[type])({ ...options, name });
  }

  /**
   * A layer applied to others.
   *
   * @param {keyof typeof layers} type
   * @param {object} options
   * @param {SymbolicTensor | readonly SymbolicTensor[]} inputs
   * @param {Record<string, ArrayLike<number>>} [weights]
   * @returns {SymbolicTensor}
   */
  apply(type, options, inputs, weights) {
    return this.make(type, options, weights).apply(inputs);
  }

  /** @param {string} type */
  #name(type) {
    const base = (this.node?.name ?? type).replaceAll('\0', '').slice(0, 60) || 'layer';
    let name = base;
    for (let k = 1; this.#names.has(name); k++) name = `${base}/${type}_${k}`;
    this.#names.add(name);
    return name;
  }

  /**
   * Where samples enter: a layer of the input's own name.
   *
   * @param {string} name
   * @param {readonly number[]} shape in ONNX
   * @param {boolean} last the program gives channels last
   */
  input(name, shape, last) {
    const order = last && shape.length > 2;
    const sizes = order ? this.sampleLast(shape) : this.sampleOf(shape);
    // Inputs of the engine have one or three axes.
    const held = sizes.length === 3 ? [...sizes] : [product(sizes)];
    return new Value(shape, input({ shape: held, name: this.#name(name) }), held, order);
  }

  /**
   * A constant as something the engine computes with, the same for every sample: a weight where the file calls it by
   * name, left alone by training where it was computed here.
   *
   * @param {Tensor} x
   * @param {readonly number[]} sizes of a sample
   */
  variable(x, sizes) {
    let made = this.#variables.get(x.data);
    if (!made) {
      const shape = sizes.length === 0 ? [1] : [...sizes];
      const options = { shape, trainable: x.name !== '' };
      const layer = this.apply('variable', options, [], { value: x.data });
      made = new Value(x.shape, layer, shape, false);
      this.#variables.set(x.data, made);
    }
    return this.as(made, sizes);
  }

  /**
   * The layer with these sizes.
   *
   * @param {{ layer: SymbolicTensor, held: readonly number[] }} value
   * @param {readonly number[]} sizes
   */
  as({ layer, held }, sizes) {
    const targetShape = sizes.length === 0 ? [1] : [...sizes];
    if (String(held) === String(targetShape)) return layer;
    return this.apply('reshape', { targetShape }, layer);
  }

  /**
   * A value in one of the two orders.
   *
   * @param {Value} value
   * @param {boolean} last
   * @returns {Value}
   */
  order(value, last) {
    if (value.last === last) return value;
    if (!value.twin) {
      const { shape } = value;
      const [from, to] = last
        ? [this.sampleOf(shape), this.sampleLast(shape)]
        : [this.sampleLast(shape), this.sampleOf(shape)];
      const axes = from.map((_, d) => d);
      // Whole tensors keep a first axis of 1, which channels last do not have.
      const perm = last
        ? [...axes.slice(from.length - to.length + 1), from.length - to.length]
        : [from.length - 1, ...axes.slice(0, -1)];
      const { layer, held } = this.permuted(value, from, perm);
      value.twin = new Value(shape, layer, held, last);
      value.twin.twin = value;
    }
    return value.twin;
  }

  /** @param {Value} value */
  plain(value) {
    return this.order(value, false);
  }

  /** @param {Value} value */
  last(value) {
    if (value.shape.length < 2) throw this.unsupported(`[${value.shape}] has no channels`);
    return value.shape.length === 2 ? this.order(value, false) : this.order(value, true);
  }

  /**
   * The axes of a sample in another order: axes of 1 are dropped and those that stay together joined.
   *
   * @param {{ layer: SymbolicTensor, held: readonly number[] }} value
   * @param {readonly number[]} sizes of the sample
   * @param {readonly number[]} perm axis k of the result is axis perm[k]
   * @returns {{ layer: SymbolicTensor, held: readonly number[] }}
   */
  permuted(value, sizes, perm) {
    const moved = perm.filter((axis) => sizes[axis] !== 1);
    /** @type {number[][]} groups of axes that stay together, in their new order */
    const groups = [];
    for (const axis of moved) {
      const group = groups.at(-1);
      const next = group && sizes.findIndex((n, d) => d > group[group.length - 1] && n !== 1);
      if (group && next === axis) group.push(axis);
      else groups.push([axis]);
    }
    const result = perm.map((axis) => sizes[axis]);
    if (groups.length <= 1) return value;
    if (groups.length > MAX_RANK) {
      throw this.unsupported(`a transposition of ${groups.length} axes`);
    }
    const before = [...groups].sort(([a], [b]) => a - b);
    const size = (/** @type {number[]} */ group) => product(group.map((axis) => sizes[axis]));
    const from = this.as(value, before.map(size));
    const dims = groups.map((group) => before.indexOf(group) + 1);
    const held = groups.map(size);
    const layer = this.apply('permute', { dims }, from);
    if (result.length > MAX_RANK) return { layer, held };
    return { layer: this.as({ layer, held }, result), held: result };
  }

  /**
   * A value as its own layer has it, changed number by number.
   *
   * @param {Value} value
   * @param {keyof typeof layers} type
   * @param {object} [options]
   */
  unary(value, type, options = {}) {
    const { shape, layer, held, last } = value;
    return new Value(shape, this.apply(type, options, layer), held, last);
  }

  /** The same numbers under another shape. @param {Value} value @param {readonly number[]} shape */
  reshape(value, shape) {
    const { layer, held } = this.plain(value);
    this.sampleOf(shape); // refuses what does not keep the batch
    return new Value(shape, layer, held, false);
  }

  /**
   * A layer that takes a value with all its axes.
   *
   * @param {Value} value
   * @param {readonly number[]} shape of the result
   * @param {keyof typeof layers} type
   * @param {object} options
   * @param {Record<string, ArrayLike<number>>} [weights]
   */
  layer(value, shape, type, options, weights) {
    const { last } = value;
    const sizes = last ? this.sampleLast(value.shape) : this.sampleOf(value.shape);
    const held = last ? this.sampleLast(shape) : this.sampleOf(shape);
    const made = this.apply(type, options, this.as(value, sizes), weights);
    return new Value(shape, made, held.length === 0 ? [1] : held, last);
  }

  // ---- arguments ----

  /**
   * A value or a constant as a value.
   *
   * @param {Value | Tensor} x
   * @returns {Value}
   */
  value(x) {
    if (x instanceof Value) return x;
    const [first, ...rest] = x.shape;
    if (this.batch && first !== 1) throw this.unsupported('a constant of several samples');
    const held = this.batch ? rest : x.shape;
    const shape = this.batch ? [this.batch, ...rest] : x.shape;
    return new Value(shape, this.variable(x, held), held.length === 0 ? [1] : held, false);
  }

  /**
   * A constant whose first axis was not told, broadcast to the rank of others.
   *
   * @param {Tensor} x
   * @param {number} rank
   * @param {boolean} last in the order of channels last
   */
  constant(x, rank, last) {
    const shape = [...Array(rank - x.shape.length).fill(1), ...x.shape];
    if (this.batch === 0 && !last) return { ...x, shape };
    if (shape[0] !== 1) throw this.unsupported(`a constant [${x.shape}] of several samples`);
    const sample = { ...x, shape: shape.slice(1) };
    if (!last || rank < 3) return sample;
    const turned = transpose(sample, [...sample.shape.map((_, d) => d).slice(1), 0]);
    return { ...turned, name: x.name };
  }
}

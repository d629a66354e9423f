/** ONNX's arithmetic, activations, reductions and matrix products. */

import { broadcastShapes, list } from './constants.js';
import { Value, product } from './builder.js';
import { axisFor, constantOf, number, numbers, scalarOf, valueOf } from './arguments.js';

/**
 * @typedef {import('./builder.js').Builder} Builder
 * @typedef {import('./arguments.js').Row} Row
 * @typedef {import('./arguments.js').Argument} Argument
 */

/**
 * @param {keyof typeof import('../layers.js').layers} type
 * @param {(node: import('./proto.js').OnnxNode) => object} [options]
 * @returns {Row}
 */
const unary = (type, options) => (b, node, inputs) =>
  b.unary(valueOf(b, node, inputs, 0), type, options?.(node));

/** @param {string} activation @returns {Row} */
const activation = (activation) => unary('activation', () => ({ activation }));
/** @param {string} operation @returns {Row} */
const math = (operation) => unary('elementwise', () => ({ operation }));

/**
 * Two values, one of them perhaps a constant, joined number by number with the axes of 1 repeated.
 *
 * @param {Builder} b
 * @param {'add' | 'subtract' | 'multiply' | 'divide' | 'power' | 'maximum' | 'minimum'} type
 * @param {Argument} x
 * @param {Argument} y
 * @returns {Value}
 */
export function join(b, type, x, y) {
  const scaled = x instanceof Value && !(y instanceof Value) && withNumber(b, type, x, y);
  if (scaled) return scaled;
  const shape = broadcastShapes(x.shape, y.shape, b.node?.name ?? type);
  const values = [x, y].filter((v) => v instanceof Value);
  const whole = values.every((v) => v.shape.length === shape.length);
  // Channels last if something has them there already, and if that says where the channels are.
  const last = whole && shape.length > 2 && values.some((v) => v.last);
  const sizes = (/** @type {readonly number[]} */ s) => (last ? b.sampleLast(s) : b.sampleOf(s));
  const out = sizes(shape);
  const operands = [x, y].map((v) => {
    if (!(v instanceof Value)) {
      const constant = b.constant(v, shape.length, last);
      return { v: constant, own: constant.shape };
    }
    if (b.batch && v.shape.length !== shape.length) {
      throw b.unsupported(`[${x.shape}] and [${y.shape}] do not keep the batch`);
    }
    const own = sizes(v.shape);
    return { v: b.order(v, last), own: [...Array(out.length - own.length).fill(1), ...own] };
  });
  const joined = joinAxes(
    out,
    operands.map(({ own }) => own),
  );
  const layers = operands.map(({ v }, k) => {
    const own = joined.map(({ sizes: each }) => each[k]);
    return v instanceof Value ? b.as(v, own) : b.variable(v, own);
  });
  const held = joined.map(({ size }) => size);
  return new Value(shape, b.apply(type, {}, layers), held, last);
}

/**
 * Neighbouring axes that all operands fill, or that the same ones repeat, as one.
 *
 * @param {readonly number[]} out
 * @param {readonly number[][]} operands sizes of each on all axes
 * @returns {{ size: number, sizes: number[], filled: string }[]} at least one
 */
function joinAxes(out, operands) {
  /** @type {{ size: number, sizes: number[], filled: string }[]} */
  const joined = [];
  out.forEach((size, d) => {
    if (size === 1) return;
    const sizes = operands.map((own) => own[d]);
    const filled = sizes.map((n) => n === size).join();
    const before = joined.at(-1);
    if (before?.filled === filled) {
      before.size *= size;
      before.sizes = before.sizes.map((n, k) => n * sizes[k]);
    } else joined.push({ size, sizes, filled });
  });
  if (joined.length === 0) return [{ size: 1, sizes: operands.map(() => 1), filled: '' }];
  return joined;
}

/**
 * A value and a single number, where that is no weight of its own.
 *
 * @param {Builder} b
 * @param {string} type
 * @param {Value} x
 * @param {import('./proto.js').Tensor} y
 * @returns {Value | undefined}
 */
function withNumber(b, type, x, y) {
  if (y.given || y.data.length !== 1 || y.shape.length > x.shape.length) return undefined;
  const value = y.data[0];
  switch (type) {
    case 'add':
      return b.unary(x, 'rescaling', { scale: 1, offset: value });
    case 'subtract':
      return b.unary(x, 'rescaling', { scale: 1, offset: -value });
    case 'multiply':
      return b.unary(x, 'rescaling', { scale: value });
    case 'divide':
      return value === 0 ? undefined : b.unary(x, 'rescaling', { scale: 1 / value });
    case 'power':
      if (value === 1) return x;
      if (value === 2) return b.unary(x, 'elementwise', { operation: 'square' });
      return value === 0.5 ? b.unary(x, 'elementwise', { operation: 'sqrt' }) : undefined;
    default:
      return undefined;
  }
}

/** @param {Parameters<typeof join>[1]} type @returns {Row} */
const binary = (type) => (b, node, inputs) => {
  const [x, y] = [0, 1].map((k) => inputs[k] ?? valueOf(b, node, inputs, k));
  return join(b, type, x, oldBroadcast(b, node, x, y));
};

/**
 * Before version 7 the second operand of arithmetic could say at which axis of the first it stands.
 *
 * @param {Builder} b
 * @param {import('./proto.js').OnnxNode} node
 * @param {Argument} x
 * @param {Argument} y
 * @returns {Argument}
 */
function oldBroadcast(b, node, x, y) {
  const axis = node.attributes.get('axis');
  if (b.opset >= 7 || typeof axis !== 'number') return y;
  const behind = x.shape.length - axis - y.shape.length;
  const shape = [...y.shape, ...Array(Math.max(0, behind)).fill(1)];
  return y instanceof Value ? b.reshape(y, shape) : { ...y, shape };
}

/** @param {Parameters<typeof join>[1]} type @returns {Row} of any number of inputs */
const several = (type) => (b, node, inputs) => {
  const first = inputs[0] ?? valueOf(b, node, inputs, 0);
  if (inputs.length === 1) return first;
  return inputs
    .slice(1)
    .reduce(
      (/** @type {Argument} */ sum, x) => join(b, type, sum, /** @type {Argument} */ (x)),
      first,
    );
};

/**
 * A function of whole rows, over axes axis … end - 1 as one.
 *
 * @param {Builder} b
 * @param {Value} x
 * @param {string} activation over the last axis
 * @param {number} axis
 * @param {number} end
 * @returns {Value}
 */
export function overAxis(b, x, activation, axis, end) {
  const { shape } = x;
  if (x.last && axis === 1 && end === 2) {
    const held = [product(x.held) / shape[1], shape[1]];
    return new Value(shape, b.apply('activation', { activation }, b.as(x, held)), held, true);
  }
  const plain = b.plain(x);
  const sample = b.sampleOf(shape);
  const first = b.sampleAxis(axis, false, shape.length);
  const count = end - axis;
  const inner = product(sample.slice(first + count));
  const outer = product(sample.slice(0, first));
  const middle = product(sample.slice(first, first + count));
  const turned = b.permuted(plain, [outer, middle, inner], [0, 2, 1]);
  const rows = b.as(turned, [outer * inner, middle]);
  const layer = b.apply('activation', { activation }, rows);
  const back = b.permuted(
    { layer, held: [outer * inner, middle] },
    [outer, inner, middle],
    [0, 2, 1],
  );
  return new Value(shape, back.layer, back.held, false);
}

/** Before version 13 all axes from this one on were one. @param {string} activation @returns {Row} */
const rows = (activation) => (b, node, inputs) => {
  const x = valueOf(b, node, inputs, 0);
  const rank = x.shape.length;
  const old = b.opset < 13;
  const axis = axisFor(node, rank, old ? 1 : -1);
  return overAxis(b, x, activation, axis, old ? rank : axis + 1);
};

/** @param {string} operation @returns {Row} */
const reduction = (operation) => (b, node, inputs) => {
  const x = valueOf(b, node, inputs, 0);
  const rank = x.shape.length;
  const given = list(node, 'axes', inputs[1] && constantOf(b, node, inputs, 1));
  if (!given?.length && number(node, 'noop_with_empty_axes', 0)) return x;
  const axes = (given?.length ? given : x.shape.map((_, d) => d)).map((d) =>
    d < 0 ? d + rank : d,
  );
  return reduce(b, operation, x, axes, number(node, 'keepdims', 1) !== 0);
};

/**
 * @param {Builder} b
 * @param {string} operation
 * @param {Value} x
 * @param {readonly number[]} axes from 0
 * @param {boolean} keep
 * @returns {Value}
 */
export function reduce(b, operation, x, axes, keep) {
  const rank = x.shape.length;
  const shape = x.shape.flatMap((n, d) => (axes.includes(d) ? (keep ? [1] : []) : [n]));
  const last = x.last && keep;
  const v = b.order(x, last);
  const sizes = last ? b.sampleLast(v.shape) : b.sampleOf(v.shape);
  const gone = axes.map((d) => b.sampleAxis(d, last, rank));
  if (gone.length === 0) return x;
  // Neighbours that go, or stay, together become one axis.
  /** @type {{ size: number, goes: boolean }[]} */
  const joined = [];
  sizes.forEach((size, d) => {
    const goes = gone.includes(d);
    const before = joined.at(-1);
    if (before?.goes === goes) before.size *= size;
    else joined.push({ size, goes });
  });
  const from = b.as(
    v,
    joined.map(({ size }) => size),
  );
  const axis = joined.flatMap(({ goes }, k) => (goes ? [k + 1] : []));
  const stays = joined.flatMap(({ size, goes }) => (goes ? [] : [size]));
  const layer = b.apply('reduce', { operation, axis }, from);
  return new Value(shape, layer, stays.length === 0 ? [1] : stays, last);
}

/** The float32 behind one that is not negative. @param {number} x */
function nextFloat(x) {
  const bits = new Uint32Array(Float32Array.of(Math.abs(x)).buffer);
  bits[0]++;
  return new Float32Array(bits.buffer)[0];
}

/** @type {Row} */
function clip(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const min = inputs[1] ? scalarOf(b, node, inputs, 1) : number(node, 'min', -Infinity);
  const max = inputs[2] ? scalarOf(b, node, inputs, 2) : number(node, 'max', Infinity);
  return b.unary(x, 'clip', { min, max });
}

/** @type {Row} */
function prelu(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const slope = inputs[1] ?? valueOf(b, node, inputs, 1);
  const old = b.opset < 7 && slope.shape.length === 1 && slope.shape[0] !== 1;
  const behind = old ? /** @type {number[]} */ (Array(x.shape.length - 2).fill(1)) : [];
  const right = slope instanceof Value ? slope : { ...slope, shape: [...slope.shape, ...behind] };
  const positive = b.unary(x, 'activation', { activation: 'relu' });
  return join(b, 'add', positive, join(b, 'multiply', join(b, 'subtract', x, positive), right));
}

/** @type {Row} */
function mean(b, node, inputs) {
  const sum = several('add')(b, node, inputs);
  return b.unary(/** @type {Value} */ (sum), 'rescaling', { scale: 1 / inputs.length });
}

/** @type {Row} */
function meanVarianceNormalization(b, node, inputs) {
  const x = valueOf(b, node, inputs, 0);
  const axes = numbers(node, 'axes') ?? [0, 2, 3];
  const centred = join(b, 'subtract', x, reduce(b, 'mean', x, axes, true));
  const square = b.unary(centred, 'elementwise', { operation: 'square' });
  const deviation = b.unary(reduce(b, 'mean', square, axes, true), 'elementwise', {
    operation: 'sqrt',
  });
  const moved = b.unary(deviation, 'rescaling', { scale: 1, offset: 1e-9 });
  return join(b, 'divide', centred, moved);
}

/** @type {[string, Row][]} */
export const MATH = [
  ['Abs', math('abs')],
  ['Exp', activation('exponential')],
  ['Log', math('log')],
  ['Neg', unary('rescaling', () => ({ scale: -1 }))],
  ['Reciprocal', math('reciprocal')],
  ['Sqrt', math('sqrt')],
  ['Relu', activation('relu')],
  ['Sigmoid', activation('sigmoid')],
  ['Tanh', activation('tanh')],
  ['Softplus', activation('softplus')],
  ['Softsign', activation('softsign')],
  ['HardSwish', activation('hardSwish')],
  ['Clip', clip],
  ['Elu', unary('elu', (node) => ({ alpha: number(node, 'alpha', 1) }))],
  ['LeakyRelu', unary('leakyReLU', (node) => ({ negativeSlope: number(node, 'alpha', 0.01) }))],
  [
    // The threshold itself is not passed on: the next number is the least that is.
    'ThresholdedRelu',
    unary('reLU', (node) => ({ threshold: nextFloat(number(node, 'alpha', 1)), negativeSlope: 0 })),
  ],
  [
    'Selu',
    (b, node, inputs) => {
      const alpha = number(node, 'alpha', 1.67326319217681884765625);
      const gamma = number(node, 'gamma', 1.05070102214813232421875);
      const x = b.unary(valueOf(b, node, inputs, 0), 'elu', { alpha });
      return b.unary(x, 'rescaling', { scale: gamma });
    },
  ],
  [
    'Celu',
    (b, node, inputs) => {
      const alpha = number(node, 'alpha', 1);
      const x = b.unary(valueOf(b, node, inputs, 0), 'rescaling', { scale: 1 / alpha });
      return b.unary(b.unary(x, 'elu', { alpha: 1 }), 'rescaling', { scale: alpha });
    },
  ],
  [
    'HardSigmoid',
    (b, node, inputs) => {
      const [alpha, beta] = [number(node, 'alpha', 0.2), number(node, 'beta', 0.5)];
      const line = { scale: alpha, offset: beta };
      return b.unary(b.unary(valueOf(b, node, inputs, 0), 'rescaling', line), 'clip', {
        min: 0,
        max: 1,
      });
    },
  ],
  ['PRelu', prelu],
  ['Softmax', rows('softmax')],
  ['LogSoftmax', rows('logSoftmax')],
  ['Hardmax', rows('hardmax')],
  ['Add', binary('add')],
  ['Sub', binary('subtract')],
  ['Mul', binary('multiply')],
  ['Div', binary('divide')],
  ['Pow', binary('power')],
  ['Max', several('maximum')],
  ['Min', several('minimum')],
  ['Sum', several('add')],
  ['Mean', mean],
  ['ReduceL1', reduction('l1')],
  ['ReduceL2', reduction('l2')],
  ['ReduceLogSum', reduction('logSum')],
  ['ReduceLogSumExp', reduction('logSumExp')],
  ['ReduceMax', reduction('max')],
  ['ReduceMean', reduction('mean')],
  ['ReduceMin', reduction('min')],
  ['ReduceProd', reduction('prod')],
  ['ReduceSum', reduction('sum')],
  ['ReduceSumSquare', reduction('sumSquare')],
  ['MeanVarianceNormalization', meanVarianceNormalization],
];

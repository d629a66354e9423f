/** Arithmetic on whole tensors, as layers: what graphs from elsewhere are made of. */

import { COMMON, layerName } from './layer-fields.js';
import { tensorFields, tensorSettings } from './tensor-options.js';
import { needBoolean, needNumber, needOneOf, wrongType } from './options.js';

/**
 * @typedef {import('./layers.js').LayerCommon} LayerCommon
 * @typedef {import('./layer-fields.js').Reader} Reader
 * @typedef {import('./layer-fields.js').Step} Step
 * @typedef {(typeof OPERATIONS)[number]} Operation
 * @typedef {(typeof REDUCTIONS)[number]} Reduction
 * @typedef {(typeof MODES)[number]} PadMode
 */

const OPERATIONS = /** @type {const} */ (['abs', 'log', 'reciprocal', 'sqrt', 'square']);
const REDUCTIONS = /** @type {const} */ ([
  'sum',
  'mean',
  'max',
  'min',
  'prod',
  'l1',
  'l2',
  'sumSquare',
  'logSum',
  'logSumExp',
]);
/** In the order of the engine's numbers. */
const MODES = /** @type {const} */ (['constant', 'edge', 'reflect', 'wrap']);

/** @param {readonly string[]} names @returns {Reader} */
const oneOf = (names) => (value, field, where) => needOneOf(value, names, field, where);

/** @type {Reader} one to four numbers, one for each axis */
const axes = (value, field, where) => {
  if (!Array.isArray(value) || value.length < 1 || value.length > 4) {
    throw wrongType(value, field, 'an array of 1 to 4 numbers', where);
  }
  return Array.from(value, (number) => needNumber(number, field, where));
};

/** @type {Reader} axes to reduce, counted from 1 */
const axisList = (value, field, where) => {
  const list = axes(typeof value === 'number' ? [value] : value, field, where);
  if (list.every((/** @type {number} */ d) => Number.isInteger(d) && d >= 1 && d <= 4)) return list;
  throw wrongType(value, field, 'axes from 1 to 4', where);
};

/** @type {Reader} [before, behind] for each axis */
const paddings = (value, field, where) => {
  const good =
    Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2);
  if (!good) throw wrongType(value, field, '[[before, behind], …] with one pair an axis', where);
  axes(
    value.map(([before]) => before),
    field,
    where,
  );
  return Array.from(value, (pair) => axes(pair, field, where));
};

/** @param {string} name @param {readonly number[]} values @returns {[string, number][]} */
const numbered = (name, values) =>
  values.map((value, k) => /** @type {[string, number]} */ ([`${name}${k + 1}`, value]));

/** @param {import('./layers.js').Layer} layer @returns {[string, number][]} */
const outside = ({ mode, value }) => [
  ['outside', MODES.indexOf(mode)],
  ['value', value],
];

/** Reduction → the engine's operator and what comes behind it. */
const FOLDS = /** @type {Record<string, [op: string, after?: string]>} */ ({
  sum: ['reduceSum'],
  mean: ['reduceSum'],
  max: ['reduceMax'],
  min: ['reduceMin'],
  prod: ['reduceProduct'],
  l1: ['reduceAbs'],
  l2: ['reduceSquare', 'sqrt'],
  sumSquare: ['reduceSquare'],
  logSum: ['reduceSum', 'log'],
});

/** @param {import('./layers.js').Layer} layer @returns {Step[]} */
function reduce({ operation, axis, keepdims }) {
  const mask = axis.reduce(
    (/** @type {number} */ bits, /** @type {number} */ d) => bits | (1 << (d - 1)),
    0,
  );
  /** @type {(op: string, keep: boolean, reads?: number[]) => Step} */
  const fold = (op, keep, reads) => ({
    op,
    attributes: [
      ['axes', mask],
      ['keepdims', keep ? 1 : 0],
      ...(operation === 'mean' ? /** @type {[string, number][]} */ ([['mean', 1]]) : []),
    ],
    reads,
  });
  if (operation === 'logSumExp') {
    // The largest is taken away before and added again behind, so that nothing overflows.
    return [
      fold('reduceMax', true, [0]),
      { op: 'subtract', reads: [0, -1] },
      { op: 'exponential' },
      fold('reduceSum', keepdims, [-1]),
      { op: 'log' },
      fold('reduceMax', keepdims, [0]),
      { op: 'add', reads: [-2, -1] },
    ];
  }
  const [op, after] = FOLDS[operation];
  if (!after) return [fold(op, keepdims)];
  // The gradient of a length is 0 at 0, as in PyTorch, and not the NaN of 0 / 0.
  const attributes = operation === 'l2' ? /** @type {[string, number][]} */ ([['flat', 1]]) : [];
  return [fold(op, keepdims), { op: after, attributes }];
}

const OUTSIDE = {
  mode: { read: oneOf(MODES), standard: 'constant' },
  value: { read: needNumber, standard: 0 },
};

/** @type {import('./layer-fields.js').Family} */
export const TENSOR_FAMILY = {
  types: [
    ['divide', { name: { read: layerName } }],
    ['power', { name: { read: layerName } }],
    ['matMul', { name: { read: layerName } }],
    [
      'variable',
      {
        shape: { read: axes, required: true },
        ...tensorFields('value', 'zeros'),
        trainable: { read: needBoolean, standard: true },
        name: { read: layerName },
      },
    ],
    ['elementwise', { operation: { read: oneOf(OPERATIONS), required: true }, ...COMMON }],
    [
      'rescaling',
      {
        scale: { read: needNumber, required: true },
        offset: { read: needNumber, standard: 0 },
        ...COMMON,
      },
    ],
    ['clip', { min: { read: needNumber }, max: { read: needNumber }, ...COMMON }],
    [
      'reduce',
      {
        operation: { read: oneOf(REDUCTIONS), required: true },
        axis: { read: axisList, required: true },
        keepdims: { read: needBoolean, standard: false },
        ...COMMON,
      },
    ],
    [
      'slice',
      {
        start: { read: axes, required: true },
        size: { read: axes, required: true },
        step: { read: axes },
        ...OUTSIDE,
        ...COMMON,
      },
    ],
    ['pad', { padding: { read: paddings, required: true }, ...OUTSIDE, ...COMMON }],
  ],
  steps: [
    ['divide', () => [{ op: 'divide', reads: [0, 1] }]],
    ['power', () => [{ op: 'power', reads: [0, 1] }]],
    ['matMul', () => [{ op: 'matMul', reads: [0, 1] }]],
    [
      'variable',
      (layer) => [
        {
          op: 'variable',
          reads: [],
          attributes: [
            ['rank', layer.shape.length],
            ...numbered('size', layer.shape),
            ['trainable', layer.trainable ? 1 : 0],
            ...tensorSettings('value', layer),
          ],
        },
      ],
    ],
    ['elementwise', ({ operation }) => [{ op: operation }]],
    [
      'rescaling',
      ({ scale, offset }) => [
        {
          op: 'rescaling',
          attributes: [
            ['scale', scale],
            ['offset', offset],
          ],
        },
      ],
    ],
    [
      'clip',
      ({ min = -Infinity, max = Infinity }) => [
        {
          op: 'clip',
          attributes: [
            ['min', min],
            ['max', max],
          ],
        },
      ],
    ],
    ['reduce', reduce],
    [
      'slice',
      (layer) => [
        {
          op: 'slice',
          attributes: [
            ['rank', layer.size.length],
            ...numbered('start', layer.start),
            ...numbered('size', layer.size),
            ...numbered('step', layer.step ?? []),
            ...outside(layer),
          ],
        },
      ],
    ],
    [
      'pad',
      (layer) => [
        {
          op: 'pad',
          attributes: [
            ['rank', layer.padding.length],
            ...numbered(
              'before',
              layer.padding.map((/** @type {number[]} */ [before]) => before),
            ),
            ...numbered(
              'behind',
              layer.padding.map((/** @type {number[]} */ [, behind]) => behind),
            ),
            ...outside(layer),
          ],
        },
      ],
    ],
  ],
};

/** @param {import('./layer-fields.js').Make} make */
export const tensorLayers = (make) => ({
  /**
   * The first of two tensors divided by the second, number by number; axes of 1 are repeated.
   *
   * @param {{ name?: string }} [options]
   */
  divide: (options) => make('divide', options),
  /**
   * The first of two tensors to the power of the second, number by number; axes of 1 are repeated. Computed from
   * logarithms: relative error about 1e-7 · |exponent · log base|; NaN for a negative base and a fractional exponent.
   *
   * @param {{ name?: string }} [options]
   */
  power: (options) => make('power', options),
  /**
   * The products of the matrices on the last two axes: [..., m, k] and [..., k, n] → [..., m, n]; the other axes must
   * agree (Keras ops.matmul, PyTorch matmul).
   *
   * @param {{ name?: string }} [options]
   */
  matMul: (options) => make('matMul', options),
  /**
   * A weight by itself, the same for every sample: `layers.variable({ shape: [3] }).apply([])`. Weight `value` (PyTorch
   * Parameter; a buffer when not trainable).
   *
   * @param {{ shape: number[], valueInitializer?: import('./initializers.js').Initializer,
   *   valueRegularizer?: import('./regularizers.js').Regularizer | null,
   *   valueConstraint?: import('./constraints.js').Constraint | null, trainable?: boolean, name?: string }} options
   *   shape 1 to 4 sizes, without the batch; valueInitializer default 'zeros'; trainable default true
   */
  variable: (options) => make('variable', options),
  /**
   * A function of each number: 'abs', 'log', 'reciprocal' (1 / x), 'sqrt', 'square'.
   *
   * @param {{ operation: Operation } & LayerCommon} options
   */
  elementwise: (options) => make('elementwise', options),
  /** scale · x + offset (Keras Rescaling). @param {{ scale: number, offset?: number } & LayerCommon} options offset default 0 */
  rescaling: (options) => make('rescaling', options),
  /** x, at least `min` and at most `max`. @param {{ min?: number, max?: number } & LayerCommon} [options] defaults: no limit */
  clip: (options) => make('clip', options),
  /**
   * Axes folded into one number: 'sum', 'mean', 'max', 'min', 'prod', 'l1' (sum of |x|), 'l2' (root of the sum of
   * squares), 'sumSquare', 'logSum', 'logSumExp' (Keras ops.sum and its like, ONNX ReduceSum …). Equal largest or
   * smallest share the gradient; that of 'l2' is 0 where all are 0.
   *
   * @param {{ operation: Reduction, axis: number | number[], keepdims?: boolean } & LayerCommon} options axis from 1;
   *   keepdims leaves an axis of 1, default false
   */
  reduce: (options) => make('reduce', options),
  /**
   * Part of a tensor: cell i of an axis is cell start + i · step of the input (Keras ops.slice). Where that lies
   * outside, it is what `mode` says: 'constant' (`value`), 'edge' (the nearest cell), 'reflect' (mirrored),
   * 'wrap' (from the other end on: PyTorch's circular).
   *
   * @param {{ start: number[], size: number[], step?: number[], mode?: PadMode, value?: number } & LayerCommon} options
   *   one number an axis; step default 1, may be negative; mode default 'constant', value default 0
   */
  slice: (options) => make('slice', options),
  /**
   * A tensor with cells around it (Keras ops.pad).
   *
   * @param {{ padding: [number, number][], mode?: PadMode, value?: number } & LayerCommon} options padding [before,
   *   behind] for each axis; mode as of slice, default 'constant'
   */
  pad: (options) => make('pad', options),
});

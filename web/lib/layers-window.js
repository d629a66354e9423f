/**
 * Layers that slide a window over pictures or over steps: convolutions and poolings. The operators behind them are in
 * window-steps.js.
 */

import { COMMON, pair } from './layer-fields.js';
import { needBoolean, needNumber, needOneOf, wrongType } from './options.js';
import { weightFields } from './tensor-options.js';
import { WINDOW_STEPS } from './window-steps.js';

/**
 * @typedef {import('./layer-fields.js').Field} Field
 * @typedef {import('./layer-fields.js').Reader} Reader
 * @typedef {import('./layers.js').WeightOptions} WeightOptions
 * @typedef {import('./layers.js').LayerCommon} LayerCommon
 * @typedef {import('./layers.js').Pair} Pair
 * @typedef {import('./initializers.js').Initializer} Initializer
 * @typedef {import('./regularizers.js').Regularizer} Regularizer
 * @typedef {import('./constraints.js').Constraint} Constraint
 *
 * @typedef {'valid' | 'same'} Padding `valid`: windows lie inside the picture. `same`: zeros
 *   around it, so that stride 1 keeps the size; an odd one goes behind
 * @typedef {Padding | number | readonly [number, number, number, number]} Padding2d also PyTorch's:
 *   so many cells on every side, or [top, bottom, left, right]
 * @typedef {Padding | number | readonly [number, number]} Padding1d also PyTorch's: so many steps
 *   on both sides, or [before, after]
 *
 * @typedef {object} Conv2dOptions
 * @property {number} filters
 * @property {Pair} kernelSize
 * @property {Pair} [strides] default 1
 * @property {Padding2d} [padding] default 'valid'
 * @property {Pair} [dilationRate] distance between neighbouring taps of the kernel, default 1
 * @property {number} [groups] input channels and filters are split into so many groups, each a
 *   convolution by itself; must divide both; default 1
 *
 * @typedef {object} Conv1dOptions
 * @property {number} filters
 * @property {number} kernelSize
 * @property {number} [strides] default 1
 * @property {Padding1d} [padding] default 'valid'
 * @property {number} [dilationRate] distance between neighbouring taps of the kernel, default 1
 * @property {number} [groups] as of conv2d, default 1
 *
 * @typedef {object} DepthwiseOptions
 * @property {Pair} kernelSize
 * @property {number} [depthMultiplier] filters a channel, default 1
 * @property {Pair} [strides] default 1
 * @property {Padding2d} [padding] default 'valid'
 * @property {Pair} [dilationRate] default 1
 * @property {Initializer} [depthwiseInitializer] default 'glorotUniform'
 * @property {Regularizer | null} [depthwiseRegularizer] default none
 * @property {Constraint | null} [depthwiseConstraint] default none
 *
 * @typedef {Omit<WeightOptions, 'kernelInitializer' | 'kernelRegularizer' | 'kernelConstraint'>} BiasOptions
 *
 * @typedef {object} PointwiseOptions
 * @property {Initializer} [pointwiseInitializer] default 'glorotUniform'
 * @property {Regularizer | null} [pointwiseRegularizer] default none
 * @property {Constraint | null} [pointwiseConstraint] default none
 *
 * @typedef {object} TransposeOptions
 * @property {number} filters
 * @property {Pair} kernelSize
 * @property {Pair} [strides] how much larger the output is, default 1
 * @property {Padding} [padding] default 'valid'
 * @property {Pair} [outputPadding] rows and columns added behind, fewer than the strides; default
 *   as many as make the size that the strides say
 * @property {Pair} [dilationRate] default 1
 *
 * @typedef {object} Pool2dOptions
 * @property {Pair} [poolSize] default 2
 * @property {Pair} [strides] default poolSize
 * @property {Padding2d} [padding] at most half of the window where it is a number; default 'valid'
 *
 * @typedef {object} Pool1dOptions
 * @property {number} [poolSize] default 2
 * @property {number} [strides] default poolSize
 * @property {Padding1d} [padding] at most half of the window where it is a number; default 'valid'
 *
 * @typedef {object} GlobalOptions
 * @property {boolean} [keepdims] leave axes of one cell: [1, channels], [1, 1, channels]; default false
 *
 * @typedef {object} AverageOptions
 * @property {boolean} [countIncludePad] padded cells count as zeros in the mean; default as in
 *   PyTorch for padding in numbers (true), as in Keras for 'same' (false)
 */

/** @type {readonly Padding[]} */
const PADDINGS = Object.freeze(['valid', 'same']);

/** @type {Reader} */
const paddingName = (value, field, where) => needOneOf(value, PADDINGS, field, where);

/** @param {number} sides @param {string} names @returns {Reader} */
const paddingOf = (sides, names) => (value, field, where) => {
  if (typeof value === 'number') return Array(sides).fill(value);
  if (!Array.isArray(value)) return needOneOf(value, PADDINGS, field, where);
  if (value.length !== sides) throw wrongType(value, field, `a number or ${names}`, where);
  return Array.from(value, (size) => needNumber(size, field, where));
};

/** @type {Reader} */
const padding1d = paddingOf(2, '[before, after]');
/** @type {Reader} */
const padding2d = paddingOf(4, '[top, bottom, left, right]');

/** @param {Reader} size @param {Reader} padding */
const kernelFields = (size, padding) => ({
  kernelSize: { read: size, required: true },
  strides: { read: size, standard: 1 },
  padding: { read: padding, standard: 'valid' },
  dilationRate: { read: size, standard: 1 },
});
/** @param {Reader} size @param {Reader} padding */
const poolFields = (size, padding) => ({
  poolSize: { read: size, standard: 2 },
  strides: { read: size },
  padding: { read: padding, standard: 'valid' },
});
const FILTERS = { filters: { read: needNumber, required: true } };
const GROUPS = { groups: { read: needNumber, standard: 1 } };
const MULTIPLIER = { depthMultiplier: { read: needNumber, standard: 1 } };
const COUNTED = { countIncludePad: { read: needBoolean } };

const KEPT = { keepdims: { read: needBoolean, standard: false }, ...COMMON };
const ALL = { ...weightFields('kernel'), ...COMMON };
const CONV2D = kernelFields(pair, padding2d);
const POOL1D = poolFields(needNumber, padding1d);
const POOL2D = poolFields(pair, padding2d);
const OUTPUT1D = { outputSize: { read: needNumber, required: true }, ...COMMON };
const OUTPUT2D = { outputSize: { read: pair, required: true }, ...COMMON };

/** @type {import('./layer-fields.js').Family} */
export const WINDOW_FAMILY = {
  types: [
    ['conv1d', { ...FILTERS, ...kernelFields(needNumber, padding1d), ...GROUPS, ...ALL }],
    ['conv2d', { ...FILTERS, ...CONV2D, ...GROUPS, ...ALL }],
    [
      'conv2dTranspose',
      { ...FILTERS, ...kernelFields(pair, paddingName), outputPadding: { read: pair }, ...ALL },
    ],
    ['depthwiseConv2d', { ...CONV2D, ...MULTIPLIER, ...weightFields('depthwise'), ...COMMON }],
    [
      'separableConv2d',
      {
        ...FILTERS,
        ...CONV2D,
        ...MULTIPLIER,
        ...weightFields('depthwise', 'pointwise'),
        ...COMMON,
      },
    ],
    ['maxPooling1d', { ...POOL1D, ...COMMON }],
    ['maxPooling2d', { ...POOL2D, ...COMMON }],
    ['averagePooling1d', { ...POOL1D, ...COUNTED, ...COMMON }],
    ['averagePooling2d', { ...POOL2D, ...COUNTED, ...COMMON }],
    ['globalMaxPooling1d', KEPT],
    ['globalMaxPooling2d', KEPT],
    ['globalAveragePooling1d', KEPT],
    ['globalAveragePooling2d', KEPT],
    ['adaptiveMaxPooling1d', OUTPUT1D],
    ['adaptiveMaxPooling2d', OUTPUT2D],
    ['adaptiveAveragePooling1d', OUTPUT1D],
    ['adaptiveAveragePooling2d', OUTPUT2D],
  ],
  steps: WINDOW_STEPS,
};

/**
 * Defaults that depend on other options, filled in before any is read.
 *
 * @param {Record<string, any>} given
 * @param {Record<string, Field>} fields
 */
export function completeWindow(given, fields) {
  if ('poolSize' in fields) given.strides ??= given.poolSize ?? fields.poolSize.standard;
  if ('countIncludePad' in fields) {
    given.countIncludePad ??= given.padding !== undefined && typeof given.padding !== 'string';
  }
}

/** @param {import('./layer-fields.js').Make} make */
export const windowLayers = (make) => ({
  /**
   * 1-D convolution: [steps, channels] → [steps', filters]; weights `kernel` [kernelSize,
   * channels / groups, filters] and `bias` [filters] (Keras Conv1D).
   *
   * @param {Conv1dOptions & WeightOptions & LayerCommon} options
   */
  conv1d: (options) => make('conv1d', options),
  /**
   * 2-D convolution: [height, width, channels] → [height', width', filters]; weights `kernel`
   * [kernelHeight, kernelWidth, channels / groups, filters] and `bias` [filters] (Keras Conv2D).
   * E_CONFIG names both numbers where groups does not divide channels and filters, or where the
   * dilated kernel is larger than its padded input.
   *
   * @param {Conv2dOptions & WeightOptions & LayerCommon} options
   */
  conv2d: (options) => make('conv2d', options),
  /**
   * Transposed 2-D convolution, which undoes the shape of a convolution: [height, width, channels]
   * → [height', width', filters]; weights `kernel` [kernelHeight, kernelWidth, filters, channels]
   * and `bias` [filters] (Keras Conv2DTranspose). With k = (kernel − 1) · dilationRate + 1 a side
   * becomes, without outputPadding, side · stride ('same') or (side − 1) · stride + max(k, stride)
   * ('valid'); with it (side − 1) · stride + outputPadding + (k odd ? 1 : 0) or + k.
   *
   * @param {TransposeOptions & WeightOptions & LayerCommon} options
   */
  conv2dTranspose: (options) => make('conv2dTranspose', options),
  /**
   * Each channel by itself: [height, width, channels] → [height', width', channels ·
   * depthMultiplier], the filters of a channel side by side; weights `kernel` [kernelHeight,
   * kernelWidth, channels, depthMultiplier] and `bias` (Keras DepthwiseConv2D).
   *
   * @param {DepthwiseOptions & BiasOptions & LayerCommon} options
   */
  depthwiseConv2d: (options) => make('depthwiseConv2d', options),
  /**
   * A depthwise convolution, then one of 1 x 1 over its channels (Chollet 2017; Keras
   * SeparableConv2D); weights `depthwise/kernel` [kernelHeight, kernelWidth, channels,
   * depthMultiplier], `pointwise/kernel` [1, 1, channels · depthMultiplier, filters] and
   * `pointwise/bias` [filters].
   *
   * @param {{ filters: number } & DepthwiseOptions & PointwiseOptions & BiasOptions & LayerCommon} options
   */
  separableConv2d: (options) => make('separableConv2d', options),
  /**
   * The largest value of each window: [steps, channels] → [steps', channels].
   *
   * @param {Pool1dOptions & LayerCommon} [options]
   */
  maxPooling1d: (options) => make('maxPooling1d', options),
  /**
   * The largest value of each window; padding is smaller than every number.
   *
   * @param {Pool2dOptions & LayerCommon} [options]
   */
  maxPooling2d: (options) => make('maxPooling2d', options),
  /**
   * The mean of each window: [steps, channels] → [steps', channels].
   *
   * @param {Pool1dOptions & AverageOptions & LayerCommon} [options]
   */
  averagePooling1d: (options) => make('averagePooling1d', options),
  /**
   * The mean of each window; with padding 'same', of the part of it inside the picture.
   *
   * @param {Pool2dOptions & AverageOptions & LayerCommon} [options]
   */
  averagePooling2d: (options) => make('averagePooling2d', options),
  /** [steps, channels] → [channels]: the largest of each. @param {GlobalOptions & LayerCommon} [options] */
  globalMaxPooling1d: (options) => make('globalMaxPooling1d', options),
  /** [height, width, channels] → [channels]: the largest of each. @param {GlobalOptions & LayerCommon} [options] */
  globalMaxPooling2d: (options) => make('globalMaxPooling2d', options),
  /** [steps, channels] → [channels]: the mean of each. @param {GlobalOptions & LayerCommon} [options] */
  globalAveragePooling1d: (options) => make('globalAveragePooling1d', options),
  /** [height, width, channels] → [channels]: the mean of each. @param {GlobalOptions & LayerCommon} [options] */
  globalAveragePooling2d: (options) => make('globalAveragePooling2d', options),
  /**
   * [steps, channels] → [outputSize, channels]: cell i of n is the largest of the cells floor(i · steps / n) up to
   * ceil((i + 1) · steps / n) (PyTorch's AdaptiveMaxPool1d).
   *
   * @param {{ outputSize: number } & LayerCommon} options
   */
  adaptiveMaxPooling1d: (options) => make('adaptiveMaxPooling1d', options),
  /** The same of [height, width, channels] (AdaptiveMaxPool2d). @param {{ outputSize: Pair } & LayerCommon} options */
  adaptiveMaxPooling2d: (options) => make('adaptiveMaxPooling2d', options),
  /** The same with the mean (AdaptiveAvgPool1d). @param {{ outputSize: number } & LayerCommon} options */
  adaptiveAveragePooling1d: (options) => make('adaptiveAveragePooling1d', options),
  /** The same with the mean (AdaptiveAvgPool2d). @param {{ outputSize: Pair } & LayerCommon} options */
  adaptiveAveragePooling2d: (options) => make('adaptiveAveragePooling2d', options),
});

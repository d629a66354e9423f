/** Layers that change a sample's shape. */

import { COMMON, pair } from './layer-fields.js';
import { needNumber, needOneOf, wrongType } from './options.js';

/**
 * @typedef {import('./layers.js').LayerCommon} LayerCommon
 * @typedef {import('./layers.js').Pair} Pair
 * @typedef {import('./layer-fields.js').Reader} Reader
 * @typedef {number | [number, number] | [[number, number], [number, number]]} Margins one number for all sides,
 *   [height, width] for both of each, or [[top, bottom], [left, right]]
 */

/** @type {Reader} one to four numbers, for each axis one */
const axes = (value, field, where) => {
  if (!Array.isArray(value) || value.length < 1 || value.length > 4) {
    throw wrongType(value, field, 'an array of 1 to 4 numbers', where);
  }
  return Array.from(value, (number) => needNumber(number, field, where));
};

/** @type {Reader} */
const margins = (value, field, where) =>
  pairOf(value).map((side) => pairOf(side).map((number) => needNumber(number, field, where)));

/** @param {unknown} value */
const pairOf = (value) => (Array.isArray(value) && value.length === 2 ? value : [value, value]);

/** @param {string} first @param {readonly number[]} values @returns {[string, number][]} */
const numbered = (first, values) => [
  ['rank', values.length],
  ...values.map((value, k) => /** @type {[string, number]} */ ([`${first}${k + 1}`, value])),
];

/** @param {readonly (readonly number[])[]} value @returns {[string, number][]} */
const sides = ([[top, bottom], [left, right]]) => [
  ['top', top],
  ['bottom', bottom],
  ['left', left],
  ['right', right],
];

const INTERPOLATIONS = /** @type {const} */ (['nearest', 'bilinear']);

/** @type {import('./layer-fields.js').Family} */
export const SHAPE_FAMILY = {
  types: [
    ['reshape', { targetShape: { read: axes, required: true }, ...COMMON }],
    ['permute', { dims: { read: axes, required: true }, ...COMMON }],
    ['repeatVector', { n: { read: needNumber, required: true }, ...COMMON }],
    ['cropping2d', { cropping: { read: margins, standard: 0 }, ...COMMON }],
    ['zeroPadding2d', { padding: { read: margins, standard: 1 }, ...COMMON }],
    [
      'upSampling2d',
      {
        size: { read: pair, standard: 2 },
        interpolation: {
          read: (value, field, where) => needOneOf(value, INTERPOLATIONS, field, where),
          standard: 'nearest',
        },
        ...COMMON,
      },
    ],
  ],
  steps: [
    ['reshape', (layer) => [{ op: 'reshape', attributes: numbered('size', layer.targetShape) }]],
    ['permute', (layer) => [{ op: 'permute', attributes: numbered('dims', layer.dims) }]],
    ['repeatVector', (layer) => [{ op: 'repeatVector', attributes: [['n', layer.n]] }]],
    ['cropping2d', (layer) => [{ op: 'cropping2d', attributes: sides(layer.cropping) }]],
    ['zeroPadding2d', (layer) => [{ op: 'zeroPadding2d', attributes: sides(layer.padding) }]],
    [
      'upSampling2d',
      (layer) => [
        {
          op: 'upSampling2d',
          attributes: [
            ['sizeHeight', layer.size[0]],
            ['sizeWidth', layer.size[1]],
            ['bilinear', layer.interpolation === 'bilinear' ? 1 : 0],
          ],
        },
      ],
    ],
  ],
};

/** @param {import('./layer-fields.js').Make} make */
export const shapeLayers = (make) => ({
  /**
   * The same numbers under another shape.
   *
   * @param {{ targetShape: number[] } & LayerCommon} options 1 to 4 sizes, without the batch; one may be -1 and takes
   *   what the others leave
   */
  reshape: (options) => make('reshape', options),
  /**
   * The axes in another order.
   *
   * @param {{ dims: number[] } & LayerCommon} options axis k of the output is axis dims[k] of the input, counted from 1
   */
  permute: (options) => make('permute', options),
  /** [features] → [n, features]. @param {{ n: number } & LayerCommon} options */
  repeatVector: (options) => make('repeatVector', options),
  /**
   * [height, width, channels] without its margins.
   *
   * @param {{ cropping?: Margins } & LayerCommon} [options] cropping default 0
   */
  cropping2d: (options) => make('cropping2d', options),
  /**
   * [height, width, channels] with margins of zeros.
   *
   * @param {{ padding?: Margins } & LayerCommon} [options] padding default 1
   */
  zeroPadding2d: (options) => make('zeroPadding2d', options),
  /**
   * [height, width, channels] → [height · size, width · size, channels].
   *
   * @param {{ size?: Pair, interpolation?: 'nearest' | 'bilinear' } & LayerCommon} [options] size default 2; nearest
   *   repeats cells, bilinear goes straight from centre to centre (PyTorch's align_corners=False)
   */
  upSampling2d: (options) => make('upSampling2d', options),
});

/** Normalisations by a sample's own statistics: the same in training and in predictions. */

import { COMMON, LAST_AXIS, lastAxis } from './layer-fields.js';
import { needBoolean, needNumber, wrongType } from './options.js';

/**
 * @typedef {import('./layers.js').LayerCommon} LayerCommon
 * @typedef {number | number[]} Axes -1, or the last axes in their order: [-2, -1]
 */

/** @type {import('./layer-fields.js').Reader} as a list */
const lastAxes = (value, field, where) => {
  const list = Array.isArray(value) ? Array.from(value) : [value];
  if (list.length === 0 || list.some((axis, k) => axis !== k - list.length)) {
    throw wrongType(value, field, '-1, or the last axes: [-2, -1] …', where);
  }
  return list;
};

const AXIS = { read: lastAxes, standard: -1 };
const CENTER_AND_SCALE = {
  center: { read: needBoolean, standard: true },
  scale: { read: needBoolean, standard: true },
};

/** @param {import('./layers.js').Layer} layer @returns {[string, number][]} */
const centerAndScale = (layer) => [
  ['epsilon', layer.epsilon],
  ['center', layer.center ? 1 : 0],
  ['scale', layer.scale ? 1 : 0],
];

/** @param {import('./layers.js').Layer} layer @param {number} count @returns {import('./layer-fields.js').Step[]} */
const groups = (layer, count) => [
  {
    op: 'groupNormalization',
    attributes: [['groups', count], ...centerAndScale(layer), ...lastAxis(layer)],
  },
];

/** @type {import('./layer-fields.js').Family} */
export const NORM_FAMILY = {
  types: [
    [
      'layerNormalization',
      {
        axis: AXIS,
        epsilon: { read: needNumber, standard: 1e-3 },
        ...CENTER_AND_SCALE,
        ...COMMON,
      },
    ],
    [
      'groupNormalization',
      {
        groups: { read: needNumber, standard: 32 },
        ...LAST_AXIS,
        epsilon: { read: needNumber, standard: 1e-3 },
        ...CENTER_AND_SCALE,
        ...COMMON,
      },
    ],
    [
      'instanceNormalization',
      {
        ...LAST_AXIS,
        epsilon: { read: needNumber, standard: 1e-3 },
        ...CENTER_AND_SCALE,
        ...COMMON,
      },
    ],
    ['rmsNormalization', { axis: AXIS, epsilon: { read: needNumber, standard: 1e-6 }, ...COMMON }],
    ['unitNormalization', { axis: AXIS, ...COMMON }],
  ],
  steps: [
    [
      'layerNormalization',
      (layer) => [
        {
          op: 'layerNormalization',
          attributes: [['axes', layer.axis.length], ...centerAndScale(layer)],
        },
      ],
    ],
    ['groupNormalization', (layer) => groups(layer, layer.groups)],
    ['instanceNormalization', (layer) => groups(layer, -1)],
    [
      'rmsNormalization',
      (layer) => [
        {
          op: 'rmsNormalization',
          attributes: [
            ['axes', layer.axis.length],
            ['epsilon', layer.epsilon],
          ],
        },
      ],
    ],
    [
      'unitNormalization',
      (layer) => [{ op: 'unitNormalization', attributes: [['axes', layer.axis.length]] }],
    ],
  ],
};

/** @param {import('./layer-fields.js').Make} make */
export const normLayers = (make) => ({
  /**
   * Each sample's last axis (or last axes together) to mean `beta` and standard deviation `gamma` (Ba, Kiros and Hinton
   * 2016). Weights `gamma`, `beta` of the shape of those axes.
   *
   * @param {{ axis?: Axes, epsilon?: number, center?: boolean, scale?: boolean } & LayerCommon} [options] axis default
   *   -1; epsilon 1e-12 … 1e6, added to the variance, default 1e-3 (PyTorch's is 1e-5); center (has beta) and scale (has
   *   gamma) default true
   */
  layerNormalization: (options) => make('layerNormalization', options),
  /**
   * The channels (last axis) in groups of neighbours, each by mean and variance of all its values in a sample (Wu and He
   * 2018). Weights `gamma`, `beta` [channels].
   *
   * @param {{ groups?: number, axis?: number, epsilon?: number, center?: boolean, scale?: boolean } & LayerCommon}
   *   [options] groups must divide the channels, default 32; -1 is a group for each channel. axis must be the last,
   *   default -1. The rest as in layerNormalization
   */
  groupNormalization: (options) => make('groupNormalization', options),
  /**
   * Each channel (last axis) by mean and variance of its values in a sample (Ulyanov, Vedaldi and Lempitsky 2016):
   * groupNormalization with a group for each channel. Weights `gamma`, `beta` [channels], which PyTorch's
   * InstanceNorm2d has with affine=True only.
   *
   * @param {{ axis?: number, epsilon?: number, center?: boolean, scale?: boolean } & LayerCommon} [options] as in
   *   groupNormalization
   */
  instanceNormalization: (options) => make('instanceNormalization', options),
  /**
   * Each sample's last axis (or last axes together) divided by the root of the mean of its squares (Zhang and Sennrich
   * 2019), times the weight `scale`.
   *
   * @param {{ axis?: Axes, epsilon?: number } & LayerCommon} [options] axis default -1; epsilon 1e-12 … 1e6, default 1e-6
   */
  rmsNormalization: (options) => make('rmsNormalization', options),
  /**
   * Each sample's last axis (or last axes together) to length 1; the square of the length counts as 1e-12 at least.
   *
   * @param {{ axis?: Axes } & LayerCommon} [options] axis default -1
   */
  unitNormalization: (options) => make('unitNormalization', options),
});

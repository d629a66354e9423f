/**
 * The engine's operators behind the layers of layers-window.js. An attribute is sent only where it may differ from the
 * operator's default.
 */

import { weightSettings } from './tensor-options.js';

/**
 * @typedef {import('./layers.js').Layer} Layer
 * @typedef {import('./layer-fields.js').Step} Step
 * @typedef {import('./layer-fields.js').Family['steps'][0]} Steps
 * @typedef {[string, number][]} Attributes
 */

/** Over steps the window has one row. @param {number | readonly number[]} size */
const sides = (size) => (typeof size === 'number' ? [1, size] : size);

/** @param {string} name @param {number | readonly number[]} size @returns {Attributes} */
const both = (name, size) => [
  [`${name}Height`, sides(size)[0]],
  [`${name}Width`, sides(size)[1]],
];

/** @type {(layer: Layer) => Attributes} */
const explicitPadding = ({ padding }) => {
  if (typeof padding === 'string') return [];
  const [top, bottom, left, right] = padding.length === 2 ? [0, 0, ...padding] : padding;
  return [
    ['padTop', top],
    ['padBottom', bottom],
    ['padLeft', left],
    ['padRight', right],
  ];
};

/** @type {(layer: Layer) => Attributes} */
const slide = (layer) => [
  ...both('stride', layer.strides),
  ['samePadding', layer.padding === 'same' ? 1 : 0],
  ...explicitPadding(layer),
];

/** @type {(layer: Layer) => Attributes} */
const kernel = (layer) => [
  ...both('kernel', layer.kernelSize),
  ...slide(layer),
  ...(sides(layer.dilationRate).every((rate) => rate === 1)
    ? []
    : both('dilation', layer.dilationRate)),
];

/** @type {(layer: Layer) => Attributes} */
const groups = ({ groups: count = 1 }) => (count === 1 ? [] : [['groups', count]]);

/** @type {(layer: Layer) => Attributes} */
const outputPadding = ({ outputPadding: size }) =>
  size ? [['outputPadded', 1], ...both('outputPadding', size)] : [];

/** @param {string} op @returns {Steps} */
const convolution = (op) => [
  op,
  (layer) => [
    {
      op,
      attributes: [
        ['filters', layer.filters],
        ...kernel(layer),
        ...groups(layer),
        ...outputPadding(layer),
        ...weightSettings(layer),
      ],
    },
  ],
];

/** @param {Layer} layer @param {string} [name] @returns {Step} */
const depthwise = (layer, name) => ({
  op: 'depthwiseConv2d',
  name,
  attributes: [
    ['depthMultiplier', layer.depthMultiplier],
    ...kernel(layer),
    ...weightSettings(layer, 'depthwise'),
  ],
});

/** @param {Layer} layer @returns {Step} */
const pointwise = (layer) => ({
  op: 'conv2d',
  name: 'pointwise',
  attributes: [
    ['filters', layer.filters],
    ...both('kernel', [1, 1]),
    ...weightSettings(layer, 'pointwise'),
  ],
});

/** @param {string} op @returns {Steps} */
const pooling = (op) => [
  op,
  (layer) => [
    {
      op,
      attributes: [
        ...both('pool', layer.poolSize),
        ...slide(layer),
        ...(layer.countIncludePad ? /** @type {Attributes} */ ([['countPadding', 1]]) : []),
      ],
    },
  ],
];

/** @param {string} op @param {number | readonly number[]} size @returns {Step} */
const adaptive = (op, size) => ({ op, attributes: both('output', size) });

/** @param {string} op @returns {Steps} */
const adaptivePooling = (op) => [op, ({ outputSize }) => [adaptive(op, outputSize)]];

/** @type {Step} */
const FLATTEN = { op: 'flatten' };
/** A vector as an image, or a row, of one cell. @param {number} rank @returns {Step} */
const oneCell = (rank) => ({
  op: 'reshape',
  attributes: [
    ['rank', rank],
    ...Array.from(
      { length: rank },
      (_, k) => /** @type {[string, number]} */ ([`size${k + 1}`, k < rank - 1 ? 1 : -1]),
    ),
  ],
});

/** @type {Steps[]} */
export const WINDOW_STEPS = [
  convolution('conv1d'),
  convolution('conv2d'),
  convolution('conv2dTranspose'),
  ['depthwiseConv2d', (layer) => [depthwise(layer)]],
  [
    'separableConv2d',
    (layer) => [depthwise({ ...layer, useBias: false }, 'depthwise'), pointwise(layer)],
  ],
  pooling('maxPooling1d'),
  pooling('maxPooling2d'),
  pooling('averagePooling1d'),
  pooling('averagePooling2d'),
  adaptivePooling('adaptiveMaxPooling1d'),
  adaptivePooling('adaptiveMaxPooling2d'),
  adaptivePooling('adaptiveAveragePooling1d'),
  adaptivePooling('adaptiveAveragePooling2d'),
  ...[1, 2].flatMap(
    (axes) =>
      /** @type {Steps[]} */ ([
        [
          `globalMaxPooling${axes}d`,
          ({ keepdims }) => [
            adaptive(`adaptiveMaxPooling${axes}d`, axes === 1 ? 1 : [1, 1]),
            ...(keepdims ? [] : [FLATTEN]),
          ],
        ],
        [
          `globalAveragePooling${axes}d`,
          ({ type, keepdims }) => [{ op: type }, ...(keepdims ? [oneCell(axes + 1)] : [])],
        ],
      ]),
  ),
];

/**
 * From a list of layers to the engine's nodes. The architecture (named layers, plain data) is what
 * crosses to the worker and what a file keeps; the nodes are made from it in the worker.
 */

import { ConfigError, GraphError, LimitError } from './errors.js';
import { INITIALIZERS } from './initializers.js';
import { readLayer } from './layers.js';
import { describe } from './options.js';

/**
 * @typedef {import('./layers.js').Layer} Layer
 *
 * @typedef {object} Architecture
 * @property {string} name the model's
 * @property {Layer[]} layers every one with its name; the first with its inputShape
 *
 * @typedef {object} NodeSpec
 * @property {string} op name of an engine operator
 * @property {string} name
 * @property {[string, number][]} attributes
 * @property {number} layer index of the layer it belongs to; the first belongs to the input
 */

/** Deep enough for any network that trains on a CPU; refused before anything is made. */
const MAX_LAYERS = 1000;

/** Layer type → its automatic name in Keras. */
const AUTOMATIC_NAMES = new Map([
  ['inputLayer', 'input_layer'],
  ['conv2d', 'conv2d'],
  ['dense', 'dense'],
  ['maxPooling2d', 'max_pooling2d'],
  ['averagePooling2d', 'average_pooling2d'],
  ['flatten', 'flatten'],
  ['activation', 'activation'],
  ['reLU', 're_lu'],
  ['softmax', 'softmax'],
  ['dropout', 'dropout'],
]);

/**
 * Checks a list of layers as a whole and names those without a name.
 *
 * @param {unknown} list what a program passed, or what a file held
 * @param {string} modelName
 * @returns {Architecture}
 * @throws {ConfigError} {LimitError} {GraphError}
 */
export function readArchitecture(list, modelName) {
  if (!Array.isArray(list)) {
    throw new ConfigError(`sequential: layers must be an array, found ${describe(list)}.`, {
      field: 'layers',
    });
  }
  if (list.length > MAX_LAYERS) {
    throw new LimitError(`sequential: at most ${MAX_LAYERS} layers, found ${list.length}.`, {
      field: 'layers',
    });
  }
  const layers = nameLayers(Array.from(list, readLayer));
  const inputOnly = layers[0]?.type === 'inputLayer';
  if (layers.length <= (inputOnly ? 1 : 0)) {
    throw new ConfigError('sequential: a model needs at least 1 layer beside its input, found 0.', {
      field: 'layers',
    });
  }
  if (!layers[0].inputShape) {
    throw new ConfigError(
      `${layers[0].type} '${layers[0].name}': the first layer needs inputShape.`,
      { layer: layers[0].name, field: 'inputShape' },
    );
  }
  const late = layers.slice(1).find((layer) => layer.inputShape);
  if (late) {
    throw new ConfigError(
      `${late.type} '${late.name}': only the first layer takes inputShape; later ones get theirs ` +
        'from the layer before.',
      { layer: late.name, field: 'inputShape' },
    );
  }
  return { name: modelName, layers };
}

/**
 * @param {Layer[]} layers
 * @returns {Layer[]}
 */
function nameLayers(layers) {
  const taken = new Set();
  for (const { name, type } of layers) {
    if (name === undefined) continue;
    if (taken.has(name)) {
      throw new GraphError(`${type} '${name}': another layer has that name.`, {
        layer: name,
        field: 'name',
      });
    }
    taken.add(name);
  }
  /** @type {Map<string, number>} */
  const counts = new Map();
  return layers.map((layer) => {
    if (layer.name !== undefined) return layer;
    const base = AUTOMATIC_NAMES.get(layer.type) ?? layer.type;
    let name;
    do {
      const count = counts.get(base) ?? 0;
      counts.set(base, count + 1);
      name = count === 0 ? base : `${base}_${count}`;
    } while (taken.has(name));
    taken.add(name);
    return { ...layer, name };
  });
}

/**
 * The engine's nodes of an architecture, each taking the one before it as input. A layer with an
 * activation becomes two, which the engine joins again; one that changes nothing becomes none.
 *
 * @param {Architecture} architecture
 * @returns {NodeSpec[]}
 */
export function nodesOf({ layers }) {
  /** @type {NodeSpec[]} */
  const nodes = [inputNode(layers)];
  layers.forEach((layer, index) => {
    const name = /** @type {string} */ (layer.name);
    const op = OPERATORS.get(layer.type);
    if (op) nodes.push({ op: op.name, name, attributes: op.attributes(layer), layer: index });
    const activation = layer.type === 'reLU' ? 'relu' : layer.activation;
    if (!activation || activation === 'linear') return;
    nodes.push({
      op: activation,
      name: op ? `${name}/${activation}` : name,
      attributes: [],
      layer: index,
    });
  });
  return nodes;
}

/** @param {Layer[]} layers */
function inputNode(layers) {
  const shape = /** @type {readonly number[]} */ (layers[0].inputShape);
  const [height, width, channels] = shape.length === 3 ? shape : [1, 1, shape[0]];
  const taken = new Set(layers.map((layer) => layer.name));
  let name = 'input';
  if (layers[0].type === 'inputLayer') name = /** @type {string} */ (layers[0].name);
  else while (taken.has(name)) name += '_';
  /** @type {[string, number][]} */
  const attributes = [
    ['height', height],
    ['width', width],
    ['channels', channels],
    ['rank', shape.length],
  ];
  return { op: 'input', name, attributes, layer: 0 };
}

/** @type {(layer: Layer) => [string, number][]} */
const weights = (layer) => [
  ['useBias', layer.useBias ? 1 : 0],
  ['kernelInitializer', INITIALIZERS.get(layer.kernelInitializer) ?? NaN],
  ['biasInitializer', INITIALIZERS.get(layer.biasInitializer) ?? NaN],
];

/** @type {(layer: Layer) => [string, number][]} */
const window2d = (layer) => [
  ['strideHeight', layer.strides[0]],
  ['strideWidth', layer.strides[1]],
  ['samePadding', layer.padding === 'same' ? 1 : 0],
];

/** @type {(layer: Layer) => [string, number][]} */
const pool = (layer) => [
  ['poolHeight', layer.poolSize[0]],
  ['poolWidth', layer.poolSize[1]],
  ...window2d(layer),
];

/** Layer type → engine operator. Types without one are the input or an activation alone. */
const OPERATORS = new Map(
  /** @type {[string, { name: string, attributes: (layer: Layer) => [string, number][] }][]} */ ([
    [
      'conv2d',
      {
        name: 'conv2d',
        attributes: (layer) => [
          ['filters', layer.filters],
          ['kernelHeight', layer.kernelSize[0]],
          ['kernelWidth', layer.kernelSize[1]],
          ...window2d(layer),
          ...weights(layer),
        ],
      },
    ],
    [
      'dense',
      { name: 'dense', attributes: (layer) => [['units', layer.units], ...weights(layer)] },
    ],
    ['maxPooling2d', { name: 'maxPooling2d', attributes: pool }],
    ['averagePooling2d', { name: 'averagePooling2d', attributes: pool }],
    ['flatten', { name: 'flatten', attributes: () => [] }],
    ['softmax', { name: 'softmax', attributes: () => [] }],
    ['dropout', { name: 'dropout', attributes: (layer) => [['rate', layer.rate]] }],
  ]),
);

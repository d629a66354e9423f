/**
 * From layers, in a row or in a graph, to the engine's nodes. The architecture (named layers, plain data) is what
 * crosses to the worker and what a file keeps; the nodes are made from it in the worker.
 */

import { ConfigError, FormatError, GraphError, LimitError } from './errors.js';
import { constraintSettings } from './constraints.js';
import { initializerFacts } from './initializers.js';
import { readLayer } from './layers.js';
import { describe } from './options.js';
import { checkInputCount } from './symbolic.js';

/**
 * @typedef {import('./layers.js').Layer} Layer
 *
 * @typedef {object} Architecture
 * @property {string} name the model's
 * @property {Layer[]} layers every one with its name; the first with its inputShape; the last is
 *   the output
 * @property {number[][]} [inbound] of a graph: for each layer the numbers of the layers it reads,
 *   all smaller than its own. Without it every layer reads the one before
 *
 * @typedef {object} NodeSpec
 * @property {string} op name of an engine operator
 * @property {string} name
 * @property {number[]} inputs numbers of the nodes it reads
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
  ['globalAveragePooling2d', 'global_average_pooling2d'],
  ['batchNormalization', 'batch_normalization'],
  ['add', 'add'],
  ['flatten', 'flatten'],
  ['activation', 'activation'],
  ['reLU', 're_lu'],
  ['softmax', 'softmax'],
  ['dropout', 'dropout'],
]);

/**
 * Checks layers as a whole and names those without a name.
 *
 * @param {unknown} list what a program passed, or what a file held
 * @param {string} modelName
 * @param {unknown} [inbound] of a graph, see Architecture
 * @returns {Architecture}
 * @throws {ConfigError} {LimitError} {GraphError} {FormatError}
 */
export function readArchitecture(list, modelName, inbound) {
  const what = inbound === undefined ? 'sequential' : 'model';
  if (!Array.isArray(list)) {
    throw new ConfigError(`${what}: layers must be an array, found ${describe(list)}.`, {
      field: 'layers',
    });
  }
  if (list.length > MAX_LAYERS) {
    throw new LimitError(`${what}: at most ${MAX_LAYERS} layers, found ${list.length}.`, {
      field: 'layers',
    });
  }
  const layers = nameLayers(Array.from(list, readLayer));
  const inputOnly = layers[0]?.type === 'inputLayer';
  if (layers.length <= (inputOnly ? 1 : 0)) {
    throw new ConfigError(`${what}: a model needs at least 1 layer beside its input, found 0.`, {
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
  const edges = inbound === undefined ? chain(layers) : readInbound(inbound, layers);
  layers.forEach((layer, index) => {
    if (layer.type !== 'inputLayer' || index > 0) {
      checkInputCount(layer, Math.max(edges[index].length, index === 0 ? 1 : 0));
    }
  });
  // A graph that is a chain reads, and is saved, like any other chain.
  return String(edges) === String(chain(layers))
    ? { name: modelName, layers }
    : { name: modelName, layers, inbound: edges };
}

/**
 * For each layer of an architecture the numbers of the layers it reads; the first reads none.
 *
 * @param {Architecture} architecture
 */
export function inboundOf({ layers, inbound }) {
  return inbound ?? chain(layers);
}

/** @param {Layer[]} layers */
const chain = (layers) => layers.map((_, index) => (index === 0 ? [] : [index - 1]));

/**
 * @param {unknown} inbound out of a file, or of `traceGraph`
 * @param {Layer[]} layers
 * @returns {number[][]}
 */
function readInbound(inbound, layers) {
  if (!Array.isArray(inbound) || inbound.length !== layers.length) {
    throw new FormatError(
      `model: inbound must be an array of ${layers.length}, one entry a layer, found ${describe(inbound)}.`,
      { field: 'inbound' },
    );
  }
  const read = new Set();
  const edges = inbound.map((/** @type {unknown} */ numbers, layer) => {
    const list = Array.isArray(numbers) ? Array.from(numbers) : [numbers];
    const bad = list.findIndex((n) => !Number.isSafeInteger(n) || n < 0 || n >= layer);
    if (bad >= 0) {
      throw new GraphError(
        `model: layer ${layer} ('${layers[layer].name}') reads layer ${describe(list[bad])}, it can ` +
          `read layers 0 to ${layer - 1}.`,
        { layer: layers[layer].name, field: 'inbound' },
      );
    }
    for (const number of list) read.add(number);
    return list;
  });
  if (edges[0].length > 0 || layers[0].type !== 'inputLayer') {
    throw new GraphError('model: the first layer of a graph must be its input.', {
      layer: layers[0].name,
      field: 'inbound',
    });
  }
  const unread = layers.findIndex((_, layer) => layer < layers.length - 1 && !read.has(layer));
  if (unread < 0) return edges;
  throw new GraphError(`model: nothing reads the output of layer '${layers[unread].name}'.`, {
    layer: layers[unread].name,
    field: 'inbound',
  });
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
 * The engine's nodes of an architecture. A layer with an activation becomes two, which the engine
 * joins again; a sum of more than two becomes one for each after the first; a layer that changes
 * nothing becomes none.
 *
 * @param {Architecture} architecture
 * @returns {{ nodes: NodeSpec[], ends: number[] }} and for each layer the node of its output
 */
export function nodesOf(architecture) {
  const { layers } = architecture;
  const inbound = inboundOf(architecture);
  /** @type {NodeSpec[]} */
  const nodes = [inputNode(layers)];
  /** @type {number[]} */
  const ends = [];
  layers.forEach((layer, index) => {
    const name = /** @type {string} */ (layer.name);
    const inputs = inbound[index].map((number) => ends[number]);
    let end = inputs[0] ?? 0;
    const push = (/** @type {Omit<NodeSpec, 'layer'>} */ node) => {
      end = nodes.push({ ...node, layer: index }) - 1;
    };
    const op = OPERATORS.get(layer.type);
    if (layer.type === 'add') {
      inputs.slice(1).forEach((input, number) => {
        const last = number === inputs.length - 2;
        const own = last ? name : `${name}/sum_${number}`;
        push({ op: 'add', name: own, inputs: [end, input], attributes: [] });
      });
    } else if (op) {
      push({ op: op.name, name, inputs: [end], attributes: op.attributes(layer) });
    }
    const activation = layer.type === 'reLU' ? 'relu' : layer.activation;
    if (activation && activation !== 'linear') {
      const own = op ? `${name}/${activation}` : name;
      push({ op: activation, name: own, inputs: [end], attributes: [] });
    }
    ends.push(end);
  });
  return { nodes, ends };
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
  return { op: 'input', name, inputs: [], attributes, layer: 0 };
}

/** @type {(layer: Layer) => [string, number][]} */
const weights = (layer) => [
  ['useBias', layer.useBias ? 1 : 0],
  ...tensor('kernel', layer),
  ...(layer.useBias ? tensor('bias', layer) : []),
];

/**
 * What a layer's options say of one of its tensors: the initialiser's number, and settings such as
 * `kernel/l2`.
 *
 * @param {string} name
 * @param {Layer} layer
 * @returns {[string, number][]}
 */
function tensor(name, layer) {
  const { number, settings } = initializerFacts(layer[`${name}Initializer`]);
  const constraint = layer[`${name}Constraint`];
  const all = [
    ...settings,
    ...Object.entries(layer[`${name}Regularizer`] ?? {}),
    ...(constraint ? constraintSettings(constraint) : []),
  ];
  const named = all.map(
    ([key, value]) => /** @type {[string, number]} */ ([`${name}/${key}`, value]),
  );
  return [[`${name}Initializer`, number], ...named];
}

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
    ['globalAveragePooling2d', { name: 'globalAveragePooling2d', attributes: () => [] }],
    [
      'batchNormalization',
      {
        name: 'batchNormalization',
        attributes: (layer) => [
          ['momentum', layer.momentum],
          ['epsilon', layer.epsilon],
          ['center', layer.center ? 1 : 0],
          ['scale', layer.scale ? 1 : 0],
        ],
      },
    ],
    ['flatten', { name: 'flatten', attributes: () => [] }],
    ['softmax', { name: 'softmax', attributes: () => [] }],
    ['dropout', { name: 'dropout', attributes: (layer) => [['rate', layer.rate]] }],
  ]),
);

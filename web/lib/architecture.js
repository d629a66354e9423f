/**
 * From layers, in a row or in a graph, to the engine's nodes. The architecture (named layers, plain data) is what
 * crosses to the worker and what a file keeps; the nodes are made from it in the worker.
 */

import { ACTIVATIONS } from './activations.js';
import { ConfigError, FormatError, GraphError, LimitError } from './errors.js';
import { ACTIVATION_FAMILY } from './layers-activation.js';
import { EMBEDDING_FAMILY } from './layers-embedding.js';
import { MERGE_FAMILY } from './layers-merge.js';
import { NOISE_FAMILY } from './layers-noise.js';
import { NORM_FAMILY } from './layers-norm.js';
import { SHAPE_FAMILY } from './layers-shape.js';
import { lastAxis } from './layer-fields.js';
import { tensorSettings } from './tensor-options.js';
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

/**
 * A layer's automatic name in Keras: conv2d, re_lu, max_pooling2d.
 *
 * @param {string} type
 */
const automaticName = (type) =>
  type
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

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
    const base = automaticName(layer.type);
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
 * joins again; a layer that changes nothing becomes none.
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
    const inputs = index === 0 ? [0] : inbound[index].map((number) => ends[number]);
    const steps = STEPS.get(layer.type)?.(layer, inputs.length) ?? [];
    const push = (
      /** @type {import('./layer-fields.js').Step} */ step,
      /** @type {string} */ own,
    ) => {
      const reads = step.reads ?? [nodes.length > start ? -1 : 0];
      const sources = reads.map((n) => (n < 0 ? nodes.length + n : inputs[n]));
      const { op, attributes = [] } = step;
      nodes.push({ op, name: own, inputs: sources, attributes, layer: index });
    };
    const start = nodes.length;
    steps.forEach((step, number) => {
      push(step, number === steps.length - 1 ? name : `${name}/${step.op}_${number}`);
    });
    const activation = ACTIVATIONS.get(layer.activation);
    if (activation) push(activation, steps.length > 0 ? `${name}/${layer.activation}` : name);
    ends.push(nodes.length > start ? nodes.length - 1 : inputs[0]);
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
  ...tensorSettings('kernel', layer),
  ...(layer.useBias ? tensorSettings('bias', layer) : []),
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

/** Layer type → engine nodes. Types without one are the input or an activation alone. */
const STEPS = new Map(
  /** @type {import('./layer-fields.js').Family['steps']} */ ([
    [
      'conv2d',
      (layer) => [
        {
          op: 'conv2d',
          attributes: [
            ['filters', layer.filters],
            ['kernelHeight', layer.kernelSize[0]],
            ['kernelWidth', layer.kernelSize[1]],
            ...window2d(layer),
            ...weights(layer),
          ],
        },
      ],
    ],
    [
      'dense',
      (layer) => [{ op: 'dense', attributes: [['units', layer.units], ...weights(layer)] }],
    ],
    ['maxPooling2d', (layer) => [{ op: 'maxPooling2d', attributes: pool(layer) }]],
    ['averagePooling2d', (layer) => [{ op: 'averagePooling2d', attributes: pool(layer) }]],
    ['globalAveragePooling2d', () => [{ op: 'globalAveragePooling2d' }]],
    [
      'batchNormalization',
      (layer) => [
        {
          op: 'batchNormalization',
          attributes: [
            ['momentum', layer.momentum],
            ['epsilon', layer.epsilon],
            ['center', layer.center ? 1 : 0],
            ['scale', layer.scale ? 1 : 0],
            ...lastAxis(layer),
          ],
        },
      ],
    ],
    ['flatten', () => [{ op: 'flatten' }]],
    ['softmax', () => [{ op: 'softmax' }]],
    ['dropout', (layer) => [{ op: 'dropout', attributes: [['rate', layer.rate]] }]],
    ...ACTIVATION_FAMILY.steps,
    ...MERGE_FAMILY.steps,
    ...SHAPE_FAMILY.steps,
    ...NOISE_FAMILY.steps,
    ...NORM_FAMILY.steps,
    ...EMBEDDING_FAMILY.steps,
  ]),
);

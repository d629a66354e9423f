/**
 * From layers, in a row or in a graph, to the engine's nodes. The architecture (named layers, plain data) is what
 * crosses to the worker and what a file keeps; the nodes are made from it in the worker.
 */

import { ACTIVATIONS } from './activations.js';
import { ConfigError, FormatError, GraphError, LimitError } from './errors.js';
import { ACTIVATION_FAMILY } from './layers-activation.js';
import { ATTENTION_FAMILY } from './layers-attention.js';
import { EMBEDDING_FAMILY } from './layers-embedding.js';
import { MERGE_FAMILY } from './layers-merge.js';
import { NOISE_FAMILY } from './layers-noise.js';
import { NORM_FAMILY } from './layers-norm.js';
import { RECURRENT_STEPS } from './layers-recurrent.js';
import { SHAPE_FAMILY } from './layers-shape.js';
import { WINDOW_FAMILY } from './layers-window.js';
import { lastAxis } from './layer-fields.js';
import { weightSettings } from './tensor-options.js';
import { TENSOR_FAMILY } from './layers-tensor.js';
import { readLayer } from './layers.js';
import { describe } from './options.js';
import { checkInputCount } from './symbolic.js';

/**
 * @typedef {import('./layers.js').Layer} Layer
 *
 * @typedef {object} Architecture
 * @property {string} name the model's
 * @property {Layer[]} layers every one with its name; the inputs first, with their inputShape
 * @property {number[][]} [inbound] of a graph: for each call the numbers of the calls it reads, all
 *   smaller than its own. Without it every call reads the one before
 * @property {number[]} [calls] for each call the number of its layer, where a layer is called more
 *   than once. Without it every layer is called once, in its place
 * @property {number[]} [outputs] the calls whose values the model gives. Without it the last one
 *
 * @typedef {Pick<Architecture, 'calls' | 'outputs'> & { inbound: unknown }} GraphParts
 *
 * @typedef {object} Call of a layer
 * @property {number} layer
 * @property {number[]} inputs numbers of the calls it reads
 *
 * @typedef {object} NodeSpec
 * @property {string} op name of an engine operator
 * @property {string} name
 * @property {number[]} inputs numbers of the nodes it reads
 * @property {[string, number][]} attributes
 * @property {number} layer index of the layer it belongs to; the first belongs to the input
 *
 * @typedef {object} ModelNodes
 * @property {NodeSpec[]} nodes
 * @property {number[]} ends for each call of a layer the node of its value
 * @property {number[]} outputs the nodes whose values the model gives
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
 * @param {{ inbound: unknown, calls?: unknown, outputs?: unknown }} [graph] see Architecture
 * @returns {Architecture}
 * @throws {ConfigError} {LimitError} {GraphError} {FormatError}
 */
export function readArchitecture(list, modelName, graph) {
  const what = graph === undefined ? 'sequential' : 'model';
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
  const inputs = layers.filter(({ type }) => type === 'inputLayer').length;
  if (layers.length <= inputs) {
    throw new ConfigError(`${what}: a model needs at least 1 layer beside its input, found 0.`, {
      field: 'layers',
    });
  }
  checkInputShapes(layers, Math.max(inputs, 1));
  const architecture = { name: modelName, layers, ...(graph && readGraph(graph, layers)) };
  callsOf(architecture).forEach(({ layer: number, inputs: { length } }, index) => {
    const layer = layers[number];
    if (layer.type === 'inputLayer' && length === 0) return;
    checkInputCount(layer, Math.max(length, index === 0 ? 1 : 0));
  });
  return architecture;
}

/**
 * @param {Layer[]} layers
 * @param {number} inputs how many of the first take an inputShape
 */
function checkInputShapes(layers, inputs) {
  layers.forEach(({ type, name, inputShape }, index) => {
    const details = { layer: name, field: 'inputShape' };
    if (index < inputs && !inputShape) {
      throw new ConfigError(`${type} '${name}': the first layer needs inputShape.`, details);
    }
    if (index < inputs || !inputShape) return;
    throw new ConfigError(
      `${type} '${name}': only the first layer takes inputShape; later ones get theirs from the ` +
        'layer before.',
      details,
    );
  });
}

/**
 * The calls of an architecture's layers, in the order in which they run.
 *
 * @param {Architecture} architecture
 * @returns {Call[]}
 */
export function callsOf({ layers, inbound, calls = layers.map((_, index) => index) }) {
  return calls.map((layer, index) => ({
    layer,
    inputs: inbound ? inbound[index] : index === 0 ? [] : [index - 1],
  }));
}

/**
 * The calls whose values a model gives.
 *
 * @param {Architecture} architecture
 */
export function outputsOf({ layers, calls, outputs }) {
  return outputs ?? [(calls ?? layers).length - 1];
}

/**
 * @param {Architecture} architecture
 * @param {string} wanted a layer's name
 * @returns {number}
 * @throws {ConfigError} there is no such layer; names those that are
 */
export function layerNumber({ layers }, wanted) {
  const number = layers.findIndex(({ name }) => name === wanted);
  if (number >= 0) return number;
  const names = layers.map(({ name }) => name).join(', ');
  throw new ConfigError(`There is no layer '${wanted}'; the layers are ${names}.`, {
    layer: wanted,
  });
}

/**
 * The part of an architecture that some layers' values depend on.
 *
 * @param {Architecture} architecture
 * @param {string[]} names the layers, whose values the part gives
 * @param {string} modelName
 * @returns {Architecture}
 * @throws {ConfigError} there is no such layer, or it is an input
 */
export function partOf(architecture, names, modelName) {
  const calls = callsOf(architecture);
  const ends = names.map((name) => {
    const layer = layerNumber(architecture, name);
    return calls.findLastIndex((call) => call.layer === layer);
  });
  const needed = new Set(ends);
  for (let call = Math.max(...ends); call >= 0; call--) {
    if (needed.has(call)) for (const input of calls[call].inputs) needed.add(input);
  }
  const kept = [...needed].sort((a, b) => a - b);
  const used = [...new Set(kept.map((call) => calls[call].layer))].sort((a, b) => a - b);
  const layers = used.map((layer) => architecture.layers[layer]);
  return readArchitecture(layers, modelName, {
    inbound: kept.map((call) => calls[call].inputs.map((input) => kept.indexOf(input))),
    calls: kept.map((call) => used.indexOf(calls[call].layer)),
    outputs: ends.map((end) => kept.indexOf(end)),
  });
}

/**
 * @param {{ inbound: unknown, calls?: unknown, outputs?: unknown }} graph out of a file, or of `traceGraph`
 * @param {Layer[]} layers
 * @returns {Partial<Architecture>} without what a chain has too: a graph that is a chain reads, and
 *   is saved, like any other chain
 */
function readGraph(graph, layers) {
  const own = layers.map((_, index) => index);
  const calls = graph.calls === undefined ? own : readNumbers(graph.calls, 'calls', layers.length);
  const uncalled = own.find((layer) => !calls.includes(layer));
  if (uncalled !== undefined) {
    throw new GraphError(`model: layer '${layers[uncalled].name}' is not called.`, {
      layer: layers[uncalled].name,
      field: 'calls',
    });
  }
  const names = calls.map((layer) => /** @type {string} */ (layers[layer].name));
  const inbound = readInbound(graph.inbound, names);
  const last = calls.length - 1;
  const outputs =
    graph.outputs === undefined ? [last] : readNumbers(graph.outputs, 'outputs', calls.length);
  checkReaders(inbound, outputs, names);
  const again = calls.findIndex(
    (layer, call) => layers[layer].type === 'inputLayer' && calls.indexOf(layer) !== call,
  );
  if (layers[calls[0]].type !== 'inputLayer' || inbound[0].length > 0 || again >= 0) {
    const rule = again < 0 ? 'the first layer must be an input' : 'an input is called once';
    const layer = names[Math.max(again, 0)];
    throw new GraphError(`model: ${rule}, found layer '${layer}'.`, { layer, field: 'inbound' });
  }
  const plain = String(calls) === String(own);
  const single = outputs.length === 1 && outputs[0] === last;
  const edges = calls.map((_, call) => (call === 0 ? [] : [call - 1]));
  if (plain && single && String(inbound) === String(edges)) return {};
  return { inbound, ...(!plain && { calls }), ...(!single && { outputs }) };
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {number} end numbers are below it
 * @returns {number[]}
 */
function readNumbers(value, field, end) {
  const list = Array.isArray(value) ? Array.from(value) : [];
  if (list.length > 0 && list.every((n) => Number.isSafeInteger(n) && n >= 0 && n < end))
    return list;
  throw new FormatError(
    `model: ${field} must be an array of numbers from 0 to ${end - 1}, found ${describe(value)}.`,
    { field },
  );
}

/**
 * @param {unknown} inbound
 * @param {string[]} names of the layers called
 * @returns {number[][]}
 */
function readInbound(inbound, names) {
  if (!Array.isArray(inbound) || inbound.length !== names.length) {
    throw new FormatError(
      `model: inbound must be an array of ${names.length}, one entry a layer, found ${describe(inbound)}.`,
      { field: 'inbound' },
    );
  }
  return inbound.map((/** @type {unknown} */ numbers, call) => {
    const list = Array.isArray(numbers) ? Array.from(numbers) : [numbers];
    const bad = list.findIndex((n) => !Number.isSafeInteger(n) || n < 0 || n >= call);
    if (bad < 0) return list;
    throw new GraphError(
      `model: layer ${call} ('${names[call]}') reads layer ${describe(list[bad])}, it can ` +
        `read layers 0 to ${call - 1}.`,
      { layer: names[call], field: 'inbound' },
    );
  });
}

/**
 * @param {number[][]} inbound
 * @param {number[]} outputs
 * @param {string[]} names
 */
function checkReaders(inbound, outputs, names) {
  const read = new Set([...inbound.flat(), ...outputs]);
  const unread = names.findIndex((_, call) => !read.has(call));
  if (unread < 0) return;
  throw new GraphError(`model: nothing reads the output of layer '${names[unread]}'.`, {
    layer: names[unread],
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
 * joins again; a layer that changes nothing becomes none. A layer called again becomes nodes that
 * share the weights of its first call.
 *
 * @param {Architecture} architecture
 * @returns {ModelNodes}
 */
export function nodesOf(architecture) {
  const { layers } = architecture;
  /** @type {NodeSpec[]} */
  const nodes = [];
  /** @type {number[]} */
  const ends = [];
  /** For each layer the nodes of its calls. @type {number[][][]} */
  const made = layers.map(() => []);
  for (const { layer: number, inputs: calls } of callsOf(architecture)) {
    const layer = layers[number];
    const isInput = layer.type === 'inputLayer' || nodes.length === 0;
    const inputs = isInput
      ? [nodes.push(inputNode(layers, number)) - 1]
      : calls.map((call) => ends[call]);
    const again = made[number].length;
    const name = again === 0 ? layer.name : `${layer.name}/call_${again}`;
    /** @type {number[]} */
    const own = [];
    for (const step of stepsOf(layer, inputs.length)) {
      const { op, attributes = [], reads = [own.length > 0 ? -1 : 0], like, suffix } = step;
      const sources = reads.map((n) => (n < 0 ? nodes.length + n : inputs[n]));
      const root = made[number][0]?.[own.length];
      /** @type {[string, number][]} */
      const shared = root === undefined ? [] : [['sharesWith', root]];
      if (like !== undefined) shared.push(['like', inputs[like]]);
      own.push(nodes.length);
      nodes.push({
        op,
        name: `${name}${suffix}`,
        inputs: sources,
        attributes: [...attributes, ...shared],
        layer: number,
      });
    }
    made[number].push(own);
    ends.push(own.at(-1) ?? inputs[0]);
  }
  return { nodes, ends, outputs: outputsOf(architecture).map((call) => ends[call]) };
}

/**
 * The operators of a layer, and what their names add to the layer's.
 *
 * @param {Layer} layer
 * @param {number} inputs
 * @returns {(import('./layer-fields.js').Step & { suffix: string })[]}
 */
function stepsOf(layer, inputs) {
  // Whatever is inside timeDistributed treats each step alone by itself.
  const own = layer.type === 'timeDistributed' ? layer.layer : layer;
  const steps = STEPS.get(own.type)?.(own, inputs) ?? [];
  const last = steps.length - 1;
  const named = steps.map((step, index) => ({
    ...step,
    suffix: step.name || index < last ? `/${step.name ?? `${step.op}_${index}`}` : '',
  }));
  const activation = steps[last]?.activated ? undefined : ACTIVATIONS.get(own.activation);
  if (!activation) return named;
  return [...named, { ...activation, suffix: last < 0 ? '' : `/${own.activation}` }];
}

/** @param {Layer[]} layers @param {number} number */
function inputNode(layers, number) {
  const { type, inputShape, name: own } = layers[number];
  const shape = /** @type {readonly number[]} */ (inputShape);
  const [height, width, channels] = [...Array(3 - shape.length).fill(1), ...shape];
  const taken = new Set(layers.map(({ name }) => name));
  let name = 'input';
  if (type === 'inputLayer') name = /** @type {string} */ (own);
  else while (taken.has(name)) name += '_';
  /** @type {[string, number][]} */
  const attributes = [
    ['height', height],
    ['width', width],
    ['channels', channels],
    ['rank', shape.length],
  ];
  return { op: 'input', name, inputs: [], attributes, layer: number };
}

/** Layer type → engine nodes. Types without one are the input or an activation alone. */
const STEPS = new Map(
  /** @type {import('./layer-fields.js').Family['steps']} */ ([
    [
      'dense',
      (layer) => [{ op: 'dense', attributes: [['units', layer.units], ...weightSettings(layer)] }],
    ],
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
    ...WINDOW_FAMILY.steps,
    ...ACTIVATION_FAMILY.steps,
    ...MERGE_FAMILY.steps,
    ...SHAPE_FAMILY.steps,
    ...NOISE_FAMILY.steps,
    ...NORM_FAMILY.steps,
    ...EMBEDDING_FAMILY.steps,
    ...RECURRENT_STEPS,
    ...ATTENTION_FAMILY.steps,
    ...TENSOR_FAMILY.steps,
  ]),
);

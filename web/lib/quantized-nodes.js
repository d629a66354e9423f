/**
 * The engine's nodes of a quantised model: the float model's, lowered to operators on bytes. Loaded when a program
 * first quantises, or loads a quantised model.
 *
 * A convolution or dense layer takes the batch normalisation and the ReLU behind it into its store, a convolution a
 * max pooling of 2 x 2 as well; so does a sum its ReLU. Other max pooling and flatten keep bytes as they are. Everything else (softmax, sigmoid, average pooling, a
 * normalisation behind something else) works in floats, between a `dequantize` and a `quantize`. Outputs that only
 * such operators read, the logits before a softmax above all, leave their layer as floats.
 */

import { FormatError } from './errors.js';

/**
 * @typedef {import('./architecture.js').NodeSpec} NodeSpec
 *
 * @typedef {object} Activation how a value is held in bytes: x = scale · (q − zeroPoint), q in 0…255
 * @property {number} scale
 * @property {number} zeroPoint
 *
 * @typedef {object} LoweredNode
 * @property {string} [held] the float node whose value it gives in bytes of the scale and zero point that it has
 * @property {NodeSpec} [weights] the float layer whose weights it has, in 8 bits
 * @property {NodeSpec} [normalization] the batch normalisation folded into them
 * @property {number[]} [group] the float nodes, by their numbers, that it does the work of
 *
 * @typedef {Omit<import('./architecture.js').ModelNodes, 'nodes'> & { nodes: (NodeSpec & LoweredNode)[],
 *   nodesOf?: typeof import('./architecture.js').nodesOf }} LoweredModel nodesOf: of a model that trains, its nodes for
 *   an architecture with other options
 */

/** Operators with weights of 8 bits. */
const WEIGHTED = new Map([
  ['conv2d', 'conv2dInt8'],
  ['dense', 'denseInt8'],
]);
/** Layers that do nothing at inference. */
const NOISE = new Set([
  'dropout',
  'spatialDropout2d',
  'gaussianNoise',
  'gaussianDropout',
  'alphaDropout',
]);
/** Attributes of a convolution that its operator in bytes has not: it stays in floats. */
const FLOATS_ONLY = new Set(['dilationHeight', 'groups']);
/** @param {NodeSpec} node @returns {string | undefined} the operator in bytes */
const inBytes = ({ op, attributes }) =>
  attributes.some(([name]) => FLOATS_ONLY.has(name)) ? undefined : WEIGHTED.get(op);
/** Operators without weights that take bytes, or what a layer with weights does along with them. */
const TAKES_BYTES = new Set(['add', 'flatten', 'maxPooling2d', 'relu', ...NOISE]);
/** @param {NodeSpec} node */
const readsFloats = (node) => !inBytes(node) && !TAKES_BYTES.has(node.op);
/** Attributes of a max pooling that a convolution takes over. */
const HALVING = 'poolHeight,2,poolWidth,2,strideHeight,2,strideWidth,2,samePadding,0';
const TRAINING = new Set(['useBias', 'kernelInitializer', 'biasInitializer']);
/** Attributes that only a fresh float layer has a use for. @param {string} name */
const isForTraining = (name) => TRAINING.has(name) || name.includes('/'); // settings such as `kernel/l2`

/**
 * @param {import('./architecture.js').ModelNodes} model the float model's, see `nodesOf`
 * @param {ReadonlyMap<string, Activation>} activations of the values that are held in bytes, by their nodes' names
 * @param {boolean} [keepsNoise] whether layers stay that do nothing at inference
 * @returns {LoweredModel}
 * @throws {FormatError} an activation is missing
 */
export function quantizedNodes({ nodes, ends, outputs }, activations, keepsNoise = false) {
  /** @type {number[][]} */
  const readers = nodes.map(() => []);
  nodes.forEach(({ inputs }, index) => inputs.forEach((input) => readers[input].push(index)));

  /** @type {(NodeSpec & LoweredNode)[]} */
  const lowered = [];
  /** For each float node the new ones that hold its value. @type {{ bytes?: number, floats?: number }[]} */
  const values = [];
  const push = (/** @type {NodeSpec & LoweredNode} */ node) => lowered.push(node) - 1;
  /** @param {number} index @returns {[string, number][]} */
  const held = (index) => {
    const { name } = nodes[index];
    const activation = activations.get(name);
    if (!activation) throw new FormatError(`The quantised model lacks the scale of '${name}'.`);
    return [
      ['scale', activation.scale],
      ['zeroPoint', activation.zeroPoint],
    ];
  };
  /** @param {number} index */
  const asBytes = (index) => {
    const value = values[index];
    const { name, layer } = nodes[index];
    const inputs = [/** @type {number} */ (value.floats)];
    const own = { op: 'quantize', name: `${name}/quantize`, inputs, layer };
    return (value.bytes ??= push({ ...own, attributes: held(index), held: name }));
  };
  /** @param {number} index */
  const asFloats = (index) => {
    const value = values[index];
    const { name, layer } = nodes[index];
    const inputs = [/** @type {number} */ (value.bytes)];
    const own = { op: 'dequantize', name: `${name}/dequantize`, inputs, layer };
    return (value.floats ??= push({ ...own, attributes: [] }));
  };
  /** The only reader of a node, if it is of that operator. @param {number} index @param {string} op */
  const onlyReader = (index, op) =>
    readers[index].length === 1 && nodes[readers[index][0]].op === op
      ? readers[index][0]
      : undefined;

  /** The max pooling that is all that reads a convolution's output, if the convolution can do it. @param {number} index */
  const halvingReader = (index) => {
    const reader = onlyReader(index, 'maxPooling2d');
    return reader !== undefined && nodes[reader].attributes.join() === HALVING ? reader : undefined;
  };

  /** @param {number} first */
  const lowerSum = (first) => {
    const node = nodes[first];
    const weighted = inBytes(node);
    const group = [first];
    const normalization = weighted ? onlyReader(first, 'batchNormalization') : undefined;
    if (normalization !== undefined) group.push(normalization);
    let last = group[group.length - 1];
    const floats = weighted && readers[last].every((reader) => readsFloats(nodes[reader]));
    let pools = node.op === 'conv2d' ? 1 : 0;
    // The largest of ReLUs is the ReLU of the largest: either order is the same.
    for (;;) {
      const relu = onlyReader(last, 'relu');
      const next = relu ?? (pools === 1 ? halvingReader(last) : undefined);
      if (next === undefined) break;
      if (relu === undefined) pools = 2;
      group.push((last = next));
    }
    const number = push({
      ...node,
      op: weighted ?? 'addInt8',
      inputs: node.inputs.map(asBytes),
      attributes: [
        ...node.attributes.filter(([name]) => !isForTraining(name)),
        ...(floats ? /** @type {[string, number][]} */ ([['scale', 0]]) : held(last)),
        ...(pools === 2 ? /** @type {[string, number][]} */ ([['pool', 2]]) : []),
      ],
      ...(!floats && { held: nodes[last].name }),
      ...(weighted && { weights: node }),
      group,
      ...(normalization !== undefined && { normalization: nodes[normalization] }),
    });
    const value = floats ? { floats: number } : { bytes: number };
    for (const member of group) values[member] = value;
  };

  /** An attribute that names a node. @param {[string, number]} attribute @returns {[string, number]} */
  const moved = ([key, value]) =>
    key === 'like' ? [key, values[value].floats ?? values[value].bytes ?? NaN] : [key, value];

  nodes.forEach((node, index) => {
    const from = node.inputs[0];
    if (values[index]) return; // done by its producer
    if (inBytes(node) || node.op === 'add') {
      lowerSum(index);
    } else if (NOISE.has(node.op) && !keepsNoise) {
      values[index] = { ...values[from] };
    } else if (NOISE.has(node.op) && values[from].bytes !== undefined) {
      values[index] = { bytes: push({ ...node, inputs: [asBytes(from)] }) };
    } else if (values[from]?.bytes !== undefined && ['flatten', 'maxPooling2d'].includes(node.op)) {
      const op = node.op === 'flatten' ? node.op : 'maxPooling2dInt8';
      values[index] = { bytes: push({ ...node, op, inputs: [asBytes(from)] }) };
    } else {
      const inputs = node.inputs.map(asFloats);
      values[index] = { floats: push({ ...node, inputs, attributes: node.attributes.map(moved) }) };
    }
  });
  const newOutputs = outputs.map(asFloats);
  const newEnds = ends.map((end) =>
    outputs.includes(end)
      ? newOutputs[outputs.indexOf(end)]
      : (values[end].bytes ?? /** @type {number} */ (values[end].floats)),
  );
  return { nodes: lowered, ends: newEnds, outputs: newOutputs };
}

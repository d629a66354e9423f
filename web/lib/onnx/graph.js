/** An ONNX graph as the library's layers. */

import { GraphError, LimitError, MissingError, UnsupportedError } from '../errors.js';
import { Builder, Value, product } from './builder.js';
import { FOLDS } from './fold.js';
import { CONVOLUTIONS } from './operators-conv.js';
import { LOSSES } from './operators-loss.js';
import { MATH } from './operators-math.js';
import { MATRICES } from './operators-matrix.js';
import { NORMALISATIONS } from './operators-norm.js';
import { POOLING } from './operators-pool.js';
import { RECURRENT } from './operators-recurrent.js';
import { RESIZING } from './operators-resize.js';
import { SHAPES } from './operators-shape.js';
import { elementsOf } from './proto.js';

/**
 * @typedef {import('./proto.js').OnnxModel} OnnxModel
 * @typedef {import('./proto.js').Tensor} Tensor
 * @typedef {import('./arguments.js').Argument} Argument
 *
 * @typedef {object} GraphOptions
 * @property {Record<string, readonly number[]>} inputShapes of inputs whose sizes the file leaves open
 * @property {Map<string, Tensor>} constants inputs that are given now, once and for all
 * @property {string[]} [outputs] names of the values to give, default the graph's
 * @property {boolean} last inputs and outputs of three axes and more have their channels last
 *
 * @typedef {object} BuiltGraph
 * @property {{ name: string, shape: number[], layer: import('../symbolic.js').SymbolicTensor }[]} inputs
 * @property {{ name: string, shape: readonly number[], layer: import('../symbolic.js').SymbolicTensor }[]} outputs
 * @property {import('./builder.js').Weight[]} weights
 * @property {boolean} batched whether the first axis is the engine's batch
 */

/** Every operator that becomes layers. */
const OPERATORS = new Map([
  ...CONVOLUTIONS,
  ...LOSSES,
  ...MATH,
  ...MATRICES,
  ...NORMALISATIONS,
  ...POOLING,
  ...RECURRENT,
  ...RESIZING,
  ...SHAPES,
]);

/** The types of an ONNX file that are understood. */
export const OPERATOR_NAMES = Object.freeze([...new Set([...OPERATORS.keys(), ...FOLDS.keys()])]);

const MAX_NODES = 10_000;

/**
 * First with the first axis of every value as the engine's batch; where an operator does not keep that, with whole
 * tensors as samples, of which there is then one.
 *
 * @param {OnnxModel} file
 * @param {GraphOptions} options
 * @returns {BuiltGraph}
 * @throws {UnsupportedError} naming operator and node
 */
export function buildGraph(file, options) {
  if (file.nodes.length > MAX_NODES) {
    throw new LimitError(`ONNX: ${file.nodes.length} nodes, at most ${MAX_NODES} are supported.`);
  }
  const { nodes, names } = neededNodes(file, options.outputs);
  const inputs = file.inputs.filter(({ name }) => names.has(name));
  const model = { ...file, nodes, inputs };
  checkTypes(model);
  const shapes = inputShapes(model, options);
  const batches = new Set(shapes.map(({ shape }) => (shape.length > 0 ? shape[0] : 0)));
  const [batch] = batches;
  if (batches.size === 1 && batch > 0) {
    try {
      return build(model, options, shapes, batch);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
    }
  }
  return build(model, options, shapes, 0);
}

/**
 * The nodes that outputs depend on, in the file's order, and the names of the values they read or give.
 *
 * @param {OnnxModel} model
 * @param {readonly string[]} [wanted] names of the outputs
 */
function neededNodes({ nodes, outputs }, wanted = outputs.map(({ name }) => name)) {
  const names = new Set(wanted);
  const needed = nodes.filter(() => false);
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => name !== '' && names.has(name))) continue;
    needed.unshift(node);
    for (const name of node.inputs) names.add(name);
  }
  return { nodes: needed, names };
}

/** @param {OnnxModel} model */
function checkTypes({ nodes }) {
  const unknown = nodes.find(({ type, domain }) => domain !== '' || !knows(type));
  if (!unknown) return;
  const { type, domain, name } = unknown;
  throw new UnsupportedError(
    `ONNX: operator ${domain ? `${domain}.` : ''}${type} (node '${name}') is not supported.`,
    { layer: name, field: type },
  );
}

/** @param {string} type */
const knows = (type) => OPERATORS.has(type) || FOLDS.has(type);

/** @param {OnnxModel} model @param {GraphOptions} options */
function inputShapes({ inputs }, { inputShapes: given, constants }) {
  return inputs
    .filter(({ name }) => !constants.has(name))
    .map(({ name, shape }) => {
      const sizes =
        given[name] ?? shape?.map((n, d) => (typeof n === 'number' && n > 0 ? n : d === 0 ? 1 : n));
      if (!sizes || sizes.some((n) => typeof n !== 'number' || !(n >= 1))) {
        throw new MissingError(
          `ONNX: the sizes of input '${name}' are not in the file ([${sizes ?? ''}]); give them in inputShapes.`,
          { field: 'inputShapes' },
        );
      }
      const known = sizes.map(Number);
      elementsOf(known, `input '${name}'`);
      return { name, shape: known };
    });
}

/**
 * @param {OnnxModel} model
 * @param {GraphOptions} options
 * @param {{ name: string, shape: number[] }[]} shapes of the inputs
 * @param {number} batch
 * @returns {BuiltGraph}
 */
function build(model, { constants, outputs: wanted, last }, shapes, batch) {
  const b = new Builder(model.opset, batch);
  /** @type {Map<string, Argument>} */
  const values = new Map([...model.constants, ...constants]);
  const inputs = shapes.map(({ name, shape }) => {
    const value = b.input(name, shape, last);
    values.set(name, value);
    return { name, shape, layer: value.layer };
  });
  for (const node of model.nodes) {
    b.node = node;
    const given = node.inputs.map((name) => read(values, name, node.name));
    const results = compute(b, node, given);
    node.outputs.forEach((name, k) => {
      const value = results[k];
      if (name !== '' && value) values.set(name, value);
    });
  }
  b.node = null;
  /** Tensors that cannot be outputs as they are: inputs, and other outputs. */
  const made = new Set(inputs.map(({ layer }) => layer));
  const names = wanted ?? model.outputs.map(({ name }) => name);
  const outputs = names.map((name) => {
    const value = read(values, name, 'output');
    if (!value) throw new GraphError(`ONNX: output '${name}' has no value.`);
    const { shape, layer } = finish(b, value, last);
    return { name, shape, layer: own(b, layer, made) };
  });
  return { inputs, outputs, weights: b.weights, batched: batch > 0 };
}

/** @param {Map<string, Argument>} values @param {string} name @param {string} reader */
function read(values, name, reader) {
  if (name === '') return undefined;
  const value = values.get(name);
  if (value) return value;
  throw new GraphError(`ONNX: '${reader}' reads '${name}', which nothing gives before it.`, {
    layer: reader,
  });
}

/**
 * @param {Builder} b
 * @param {import('./proto.js').OnnxNode} node
 * @param {(Argument | undefined)[]} inputs
 * @returns {(Argument | undefined)[]}
 */
function compute(b, node, inputs) {
  const constant = inputs.every((x) => !(x instanceof Value));
  const fold = FOLDS.get(node.type);
  const row = OPERATORS.get(node.type);
  if (constant && fold) {
    const folded = fold(/** @type {(Tensor | undefined)[]} */ (inputs), node, b.opset);
    return Array.isArray(folded) ? folded : [folded];
  }
  if (!row || constant) throw b.unsupported('of such inputs is not supported');
  const result = row(b, node, inputs);
  return Array.isArray(result) ? result : [result];
}

/**
 * A tensor of its own for each output: the same numbers by the cheapest layer there is.
 *
 * @param {Builder} b
 * @param {import('../symbolic.js').SymbolicTensor} layer
 * @param {Set<import('../symbolic.js').SymbolicTensor>} taken
 */
function own(b, layer, taken) {
  const result = taken.has(layer) ? b.apply('rescaling', { scale: 1 }, layer) : layer;
  taken.add(result);
  return result;
}

/** An output in the order that the program asked for. @param {Builder} b @param {Argument} x @param {boolean} last */
function finish(b, x, last) {
  const value = b.order(b.value(x), last && x.shape.length > 2);
  const { shape } = value;
  const sizes = value.last ? b.sampleLast(shape) : b.sampleOf(shape);
  const layer = sizes.length <= 4 ? b.as(value, sizes) : value.layer;
  elementsOf([product(sizes)], 'an output');
  return { shape: value.last && b.batch ? [shape[0], ...sizes] : shape, layer };
}

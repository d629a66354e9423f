/**
 * ONNX files: ModelProto and what is in it, decoded to plain objects. Only what a network needs is read; what a file
 * has besides is skipped.
 *
 * Source: onnx.proto of the ONNX project (IR version 3 and later).
 */

import { FormatError, LimitError, UnsupportedError } from '../errors.js';
import { decodeMessage } from './wire.js';

/**
 * @typedef {object} Tensor
 * @property {string} name
 * @property {boolean} [given] by the program, as a weight of its own even where it is a single number
 * @property {string} type 'float32', 'int64', 'bool' …
 * @property {number[]} shape [] is a scalar
 * @property {Float32Array | Float64Array} data row-major: float32 as they are, all other types as doubles
 *
 * @typedef {number | string | Tensor | number[] | string[] | null} AttributeValue null: of a type that is not read
 *
 * @typedef {object} OnnxNode
 * @property {string} name for messages: its own, or one from its output
 * @property {string} type 'Conv' …
 * @property {string} domain '' is ONNX's own
 * @property {string[]} inputs names of values; '' is an optional one left out
 * @property {string[]} outputs
 * @property {Map<string, AttributeValue>} attributes
 *
 * @typedef {object} ValueInfo
 * @property {string} name
 * @property {string} type as of a tensor; 'other' is none of those that are read
 * @property {(number | string | null)[] | null} shape a name or null for an axis of any size; null: not told
 *
 * @typedef {object} OnnxModel
 * @property {string} name
 * @property {number} opset version of ONNX's own operators
 * @property {OnnxNode[]} nodes in an order in which they can be computed
 * @property {Map<string, Tensor>} constants initializers by name
 * @property {ValueInfo[]} inputs without those that are initializers
 * @property {ValueInfo[]} outputs
 */

/** @typedef {import('./wire.js').Schema} Schema */

/** @type {Schema} */
const TENSOR = {
  name: 'TensorProto',
  fields: {
    1: ['dims', 'ints'],
    2: ['type', 'int'],
    4: ['floats', 'floats'],
    5: ['int32s', 'ints'],
    7: ['int64s', 'ints'],
    8: ['name', 'string'],
    9: ['raw', 'bytes'],
    10: ['doubles', 'doubles'],
    14: ['location', 'int'],
  },
};

/** @type {Schema} */
const ATTRIBUTE = {
  name: 'AttributeProto',
  fields: {
    1: ['name', 'string'],
    2: ['f', 'float'],
    3: ['i', 'int'],
    4: ['s', 'string'],
    5: ['t', TENSOR],
    7: ['floats', 'floats'],
    8: ['ints', 'ints'],
    9: ['strings', 'strings'],
    20: ['type', 'int'],
  },
};

/** @type {Schema} */
const NODE = {
  name: 'NodeProto',
  fields: {
    1: ['inputs', 'strings'],
    2: ['outputs', 'strings'],
    3: ['name', 'string'],
    4: ['type', 'string'],
    5: ['attributes', 'messages', ATTRIBUTE],
    7: ['domain', 'string'],
  },
};

/** @type {Schema} */
const DIMENSION = { name: 'Dimension', fields: { 1: ['size', 'int'], 2: ['symbol', 'string'] } };
/** @type {Schema} */
const SHAPE = { name: 'TensorShapeProto', fields: { 1: ['dims', 'messages', DIMENSION] } };
/** @type {Schema} */
const TENSOR_TYPE = {
  name: 'TypeProto.Tensor',
  fields: { 1: ['type', 'int'], 2: ['shape', SHAPE] },
};
/** @type {Schema} */
const TYPE = { name: 'TypeProto', fields: { 1: ['tensor', TENSOR_TYPE] } };
/** @type {Schema} */
const VALUE_INFO = {
  name: 'ValueInfoProto',
  fields: { 1: ['name', 'string'], 2: ['type', TYPE] },
};

/** @type {Schema} */
const GRAPH = {
  name: 'GraphProto',
  fields: {
    1: ['nodes', 'messages', NODE],
    2: ['name', 'string'],
    5: ['initializers', 'messages', TENSOR],
    11: ['inputs', 'messages', VALUE_INFO],
    12: ['outputs', 'messages', VALUE_INFO],
    15: ['sparse', 'messages'],
  },
};

/** @type {Schema} */
const OPSET = {
  name: 'OperatorSetIdProto',
  fields: { 1: ['domain', 'string'], 2: ['version', 'int'] },
};

/** @type {Schema} */
const MODEL = {
  name: 'ModelProto',
  fields: { 1: ['irVersion', 'int'], 7: ['graph', GRAPH], 8: ['opsets', 'messages', OPSET] },
};

/** Name and bytes of TensorProto's data types, how raw bytes are read, and the field that holds them otherwise. */
const DATA_TYPES = new Map(
  /** @type {[number, { name: string, bytes: number, field: string,
   *   read: (view: DataView, at: number) => number }][]} */ ([
    [1, facts('float32', 4, 'floats', (view, at) => view.getFloat32(at, true))],
    [2, facts('uint8', 1, 'int32s', (view, at) => view.getUint8(at))],
    [3, facts('int8', 1, 'int32s', (view, at) => view.getInt8(at))],
    [4, facts('uint16', 2, 'int32s', (view, at) => view.getUint16(at, true))],
    [5, facts('int16', 2, 'int32s', (view, at) => view.getInt16(at, true))],
    [6, facts('int32', 4, 'int32s', (view, at) => view.getInt32(at, true))],
    [7, facts('int64', 8, 'int64s', (view, at) => Number(view.getBigInt64(at, true)))],
    [9, facts('bool', 1, 'int32s', (view, at) => (view.getUint8(at) ? 1 : 0))],
    [11, facts('float64', 8, 'doubles', (view, at) => view.getFloat64(at, true))],
  ]),
);

/**
 * @param {string} name
 * @param {number} bytes
 * @param {string} field
 * @param {(view: DataView, at: number) => number} read
 */
function facts(name, bytes, field, read) {
  return { name, bytes, field, read };
}

/** What the engine can hold; larger shapes are refused before anything is sized by them. */
const MAX_ELEMENTS = 2 ** 29 - 1;
const MAX_RANK = 8;
const EXTERNAL = 1;

/**
 * @param {Uint8Array} bytes a TensorProto: a file of the ONNX test suite, or part of a model
 * @returns {Tensor}
 * @throws {FormatError} {LimitError} {UnsupportedError}
 */
export function decodeTensor(bytes) {
  return readTensor(decodeMessage(bytes, TENSOR));
}

/** @param {Record<string, any>} message @returns {Tensor} */
function readTensor(message) {
  const { name = '', dims, raw, type = 0 } = message;
  const label = `tensor '${name}'`;
  const facts = DATA_TYPES.get(type);
  if (!facts) {
    throw new UnsupportedError(`${label}: data type ${type} is not supported.`, { field: name });
  }
  if (message.location === EXTERNAL) {
    throw new UnsupportedError(
      `${label}: its data stands in another file; save the model with its data inside.`,
      { field: name },
    );
  }
  const size = elementsOf(dims, label);
  const found = raw ? raw.length : message[facts.field].length;
  if (found !== (raw ? size * facts.bytes : size)) {
    throw new FormatError(
      `${label}: its shape [${dims}] has ${size} numbers of type ${facts.name}, found ${found} ` +
        `${raw ? 'bytes' : 'numbers'}.`,
      { field: name },
    );
  }
  const data = new (facts.name === 'float32' ? Float32Array : Float64Array)(size);
  if (raw) {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    for (let i = 0; i < size; i++) data[i] = facts.read(view, i * facts.bytes);
  } else data.set(message[facts.field]);
  return { name, type: facts.name, shape: dims, data };
}

/**
 * The product of sizes, each checked.
 *
 * @param {readonly number[]} shape
 * @param {string} label
 */
export function elementsOf(shape, label) {
  if (shape.length > MAX_RANK) {
    throw new LimitError(`${label} has ${shape.length} axes, at most ${MAX_RANK} are supported.`);
  }
  let size = 1;
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new FormatError(`${label}: [${shape}] is not a shape.`);
    }
    size *= length;
  }
  if (size <= MAX_ELEMENTS) return size;
  throw new LimitError(`${label}: [${shape}] has ${size} numbers, at most ${MAX_ELEMENTS}.`);
}

/** The field of each AttributeProto.type that is read. */
const ATTRIBUTE_FIELDS = new Map([
  [1, 'f'],
  [2, 'i'],
  [3, 's'],
  [4, 't'],
  [6, 'floats'],
  [7, 'ints'],
  [8, 'strings'],
]);

/** What a scalar attribute is when the file leaves its default out. */
const ABSENT = /** @type {Record<string, AttributeValue>} */ ({ f: 0, i: 0, s: '' });

/** @param {Record<string, any>} message @returns {[string, AttributeValue]} */
function readAttribute(message) {
  const { name = '', type = 0 } = message;
  const field = ATTRIBUTE_FIELDS.get(type);
  if (!field) return [name, null];
  if (field === 't') return [name, message.t ? readTensor(message.t) : null];
  return [name, message[field] ?? ABSENT[field]];
}

/** @param {Record<string, any>} message @param {number} index @returns {OnnxNode} */
function readNode({ name = '', type = '', domain = '', inputs, outputs, attributes }, index) {
  return {
    name: name || `${type}_${index}`,
    type,
    domain: domain === 'ai.onnx' ? '' : domain,
    inputs,
    outputs,
    attributes: new Map(attributes.map(readAttribute)),
  };
}

/** @param {Record<string, any>} message @returns {ValueInfo} */
function readValueInfo({ name = '', type }) {
  const tensor = type?.tensor;
  const facts = DATA_TYPES.get(tensor?.type);
  const dims = tensor?.shape?.dims;
  return {
    name,
    type: facts?.name ?? 'other',
    shape: dims?.map((/** @type {any} */ dim) => dim.size ?? dim.symbol ?? null) ?? null,
  };
}

/**
 * @param {Uint8Array} bytes an ONNX file
 * @returns {OnnxModel}
 * @throws {FormatError} {LimitError} {UnsupportedError}
 */
export function decodeModel(bytes) {
  const { graph, opsets } = decodeMessage(bytes, MODEL);
  if (!graph) throw new FormatError('This is not a valid ONNX file: it holds no graph.');
  if (graph.sparse.length > 0) throw new UnsupportedError('Sparse initializers are not supported.');
  const own = opsets.find(
    (/** @type {any} */ { domain = '' }) => domain === '' || domain === 'ai.onnx',
  );
  const constants = new Map(
    graph.initializers.map((/** @type {Record<string, any>} */ message) => {
      const tensor = readTensor(message);
      return /** @type {const} */ ([tensor.name, tensor]);
    }),
  );
  return {
    name: graph.name || 'onnx',
    opset: own?.version ?? 1,
    nodes: graph.nodes.map(readNode),
    constants,
    inputs: graph.inputs
      .map(readValueInfo)
      .filter((/** @type {ValueInfo} */ { name }) => !constants.has(name)),
    outputs: graph.outputs.map(readValueInfo),
  };
}

/** Writes small ONNX files, so that tests can say what is in one: the wire format backwards. */

/** @param {number} value @returns {number[]} */
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}

/** @param {number} field @param {Iterable<number> | string} content @returns {number[]} */
export const bytes = (field, content) => {
  const list = typeof content === 'string' ? [...new TextEncoder().encode(content)] : [...content];
  return [...varint(field * 8 + 2), ...varint(list.length), ...list];
};
/** @param {number} field @param {number} value @returns {number[]} */
export const int = (field, value) => [...varint(field * 8), ...varint(value)];

/** @param {readonly number[]} shape @param {readonly number[]} values @param {string} [name] */
export const tensor = (shape, values, name = '') => [
  ...shape.flatMap((n) => int(1, n)),
  ...int(2, 1),
  ...bytes(8, name),
  ...bytes(9, new Uint8Array(Float32Array.from(values).buffer)),
];

/** @param {string} name @param {readonly (number | string)[]} shape */
const value = (name, shape) => {
  const dims = shape.flatMap((n) => bytes(1, typeof n === 'number' ? int(1, n) : bytes(2, n)));
  return [...bytes(1, name), ...bytes(2, bytes(1, [...int(1, 1), ...bytes(2, dims)]))];
};

/** An attribute of whole numbers, or of one. @param {string} name @param {number | readonly number[]} given */
export const attribute = (name, given) =>
  typeof given === 'number'
    ? [...bytes(1, name), ...int(3, given), ...int(20, 2)]
    : [...bytes(1, name), ...given.flatMap((n) => int(8, n)), ...int(20, 7)];

/**
 * @param {object} graph
 * @param {[type: string, inputs: string[], outputs: string[], attributes?: Record<string, number | number[]>][]} graph.nodes
 * @param {Record<string, readonly (number | string)[]>} graph.inputs name → shape
 * @param {readonly string[]} graph.outputs
 * @param {Record<string, { shape: readonly number[], data: readonly number[] }>} [graph.constants]
 * @param {number} [graph.opset]
 * @returns {Uint8Array}
 */
export function onnxFile({ nodes, inputs, outputs, constants = {}, opset = 17 }) {
  const graph = [
    ...nodes.flatMap(([type, from, to, attributes = {}]) =>
      bytes(1, [
        ...from.flatMap((name) => bytes(1, name)),
        ...to.flatMap((name) => bytes(2, name)),
        ...bytes(4, type),
        ...Object.entries(attributes).flatMap(([name, given]) => bytes(5, attribute(name, given))),
      ]),
    ),
    ...bytes(2, 'small'),
    ...Object.entries(constants).flatMap(([name, { shape, data }]) =>
      bytes(5, tensor(shape, data, name)),
    ),
    ...Object.entries(inputs).flatMap(([name, shape]) => bytes(11, value(name, shape))),
    ...outputs.flatMap((name) => bytes(12, value(name, []))),
  ];
  return Uint8Array.from([...int(1, 8), ...bytes(7, graph), ...bytes(8, int(2, opset))]);
}

/** Writes a network as an ONNX file (protobuf, opset 13, NCHW), with small weights. */

import { randomFloats } from './works.mjs';

/**
 * @param {import('./works.mjs').Network} network
 * @returns {Uint8Array}
 */
export function onnxModel({ input, layers }) {
  /** @type {Uint8Array[]} */
  const graph = [];
  let [height, width, channels] = input.length === 1 ? [1, 1, input[0]] : input;
  const given = input.length === 1 ? [channels] : [channels, height, width];
  let last = 'x';
  layers.forEach((layer, i) => {
    /** @type {(op: string, weights?: number[][], attributes?: Uint8Array[]) => void} */
    const add = (op, weights = [], attributes = []) => {
      const out = `${op}${i}`;
      const names = weights.map((_, index) => `${op}${i}_${index}`);
      weights.forEach((dims, index) => graph.push(bytes(5, tensor(names[index], dims))));
      const inputs = [last, ...names].map((name) => text(1, name));
      graph.push(bytes(1, join([...inputs, text(2, out), text(4, op), ...attributes])));
      last = out;
    };
    if (layer.type === 'conv') {
      const { filters } = layer;
      add('Conv', [[filters, channels, 3, 3], [filters]], [integers('kernel_shape', [3, 3])]);
      add('Relu');
      [height, width, channels] = [height - 2, width - 2, filters];
    } else if (layer.type === 'pool') {
      add('MaxPool', [], [integers('kernel_shape', [2, 2]), integers('strides', [2, 2])]);
      [height, width] = [height >> 1, width >> 1];
    } else if (layer.type === 'flatten') {
      add('Flatten');
      [height, width, channels] = [1, 1, height * width * channels];
    } else if (layer.type === 'dense') {
      add('Gemm', [[channels, layer.units], [layer.units]]);
      if (layer.relu) add('Relu');
      channels = layer.units;
    }
  });
  graph.push(text(2, 'network'), value(11, 'x', given), value(12, last, [channels]));
  return join([number(1, 7), bytes(7, join(graph)), bytes(8, join([text(1, ''), number(2, 13)]))]);
}

/** @param {string} name @param {number[]} dims */
function tensor(name, dims) {
  const size = dims.reduce((product, side) => product * side, 1);
  const data = randomFloats(size).map((uniform) => (uniform - 0.5) / 8);
  return join([
    ...dims.map((side) => number(1, side)),
    number(2, 1),
    text(8, name),
    bytes(9, new Uint8Array(data.buffer)),
  ]);
}

/** A named float tensor; its first dimension, the batch, stays open. @param {number} field @param {string} name @param {number[]} shape */
function value(field, name, shape) {
  const dims = [bytes(1, text(2, 'batch')), ...shape.map((side) => bytes(1, number(1, side)))];
  const type = bytes(1, join([number(1, 1), bytes(2, join(dims))]));
  return bytes(field, join([text(1, name), bytes(2, type)]));
}

/** @param {string} name @param {number[]} values */
function integers(name, values) {
  const list = values.map((item) => number(8, item));
  return bytes(5, join([text(1, name), ...list, number(20, 7)]));
}

/** @param {number} field @param {number} item */
function number(field, item) {
  return Uint8Array.from([...varint(field << 3), ...varint(item)]);
}

/** @param {number} field @param {string} item */
function text(field, item) {
  return bytes(field, new TextEncoder().encode(item));
}

/** @param {number} field @param {Uint8Array} content */
function bytes(field, content) {
  const head = Uint8Array.from([...varint((field << 3) | 2), ...varint(content.length)]);
  return join([head, content]);
}

/** @param {number} item */
function varint(item) {
  const out = [];
  for (; item > 127; item = Math.floor(item / 128)) out.push((item % 128) | 128);
  return [...out, item];
}

/** @param {Uint8Array[]} parts */
function join(parts) {
  const out = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

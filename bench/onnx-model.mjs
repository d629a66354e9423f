/** Writes a network as an ONNX file (protobuf, opset 13, NCHW), with small weights. */

import { shapeAfter, shapeOf } from './networks.mjs';
import { randomFloats } from './works.mjs';

/**
 * @param {import('./networks.mjs').Network} network
 * @returns {Uint8Array}
 */
export function onnxModel({ input, layers }) {
  /** @type {Uint8Array[]} */
  const graph = [];
  let count = 0;

  /** @type {(op: string, inputs: string[], weights?: Weights[], attributes?: Uint8Array[]) => string} name of its output */
  const add = (op, inputs, weights = [], attributes = []) => {
    const out = `${op}${count++}`;
    const names = weights.map((_, index) => `${out}_${index}`);
    weights.forEach((values, index) => graph.push(bytes(5, tensor(names[index], values))));
    const read = [...inputs, ...names].map((name) => text(1, name));
    graph.push(bytes(1, join([...read, text(2, out), text(4, op), ...attributes])));
    return out;
  };

  /** @param {string} from @param {import('./networks.mjs').ConvSpec} layer @param {number} channels */
  const addConv = (from, { filters, kernel, stride, same, norm, relu }, channels) => {
    const edge = same ? kernel >> 1 : 0;
    const features = { dims: [filters] };
    const weights = [{ dims: [filters, channels, kernel, kernel] }, ...(norm ? [] : [features])];
    const out = add('Conv', [from], weights, [
      integers('kernel_shape', [kernel, kernel]),
      integers('strides', [stride, stride]),
      integers('pads', [edge, edge, edge, edge]),
    ]);
    const one = { dims: [filters], around: 1 };
    const [scale, bias, mean, variance] = [one, features, features, one];
    const last = norm ? add('BatchNormalization', [out], [scale, bias, mean, variance]) : out;
    return relu ? add('Relu', [last]) : last;
  };

  /** @type {(layers: import('./networks.mjs').LayerSpec[], from: string, shape: import('./networks.mjs').Shape) => string} */
  const addAll = (layers, from, shape) => {
    let last = from;
    for (const layer of layers) {
      if (layer.type === 'conv') last = addConv(last, layer, shape.channels);
      else if (layer.type === 'residual') {
        const branches = [layer.body, layer.shortcut].map((branch) => addAll(branch, last, shape));
        last = add('Relu', [add('Add', branches)]);
      } else if (layer.type === 'pool') {
        const window = [integers('kernel_shape', [2, 2]), integers('strides', [2, 2])];
        last = add('MaxPool', [last], [], window);
      } else if (layer.type === 'average') {
        last = add('Flatten', [add('GlobalAveragePool', [last])]);
      } else if (layer.type === 'flatten') last = add('Flatten', [last]);
      else if (layer.type === 'dense') {
        last = add(
          'Gemm',
          [last],
          [{ dims: [shape.channels, layer.units] }, { dims: [layer.units] }],
        );
        if (layer.relu) last = add('Relu', [last]);
      }
      shape = shapeAfter(layer, shape);
    }
    return last;
  };

  const start = shapeOf(input);
  const { side, channels } = start;
  const given = input.length === 1 ? [channels] : [channels, side, side];
  const last = addAll(layers, 'x', start);
  const end = layers.reduce((shape, layer) => shapeAfter(layer, shape), start);
  graph.push(text(2, 'network'), value(11, 'x', given), value(12, last, [end.channels]));
  return join([number(1, 7), bytes(7, join(graph)), bytes(8, join([text(1, ''), number(2, 13)]))]);
}

/** @typedef {{ dims: number[], around?: number }} Weights small ones, or around a value */

/** @param {string} name @param {Weights} weights */
function tensor(name, { dims, around = 0 }) {
  const size = dims.reduce((product, side) => product * side, 1);
  const data = randomFloats(size).map((uniform) => around + (uniform - 0.5) / 8);
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

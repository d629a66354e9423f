/** Normalisations with weights. */

import { constantOf, number, valueOf } from './arguments.js';
import { Value, product } from './builder.js';

/** @typedef {import('./arguments.js').Row} Row */

/** @type {Row} */
function batchNormalization(b, node, inputs) {
  if (number(node, 'training_mode', 0)) throw b.unsupported('training in a prediction');
  const names = ['gamma', 'beta', 'moving_mean', 'moving_variance'];
  const weights = Object.fromEntries(
    names.map((name, k) => [name, constantOf(b, node, inputs, k + 1).data]),
  );
  const x = b.last(valueOf(b, node, inputs, 0));
  const options = { epsilon: number(node, 'epsilon', 1e-5) };
  const rows = product(x.shape.slice(2));
  const held = rows === 1 ? [x.shape[1]] : [rows, x.shape[1]];
  const layer = b.apply('batchNormalization', options, b.as(x, held), weights);
  return new Value(x.shape, layer, held, x.last);
}

/** @type {Row} */
function instanceNormalization(b, node, inputs) {
  const [gamma, beta] = [1, 2].map((k) => constantOf(b, node, inputs, k).data);
  const x = b.last(valueOf(b, node, inputs, 0));
  const held = [product(x.shape.slice(2)), 1, x.shape[1]];
  const options = { groups: -1, epsilon: number(node, 'epsilon', 1e-5) };
  const layer = b.apply('groupNormalization', options, b.as(x, held), { gamma, beta });
  return new Value(x.shape, layer, held, x.last);
}

/** @type {Row} */
function layerNormalization(b, node, inputs) {
  const x = b.plain(valueOf(b, node, inputs, 0));
  const rank = x.shape.length;
  const given = number(node, 'axis', -1);
  const axis = given < 0 ? given + rank : given;
  const sizes = b.sampleOf(x.shape);
  const first = b.sampleAxis(axis, false, rank);
  const [outer, inner] = [product(sizes.slice(0, first)), product(sizes.slice(first))];
  const epsilon = number(node, 'epsilon', 1e-5);
  const gamma = constantOf(b, node, inputs, 1).data;
  const beta = inputs[2] && constantOf(b, node, inputs, 2).data;
  const from = b.as(x, [outer, inner]);
  const options = { epsilon, center: beta !== undefined };
  const layer = b.apply('layerNormalization', options, from, { gamma, ...(beta && { beta }) });
  const y = new Value(x.shape, layer, [outer, inner], false);
  if (node.outputs.length === 1) return y;
  const shape = x.shape.map((n, d) => (d < axis ? n : 1));
  const mean = b.apply('reduce', { operation: 'mean', axis: [2], keepdims: true }, from);
  const centred = b.apply('subtract', {}, [from, mean]);
  const square = b.apply('elementwise', { operation: 'square' }, centred);
  const variance = b.apply('reduce', { operation: 'mean', axis: [2], keepdims: true }, square);
  const moved = b.apply('rescaling', { scale: 1, offset: epsilon }, variance);
  const root = b.apply('elementwise', { operation: 'sqrt' }, moved);
  const inverse = b.apply('elementwise', { operation: 'reciprocal' }, root);
  return [
    y,
    new Value(shape, mean, [outer, 1], false),
    new Value(shape, inverse, [outer, 1], false),
  ];
}

/** @type {[string, Row][]} */
export const NORMALISATIONS = [
  ['BatchNormalization', batchNormalization],
  ['InstanceNormalization', instanceNormalization],
  ['LayerNormalization', layerNormalization],
];

/** ONNX's losses as graphs: the classes are constants, so that what each sample loses is a product with ones and zeros. */

import { constantOf, valueOf, word } from './arguments.js';
import { product } from './builder.js';
import { tensor } from './constants.js';
import { join, overAxis, reduce } from './operators-math.js';

/**
 * @typedef {import('./arguments.js').Row} Row
 */

/**
 * Of logarithms of probabilities [batch, classes, …] what each place loses, and the sum or mean of it.
 *
 * @param {import('./builder.js').Builder} b
 * @param {import('./proto.js').OnnxNode} node
 * @param {(import('./arguments.js').Argument | undefined)[]} inputs
 * @param {import('./builder.js').Value} x
 */
function nll(b, node, inputs, x) {
  const labels = constantOf(b, node, inputs, 1);
  const weights = inputs[2] && constantOf(b, node, inputs, 2).data;
  const ignored = node.attributes.get('ignore_index');
  const reduction = word(node, 'reduction', 'mean');
  const [batch, classes, ...space] = x.shape;
  const inner = product(space);
  if (labels.data.length !== batch * inner)
    throw b.unsupported(`labels of shape [${labels.shape}]`);
  /** What a place weighs: nothing where its label is to be ignored. */
  const shares = Float64Array.from(labels.data, (label) => {
    if (label === ignored) return 0;
    if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
      throw b.unsupported(`a label ${label} of ${classes} classes`);
    }
    return weights ? weights[label] : 1;
  });
  const all = shares.reduce((sum, share) => sum + share, 0);
  const scale = reduction === 'mean' ? -1 / all : -1;
  const picks = new Float32Array(batch * classes * inner);
  shares.forEach((share, i) => {
    const place = Math.floor(i / inner) * classes * inner + (i % inner);
    if (share !== 0) picks[place + labels.data[i] * inner] = share * scale;
  });
  const chosen = join(b, 'multiply', b.plain(x), tensor(x.shape, picks));
  const every = reduce(b, 'sum', chosen, [1], false);
  return reduction === 'none'
    ? every
    : reduce(
        b,
        'sum',
        every,
        every.shape.map((_, d) => d),
        false,
      );
}

/** @type {[string, Row][]} */
export const LOSSES = [
  [
    'NegativeLogLikelihoodLoss',
    (b, node, inputs) => nll(b, node, inputs, valueOf(b, node, inputs, 0)),
  ],
  [
    'SoftmaxCrossEntropyLoss',
    (b, node, inputs) => {
      const x = valueOf(b, node, inputs, 0);
      const logs = overAxis(b, x, 'logSoftmax', 1, 2);
      const loss = nll(b, node, inputs, logs);
      return node.outputs.length > 1 ? [loss, logs] : loss;
    },
  ],
];

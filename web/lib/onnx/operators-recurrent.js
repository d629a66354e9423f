/** RNN, LSTM and GRU. The engine's sequences are [steps, features]; several in one tensor go through one layer in turns. */

import { constantOf, number, valueOf, word } from './arguments.js';
import { Value } from './builder.js';

/**
 * @typedef {import('./builder.js').Builder} Builder
 * @typedef {import('./arguments.js').Row} Row
 * @typedef {import('./arguments.js').Argument} Argument
 * @typedef {import('./proto.js').OnnxNode} OnnxNode
 * @typedef {import('../symbolic.js').SymbolicTensor} SymbolicTensor
 *
 * @typedef {object} Kind
 * @property {'simpleRNN' | 'lstm' | 'gru'} type
 * @property {number[]} gates ONNX's gate for each of the layer's, in its order
 * @property {string[]} activations ONNX's defaults
 */

/** ONNX's activations that recurrent layers have, as they are without parameters. */
const ACTIVATIONS = new Map([
  ['Tanh', 'tanh'],
  ['Sigmoid', 'sigmoid'],
  ['Relu', 'relu'],
  ['Softsign', 'softsign'],
]);

/**
 * Rows of a matrix [gates · units, n] in the layer's order of gates, as columns.
 *
 * @param {Kind} kind
 * @param {number} units
 * @param {ArrayLike<number>} data
 * @param {number} start of the direction's matrix
 * @param {number} n
 */
function turned({ gates }, units, data, start, n) {
  const columns = gates.length * units;
  const out = new Float32Array(n * columns);
  gates.forEach((gate, position) => {
    for (let u = 0; u < units; u++) {
      for (let i = 0; i < n; i++) {
        out[i * columns + position * units + u] = data[start + (gate * units + u) * n + i];
      }
    }
  });
  return out;
}

/** @param {Builder} b @param {OnnxNode} node @param {Kind} kind @param {number} direction */
function activationsOf(b, node, kind, direction) {
  const count = kind.activations.length;
  const given = node.attributes.get('activations');
  const names = Array.isArray(given)
    ? given.slice(direction * count, (direction + 1) * count).map(String)
    : kind.activations;
  const [first, second, third = second] = names.map((name) => {
    const found = ACTIVATIONS.get(name);
    if (!found) throw b.unsupported(`the activation '${name}'`);
    return found;
  });
  if (third !== second) throw b.unsupported('different activations of candidate and state');
  return second ? { recurrentActivation: first, activation: second } : { activation: first };
}

/**
 * Refuses what the layers do not do.
 *
 * @param {Builder} b
 * @param {OnnxNode} node
 * @param {(Argument | undefined)[]} inputs
 */
function checkOptions(b, node, inputs) {
  if (inputs[4]) throw b.unsupported('sequences of several lengths');
  for (const k of [5, 6]) {
    if (inputs[k] && constantOf(b, node, inputs, k).data.some((value) => value !== 0)) {
      throw b.unsupported('a state to start from');
    }
  }
  if (inputs[7]) throw b.unsupported('peepholes');
  if (node.attributes.has('clip') || number(node, 'input_forget', 0)) {
    throw b.unsupported('clip or input_forget');
  }
  if (node.outputs[2]) throw b.unsupported('an output of the cell state');
}

/**
 * The sequences of a tensor, each [steps, features].
 *
 * @param {Builder} b
 * @param {Value} x
 * @param {boolean} batchFirst
 * @returns {{ sequences: SymbolicTensor[], steps: number, features: number, batch: number }}
 */
function sequencesOf(b, x, batchFirst) {
  const [first, second, features] = x.shape;
  const [batch, steps] = batchFirst ? [first, second] : [second, first];
  const sizes = { steps, features, batch };
  if (b.batch && !batchFirst) throw b.unsupported('steps on the first axis');
  const plain = b.plain(x);
  if (b.batch || batch === 1) return { sequences: [b.as(plain, [steps, features])], ...sizes };
  const all = b.as(plain, x.shape);
  const sequences = Array.from({ length: batch }, (_, n) => {
    const start = batchFirst ? [n, 0, 0] : [0, n, 0];
    const size = batchFirst ? [1, steps, features] : [steps, 1, features];
    const layer = b.apply('slice', { start, size }, all);
    return b.as({ layer, held: size }, [steps, features]);
  });
  return { sequences, ...sizes };
}

/** @param {Kind} kind @returns {Row} */
const recurrent = (kind) => (b, node, inputs) => {
  checkOptions(b, node, inputs);
  const batchFirst = number(node, 'layout', 0) !== 0;
  const x = valueOf(b, node, inputs, 0);
  const [w, r] = [1, 2].map((k) => constantOf(b, node, inputs, k));
  const bias = inputs[3] && constantOf(b, node, inputs, 3).data;
  const [directions, , features] = w.shape;
  const units = r.shape[2];
  const { sequences, steps, batch } = sequencesOf(b, x, batchFirst);
  const columns = kind.gates.length * units;
  const way = word(node, 'direction', 'forward');
  const resetAfter = number(node, 'linear_before_reset', 0) !== 0;
  /** Of each direction and sequence all states [steps, units], and the last one [1, units]. */
  const results = Array.from({ length: directions }, (_, d) => {
    const goBackwards = way === 'reverse' || d === 1;
    /** @type {Record<string, ArrayLike<number>>} */
    const weights = {
      kernel: turned(kind, units, w.data, d * columns * features, features),
      recurrent_kernel: turned(kind, units, r.data, d * columns * units, units),
    };
    if (bias) {
      const [own, state] = [0, 1].map((k) => turned(kind, units, bias, (2 * d + k) * columns, 1));
      weights.bias =
        kind.type === 'gru' && resetAfter
          ? Float32Array.of(...own, ...state)
          : own.map((value, i) => value + state[i]);
    }
    const options = {
      units,
      goBackwards,
      returnSequences: true,
      useBias: bias !== undefined,
      ...activationsOf(b, node, kind, d),
      ...(kind.type === 'gru' && { resetAfter }),
    };
    const layer = b.make(kind.type, options, weights);
    return sequences.map((sequence) => {
      const states = layer.apply(sequence);
      const last = b.apply('slice', { start: [steps - 1, 0], size: [1, units] }, states);
      const order = { start: [steps - 1, 0], size: [steps, units], step: [-1, 1] };
      return { states: goBackwards ? b.apply('slice', order, states) : states, last };
    });
  });
  const join = (/** @type {SymbolicTensor[]} */ list, /** @type {number} */ axis) =>
    list.length === 1 ? list[0] : b.apply('concatenate', { axis }, list);
  const each = sequences.map((_, n) => results.map((direction) => direction[n]));
  const [y, h] = batchFirst
    ? [
        join(
          each.map((own) =>
            join(
              own.map(({ states }) => states),
              2,
            ),
          ),
          1,
        ),
        each.flat(),
      ]
    : [
        join(
          results.flat().map(({ states }) => states),
          2,
        ),
        results.flat(),
      ];
  const [all, last] = batchFirst
    ? [
        [batch, steps, directions, units],
        [batch, directions, units],
      ]
    : [
        [steps, directions, batch, units],
        [directions, batch, units],
      ];
  const count = sequences.length;
  const held = batchFirst
    ? [count * steps, directions * units]
    : [steps, directions * count * units];
  const states = new Value(all, y, held, false);
  const lasts = join(
    h.map((own) => own.last),
    1,
  );
  return [states, new Value(last, lasts, [directions * count, units], false)];
};

/** @type {[string, Row][]} */
export const RECURRENT = [
  ['RNN', recurrent({ type: 'simpleRNN', gates: [0], activations: ['Tanh'] })],
  ['GRU', recurrent({ type: 'gru', gates: [0, 1, 2], activations: ['Sigmoid', 'Tanh'] })],
  [
    'LSTM',
    // ONNX: input, output, forget, candidate; the layer: input, forget, candidate, output.
    recurrent({ type: 'lstm', gates: [0, 2, 3, 1], activations: ['Sigmoid', 'Tanh', 'Tanh'] }),
  ],
];

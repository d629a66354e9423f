/**
 * Models in training for 8 bits (quantisation-aware training, Jacob et al. 2018, arXiv:1712.05877): the float nodes of a
 * model, in the order in which its quantised form does their work, with a `fakeQuantize` behind each value that will be
 * held in bytes, and kernels that layers see as 8 bits hold them. Gradients pass through (straight-through estimator).
 */

import { nodesOf } from './architecture.js';
import { quantizedNodes } from './quantized-nodes.js';

/**
 * @typedef {import('./architecture.js').ModelNodes} ModelNodes
 * @typedef {import('./architecture.js').NodeSpec} NodeSpec
 * @typedef {import('./quantized-nodes.js').LoweredModel} LoweredModel
 */

/** What a value's range is called among the weights. @param {string} held a node's name */
export const rangeName = (held) => `${held}/fake_quantize/range`;

/**
 * @param {ModelNodes} model the float model's nodes
 * @returns {LoweredModel}
 */
export function awareNodes(model) {
  const any = new Map(model.nodes.map(({ name }) => [name, { scale: 1, zeroPoint: 0 }]));
  const lowered = quantizedNodes(model, any, true);
  /** @type {NodeSpec[]} */
  const nodes = [];
  /** For each node of the quantised form the one that gives its value here. @type {number[]} */
  const values = [];
  const push = (/** @type {NodeSpec} */ node) => nodes.push(node) - 1;
  const round = (/** @type {number} */ input, /** @type {string} */ held) =>
    push({
      op: 'fakeQuantize',
      name: `${held}/fake_quantize`,
      inputs: [input],
      attributes: [],
      layer: nodes[input].layer,
    });
  /** A float node as it was, reading other numbers. @param {NodeSpec} node @param {number[]} inputs */
  const copy = ({ op, name, attributes, layer }, inputs) =>
    push({
      op,
      name,
      inputs,
      attributes: attributes.map(([key, value]) => [key, key === 'like' ? values[value] : value]),
      layer,
    });
  for (const node of lowered.nodes) {
    const inputs = node.inputs.map((input) => values[input]);
    const { group, held, weights } = node;
    if (node.op === 'dequantize') {
      values.push(inputs[0]);
    } else if (node.op === 'quantize') {
      values.push(round(inputs[0], /** @type {string} */ (held)));
    } else if (group) {
      const [first, ...rest] = group.map((number) => model.nodes[number]);
      /** @type {[string, number][]} */
      const seen = weights ? [['kernel/int8', 1]] : [];
      let last = copy({ ...first, attributes: [...first.attributes, ...seen] }, inputs);
      for (const next of rest) last = copy(next, [last]);
      values.push(held === undefined ? last : round(last, held));
    } else {
      values.push(copy({ ...node, op: node.op.replace(/Int8$/, '') }, inputs));
    }
  }
  return {
    nodes,
    ends: lowered.ends.map((end) => values[end]),
    outputs: lowered.outputs.map((output) => values[output]),
    nodesOf: (architecture) => awareNodes(nodesOf(architecture)),
  };
}

/** What operators are given: inputs that are values or constants, and attributes. */

import { MissingError } from '../errors.js';
import { Value } from './builder.js';
import { axisOf } from './constants.js';

/**
 * @typedef {import('./builder.js').Builder} Builder
 * @typedef {import('./proto.js').OnnxNode} OnnxNode
 * @typedef {import('./proto.js').Tensor} Tensor
 * @typedef {Value | Tensor} Argument
 * @typedef {(b: Builder, node: OnnxNode, inputs: (Argument | undefined)[]) => Argument | (Argument | undefined)[]} Row
 *   what an ONNX operator becomes: its outputs
 */

/** @param {Builder} b @param {OnnxNode} node @param {(Argument | undefined)[]} inputs @param {number} k @returns {Value} */
export function valueOf(b, node, inputs, k) {
  const x = inputs[k];
  if (x) return b.value(x);
  throw new MissingError(`ONNX ${node.type} '${node.name}': input ${k} is missing.`, {
    layer: node.name,
  });
}

/**
 * An input that must be known when the model is read: weights, sizes, axes.
 *
 * @param {Builder} b
 * @param {OnnxNode} node
 * @param {(Argument | undefined)[]} inputs
 * @param {number} k
 * @returns {Tensor}
 */
export function constantOf(b, node, inputs, k) {
  const x = inputs[k];
  if (x && !(x instanceof Value)) return x;
  const name = node.inputs[k] ?? '';
  throw b.unsupported(`its input ${k} ('${name}') must be a constant`, name);
}

/** @param {Builder} b @param {OnnxNode} node @param {(Argument | undefined)[]} inputs @param {number} k */
export function scalarOf(b, node, inputs, k) {
  const { data, shape } = constantOf(b, node, inputs, k);
  if (data.length === 1) return data[0];
  throw b.unsupported(`its input ${k} must be one number, it is of shape [${shape}]`);
}

/** @param {OnnxNode} node @param {string} name @param {number} standard */
export function number(node, name, standard) {
  const value = node.attributes.get(name);
  return typeof value === 'number' ? value : standard;
}

/** @param {OnnxNode} node @param {string} name @returns {number[] | undefined} */
export function numbers(node, name) {
  const value = node.attributes.get(name);
  return Array.isArray(value) ? value.map(Number) : undefined;
}

/** @param {OnnxNode} node @param {string} name @param {string} standard */
export function word(node, name, standard) {
  const value = node.attributes.get(name);
  return typeof value === 'string' && value !== '' ? value : standard;
}

/** The attribute `axis`, from 0. @param {OnnxNode} node @param {number} rank @param {number} standard */
export function axisFor(node, rank, standard) {
  return axisOf(number(node, 'axis', standard), rank, node);
}

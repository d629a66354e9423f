/** Graphs in Keras's functional words: `input`, `apply`, `model`. */

import { GraphError, UnsupportedError } from './errors.js';
import { layers } from './layers.js';
import { readOptions } from './options.js';
import { contentOf, makeTensor } from './symbolic.js';

/** @typedef {import('./symbolic.js').SymbolicTensor} SymbolicTensor */

/**
 * Where samples enter a graph.
 *
 * @param {{ shape: number[], name?: string }} options shape of one sample: [height, width,
 *   channels] or [features]; name default 'input_layer'
 * @returns {SymbolicTensor}
 * @throws {ConfigError} {ShapeError} naming the field
 */
export function input(options) {
  const { shape, name } = readOptions(options, ['shape', 'name'], { what: 'input' });
  return makeTensor(layers.inputLayer({ inputShape: shape, name }), []);
}

/**
 * The layers between an input and an output, in the order in which they were applied, and what each
 * reads. A graph cannot have a cycle: a tensor exists only after those its layer reads.
 *
 * @param {unknown} inputs
 * @param {unknown} outputs
 * @returns {{ layers: import('./layers.js').Layer[], inbound: number[][] }}
 * @throws {GraphError} {UnsupportedError}
 */
export function traceGraph(inputs, outputs) {
  const start = one(inputs, 'inputs');
  const end = one(outputs, 'outputs');
  const first = contentOf(start, 'model: inputs');
  if (first.layer.type !== 'inputLayer') {
    throw new GraphError(
      `model: inputs must come from input(), found the output of ${label(first)}.`,
      {
        field: 'inputs',
      },
    );
  }
  /** @type {Map<SymbolicTensor, import('./symbolic.js').Content>} */
  const found = new Map();
  const open = [/** @type {SymbolicTensor} */ (end)];
  for (let tensor = open.pop(); tensor; tensor = open.pop()) {
    if (found.has(tensor)) continue;
    const content = contentOf(tensor, 'model: outputs');
    found.set(tensor, content);
    open.push(...content.inputs);
  }
  const tensors = [...found].sort(([, a], [, b]) => a.number - b.number);
  checkTensors(tensors, start);
  const numbers = new Map(tensors.map(([tensor], index) => [tensor, index]));
  return {
    layers: tensors.map(([, { layer }]) => layer),
    inbound: tensors.map(([, content]) =>
      content.inputs.map((tensor) => /** @type {number} */ (numbers.get(tensor))),
    ),
  };
}

/**
 * @param {[SymbolicTensor, import('./symbolic.js').Content][]} tensors
 * @param {unknown} start
 */
function checkTensors(tensors, start) {
  const seen = new Set();
  for (const [tensor, content] of tensors) {
    const { layer } = content;
    if (layer.type === 'inputLayer' && tensor !== start) {
      throw new GraphError(`model: outputs depend on ${label(content)}, which is not in inputs.`, {
        layer: layer.name,
        field: 'inputs',
      });
    }
    if (seen.has(layer)) {
      throw new GraphError(
        `model: ${label(content)} is applied twice; layers cannot share their weights yet, make one ` +
          'layer for each use.',
        { layer: layer.name, field: 'outputs' },
      );
    }
    seen.add(layer);
  }
  if (!tensors.some(([tensor]) => tensor === start)) {
    throw new GraphError('model: outputs do not depend on inputs.', { field: 'inputs' });
  }
}

/**
 * The only tensor of a list, or the tensor itself.
 *
 * @param {unknown} value
 * @param {string} field
 */
function one(value, field) {
  if (!Array.isArray(value)) return value;
  if (value.length === 1) return value[0];
  if (value.length === 0) throw new GraphError(`model: ${field} are empty.`, { field });
  throw new UnsupportedError(
    `model: models of 1 input and 1 output are supported, found ${value.length} ${field}.`,
    { field },
  );
}

/** @param {import('./symbolic.js').Content} content */
function label({ layer }) {
  return layer.name ? `${layer.type} '${layer.name}'` : layer.type;
}

/** Graphs in Keras's functional words: `input`, `apply`, `model`. */

import { GraphError } from './errors.js';
import { layers } from './layers.js';
import { readOptions } from './options.js';
import { contentOf, makeTensor } from './symbolic.js';

/** @typedef {import('./symbolic.js').SymbolicTensor} SymbolicTensor */

/**
 * Where samples enter a graph.
 *
 * @param {{ shape: number[], name?: string }} options shape of one sample: [height, width,
 *   channels], [steps, channels] or [features]; name default 'input_layer'
 * @returns {SymbolicTensor}
 * @throws {ConfigError} {ShapeError} naming the field
 */
export function input(options) {
  const { shape, name } = readOptions(options, ['shape', 'name'], { what: 'input' });
  return makeTensor(layers.inputLayer({ inputShape: shape, name }), []);
}

/**
 * The layers between inputs and outputs, in the order in which they were applied, and what each
 * reads. A graph cannot have a cycle: a tensor exists only after those its layer reads. A layer
 * that was applied more than once shares its weights between its calls.
 *
 * @param {unknown} inputs a tensor or an array of them
 * @param {unknown} outputs the same
 * @returns {{ layers: import('./layers.js').Layer[], inbound: number[][], calls: number[],
 *   outputs: number[] }} see Architecture
 * @throws {GraphError}
 */
export function traceGraph(inputs, outputs) {
  const starts = several(inputs, 'inputs');
  for (const start of starts) {
    const content = contentOf(start, 'model: inputs');
    if (content.layer.type === 'inputLayer') continue;
    throw new GraphError(
      `model: inputs must come from input(), found the output of ${label(content)}.`,
      { field: 'inputs' },
    );
  }
  const ends = several(outputs, 'outputs');
  /** @type {Map<SymbolicTensor, import('./symbolic.js').Content>} */
  const found = new Map();
  const open = [...ends];
  for (let tensor = open.pop(); tensor; tensor = open.pop()) {
    if (found.has(tensor)) continue;
    const content = contentOf(tensor, 'model: outputs');
    found.set(tensor, content);
    open.push(...content.inputs);
  }
  checkInputs(starts, found);
  // The inputs in their order, then everything else as it was applied.
  const rank = (/** @type {SymbolicTensor} */ tensor) => {
    const index = starts.indexOf(tensor);
    return index < 0 ? starts.length : index;
  };
  const tensors = [...found].sort(([x, a], [y, b]) => rank(x) - rank(y) || a.number - b.number);
  const numbers = new Map(tensors.map(([tensor], index) => [tensor, index]));
  const numberOf = (/** @type {SymbolicTensor} */ tensor) =>
    /** @type {number} */ (numbers.get(tensor));
  const layers = [...new Set(tensors.map(([, { layer }]) => layer))];
  const places = new Map(layers.map((layer, index) => [layer, index]));
  return {
    layers,
    inbound: tensors.map(([, content]) => content.inputs.map(numberOf)),
    calls: tensors.map(([, { layer }]) => /** @type {number} */ (places.get(layer))),
    outputs: ends.map(numberOf),
  };
}

/**
 * @param {SymbolicTensor[]} starts
 * @param {Map<SymbolicTensor, import('./symbolic.js').Content>} found
 */
function checkInputs(starts, found) {
  for (const [tensor, content] of found) {
    if (content.layer.type !== 'inputLayer' || starts.includes(tensor)) continue;
    throw new GraphError(`model: outputs depend on ${label(content)}, which is not in inputs.`, {
      layer: content.layer.name,
      field: 'inputs',
    });
  }
  const unused = starts.findIndex((tensor) => !found.has(tensor));
  if (unused < 0) return;
  const which = starts.length > 1 ? ` (number ${unused})` : '';
  throw new GraphError(`model: outputs do not depend on inputs${which}.`, { field: 'inputs' });
}

/**
 * The tensors of a list, or the tensor itself as a list; each of them once.
 *
 * @param {unknown} value
 * @param {string} field
 * @returns {SymbolicTensor[]}
 */
function several(value, field) {
  const list = Array.isArray(value) ? Array.from(value) : [value];
  if (list.length === 0) throw new GraphError(`model: ${field} are empty.`, { field });
  const again = list.findIndex((tensor, index) => list.indexOf(tensor) !== index);
  if (again < 0) return list;
  throw new GraphError(`model: ${field} hold the same tensor twice (number ${again}).`, { field });
}

/** @param {import('./symbolic.js').Content} content */
function label({ layer }) {
  return layer.name ? `${layer.type} '${layer.name}'` : layer.type;
}

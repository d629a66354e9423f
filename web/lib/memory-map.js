/** Where the memory of a step goes: the engine's plan for a batch size, as data and as text. */

/**
 * @typedef {import('./host-model.js').LayerFacts} LayerFacts
 *
 * @typedef {'activation' | 'gradient' | 'gradientPart' | 'saved' | 'scratch' | 'packed' | 'stored' | 'restored'} ArrayContent
 *   output of a layer (`stored` in 16 bits between the passes and `restored` for the backward one), gradient of it, one reader's share of a gradient that has several, what the
 *   forward pass leaves for the backward pass, room for the length of one pass, and the weights in
 *   the order that the forward pass reads (predictions keep them)
 *
 * @typedef {object} MappedArray a part of the arena; all sizes and offsets are bytes
 * @property {string} layer name
 * @property {ArrayContent} content
 * @property {number} offset in the arena
 * @property {number} bytes padding to the next cache line included
 * @property {number} from first moment at which it is needed: forward 0 … n-1, loss n, backward
 *   n+1 … 2n, for n operations of the engine (a layer is one; one with an activation two)
 * @property {number} to last moment
 *
 * @typedef {object} LayerMemory bytes
 * @property {string} name
 * @property {number} weights
 * @property {number} gradients of the trainable weights
 * @property {number} optimizer its state; 0 before `compile`
 * @property {number} activations
 * @property {number} activationGradients
 * @property {number} saved
 * @property {number} scratch of both passes
 * @property {number} packed the weights once more, in the order that the forward pass reads
 *
 * @typedef {object} MemoryMap bytes
 * @property {number} batchSize
 * @property {boolean} training
 * @property {LayerMemory[]} layers a layer that works in its producer's arrays (a fused ReLU, flatten) has none
 * @property {MappedArray[]} arrays of the arena, by offset; two share bytes when their times do not meet
 * @property {number} arena that holds all arrays
 * @property {number} withoutReuse what they would take side by side
 * @property {number} weights moving averages included
 * @property {number} gradients of the weights
 * @property {number} averages the next values of moving averages
 * @property {number} optimizer
 * @property {number} labels of a batch, and its losses
 * @property {number} total what the model holds with this plan; data sets come on top, and the order
 *   of an epoch (4 bytes a sample)
 *
 * @typedef {object} PlanFacts what the engine tells
 * @property {number} gradients floats of their vector
 * @property {Float64Array} arrays of the plan, ARRAY_FIELDS numbers each: tg_model_describe_plan
 * @property {number[]} layers for each node its layer
 * @property {number[]} state floats that the optimizer keeps for each layer
 */

/** Numbers that describe an array of a plan. */
const ARRAY_FIELDS = 6;
/** @type {Record<import('./ffi.js').ArrayKindValue, ArrayContent>} */
const CONTENTS = {
  0: 'activation',
  1: 'gradient',
  2: 'gradientPart',
  3: 'saved',
  4: 'scratch',
  5: 'scratch',
  6: 'packed',
  7: 'stored',
  8: 'restored',
};

/** Bytes of a weight or an activation. */
const FLOAT = 4;

/** @type {Record<ArrayContent, 'activations' | 'activationGradients' | 'saved' | 'scratch' | 'packed'>} */
const COLUMN = {
  activation: 'activations',
  gradient: 'activationGradients',
  gradientPart: 'activationGradients',
  saved: 'saved',
  scratch: 'scratch',
  packed: 'packed',
  stored: 'activations',
  restored: 'activations',
};

/**
 * @param {import('./host-model.js').ModelFacts} facts
 * @param {PlanFacts} plan
 * @param {{ batchSize: number, training: boolean }} options
 * @returns {MemoryMap}
 */
export function mapMemory(facts, plan, { batchSize, training }) {
  const { state } = plan;
  const layers = facts.layers.map(({ name, parameters, trainableParameters }, index) => ({
    name,
    weights: FLOAT * parameters,
    gradients: FLOAT * trainableParameters,
    optimizer: FLOAT * state[index],
    activations: 0,
    activationGradients: 0,
    saved: 0,
    scratch: 0,
    packed: 0,
  }));
  /** @type {MappedArray[]} */
  const arrays = [];
  for (let at = 0; at < plan.arrays.length; at += ARRAY_FIELDS) {
    const [node, kind, offset, bytes, from, to] = plan.arrays.subarray(at, at + ARRAY_FIELDS);
    const layer = layers[plan.layers[node]];
    const content = CONTENTS[/** @type {import('./ffi.js').ArrayKindValue} */ (kind)];
    layer[COLUMN[content]] += bytes;
    arrays.push({ layer: layer.name, content, offset, bytes, from, to });
  }
  arrays.sort((a, b) => a.offset - b.offset || a.from - b.from);
  const sizes = facts.outputs.map(({ shape }) =>
    shape.reduce((product, length) => product * length, 1),
  );
  const outputs = Math.max(...sizes);
  const held = {
    weights: FLOAT * facts.parameters,
    gradients: FLOAT * plan.gradients,
    averages: FLOAT * (facts.parameters - plan.gradients),
    optimizer: FLOAT * state.reduce((sum, floats) => sum + floats, 0),
    labels: FLOAT * batchSize * (outputs + 2),
    arena: arrays.reduce((end, { offset, bytes }) => Math.max(end, offset + bytes), 0),
  };
  return {
    batchSize,
    training,
    layers,
    arrays,
    ...held,
    withoutReuse: arrays.reduce((sum, { bytes }) => sum + bytes, 0),
    total: Object.values(held).reduce((sum, bytes) => sum + bytes, 0),
  };
}

/** @type {Exclude<keyof LayerMemory, 'name'>[]} */
const COLUMNS = [
  'weights',
  'gradients',
  'optimizer',
  'activations',
  'activationGradients',
  'saved',
  'scratch',
  'packed',
];

/**
 * @param {MemoryMap} map
 * @param {typeof import('./summary.js').table} table handed in: a module that this one and the page's
 *   first file both import would be a file of its own, which every page loads
 * @returns {string}
 */
export function describeMemory(map, table) {
  const { layers, arrays, batchSize, training } = map;
  const sums = COLUMNS.map((column) => layers.reduce((sum, layer) => sum + layer[column], 0));
  const heads = ['Weights', 'Gradients', 'Optimizer', 'Activations', 'Their gradients'];
  return [
    `Memory of ${training ? 'training' : 'inference'} in batches of ${batchSize}, in bytes`,
    ...table([
      ['Layer', ...heads, 'Saved', 'Scratch', 'Packed'],
      ...layers.map((layer) => [layer.name, ...COLUMNS.map((column) => layer[column])]),
      ['Sum', ...sums],
    ]),
    '',
    ...table([
      ['Array in the arena', 'Content', 'Offset', 'Bytes', 'From', 'To'],
      ...arrays.map(({ layer, content, offset, bytes, from, to }) => [
        layer,
        content,
        offset,
        bytes,
        from,
        to,
      ]),
    ]),
    '',
    ...table([
      ['All together', 'Bytes'],
      ['Arena', map.arena],
      ['  its arrays side by side', map.withoutReuse],
      ['Weights', map.weights],
      ['Gradients', map.gradients],
      ['Optimizer', map.optimizer],
      ['Next averages', map.averages],
      ['Labels, losses', map.labels],
      ['Total', map.total],
    ]),
  ].join('\n');
}

/**
 * Quantisation: scales of activations from calibration, or as training has learnt them, weights rounded to 8 bits, batch normalisation
 * folded. The scheme is that of PyTorch's and TensorFlow Lite's defaults: weights symmetric, -127…127, a scale an output
 * channel; activations affine, 0…255, a scale and zero point a tensor (Jacob et al. 2018, arXiv:1712.05877).
 */

import { nodesOf } from './architecture.js';
import { UnsupportedError } from './errors.js';
import { awareNodes, rangeName } from './quantize-aware.js';
import { quantizedNodes } from './quantized-nodes.js';
import { readTensors, writeTensors } from './tensors.js';

/**
 * @typedef {import('./host-model.js').HostModel} HostModel
 * @typedef {import('./quantized-nodes.js').Activation} Activation
 * @typedef {import('./quantized-nodes.js').LoweredModel} LoweredModel
 *
 * @typedef {(lowered: LoweredModel) => HostModel} Make makes a model of nodes, of the same architecture
 */

/** Samples that calibration runs together. */
const BATCH = 32;
/** Weights of a channel below this are zeros: a scale must be a normal float. */
const LEAST_WEIGHT = 1e-35;

/**
 * A quantised copy of a model, for inference. The model itself stays as it is.
 *
 * @param {HostModel} model
 * @param {Map<string, readonly [low: number, high: number]>} ranges of its values, by their nodes' names
 * @param {Make} make
 * @returns {HostModel}
 */
export function quantizeModel(model, ranges, make) {
  const activations = new Map(
    [...ranges].map(([name, [low, high]]) => [name, activationOf(low, high)]),
  );
  const lowered = quantizedNodes(nodesOf(model.architecture), activations);
  const weights = quantizedWeights(lowered, floatsOf(model));
  return made(model, make(lowered), weights, (copy) => {
    const { compiled, collector } = model;
    if (compiled) copy.compile(compiled, { rate: null, collector }); // nothing will train it
  });
}

/**
 * A copy of a model that trains for 8 bits; it is not compiled. The model itself stays as it is.
 *
 * @param {HostModel} model
 * @param {Map<string, readonly [low: number, high: number]>} ranges of its values, where those that are learnt begin
 * @param {Make} make
 * @returns {HostModel}
 */
export function quantizeAwareModel(model, ranges, make) {
  const weights = floatsOf(model);
  for (const [name, range] of ranges) weights.set(rangeName(name), Float32Array.from(range));
  const lowered = awareNodes(nodesOf(model.architecture));
  return made(model, make(lowered), weights, (copy) => copy.setMasks(model.masks));
}

/**
 * Between which numbers the values of each node lie, for samples.
 *
 * @param {HostModel} model
 * @param {import('./trainer.js').Range} range of calibration samples
 * @param {number} percentile 100: from the least value to the largest
 * @returns {Map<string, readonly [low: number, high: number]>} by the nodes' names
 */
export function calibratedRanges({ native, pointer, nodes, architecture }, range, percentile) {
  refuseCalls(architecture);
  const { dataset, first, count } = range;
  const { length } = nodes;
  const ends = native.calibrate(pointer, dataset.pointer, first, count, BATCH, percentile, length);
  return new Map(nodes.map(({ name }, index) => [name, ends[index]]));
}

/**
 * The same as a model in training for 8 bits has learnt it.
 *
 * @param {HostModel} model
 * @returns {Map<string, readonly [low: number, high: number]>}
 */
export function learntRanges(model) {
  const floats = floatsOf(model);
  return new Map(
    model.nodes.flatMap(({ name }) => {
      const range = floats.get(rangeName(name));
      return range ? [[name, /** @type {const} */ ([range[0], range[1]])]] : [];
    }),
  );
}

/** @param {import('./architecture.js').Architecture} architecture */
function refuseCalls({ calls }) {
  if (!calls) return;
  throw new UnsupportedError(
    'quantize: a layer that is called more than once has no quantised form.',
    { field: 'calls' },
  );
}

/** @param {HostModel} model @returns {Map<string, Float32Array>} its weights by name */
function floatsOf({ tensors, native, pointer }) {
  const own = readTensors(tensors, native.vector(pointer, 'WEIGHTS'));
  return new Map(own.map(({ name, data }) => [name, data]));
}

/**
 * A copy with its weights; one that fails leaves nothing behind.
 *
 * @param {HostModel} model
 * @param {HostModel} copy
 * @param {Map<string, Float32Array>} weights
 * @param {(copy: HostModel) => void} finish
 */
function made({ native }, copy, weights, finish) {
  try {
    writeTensors(copy.tensors, weights, native.vector(copy.pointer, 'WEIGHTS'));
    finish(copy);
  } catch (error) {
    native.destroyModel(copy.pointer);
    throw error;
  }
  return copy;
}

/**
 * Zero is a whole step from both ends, so that padding and a ReLU's zeros are exact.
 *
 * @param {number} low
 * @param {number} high
 * @returns {Activation}
 */
function activationOf(low, high) {
  const from = Math.min(low, 0);
  const scale = Math.fround((Math.max(high, 0) - from) / 255);
  if (scale < LEAST_WEIGHT) return { scale: 1, zeroPoint: 0 };
  return { scale, zeroPoint: Math.min(Math.max(Math.round(-from / scale), 0), 255) };
}

/**
 * Every tensor of the quantised model; 8-bit kernels as whole numbers.
 *
 * @param {LoweredModel} lowered
 * @param {Map<string, Float32Array>} floats the float model's
 */
function quantizedWeights({ nodes }, floats) {
  const weights = new Map(floats);
  for (const { name, weights: layer, normalization } of nodes) {
    if (!layer) continue;
    const kernel = /** @type {Float32Array} */ (floats.get(`${name}/kernel`));
    const channels = /** @type {number} */ (
      layer.attributes.find(([key]) => key === 'filters' || key === 'units')?.[1]
    );
    const bias = floats.get(`${name}/bias`) ?? new Float32Array(channels);
    const fold = folding(normalization, floats, channels);
    const scale = new Float32Array(channels);
    for (let i = 0; i < kernel.length; i++) {
      const channel = i % channels;
      scale[channel] = Math.max(scale[channel], Math.abs(kernel[i] * fold.factor[channel]) / 127);
    }
    for (let i = 0; i < channels; i++) if (scale[i] < LEAST_WEIGHT) scale[i] = 1;
    weights.set(
      `${name}/kernel`,
      kernel.map((value, i) => {
        const whole = roundHalfEven((value * fold.factor[i % channels]) / scale[i % channels]);
        return Math.min(Math.max(whole, -127), 127);
      }),
    );
    weights.set(`${name}/scale`, scale);
    weights.set(
      `${name}/bias`,
      bias.map((value, i) => value * fold.factor[i] + fold.shift[i]),
    );
  }
  return weights;
}

/**
 * Batch normalisation with its moving averages as y = factor · x + shift, a channel.
 *
 * @param {import('./architecture.js').NodeSpec | undefined} node
 * @param {Map<string, Float32Array>} floats
 * @param {number} channels
 */
function folding(node, floats, channels) {
  const factor = new Float64Array(channels).fill(1);
  const shift = new Float64Array(channels);
  if (!node) return { factor, shift };
  const tensor = (/** @type {string} */ key) => floats.get(`${node.name}/${key}`);
  const mean = /** @type {Float32Array} */ (tensor('moving_mean'));
  const variance = /** @type {Float32Array} */ (tensor('moving_variance'));
  const epsilon = node.attributes.find(([key]) => key === 'epsilon')?.[1] ?? 0;
  for (let i = 0; i < channels; i++) {
    factor[i] = (tensor('gamma')?.[i] ?? 1) / Math.sqrt(variance[i] + epsilon);
    shift[i] = (tensor('beta')?.[i] ?? 0) - mean[i] * factor[i];
  }
  return { factor, shift };
}

/** @param {number} x */
function roundHalfEven(x) {
  const down = Math.floor(x);
  const over = x - down;
  return over < 0.5 || (over === 0.5 && down % 2 === 0) ? down : down + 1;
}

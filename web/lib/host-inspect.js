/** Looking into a model, on the worker's side: samples in batches through the engine's `inspect`. */

import { layerNumber } from './architecture.js';
import { ShapeError } from './errors.js';
import { inSlices } from './trainer.js';
import { readTensors, sizeOf } from './tensors.js';

/**
 * @typedef {import('./host-model.js').HostModel} HostModel
 * @typedef {import('./inspect.js').WirePlace} WirePlace
 *
 * @typedef {object} Inspection
 * @property {WirePlace[]} places
 * @property {null | 'loss' | (WirePlace & { index?: Float64Array, seed?: Float32Array })} source
 *   null: values alone are wanted
 * @property {boolean} weights
 * @property {boolean} training
 * @property {number} batchSize
 *
 * @typedef {{ layer: string, shape: number[], data: Float32Array<ArrayBuffer> }} Found
 */

/** Numbers of tg_source. */
const NO_SOURCE = -1;
const LOSS = -2;

/**
 * The node whose value a place names.
 *
 * @param {HostModel} model
 * @param {WirePlace} place
 * @returns {number}
 * @throws {ConfigError} there is no such layer
 */
function nodeOf(model, { layer, beforeActivation }) {
  const input = model.nodes.findIndex(({ op, name }) => op === 'input' && name === layer);
  if (input >= 0) return input;
  const index = layerNumber(model.architecture, layer);
  const { type, activation } = model.architecture.layers[index];
  const end = model.endOf(index);
  const own = /softmax$/i.test(type) ? type : activation;
  if (!beforeActivation || !own || own === 'linear') return end;
  return model.nodes[end].inputs[0];
}

/**
 * @param {Inspection['source']} source
 * @param {number} size values a sample
 * @param {number} count
 * @returns {Float32Array} the factor of every value of every sample
 */
function seedOf(source, size, count) {
  if (!source || source === 'loss') return new Float32Array(0);
  const { index, seed, layer } = source;
  if (seed) {
    if (seed.length === size * count) return seed;
    throw new ShapeError(
      `gradients: seed has ${seed.length} numbers, layer '${layer}' gives ${size} for each of ${count} samples.`,
      { layer, field: 'seed' },
    );
  }
  if (!index) return new Float32Array(size * count).fill(1);
  const factors = new Float32Array(size * count);
  index.forEach((at, sample) => {
    if (at < size) factors[sample * size + at] = 1;
    else {
      throw new ShapeError(
        `gradients: index is ${at} for sample ${sample}, layer '${layer}' gives ${size} values.`,
        { layer, field: 'index' },
      );
    }
  });
  return factors;
}

/**
 * @param {HostModel} model
 * @param {import('./trainer.js').Range} range
 * @param {Inspection} inspection
 * @param {import('./task.js').Task} task
 * @returns {Promise<{ values: Found[], gradients: Found[], weights: ReturnType<typeof readTensors> }>}
 */
export async function inspect(model, range, inspection, task) {
  const { native, pointer } = model;
  const { places, source, training } = inspection;
  const nodes = places.map((place) => nodeOf(model, place));
  const shapes = nodes.map((node) => native.describeNode(pointer, node).shape);
  const sizes = shapes.map(sizeOf);
  const reserve = () => sizes.map((size) => new Float32Array(size * range.count));
  const values = reserve();
  const gradients = source ? reserve() : [];
  const from = source && source !== 'loss' ? nodeOf(model, source) : undefined;
  const seedSize = from === undefined ? 0 : sizeOf(native.describeNode(pointer, from).shape);
  const seeds = seedOf(source, seedSize, range.count);
  const weights = new Float32Array(inspection.weights ? native.modelInfo(pointer, 'TRAINABLE') : 0);
  await inSlices(range, inspection.batchSize, task, undefined, (first, count) => {
    const done = first - range.first;
    const out = native.inspect(pointer, range.dataset.pointer, {
      first,
      count,
      source: source ? (from ?? LOSS) : NO_SOURCE,
      seed: seeds.subarray(done * seedSize, (done + count) * seedSize),
      nodes,
      sizes,
      weights: weights.length,
      training,
    });
    // The engine's loss is the mean of its batch; the one asked for is that of all samples.
    const share = source === 'loss' ? count / range.count : 1;
    nodes.forEach((_, index) => {
      const size = sizes[index];
      values[index].set(out.take(count * size), done * size);
      if (!source) return;
      const part = out.take(count * size);
      gradients[index].set(share === 1 ? part : part.map((x) => x * share), done * size);
    });
    const more = out.take(weights.length);
    for (let i = 0; i < weights.length; i++) weights[i] += more[i] * share;
  });
  const found = (/** @type {Float32Array<ArrayBuffer>[]} */ arrays) =>
    arrays.map((data, index) => ({
      layer: places[index].layer,
      shape: [range.count, ...shapes[index]],
      data,
    }));
  const tensors = model.tensors.filter(({ trainable }) => trainable);
  return {
    values: found(values),
    gradients: found(gradients),
    weights: inspection.weights ? readTensors(tensors, weights) : [],
  };
}

/** Pictures of what was found: numbers that are ready to draw. */

import { ConfigError, InputTypeError, ShapeError } from '../errors.js';
import {
  describe,
  needBoolean,
  needNumber,
  needOneOf,
  needSignal,
  readOptions,
} from '../options.js';
import { needModel } from './subject.js';

/**
 * @typedef {import('../inspect.js').Tensor} Tensor
 */

const CONVOLUTION = /conv/i;

/**
 * What an explanation of samples looks like: channels joined, the largest magnitudes 1.
 *
 * @param {Tensor} map [n, height, width, channels], [n, height, width], or any with samples first, as the methods give
 * @param {{ channels?: 'max' | 'sum' | 'keep', absolute?: boolean, percentile?: number }} [options] channels: of four
 *   axes the last is joined by the largest magnitude (default) or the sum, or kept; fewer axes are kept. absolute: without
 *   signs, default true. percentile: magnitudes beyond this share of each sample's places are drawn as 1, so that few pixels
 *   do not hide all others; default 99
 * @returns {Tensor} each sample from 0 to 1, or from −1 to 1 with signs; all 0 where the map is
 * @throws {ConfigError} {InputTypeError} {ShapeError}
 */
export function heatmap(map, options) {
  const where = { what: 'heatmap' };
  const own = readOptions(options, ['channels', 'absolute', 'percentile'], where);
  const kinds = /** @type {const} */ (['max', 'sum', 'keep']);
  const channels = needOneOf(own.channels ?? 'max', kinds, 'channels', where);
  const absolute = needBoolean(own.absolute ?? true, 'absolute', where);
  const percentile = needNumber(own.percentile ?? 99, 'percentile', where);
  if (!(percentile > 0 && percentile <= 100)) {
    throw new ConfigError(
      `heatmap: percentile must be above 0 and at most 100, found ${percentile}.`,
      { field: 'percentile' },
    );
  }
  if (!ArrayBuffer.isView(map) || !Array.isArray(map.shape)) {
    throw new InputTypeError(
      `heatmap: map must be an array with a shape, found ${describe(map)}.`,
      {
        field: 'map',
      },
    );
  }
  const { shape } = map;
  if (shape.reduce((product, side) => product * side, 1) !== map.length) {
    throw new ShapeError(`heatmap: map has ${map.length} numbers, its shape is ${shape}.`, {
      field: 'map',
    });
  }
  const joins = shape.length === 4 && channels !== 'keep';
  const values = joins
    ? joined(map, shape[3], channels === 'max', absolute)
    : Float32Array.from(map, absolute ? Math.abs : Number);
  const size = values.length / shape[0];
  for (let at = 0; at < values.length; at += size) {
    const own = values.subarray(at, at + size);
    const sorted = own.map(Math.abs).sort();
    // Where the percentile is 0, few places speak at all: the largest then.
    const scale = sorted[Math.ceil((percentile / 100) * size) - 1] || sorted[size - 1] || 1;
    own.forEach((value, i) => (own[i] = Math.max(-1, Math.min(1, value / scale))));
  }
  return Object.assign(values, { shape: joins ? shape.slice(0, 3) : [...shape] });
}

/**
 * @param {Float32Array} map
 * @param {number} channels
 * @param {boolean} largest
 * @param {boolean} absolute
 * @returns {Float32Array<ArrayBuffer>}
 */
function joined(map, channels, largest, absolute) {
  return Float32Array.from({ length: map.length / channels }, (_, place) => {
    let [sum, most] = [0, 0];
    for (const value of map.subarray(place * channels, (place + 1) * channels)) {
      sum += absolute ? Math.abs(value) : value;
      if (Math.abs(value) > Math.abs(most)) most = value;
    }
    if (!largest) return sum;
    return absolute ? Math.abs(most) : most;
  });
}

/**
 * The maps of layers, each a grey picture of its own.
 *
 * @param {import('../model.js').Model} model of floats
 * @param {unknown} x samples or a `Dataset`
 * @param {{ layers?: string | readonly string[], normalize?: 'map' | 'layer' | 'none', batchSize?: number, first?: number,
 *   count?: number, signal?: AbortSignal }} [options] layers by their names, default all convolutions; normalize: each map
 *   from 0 to 1 by itself (default), all maps of a layer and sample together, or values as they are; the others as `predict`
 * @returns {Promise<Record<string, Tensor>>} by the layers' names: [n, channels, height, width], [n, channels, steps], or
 *   [n, features], which are one map
 * @throws {ConfigError} there is no such layer, or no convolution
 * @throws {InputTypeError} {ShapeError} {UnsupportedError} {AbortedError}
 */
export async function featureMaps(model, x, options) {
  const where = { what: 'featureMaps' };
  const names = /** @type {const} */ ([
    'layers',
    'normalize',
    'batchSize',
    'first',
    'count',
    'signal',
  ]);
  const { layers, normalize = 'map', ...range } = readOptions(options, names, where);
  const kinds = /** @type {const} */ (['map', 'layer', 'none']);
  const kind = needOneOf(normalize, kinds, 'normalize', where);
  needSignal(range.signal, 'signal', where);
  const looked = needModel(model, where);
  const wanted = layers ?? convolutions(looked, where.what);
  const found = await looked.activations(x, { layers: wanted, ...range });
  return Object.fromEntries(
    Object.entries(found).map(([name, values]) => {
      const maps = channelsFirst(values);
      const [count, channels] = maps.shape;
      const single = maps.shape.length === 2 || kind === 'layer';
      const size = maps.length / count / (single ? 1 : channels);
      if (kind !== 'none') {
        for (let at = 0; at < maps.length; at += size) toUnit(maps.subarray(at, at + size));
      }
      return [name, maps];
    }),
  );
}

/** @param {import('../model.js').Model} model @param {string} what */
function convolutions(model, what) {
  const { layers } = model.summary();
  const names = layers.filter(({ type }) => CONVOLUTION.test(type)).map(({ name }) => name);
  if (names.length > 0) return names;
  throw new ConfigError(`${what}: the model has no convolution; give the layers.`, {
    field: 'layers',
  });
}

/** @param {Tensor} values [n, …places, channels] @returns {Tensor} [n, channels, …places]; of two axes as they are */
function channelsFirst(values) {
  const { shape } = values;
  if (shape.length === 2) return values;
  const [count, ...inner] = shape;
  const channels = /** @type {number} */ (inner.pop());
  const size = values.length / count;
  const places = size / channels;
  const maps = new Float32Array(values.length);
  values.forEach((value, i) => {
    const [sample, within] = [Math.floor(i / size), i % size];
    maps[sample * size + (within % channels) * places + Math.floor(within / channels)] = value;
  });
  return Object.assign(maps, { shape: [count, channels, ...inner] });
}

/** From 0 to 1; values that are all equal become 0. @param {Float32Array} values are changed */
function toUnit(values) {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const range = most - least || 1;
  values.forEach((value, i) => (values[i] = (value - least) / range));
}

/**
 * The kernels of a layer, each a picture: 0.5 is a weight of 0, 0 and 1 are the largest weights.
 *
 * @param {import('../model.js').Model} model of floats
 * @param {{ layer?: string, normalize?: 'filter' | 'layer' | 'none' }} [options] layer default the first convolution;
 *   normalize: the largest magnitude of each filter (default) or of the layer becomes 0 or 1, or weights as they are
 * @returns {Promise<Tensor>} [filters, height, width, channels] of conv2d and depthwise kernels, [filters, steps, channels]
 *   of conv1d, [units, inputs] of dense. A depthwise kernel is a filter of one channel
 * @throws {ConfigError} there is no such layer, or it has no kernel
 * @throws {UnsupportedError} for a quantised model
 */
export async function filters(model, options) {
  const where = { what: 'filters' };
  const own = readOptions(options, ['layer', 'normalize'], where);
  const kinds = /** @type {const} */ (['filter', 'layer', 'none']);
  const kind = needOneOf(own.normalize ?? 'filter', kinds, 'normalize', where);
  const looked = needModel(model, where);
  const { layers } = looked.summary();
  const name = own.layer ?? convolutions(looked, where.what)[0];
  const known = layers.map((layer) => layer.name);
  needOneOf(name, known, 'layer', where);
  const weights = await looked.getWeights();
  const kernel = weights.find(
    (tensor) => tensor.name.startsWith(`${name}/`) && /kernel$/.test(tensor.name),
  );
  if (!kernel) {
    throw new ConfigError(`filters: layer '${name}' has no kernel.`, {
      layer: name,
      field: 'layer',
    });
  }
  const type = layers.find((layer) => layer.name === name)?.type ?? '';
  const pictures = filtersFirst(kernel, type);
  const size = kind === 'filter' ? pictures.length / pictures.shape[0] : pictures.length;
  for (let at = 0; at < pictures.length && kind !== 'none'; at += size) {
    const part = pictures.subarray(at, at + size);
    const most = part.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
    part.forEach((value, i) => (part[i] = 0.5 + value / most / 2));
  }
  return pictures;
}

/**
 * @param {import('../tensors.js').WeightTensor} kernel [height, width, channels, filters], [steps, channels, filters] or
 *   [inputs, units]
 * @param {string} type of the layer
 * @returns {Tensor}
 */
function filtersFirst({ shape, data }, type) {
  const inner = shape.slice(0, -2);
  let [channels, count] = shape.slice(-2);
  // A transposed convolution has its filters before its channels; a depthwise one has filters of each channel.
  const transposed = /transpose/i.test(type);
  if (transposed) [channels, count] = [count, channels];
  if (/depthwise|separable/i.test(type)) [channels, count] = [1, channels * count];
  const places = data.length / channels / count;
  const pictures = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const filter = Math.floor(i / places / channels);
    const place = Math.floor(i / channels) % places;
    const channel = i % channels;
    const within = transposed ? filter * channels + channel : channel * count + filter;
    pictures[i] = data[place * channels * count + within];
  }
  return Object.assign(pictures, { shape: [count, ...inner, channels] });
}

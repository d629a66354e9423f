/** Fine-tuning with few weights: products of narrow matrices beside frozen layers. */

import { ConfigError, UnsupportedError } from '../errors.js';
import { layers } from '../layers.js';
import { needNumber, needWhole, readOptions, wrongType } from '../options.js';
import { build, makeBeside, replay } from './replay.js';

/**
 * @typedef {import('../model.js').Model} Model
 * @typedef {import('../layers.js').Layer} Layer
 * @typedef {import('./replay.js').Read} Read
 */

const TYPES = ['dense', 'conv2d'];

/**
 * Low-rank adaptation (Hu et al. 2021, "LoRA: low-rank adaptation of large language models"): a copy of a model in which
 * all weights are frozen, and beside each dense layer x · W stands x · A · B · alpha / rank with A [features, rank] drawn
 * and B [rank, units] zero, both trained. Beside a convolution stand one of its kind with `rank` filters and one of 1x1.
 * So the copy begins with the model's predictions, and few weights and little optimizer state belong to it.
 * `mergeLora` adds the products to the kernels of a model that is as fast as before.
 *
 * The layer `dense` becomes `dense_base`, `dense_lora_a`, `dense_lora_b` and their sum (or its activation) `dense`.
 *
 * @param {Model} model
 * @param {{ rank?: number, alpha?: number, layers?: readonly string[], trainable?: readonly string[], name?: string,
 *   seed?: number }} [options] rank default 4; alpha default rank; layers: names of dense and conv2d layers (of one
 *   group), default all but those of `trainable`; trainable: names of layers that are trained whole, such as a new head,
 *   default none; name and seed default the model's
 * @returns {Promise<Model>} not compiled
 * @throws {ConfigError} no such layer, or one that is neither
 * @throws {UnsupportedError} a quantised model, or a convolution of groups
 */
export async function addLora(model, options) {
  const where = { what: 'addLora' };
  const names = /** @type {const} */ (['rank', 'alpha', 'layers', 'trainable', 'name', 'seed']);
  const own = readOptions(options, names, where);
  const rank = needWhole(own.rank ?? 4, 'rank', where, 1);
  const alpha = needNumber(own.alpha ?? rank, 'alpha', where);
  const whole = readNames(own.trainable ?? [], 'trainable', model);
  const standard = model.layers.filter(
    ({ type, name = '', groups = 1 }) => TYPES.includes(type) && groups === 1 && !whole.has(name),
  );
  const adapted = readNames(own.layers ?? standard.map(({ name }) => name), 'layers', model);
  for (const layer of model.layers) if (adapted.has(layer.name ?? '')) checkLayer(layer, whole);
  const { name = model.name, seed = model.seed } = own;
  const graph = replay(model, where.what, {
    change: (layer) =>
      adapted.has(layer.name ?? '') ? withProduct(layer, rank, alpha / rank) : undefined,
  });
  const weights = (await model.getWeights()).map((tensor) => {
    const layer = [...adapted].find((own) => tensor.name.startsWith(`${own}/`));
    return layer === undefined
      ? tensor
      : { ...tensor, name: partName(tensor.name, layer, '_base') };
  });
  const copy = await makeBeside(model, { ...graph, name, seed }, weights);
  await copy.setTrainable(false);
  const trained = [...adapted].flatMap((layer) => [`${layer}_lora_a`, `${layer}_lora_b`]);
  await copy.setTrainable(true, [...trained, ...whole]);
  return copy;
}

/**
 * Puts what a copy by `addLora` has learnt into the model it is a copy of, or one of the same layers: kernels become
 * W + alpha / rank · A · B, layers that were trained whole have their weights.
 *
 * @param {Model} adapted
 * @param {Model} model whose weights change; its optimizer state stays
 * @throws {ConfigError} the first was not made by `addLora` of such a model
 * @throws {BusyError} during `fit` of the model
 */
export async function mergeLora(adapted, model) {
  const found = new Map((await adapted.getWeights()).map((tensor) => [tensor.name, tensor]));
  const scales = new Map(adapted.layers.map(({ name = '', scale }) => [name, scale]));
  const names = model.layers.map(({ name = '' }) => name);
  const weights = (await model.getWeights()).map((tensor) => {
    const layer = names.find((own) => tensor.name.startsWith(`${own}/`)) ?? '';
    const at = (/** @type {string} */ part) => found.get(partName(tensor.name, layer, part));
    const [same, base, a, b] = ['', '_base', '_lora_a', '_lora_b'].map(at);
    const source = base ?? same;
    if (source?.shape.join() !== tensor.shape.join()) {
      throw new ConfigError(
        `mergeLora: the first model has no weight '${tensor.name}' of [${tensor.shape.join(', ')}]; ` +
          'it must be what addLora gives for the second.',
        { layer },
      );
    }
    if (!a || !b) return { ...tensor, data: source.data };
    const scale = scales.get(`${layer}_lora_scale`) ?? 1;
    return { ...tensor, data: sumWithProduct(source.data, a, b, scale) };
  });
  await model.setWeights(weights);
}

/**
 * @param {unknown} value
 * @param {string} field
 * @param {Model} model
 * @returns {Set<string>}
 */
function readNames(value, field, model) {
  const where = { what: 'addLora' };
  if (!Array.isArray(value)) throw wrongType(value, field, 'an array of names of layers', where);
  const known = model.layers.map(({ name }) => name);
  const missing = value.find((name) => !known.includes(name));
  if (missing === undefined) return new Set(value);
  throw new ConfigError(
    `addLora: ${field}: there is no layer '${missing}'; the layers are ${known.join(', ')}.`,
    { field, layer: String(missing) },
  );
}

/** @param {Layer} layer @param {Set<string>} whole names of layers that are trained whole */
function checkLayer({ type, name = '', groups = 1 }, whole) {
  if (whole.has(name)) {
    throw new ConfigError(`addLora: layer '${name}' is in layers and in trainable.`, {
      layer: name,
      field: 'trainable',
    });
  }
  if (!TYPES.includes(type)) {
    throw new ConfigError(`addLora: layer '${name}' is of type ${type}, not dense or conv2d.`, {
      layer: name,
      field: 'layers',
    });
  }
  if (groups === 1) return;
  throw new UnsupportedError(`addLora: layer '${name}' has ${groups} groups, LoRA needs 1.`, {
    layer: name,
    field: 'groups',
  });
}

/**
 * @param {Layer} layer
 * @param {number} rank
 * @param {number} scale
 */
function withProduct(layer, rank, scale) {
  const { type, name, activation = 'linear', units, filters, kernelSize, strides, padding } = layer;
  const { dilationRate } = layer;
  const base = build({ ...layer, name: `${name}_base`, activation: 'linear' });
  const window = type === 'dense' ? {} : { kernelSize, strides, padding, dilationRate };
  const narrow = { type, useBias: false, kernelInitializer: 'heUniform', ...window };
  const size = type === 'dense' ? 'units' : 'filters';
  const a = build({ ...narrow, [size]: rank, name: `${name}_lora_a` });
  const b = build({
    type,
    [size]: type === 'dense' ? units : filters,
    ...(type === 'dense' ? {} : { kernelSize: 1 }),
    useBias: false,
    kernelInitializer: 'zeros',
    name: `${name}_lora_b`,
  });
  const scaled = scale === 1 ? null : layers.rescaling({ scale, name: `${name}_lora_scale` });
  const linear = activation === 'linear';
  const sum = layers.add({ name: linear ? name : `${name}_sum` });
  const last = linear ? null : layers.activation({ activation, name });
  return (/** @type {Read} */ x) => {
    const product = b.apply(a.apply(x));
    const y = sum.apply([base.apply(x), scaled ? scaled.apply(product) : product]);
    return last ? last.apply(y) : y;
  };
}

/** @param {string} tensor its name @param {string} layer to which it belongs @param {string} part of that */
function partName(tensor, layer, part) {
  return layer + part + tensor.slice(layer.length);
}

/**
 * @param {Float32Array} base
 * @param {import('../tensors.js').WeightTensor} a [… features, rank]
 * @param {import('../tensors.js').WeightTensor} b [… rank, units]
 * @param {number} scale
 */
function sumWithProduct(base, { data: a }, { data: b, shape }, scale) {
  const [rank, units] = shape.slice(-2);
  return base.map((value, index) => {
    const row = Math.floor(index / units) * rank;
    let product = 0;
    for (let k = 0; k < rank; k++) product += a[row + k] * b[k * units + (index % units)];
    return value + scale * product;
  });
}

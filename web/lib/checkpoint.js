/**
 * Checkpoints: one safetensors file with the weights, the optimizer's state, the position in
 * training, and in its metadata the architecture and how the model was compiled. A run that is
 * saved, loaded and resumed ends with the same bits as one that was never interrupted.
 *
 * Metadata (all strings): `format` 'tabgrad-checkpoint', `formatVersion` '1' (layers in a row),
 * '2' (a graph) or '3' (a quantised model, with `quantization`), `libraryVersion`, and as JSON `architecture` ({ name, layers, inbound? }), `training` ({ seed, step, compiled, position }).
 * Weights have the names of `getWeights`; optimizer slots `optimizer:<slot>:<weight>`. A model in training for 8 bits
 * has version '4'. Weights may be F16 or BF16, and stand without their zeros (`sparse.js`).
 */

import { nodesOf, readArchitecture } from './architecture.js';
import { STORAGE_BITS, readMetrics } from './compile.js';
import { FormatError, LimitError, NonFiniteError, VersionError } from './errors.js';
import { LARGEST, findInfinite, fromHalves, toHalves } from './io/half.js';
import { decode, encode } from './io/safetensors.js';
import { LOSS_NAMES, readLoss } from './losses.js';
import { OPTIMIZER_NAMES, hyperparameterNames, readOptimizer } from './optimizers.js';
import { describe } from './options.js';
import { awareNodes } from './quantize-aware.js';
import { quantizedNodes } from './quantized-nodes.js';
import { readSchedule } from './schedules.js';
import { decodeSparse, encodeSparse } from './sparse.js';
import { matchTensors, readTensors, writeTensors } from './tensors.js';
import { freshPosition } from './trainer.js';
import { VERSION } from './version.js';

/**
 * @typedef {import('./host-model.js').HostModel} HostModel
 * @typedef {import('./io/safetensors.js').Tensor} Tensor
 */

const FORMAT = 'tabgrad-checkpoint';
/** A reader of layers in a row must not take a graph for one, so graphs have their own version. */
const CHAIN_VERSION = '1';
const GRAPH_VERSION = '2';
/** A quantised model: kernels of type I8, and the scales of its activations in `quantization`. */
const QUANTIZED_VERSION = '3';
/** A model in training for 8 bits. */
const AWARE_VERSION = '4';
const VERSIONS = [CHAIN_VERSION, GRAPH_VERSION, QUANTIZED_VERSION, AWARE_VERSION];

/**
 * @typedef {object} SaveOptions
 * @property {boolean} includeOptimizer its state, how the model was compiled and where training stands
 * @property {boolean} sparse whether zeros are left out
 * @property {keyof typeof WEIGHT_TYPES} dtype of the weights
 */

/** Types of weights in files. */
const WEIGHT_TYPES = Object.freeze({ float32: 'F32', float16: 'F16', bfloat16: 'BF16' });

/** @param {string} slot */
const slotPrefix = (slot) => `optimizer:${slot}:`;

/**
 * @param {HostModel} model
 * @param {SaveOptions} options
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {LimitError} a weight is larger than its type
 */
export function encodeCheckpoint(model, { includeOptimizer, sparse, dtype }) {
  const { native, pointer } = model;
  const kernels = int8Kernels(model.nodes);
  const slots = includeOptimizer ? model.slots : [];
  const vectors = [
    { prefix: '', own: model.tensors, view: () => native.vector(pointer, 'WEIGHTS') },
    ...slots.map((slot) => ({
      prefix: slotPrefix(slot.name),
      own: slot.tensors,
      view: () => native.slotVector(pointer, slot),
    })),
  ];
  /** @type {Tensor[]} */
  const whole = vectors.flatMap(({ prefix, own, view }) =>
    readTensors(own, view()).map(({ name, shape, data }) => {
      if (kernels.has(name)) return { name, dtype: 'I8', shape, data: Int8Array.from(data) };
      const type = WEIGHT_TYPES[prefix === '' ? dtype : 'float32'];
      return narrowed({ name: prefix + name, dtype: type, shape, data });
    }),
  );
  const { tensors, metadata } = encodeSparse(whole, model.masks, sparse);
  const training = {
    seed: model.seed,
    step: includeOptimizer ? model.step : 0,
    compiled: includeOptimizer ? model.compiled : null,
    position: includeOptimizer ? model.position : freshPosition(),
  };
  return encode({
    tensors,
    metadata: {
      format: FORMAT,
      formatVersion: versionOf(model),
      libraryVersion: VERSION,
      architecture: JSON.stringify(model.architecture),
      training: JSON.stringify(training),
      ...(model.quantized && { quantization: JSON.stringify(activationsOf(model.nodes)) }),
      ...metadata,
    },
  });
}

/**
 * A tensor of floats in the type that it shall have.
 *
 * @param {Tensor & { data: Float32Array }} tensor
 * @returns {Tensor}
 */
function narrowed(tensor) {
  const { name, dtype, data } = tensor;
  if (dtype !== 'F16' && dtype !== 'BF16') return tensor;
  const halves = toHalves(data, dtype);
  const bad = findInfinite(halves, dtype);
  if (bad < 0) return { ...tensor, data: halves };
  throw new LimitError(
    `save: tensor ${name} holds ${data[bad]} at index ${bad}, ${dtype} reaches ${LARGEST[dtype]}.`,
    { field: name },
  );
}

/** @param {HostModel} model */
function versionOf(model) {
  if (model.quantized) return QUANTIZED_VERSION;
  if (model.aware) return AWARE_VERSION;
  return model.architecture.inbound ? GRAPH_VERSION : CHAIN_VERSION;
}

/**
 * Names of the kernels that are whole numbers of 8 bits.
 *
 * @param {import('./quantized-nodes.js').LoweredModel['nodes']} nodes
 */
function int8Kernels(nodes) {
  return new Set(nodes.filter(({ weights }) => weights).map(({ name }) => `${name}/kernel`));
}

/**
 * @param {Uint8Array} bytes a file of `save`
 * @returns {Checkpoint}
 * @throws {FormatError} {VersionError} and what `decode` and the layers throw
 */
export function decodeCheckpoint(bytes) {
  const { tensors: stored, metadata } = decode(bytes);
  if (metadata.get('format') !== FORMAT) {
    throw new FormatError(
      `This safetensors file is no checkpoint of this library: its format is ` +
        `${describe(metadata.get('format'))}, expected '${FORMAT}'.`,
    );
  }
  const version = metadata.get('formatVersion') ?? '';
  if (!VERSIONS.includes(version)) {
    throw new VersionError(
      `The checkpoint has format version ${describe(version)}, known are ${VERSIONS.join(', ')}.`,
    );
  }
  const shapes = metadata.has('sparse') ? jsonObject(metadata, 'sparse') : {};
  const pruned = metadata.has('pruned') ? json(metadata, 'pruned') : [];
  const { tensors: whole, masks } = decodeSparse(stored, shapes, pruned);
  const tensors = new Map([...whole].map(([key, tensor]) => [key, floats(tensor)]));
  const { name, layers, ...graph } = jsonObject(metadata, 'architecture');
  const training = jsonObject(metadata, 'training');
  const architecture = readArchitecture(
    layers,
    typeof name === 'string' ? name : 'sequential',
    version === GRAPH_VERSION || (version !== CHAIN_VERSION && graph.inbound !== undefined)
      ? { inbound: graph.inbound ?? null, calls: graph.calls, outputs: graph.outputs }
      : undefined,
  );
  if (version === AWARE_VERSION) {
    const lowered = awareNodes(nodesOf(architecture));
    return new Checkpoint(architecture, training, tensors, masks, lowered);
  }
  if (version !== QUANTIZED_VERSION) return new Checkpoint(architecture, training, tensors, masks);
  const lowered = quantizedNodes(nodesOf(architecture), readActivations(metadata));
  return new Checkpoint(architecture, training, widened(tensors, lowered), masks, lowered);
}

class Checkpoint {
  #training;
  #tensors;
  #masks;

  /**
   * @param {import('./architecture.js').Architecture} architecture
   * @param {Record<string, any>} training
   * @param {Map<string, Tensor>} tensors
   * @param {Map<string, Uint8Array>} masks of pruned weights
   * @param {import('./quantized-nodes.js').LoweredModel} [lowered] of a quantised model, or one in training for it
   */
  constructor(architecture, training, tensors, masks, lowered) {
    this.architecture = architecture;
    this.lowered = lowered;
    this.seed = whole(training.seed, 'seed');
    this.#training = training;
    this.#tensors = tensors;
    this.#masks = masks;
  }

  /** How it was compiled; null: it was not. @throws {FormatError} and what builders throw */
  readCompiled() {
    const { compiled } = this.#training;
    return compiled ? readCompiled(compiled) : null;
  }

  /**
   * Only the weights, and which of them are pruned, into a model of the same architecture.
   *
   * @param {HostModel} model
   */
  restoreWeights(model) {
    const weights = [...this.#tensors.values()].filter(
      ({ name }) => !name.startsWith('optimizer:'),
    );
    const values = matchTensors(model.tensors, weights, 'loadWeights');
    writeTensors(model.tensors, values, model.native.vector(model.pointer, 'WEIGHTS'));
    model.setMasks(this.#masks);
  }

  /**
   * Everything, into a model that was just made from `architecture`.
   *
   * @param {HostModel} model
   * @param {import('./host-model.js').CompileConfig | null} compiled as `readCompiled` tells
   * @param {import('./host-model.js').Extras | null} extras of that
   */
  restore(model, compiled, extras) {
    const { native, pointer } = model;
    const { position } = this.#training;
    if (compiled && extras) model.compile(compiled, extras);
    const rest = new Map(this.#tensors);
    /**
     * @param {string} prefix
     * @param {import('./native.js').TensorFacts[]} wanted
     * @param {() => Float32Array} view
     */
    const fill = (prefix, wanted, view) => {
      /** @type {Tensor[]} */
      const own = [];
      for (const { name } of wanted) {
        const tensor = rest.get(prefix + name);
        if (tensor) own.push(tensor);
        rest.delete(prefix + name);
      }
      const values = matchTensors(wanted, own, 'load', prefix);
      writeTensors(wanted, values, view());
    };
    fill('', model.tensors, () => native.vector(pointer, 'WEIGHTS'));
    for (const slot of model.slots) {
      fill(slotPrefix(slot.name), slot.tensors, () => native.slotVector(pointer, slot));
    }
    matchTensors([], rest.values(), 'load');
    model.setMasks(this.#masks);
    native.setStep(pointer, whole(this.#training.step, 'step'));
    if (!position) return;
    const metrics = position.metrics ? model.newMetrics() : null;
    metrics?.restore(position.metrics);
    model.position = { ...readPosition(position), metrics };
  }
}

/**
 * Where values are held in bytes, by their nodes' names in the float model: what `quantizedNodes` asks for.
 *
 * @param {import('./quantized-nodes.js').LoweredModel['nodes']} nodes
 * @returns {Record<string, import('./quantized-nodes.js').Activation>}
 */
function activationsOf(nodes) {
  return Object.fromEntries(
    nodes.flatMap(({ held, attributes }) => {
      if (held === undefined) return [];
      const value = (/** @type {string} */ key) =>
        attributes.find(([name]) => name === key)?.[1] ?? 0;
      return [[held, { scale: value('scale'), zeroPoint: value('zeroPoint') }]];
    }),
  );
}

/**
 * @param {Map<string, string>} metadata
 * @returns {Map<string, import('./quantized-nodes.js').Activation>}
 */
function readActivations(metadata) {
  return new Map(
    Object.entries(jsonObject(metadata, 'quantization')).map(([name, value]) => {
      const { scale, zeroPoint } = Object(value);
      if (typeof scale === 'number' && scale > 0 && typeof zeroPoint === 'number') {
        return [name, { scale, zeroPoint }]; // the engine checks the ranges
      }
      throw new FormatError(`The checkpoint's quantization of ${describe(name)} is not valid.`, {
        layer: name,
        field: 'quantization',
      });
    }),
  );
}

/**
 * Tensors with 8-bit kernels as floats, as the engine takes them.
 *
 * @param {Map<string, Tensor>} tensors
 * @param {import('./quantized-nodes.js').LoweredModel} lowered
 * @returns {Map<string, Tensor>}
 */
function widened(tensors, { nodes }) {
  const wide = new Map(tensors);
  for (const name of int8Kernels(nodes)) {
    const tensor = tensors.get(name);
    if (!tensor) continue; // missed later, by name
    const { dtype, data } = tensor;
    if (dtype !== 'I8' || /** @type {Int8Array} */ (data).includes(-128)) {
      throw new FormatError(`load: tensor ${name} must be of type I8, from -127 to 127.`, {
        field: name,
      });
    }
    const floats = Float32Array.from(/** @type {Int8Array} */ (data));
    wide.set(name, { ...tensor, dtype: 'F32', data: floats });
  }
  return wide;
}

/** A tensor with numbers of 16 bits widened. @param {Tensor} tensor @returns {Tensor} */
function floats(tensor) {
  const { dtype, data } = tensor;
  if (dtype !== 'F16' && dtype !== 'BF16') return tensor;
  return { ...tensor, dtype: 'F32', data: fromHalves(/** @type {Uint16Array} */ (data), dtype) };
}

/** @param {Map<string, string>} metadata @param {string} key @returns {unknown} */
function json(metadata, key) {
  const text = metadata.get(key);
  if (text === undefined) throw new FormatError(`The checkpoint's metadata lacks ${key}.`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`The checkpoint's ${key} is not valid JSON.`, { cause });
  }
}

/**
 * @param {Map<string, string>} metadata
 * @param {string} key
 * @returns {Record<string, any>}
 */
function jsonObject(metadata, key) {
  const value = json(metadata, key);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new FormatError(`The checkpoint's ${key} must be an object, found ${describe(value)}.`);
}

/** @param {any} value @returns {import('./host-model.js').CompileConfig} */
function readCompiled(value) {
  const { optimizer, loss, metrics } = value;
  const type = OPTIMIZER_NAMES.find((name) => name === optimizer?.type);
  const all = Array.isArray(value.losses) ? value.losses : [loss];
  const { activationStorage: storage } = value; // files of before it lack it
  const stored = storage === undefined || STORAGE_BITS.has(storage);
  const known = all.every(
    (/** @type {any} */ own) => own === null || LOSS_NAMES.includes(own?.type),
  );
  if (!type || !loss || !known || !stored || !Array.isArray(metrics)) {
    throw new FormatError(
      'The checkpoint names a loss, optimizer, storage or metrics that are not known.',
    );
  }
  const where = { what: 'load' };
  // Files of before losses had options lack them: the defaults are what they meant.
  const read = ({ type: name, options = {}, fromLogits } = loss) =>
    readLoss({ type: name, options }, fromLogits === true, where);
  /** @type {Record<string, number>} */
  const hyperparameters = {};
  for (const name of hyperparameterNames(type)) {
    const number = optimizer.hyperparameters?.[name];
    // Files of earlier versions lack what came later: it has its default.
    if (number === undefined) continue;
    if (typeof number !== 'number') {
      throw new FormatError(`The checkpoint's ${type} has ${name} ${describe(number)}.`);
    }
    hyperparameters[name] = number;
  }
  const { exclude, excludeDecay } = optimizer;
  const schedule = optimizer.schedule && readSchedule(optimizer.schedule);
  const kept = readOptimizer({ type, hyperparameters, exclude, excludeDecay }, where);
  const losses = all.map(
    (/** @type {any} */ own) => own && { ...read(own), weight: Number(own.weight ?? 1) },
  );
  return {
    optimizer: schedule ? { ...kept, schedule } : kept,
    loss: read(),
    ...(value.losses && { losses }),
    metrics: readMetrics(
      metrics.map((metric) => (metric === 'accuracy' ? metric : { config: { ...metric } })),
    ),
    weighted: value.weighted === true,
    ...(storage && { activationStorage: storage }),
  };
}

/** @param {any} value @returns {Omit<import('./trainer.js').Position, 'metrics'>} */
function readPosition(value) {
  const { plan } = value;
  const sum = (/** @type {string} */ key) => {
    if (Number.isFinite(value[key])) return value[key];
    throw new NonFiniteError(`The checkpoint's position has ${key} ${describe(value[key])}.`);
  };
  return {
    epoch: whole(value.epoch, 'epoch'),
    batch: whole(value.batch, 'batch'),
    loss: sum('loss'),
    accuracy: sum('accuracy'),
    samples: whole(value.samples, 'samples'),
    // Files of before weightedMetrics lack it.
    weight: value.weight === undefined ? whole(value.samples, 'samples') : sum('weight'),
    parts: Array.isArray(value.parts) ? value.parts.map(Number) : [],
    // Read when training goes on.
    augment: Array.isArray(value.augment) ? value.augment : null,
    plan: plan && {
      first: whole(plan.first, 'first'),
      count: whole(plan.count, 'count'),
      batchSize: whole(plan.batchSize, 'batchSize'),
      shuffle: plan.shuffle === true,
    },
  };
}

/** @param {unknown} value @param {string} field */
function whole(value, field) {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new FormatError(
    `The checkpoint's ${field} must be a whole number from 0, found ${describe(value)}.`,
    { field },
  );
}

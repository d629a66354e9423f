/**
 * The engine as typed functions that throw: `Native` turns a status into its error class and
 * marshals arguments. It keeps no state beside the engine's address and a scratch buffer.
 */

import { readWasm } from '#platform';
import { InternalError, LoadError, errorFromCode } from './errors.js';
import {
  Info,
  InspectFlag,
  ModelField,
  NULL,
  Resize,
  Source,
  Status,
  Vector,
  bindEngine,
} from './ffi.js';
import { Heap } from './heap.js';

/**
 * @typedef {import('./ffi.js').Pointer<'tg_model'>} ModelPointer
 * @typedef {import('./ffi.js').Pointer<'tg_dataset'>} DatasetPointer
 *
 * @typedef {object} BatchSums what a step or an evaluation reports
 * @property {number} loss sum over the samples
 * @property {number} accuracy sum over the samples
 * @property {number} samples
 * @property {number} weight by which the sum of accuracies becomes a mean: samples, or their weights
 *
 * @typedef {object} TensorFacts
 * @property {string} name
 * @property {number} offset floats from the start of a flat vector
 * @property {number[]} shape
 * @property {number} size floats
 * @property {boolean} trainable whether gradients change it
 *
 * @typedef {object} OptimizerSlot
 * @property {string} name in files
 * @property {typeof SLOT_VECTORS[number]} vector
 * @property {TensorFacts[]} tensors the weights that it has something for; offsets are in the slot
 */

/** The engine's status → the library's code. */
const CODES = new Map(
  Object.entries(Status).map(([name, value]) => [/** @type {number} */ (value), name]),
);

/** What was asked for is in the engine's second file: `loadRest`, and ask again. Nothing was changed. */
export class RestMissing extends InternalError {}

/** Engine attribute → the option that a person wrote. */
const OPTION_OF_ATTRIBUTE = new Map([
  ['kernelHeight', 'kernelSize'],
  ['kernelWidth', 'kernelSize'],
  ['strideHeight', 'strides'],
  ['strideWidth', 'strides'],
  ['poolHeight', 'poolSize'],
  ['poolWidth', 'poolSize'],
  ['samePadding', 'padding'],
  ['padTop', 'padding'],
  ['padLeft', 'padding'],
  ['padBottom', 'padding'],
  ['padRight', 'padding'],
  ['dilationHeight', 'dilationRate'],
  ['dilationWidth', 'dilationRate'],
  ['outputPaddingHeight', 'outputPadding'],
  ['outputPaddingWidth', 'outputPadding'],
  ['outputHeight', 'outputSize'],
  ['outputWidth', 'outputSize'],
  ['sizeHeight', 'size'],
  ['sizeWidth', 'size'],
  ['height', 'inputShape'],
  ['width', 'inputShape'],
  ['channels', 'inputShape'],
]);

const SLOT_VECTORS = /** @type {const} */ (['SLOT0', 'SLOT1', 'SLOT2', 'SLOT3', 'SLOT4', 'SLOT5']);

/** Doubles that the scratch buffer holds: more than any describing call writes. */
const SCRATCH = 16;

export class Native {
  #ffi;
  #engine;
  #scratch;
  #restUrl;
  /** @type {Promise<void> | null} */
  #rest = null;

  /**
   * @param {any} module the Emscripten module
   * @param {WebAssembly.Memory} memory
   * @param {number} threads
   * @param {number} processors
   * @param {URL} restUrl of the engine's second file
   */
  constructor(module, memory, threads, processors, restUrl) {
    this.#ffi = bindEngine(module);
    this.#engine = this.#ffi.engineCreate(threads, processors);
    if (this.#engine === NULL) throw errorFromCode('E_OOM', 'The engine could not get its memory.');
    this.heap = new Heap(memory, this.#ffi, this.#engine, () => this.#error());
    // Held for the engine's life, so that a step allocates nothing.
    this.#scratch = this.createBuffer(SCRATCH * 8);
    this.#restUrl = restUrl;
    this.#check(this.#ffi.loadRest(this.#engine, NULL, 0));
  }

  /**
   * Loads the engine's second file, once; after a failure it may be tried again.
   *
   * @returns {Promise<void>}
   * @throws {LoadError} naming the URL
   */
  loadRest() {
    this.#rest ??= this.#fetchRest().catch((error) => {
      this.#rest = null;
      throw error;
    });
    return this.#rest;
  }

  async #fetchRest() {
    const code = await readWasm(this.#restUrl);
    const buffer = this.createBuffer(code.length);
    this.heap.bytes(buffer, code.length).set(code);
    const status = this.#ffi.loadRest(this.#engine, buffer, code.length);
    const cause = status === Status.OK ? undefined : this.#error();
    // Threads read it when they next have work.
    if (cause || this.info('THREADS') === 1) this.destroyBuffer(buffer);
    if (!cause) return;
    throw new LoadError(`What lies at ${this.#restUrl} is not the second file of this engine.`, {
      cause,
    });
  }

  /** @param {{ layer?: string, field?: string }} [details] */
  #error(details) {
    const status = this.#ffi.lastStatus(this.#engine);
    const text = this.heap.text(this.#ffi.lastError(this.#engine));
    if (status === Status.E_REST) return new RestMissing(text);
    return errorFromCode(
      CODES.get(status) ?? 'E_INTERNAL',
      text || `engine status ${status}`,
      details,
    );
  }

  /**
   * @param {number} status
   * @param {{ layer?: string, field?: string }} [details]
   */
  #check(status, details) {
    if (status !== Status.OK) throw this.#error(details);
  }

  /**
   * @template {string} T
   * @param {import('./ffi.js').Pointer<T>} pointer
   */
  #checkPointer(pointer) {
    if (pointer === NULL) throw this.#error();
    return pointer;
  }

  /** @param {keyof typeof Info} field */
  info(field) {
    return this.#ffi.engineInfo(this.#engine, Info[field]);
  }

  /** @param {number} iterations @returns {number} floating-point operations done */
  peak(iterations) {
    return this.#ffi.peakRun(this.#engine, iterations);
  }

  // ---- data sets ----

  /**
   * @param {import('./ffi.js').SampleTypeValue} samples
   * @param {number} count
   * @param {readonly [number, number, number]} shape height, width, channels
   * @param {import('./ffi.js').LabelTypeValue} labels
   * @param {number} labelSize
   */
  createDataset(samples, count, [height, width, channels], labels, labelSize) {
    return this.#checkPointer(
      this.#ffi.datasetCreate(
        this.#engine,
        samples,
        count,
        height,
        width,
        channels,
        labels,
        labelSize,
      ),
    );
  }

  /** @param {DatasetPointer} dataset */
  destroyDataset(dataset) {
    this.#check(this.#ffi.datasetDestroy(this.#engine, dataset));
  }

  /** @param {DatasetPointer} dataset */
  samplesOf(dataset) {
    return this.#checkPointer(this.#ffi.datasetSamples(this.#engine, dataset));
  }

  /** @param {DatasetPointer} dataset @param {DatasetPointer} part which belongs to it from then on */
  attachDataset(dataset, part) {
    this.#check(this.#ffi.datasetAttach(this.#engine, dataset, part));
  }

  /** Those of its samples; the first call makes them. @param {DatasetPointer} dataset */
  weightsOf(dataset) {
    return this.#checkPointer(this.#ffi.datasetWeights(this.#engine, dataset));
  }

  /** @param {DatasetPointer} dataset */
  labelsOf(dataset) {
    return this.#checkPointer(this.#ffi.datasetLabels(this.#engine, dataset));
  }

  /**
   * @param {DatasetPointer} dataset
   * @param {number[]} scale one value a channel
   * @param {number[]} offset
   */
  normalize(dataset, scale, offset) {
    this.heap.withScope((scope) => {
      const scales = scope.floats(scale);
      const offsets = scope.floats(offset);
      this.#check(this.#ffi.datasetNormalize(this.#engine, dataset, scales, offsets, scale.length));
    });
  }

  /**
   * Samples of one data set in the size of another's.
   *
   * @param {DatasetPointer} to
   * @param {number} toFirst
   * @param {DatasetPointer} from
   * @param {number} fromFirst
   * @param {number} count
   * @param {keyof typeof Resize} method
   */
  resize(to, toFirst, from, fromFirst, count, method) {
    this.#check(
      this.#ffi.datasetResize(this.#engine, to, toFirst, from, fromFirst, count, Resize[method]),
    );
  }

  /**
   * Samples of a data set in an order of their own; it must live longer.
   *
   * @param {DatasetPointer} dataset
   * @param {Uint32Array} rows
   */
  viewDataset(dataset, rows) {
    return this.heap.withScope((scope) => {
      const pointer = /** @type {import('./ffi.js').Pointer<any>} */ (scope.ints(rows));
      return this.#checkPointer(this.#ffi.datasetView(this.#engine, dataset, pointer, rows.length));
    });
  }

  /** Leaves only the first samples, before it is sealed. @param {DatasetPointer} dataset @param {number} count */
  truncate(dataset, count) {
    this.#check(this.#ffi.datasetTruncate(this.#engine, dataset, count));
  }

  /** @param {DatasetPointer} dataset */
  seal(dataset) {
    this.#check(this.#ffi.datasetSeal(this.#engine, dataset));
  }

  // ---- models ----

  /** @param {number} seed */
  createModel(seed) {
    return this.#checkPointer(this.#ffi.modelCreate(this.#engine, seed));
  }

  /** @param {ModelPointer} model */
  destroyModel(model) {
    this.#check(this.#ffi.modelDestroy(this.#engine, model));
  }

  /**
   * @param {ModelPointer} model
   * @param {import('./architecture.js').NodeSpec} node
   * @param {string} layer the layer it belongs to, for errors
   * @returns {number} the node's number
   */
  addNode(model, { op, name, inputs, attributes }, layer) {
    return this.heap.withScope((scope) => {
      const number = this.#ffi.modelAdd(
        this.#engine,
        model,
        scope.text(op),
        scope.text(name),
        scope.ints(inputs),
        inputs.length,
        scope.text(attributes.map(([key]) => key).join(',')),
        scope.doubles(attributes.map(([, value]) => value)),
        attributes.length,
      );
      if (number >= 0) return number;
      const error = this.#error({ layer });
      error.field ??= fieldIn(error.message, attributes);
      throw error;
    });
  }

  /**
   * Changes what no shape depends on; see tg_model_set_attribute.
   *
   * @param {ModelPointer} model
   * @param {number} node
   * @param {string} layer the layer it belongs to, for errors
   * @param {[name: string, value: number]} attribute
   */
  setAttribute(model, node, layer, [name, value]) {
    this.heap.withScope((scope) => {
      const text = scope.text(name);
      this.#check(this.#ffi.modelSetAttribute(this.#engine, model, node, text, value), {
        layer,
        field: fieldIn(name, [[name, value]]),
      });
    });
  }

  /** @param {ModelPointer} model @param {number[]} outputs nodes */
  buildModel(model, outputs) {
    this.heap.withScope((scope) => {
      const list = scope.ints(outputs);
      this.#check(this.#ffi.modelBuild(this.#engine, model, list, outputs.length));
    });
  }

  /**
   * @param {ModelPointer} model
   * @param {number} node
   * @param {boolean} trainable from the next `compile` on
   */
  setTrainable(model, node, trainable) {
    this.#check(this.#ffi.modelSetTrainable(this.#engine, model, node, trainable ? 1 : 0));
  }

  /**
   * Chooses the loss of an output for the next `compile`.
   *
   * @param {ModelPointer} model
   * @param {number} output
   * @param {import('./ffi.js').LossValue} loss
   * @param {Record<string, number>} options
   */
  setLoss(model, output, loss, options) {
    this.heap.withScope((scope) => {
      const list = named(scope, Object.entries(options));
      this.#check(this.#ffi.modelSetLoss(this.#engine, model, output, loss, ...list));
    });
  }

  /**
   * @param {ModelPointer} model
   * @param {import('./ffi.js').OptimizerValue} optimizer
   * @param {Record<string, number>} hyperparameters
   * @param {readonly [option: string, tensor: number][]} excluded tensors, of options that exclude some
   */
  compile(model, optimizer, hyperparameters, excluded) {
    this.heap.withScope((scope) => {
      const list = named(scope, [...Object.entries(hyperparameters), ...excluded]);
      this.#check(this.#ffi.modelCompile(this.#engine, model, optimizer, ...list));
    });
  }

  /** What was last measured of an output. @param {ModelPointer} model @param {number} output */
  measured(model, output) {
    this.#check(this.#ffi.modelMeasured(this.#engine, model, output, this.#scratch));
    const [loss, accuracy, weight, logits] = this.heap.doubles(this.#scratch, 4);
    return { loss, accuracy, weight, logits: logits === 1 };
  }

  /**
   * @param {ModelPointer} model
   * @param {string} field one of the optimizer's, so not long
   * @param {number} value
   */
  setHyperparameter(model, field, value) {
    // A schedule comes here before every step, which allocates nothing.
    this.heap.setText(this.#scratch, field);
    this.#check(this.#ffi.modelSetHyperparameter(this.#engine, model, this.#scratch, value), {
      field,
    });
  }

  /**
   * @param {ModelPointer} model
   * @param {Uint8Array | null} mask a bit a trainable weight: 0 where it is pruned; null: none is
   */
  setMask(model, mask) {
    this.heap.withScope((scope) => {
      const bytes = mask && scope.reserve(mask.length);
      if (bytes && mask) this.heap.bytes(bytes, mask.length).set(mask);
      this.#check(this.#ffi.modelSetMask(this.#engine, model, bytes ?? NULL));
    });
  }

  /**
   * @param {ModelPointer} model
   * @param {number} bits in which values wait for the backward pass, 16 or 32
   */
  storeActivations(model, bits) {
    this.#check(this.#ffi.modelStoreActivations(this.#engine, model, bits));
  }

  /** @param {ModelPointer} model @param {number} step */
  setStep(model, step) {
    this.#check(this.#ffi.modelSetStep(this.#engine, model, step));
  }

  /** @param {ModelPointer} model @param {keyof typeof ModelField} field */
  modelInfo(model, field) {
    return this.#ffi.modelInfo(this.#engine, model, ModelField[field]);
  }

  /** @param {ModelPointer} model @param {number} node */
  describeNode(model, node) {
    this.#check(this.#ffi.modelDescribeNode(this.#engine, model, node, this.#scratch));
    const [rank, ...rest] = this.heap.doubles(this.#scratch, 9);
    const [parameters, macs, , trainableParameters] = rest.slice(4);
    return { shape: rest.slice(0, rank), parameters, trainableParameters, macs };
  }

  /**
   * @param {ModelPointer} model
   * @param {number} batch
   * @param {boolean} training
   * @returns {Float64Array} the arrays of such a plan, six numbers each
   */
  describePlan(model, batch, training) {
    return this.heap.withScope((scope) => {
      const describe = (/** @type {import('./ffi.js').Pointer<any>} */ out, room = 0) => {
        const flag = training ? 1 : 0;
        const count = this.#ffi.modelDescribePlan(this.#engine, model, batch, flag, out, room);
        if (count < 0) throw this.#error();
        return count;
      };
      const count = describe(NULL);
      const out = scope.reserve(count * 48);
      describe(out, count);
      return this.heap.doubles(out, count * 6).slice();
    });
  }

  /** @param {ModelPointer} model @returns {TensorFacts[]} */
  tensors(model) {
    return Array.from({ length: this.modelInfo(model, 'TENSORS') }, (_, index) => {
      this.#check(this.#ffi.modelDescribeTensor(this.#engine, model, index, this.#scratch));
      const [, offset, rank, ...rest] = this.heap.doubles(this.#scratch, 8);
      const shape = rest.slice(0, rank);
      const name = this.heap.text(this.#ffi.modelTensorName(this.#engine, model, index));
      return { name, offset, shape, size: sizeOf(shape), trainable: rest[4] === 1 };
    });
  }

  /**
   * @param {ModelPointer} model
   * @param {'WEIGHTS' | 'GRADIENTS'} vector
   * @returns {Float32Array} a view, stale after the next call
   */
  vector(model, vector) {
    const pointer = this.#checkPointer(this.#ffi.modelVector(this.#engine, model, Vector[vector]));
    const length = vector === 'WEIGHTS' ? 'PARAMETERS' : 'TRAINABLE';
    return this.heap.floats(pointer, this.modelInfo(model, length));
  }

  /**
   * What the optimizer keeps, slot by slot.
   *
   * @param {ModelPointer} model
   * @param {readonly TensorFacts[]} tensors all of the model
   * @returns {OptimizerSlot[]}
   */
  slots(model, tensors) {
    return SLOT_VECTORS.flatMap((vector, slot) => {
      let title = NULL;
      const parts = tensors.flatMap(({ name, trainable }, index) => {
        title = this.#ffi.modelDescribeSlot(this.#engine, model, slot, index, this.#scratch);
        if (title === NULL) return [];
        const [offset, rank, ...dims] = this.heap.doubles(this.#scratch, 6);
        const shape = dims.slice(0, rank);
        return rank > 0 ? [{ name, offset, shape, size: sizeOf(shape), trainable }] : [];
      });
      return title === NULL ? [] : [{ name: this.heap.text(title), vector, tensors: parts }];
    });
  }

  /**
   * @param {ModelPointer} model
   * @param {OptimizerSlot} slot
   * @returns {Float32Array} a view, stale after the next call
   */
  slotVector(model, { vector, tensors }) {
    const pointer = this.#checkPointer(this.#ffi.modelVector(this.#engine, model, Vector[vector]));
    const length = tensors.reduce((total, { size }) => total + size, 0);
    return this.heap.floats(pointer, length);
  }

  // ---- training, evaluation, prediction ----

  /** @param {number} bytes @returns {import('./ffi.js').Pointer<any>} not zeroed; to be destroyed */
  createBuffer(bytes) {
    const pointer = this.#ffi.bufferCreate(this.#engine, bytes);
    return /** @type {import('./ffi.js').Pointer<any>} */ (this.#checkPointer(pointer));
  }

  /** @param {import('./ffi.js').Pointer<any>} buffer */
  destroyBuffer(buffer) {
    this.#check(this.#ffi.bufferDestroy(this.#engine, buffer));
  }

  /**
   * Where the next batches of training and evaluation leave an output and its labels; NULL: nowhere.
   *
   * @param {ModelPointer} model
   * @param {number} output one that has a loss
   * @param {import('./ffi.js').Pointer<any>} outputs
   * @param {import('./ffi.js').Pointer<any>} labels
   */
  watch(model, output, outputs, labels) {
    this.#check(this.#ffi.modelWatch(this.#engine, model, output, outputs, labels));
  }

  /**
   * Throws what training on, or evaluating, these samples would; changes nothing.
   *
   * @param {ModelPointer} model
   * @param {DatasetPointer} dataset
   * @param {number} first
   * @param {number} count
   */
  checkData(model, dataset, first, count) {
    this.#check(this.#ffi.modelCheckData(this.#engine, model, dataset, first, count));
  }

  /**
   * Weights of the classes in the training that follows; [] ends it.
   *
   * @param {ModelPointer} model
   * @param {number[]} weights of class 0, 1 …
   */
  weighClasses(model, weights) {
    this.heap.withScope((scope) => {
      const values = scope.floats(weights);
      this.#check(this.#ffi.trainClassWeights(this.#engine, model, values, weights.length), {
        field: 'classWeight',
      });
    });
  }

  /**
   * Augmentation in the training that follows; an empty list ends it.
   *
   * @param {ModelPointer} model
   * @param {Float64Array} rows of eight numbers
   */
  augment(model, rows) {
    this.heap.withScope((scope) => {
      const list = scope.doubles(rows);
      this.#check(this.#ffi.trainAugment(this.#engine, model, list, rows.length / 8), {
        field: 'augment',
      });
    });
  }

  /**
   * Samples as such training sees them, but not normalised.
   *
   * @param {DatasetPointer} dataset
   * @param {{ seed: number, epoch: number, first: number, count: number }} moment
   * @param {Float64Array} rows
   * @param {number} size numbers a sample that come out
   * @returns {Float32Array<ArrayBuffer>} a copy
   */
  preview(dataset, { seed, epoch, first, count }, rows, size) {
    return this.heap.withScope((scope) => {
      const list = scope.doubles(rows);
      const out = scope.reserve(count * size * 4);
      const n = rows.length / 8;
      this.#check(
        this.#ffi.datasetPreview(this.#engine, dataset, seed, epoch, first, count, list, n, out),
        { field: 'augment' },
      );
      return this.heap.floats(out, count * size).slice();
    });
  }

  /**
   * @param {ModelPointer} model
   * @param {DatasetPointer} dataset
   * @param {{ first: number, count: number, batch: number, epoch: number, shuffle: boolean }} plan
   */
  trainBegin(model, dataset, { first, count, batch, epoch, shuffle }) {
    this.#check(
      this.#ffi.trainBegin(
        this.#engine,
        model,
        dataset,
        first,
        count,
        batch,
        epoch,
        shuffle ? 1 : 0,
      ),
    );
  }

  /** @param {ModelPointer} model @param {number} step @returns {BatchSums} */
  trainStep(model, step) {
    this.#check(this.#ffi.trainSteps(this.#engine, model, step, 1, this.#scratch));
    return this.#sums(model);
  }

  /**
   * @param {ModelPointer} model
   * @param {DatasetPointer} dataset
   * @param {number} first
   * @param {number} count
   * @param {number} batch
   * @returns {BatchSums}
   */
  evaluate(model, dataset, first, count, batch) {
    this.#check(
      this.#ffi.evaluate(this.#engine, model, dataset, first, count, batch, this.#scratch),
    );
    return this.#sums(model);
  }

  /**
   * @param {ModelPointer} model
   * @param {DatasetPointer} dataset
   * @param {number} first
   * @param {number} count
   * @param {number} batch
   * @param {Float32Array[]} outs one an output of the model
   */
  predict(model, dataset, first, count, batch, outs) {
    const total = outs.reduce((sum, { length }) => sum + length, 0);
    this.heap.withScope((scope) => {
      const pointer = scope.reserve(total * 4);
      this.#check(this.#ffi.predict(this.#engine, model, dataset, first, count, batch, pointer));
      const floats = this.heap.floats(pointer, total);
      let at = 0;
      for (const out of outs) out.set(floats.subarray(at, (at += out.length)));
    });
  }

  /**
   * Values, and gradients of a source, of nodes for samples that go through the model as one batch.
   *
   * @param {ModelPointer} model
   * @param {DatasetPointer} dataset
   * @param {object} what
   * @param {number} what.first
   * @param {number} what.count
   * @param {number} what.source a node or a tg_source
   * @param {Float32Array} what.seed
   * @param {number[]} what.nodes
   * @param {number[]} what.sizes of their values, a sample
   * @param {number} what.weights how many gradients of weights are wanted: all or 0
   * @param {boolean} what.training
   * @returns {{ take: (length: number) => Float32Array }} a copy, to be taken bit by bit: for each
   *   node its values and gradients, then those of the weights
   */
  inspect(model, dataset, { first, count, source, seed, nodes, sizes, weights, training }) {
    const each = source === Source.NONE ? 1 : 2;
    const total = sizes.reduce((sum, size) => sum + size * count * each, weights);
    const flags = (training ? InspectFlag.TRAINING : 0) | (weights > 0 ? InspectFlag.WEIGHTS : 0);
    return this.heap.withScope((scope) => {
      const factors = scope.floats(seed);
      const list = scope.ints(nodes);
      const out = scope.reserve(total * 4);
      this.#check(
        this.#ffi.modelInspect(
          this.#engine,
          model,
          dataset,
          first,
          count,
          source,
          factors,
          list,
          nodes.length,
          flags,
          out,
        ),
      );
      const copy = this.heap.floats(out, total).slice();
      let at = 0;
      return { take: (length) => copy.subarray(at, (at += length)) };
    });
  }

  /**
   * @param {ModelPointer} model
   * @param {DatasetPointer} dataset
   * @param {number} first
   * @param {number} count
   * @param {number} batch
   * @param {number} percentile
   * @param {number} nodes of the model
   * @returns {[low: number, high: number][]} one a node
   */
  calibrate(model, dataset, first, count, batch, percentile, nodes) {
    return this.heap.withScope((scope) => {
      const out = scope.reserve(nodes * 16);
      this.#check(
        this.#ffi.calibrate(this.#engine, model, dataset, first, count, batch, percentile, out),
      );
      const ends = this.heap.doubles(out, nodes * 2);
      return Array.from({ length: nodes }, (_, node) => [ends[2 * node], ends[2 * node + 1]]);
    });
  }

  /** @param {ModelPointer} model @returns {BatchSums} */
  #sums(model) {
    const [loss, accuracy, samples] = this.heap.doubles(this.#scratch, 3);
    return { loss, accuracy, samples, weight: this.modelInfo(model, 'ACCURACY_WEIGHT') };
  }
}

/** @param {readonly number[]} shape */
const sizeOf = (shape) => shape.reduce((product, length) => product * length, 1);

/**
 * Names and numbers as the engine takes them.
 *
 * @param {import('./heap.js').Scope} scope
 * @param {[string, number][]} numbers
 */
function named(scope, numbers) {
  return /** @type {const} */ ([
    scope.text(numbers.map(([name]) => name).join(',')),
    scope.doubles(numbers.map(([, number]) => number)),
    numbers.length,
  ]);
}

/**
 * The option that an engine message is about.
 *
 * @param {string} message
 * @param {[string, number][]} attributes
 */
function fieldIn(message, attributes) {
  // A setting of a tensor such as `kernel/l2` is known by its own name.
  const names = new Set(attributes.map(([key]) => key.slice(key.indexOf('/') + 1)));
  const name = message.split(/[^A-Za-z0-9]+/).find((word) => names.has(word));
  return name && (OPTION_OF_ATTRIBUTE.get(name) ?? name);
}

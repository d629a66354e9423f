/**
 * tabgrad: trains and runs neural networks in a browser tab or in Node, on a C engine in SIMD
 * WebAssembly. This is the whole public surface. Importing it does nothing; the first call starts
 * the shared engine in a worker.
 */

import { holdDropped } from './datasets.js';
import { sharedEngine } from './engine.js';

export { constraints } from './constraints.js';
export { createEngine, dispose, init } from './engine.js';
export * from './errors.js';
export { input } from './functional.js';
export { initializers } from './initializers.js';
export { layers } from './layers.js';
export { losses } from './losses.js';
export { optimizers } from './optimizers.js';
export { regularizers } from './regularizers.js';
export { VERSION } from './version.js';

/**
 * @typedef {import('./engine.js').Engine} Engine
 * @typedef {import('./engine.js').EngineOptions} EngineOptions
 * @typedef {import('./engine.js').EngineInfo} EngineInfo
 * @typedef {import('./model.js').Model} Model
 * @typedef {Model} Sequential
 * @typedef {import('./make-model.js').GraphOptions} GraphOptions
 * @typedef {import('./symbolic.js').SymbolicTensor} SymbolicTensor
 * @typedef {import('./checkpoint-source.js').CheckpointSource} CheckpointSource
 * @typedef {import('./dataset.js').Dataset} Dataset
 * @typedef {import('./dataset.js').DatasetOptions} DatasetOptions
 * @typedef {import('./datasets.js').LoadOptions} LoadOptions
 * @typedef {import('./image-options.js').ImageSource} ImageSource
 * @typedef {import('./image-options.js').ImageFolderOptions} ImageFolderOptions
 * @typedef {import('./image-stream.js').ImageStream} ImageStream
 * @typedef {import('./image-stream.js').ImageStreamOptions} ImageStreamOptions
 * @typedef {import('./layers.js').Layer} Layer
 * @typedef {import('./compile.js').CompileOptions} CompileOptions
 * @typedef {import('./fit-options.js').FitOptions} FitOptions
 * @typedef {import('./fit.js').History} History
 * @typedef {import('./fit.js').Logs} Logs
 * @typedef {import('./tensors.js').WeightTensor} WeightTensor
 * @typedef {import('./inspect.js').Tensor} Tensor
 * @typedef {import('./inspect.js').GradientOptions} GradientOptions
 * @typedef {import('./inspect.js').Gradients} Gradients
 */

/**
 * What runs where: build, threads, memory.
 *
 * @returns {Promise<EngineInfo>}
 */
export async function info() {
  return (await sharedEngine()).info();
}

/**
 * Makes a model of layers in a row, with weights drawn from the seed.
 *
 * @param {readonly Layer[]} layers from the functions of `layers`; the first has `inputShape`
 * @param {{ seed?: number, name?: string }} [options] seed a whole number from 0, default 0
 * @returns {Promise<Model>}
 * @throws {ConfigError} {ShapeError} {LimitError} {GraphError} naming layer, field and both numbers
 */
export async function sequential(layers, options) {
  return (await sharedEngine()).sequential(layers, options);
}

/**
 * Makes a model of a graph of layers, with weights drawn from the seed:
 *
 *     const x = input({ shape: [32, 32, 3] });
 *     const a = layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same' }).apply(x);
 *     const net = await model({ inputs: x, outputs: layers.add().apply([a, x]) });
 *
 * @param {GraphOptions} options one input and one output
 * @returns {Promise<Model>}
 * @throws {GraphError} an output that depends on another input or on none, a layer applied twice
 * @throws {UnsupportedError} several inputs or outputs
 * @throws {ConfigError} {ShapeError} {LimitError} naming layer, field and both numbers
 */
export async function model(options) {
  return (await sharedEngine()).model(options);
}

/**
 * Puts samples and labels into the engine's memory once, for many calls.
 *
 * @param {DatasetOptions} options
 * @returns {Promise<Dataset>}
 */
export async function dataset(options) {
  return (await sharedEngine()).dataset(options);
}

/**
 * Makes the model that `save` wrote, compiled as it was.
 *
 * @param {CheckpointSource} source
 * @returns {Promise<Model>}
 */
export async function load(source) {
  return (await sharedEngine()).load(source);
}

/**
 * Makes a model of an ONNX file: its graph as layers, its initializers as their weights.
 *
 * The first axis of inputs and outputs is the batch, of any size in predictions, as long as every operator keeps it; a
 * graph that does not (a sum over the batch, a product of two inputs …) takes and gives whole tensors: one sample a
 * prediction, whose batch axis is the file's first axis. Axes are in ONNX's order (NCHW) unless `layout` says otherwise;
 * inside, convolutions work channels last either way, and nothing is turned twice.
 *
 * @param {CheckpointSource} source bytes, Blob, URL, in Node a path
 * @param {import('./make-model.js').OnnxOptions} [options]
 * @returns {Promise<Model>} not compiled: `predict` at once, `fit` after `compile`
 * @throws {FormatError} a damaged file. {UnsupportedError} naming operator and node. {MissingError} sizes that the file
 *   leaves open. {ConfigError} {InputTypeError} {LimitError} {GraphError} {ShapeError} {NonFiniteError}
 */
export async function loadOnnx(source, options) {
  return (await sharedEngine()).loadOnnx(source, options);
}

/** Loaders of known data sets. */
export const datasets = Object.freeze({
  /**
   * CIFAR-10 in the engine's memory.
   *
   * @param {LoadOptions} [options]
   */
  cifar10: async (options) => (await sharedEngine()).datasets.cifar10(options),
  /**
   * The 1,500 images of CIFAR-10 that the page ships.
   *
   * @param {LoadOptions} [options] `source` is the folder of sample.json
   */
  cifar10Sample: async (options) => (await sharedEngine()).datasets.cifar10Sample(options),
  /**
   * Pictures of a folder or an archive, one folder a class, decoded and resized into the engine's memory. Files
   * that cannot be read are left out and told in `skipped`.
   *
   * @template {ImageFolderOptions} Options
   * @param {ImageSource} source in Node a path; in a page what was dropped or chosen
   * @param {Options} [options]
   */
  imageFolder: async (source, options) => {
    const held = holdDropped(source);
    return (await sharedEngine()).datasets.imageFolder(/** @type {ImageSource} */ (held), options);
  },
  /**
   * The same pictures as a stream for `fit`: decoded and resized while the model trains, by workers of their own, for
   * folders that do not fit in memory. Dispose it when training is over.
   *
   * @param {ImageSource} source as `imageFolder` takes it, but no tar archive
   * @param {ImageStreamOptions} [options] of `imageFolder`, and shuffle (true), prefetch (8 batches), workers
   */
  imageStream: async (source, options) => {
    const held = holdDropped(source);
    return (await sharedEngine()).datasets.imageStream(/** @type {ImageSource} */ (held), options);
  },
});

/** ONNX files as models. Loaded when a program first asks for one. */

import { readCheckpoint } from '../checkpoint-source.js';
import { ConfigError, FormatError, InputTypeError } from '../errors.js';
import { readOptions, describe, needOneOf } from '../options.js';
import { buildGraph } from './graph.js';
import { decodeModel } from './proto.js';

export { OPERATOR_NAMES } from './graph.js';
export { decodeTensor } from './proto.js';

/**
 * @param {Uint8Array} bytes
 * @param {unknown} options see loadOnnx
 */
export function readOnnx(bytes, options) {
  const where = { what: 'loadOnnx' };
  const names = /** @type {const} */ (['inputShapes', 'constants', 'outputs', 'layout', 'seed']);
  const own = readOptions(options, names, where);
  const { inputShapes = {}, constants = {}, outputs, layout = 'nchw', seed = 0 } = own;
  const model = decodeModel(bytes);
  const graph = buildGraph(model, {
    inputShapes: shapesOf(inputShapes, model),
    constants: new Map(
      Object.entries(constants).map(([name, value]) => [name, constantOf(name, value, model)]),
    ),
    outputs: outputs && stringsOf(outputs),
    last: needOneOf(layout, ['nchw', 'nhwc'], 'layout', where) === 'nhwc',
  });
  return { name: model.name, seed, ...graph };
}

/** @param {unknown} value @param {import('./proto.js').OnnxModel} model @returns {Record<string, number[]>} */
function shapesOf(value, model) {
  if (typeof value !== 'object' || value === null) {
    throw new InputTypeError(`loadOnnx: inputShapes must be an object, found ${describe(value)}.`);
  }
  for (const [name, shape] of Object.entries(value)) {
    needInput(name, model, 'inputShapes');
    const good = Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 1);
    if (!good) {
      throw new ConfigError(
        `loadOnnx: inputShapes.${name} must be an array of whole numbers from 1.`,
        {
          field: 'inputShapes',
        },
      );
    }
  }
  return /** @type {Record<string, number[]>} */ (value);
}

/** @param {string} name @param {import('./proto.js').OnnxModel} model @param {string} field */
function needInput(name, model, field) {
  if (model.inputs.some((input) => input.name === name)) return;
  const known = model.inputs.map((input) => input.name).join(', ');
  throw new ConfigError(
    `loadOnnx: ${field}: the file has no input ${describe(name)}, it has ${known}.`,
    {
      field,
    },
  );
}

/** @param {string} name @param {any} value @param {import('./proto.js').OnnxModel} model @returns {import('./proto.js').Tensor} */
function constantOf(name, value, model) {
  needInput(name, model, 'constants');
  const { shape, data } = Object(value);
  const size = Array.isArray(shape) ? shape.reduce((a, b) => a * b, 1) : NaN;
  if (!ArrayBuffer.isView(data) || /** @type {any} */ (data).length !== size) {
    throw new InputTypeError(
      `loadOnnx: constants.${name} must be { shape, data } with as many numbers as its shape says.`,
      { field: 'constants' },
    );
  }
  const type = model.inputs.find((input) => input.name === name)?.type ?? 'float32';
  const numbers = Array.from(/** @type {any} */ (data), Number);
  const array = type === 'float32' ? Float32Array.from(numbers) : Float64Array.from(numbers);
  return { name, given: true, type, shape, data: array };
}

/** @param {unknown} value @returns {string[]} */
function stringsOf(value) {
  const list = Array.isArray(value) ? Array.from(value) : [];
  if (list.length > 0 && list.every((name) => typeof name === 'string')) return list;
  throw new InputTypeError(
    `loadOnnx: outputs must be an array of names, found ${describe(value)}.`,
    {
      field: 'outputs',
    },
  );
}

/**
 * All weights of a model that was made from a file, with their shapes.
 *
 * @param {{ name: string, shape: number[], data: Float32Array }[]} own as the model starts
 * @param {import('./builder.js').Weight[]} given by the file
 */
export function weightsFor(own, given) {
  const byName = new Map(given.map(({ name, data }) => [name, data]));
  return own.map(({ name, shape, data }) => {
    const found = byName.get(name) ?? data;
    if (found.length === data.length) return { name, shape, data: found };
    throw new FormatError(
      `ONNX: weight '${name}' has ${found.length} numbers, ${data.length} are needed.`,
      {
        field: name,
      },
    );
  });
}

/** @param {import('../checkpoint-source.js').CheckpointSource} source */
export const readSource = (source) => readCheckpoint(source, 'loadOnnx');

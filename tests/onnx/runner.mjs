/** Runs the suite's tests on the library: a graph by a model made of it and one prediction, training by training. */
import { createEngine } from 'tabgrad';
import * as onnx from '../../web/lib/onnx/load.js';
import * as proto from '../../web/lib/onnx/proto.js';
import { applicableTests, difference, runTest } from './suite.mjs';
import { batchNormalization, optimizerSteps, softmaxCrossEntropy } from './training.mjs';

/**
 * @typedef {import('../../web/lib/onnx/proto.js').Tensor} Tensor
 * @typedef {import('./training.mjs').Found} Found
 */

export async function suiteRunner() {
  const engine = await createEngine({ threads: 1 });
  return {
    tests: applicableTests(proto),
    run: (/** @type {import('./suite.mjs').SuiteTest} */ test) =>
      runTest(test, (...args) => runOnce(engine, ...args), proto),
    dispose: () => engine.dispose(),
  };
}

/**
 * @param {any} engine
 * @param {Uint8Array} bytes
 * @param {Map<string, Tensor>} inputs
 * @param {string[]} outputs
 * @returns {Promise<Found[]>}
 */
async function runOnce(engine, bytes, inputs, outputs) {
  const { nodes } = proto.decodeModel(bytes);
  const [node] = nodes;
  const values = [...inputs.values()];
  const steps = optimizerSteps.get(node.type);
  if (steps) return steps(engine, node, values);
  if (node.type === 'BatchNormalization' && node.attributes.get('training_mode')) {
    return batchNormalization(engine, node, values);
  }
  const gradient = nodes.find(({ type }) => type === 'Gradient');
  if (gradient) {
    const own = outputs.filter((name) => !gradient.outputs.includes(name));
    return [
      ...(await predictOnce(engine, bytes, inputs, own)),
      ...(await gradients(engine, bytes, gradient, inputs)),
    ];
  }
  const found = await predictOnce(engine, bytes, inputs, outputs);
  if (node.type !== 'SoftmaxCrossEntropyLoss' || node.attributes.get('reduction') === 'none') {
    return found;
  }
  // The loss kernel must agree with the graph.
  const [loss] = await softmaxCrossEntropy(engine, node, values);
  const expected = { name: '', type: 'float32', shape: [], data: Float32Array.from(found[0].data) };
  const why = difference(loss.data, expected, 'the loss kernel');
  if (why) throw new Error(why);
  return found;
}

/**
 * Inputs that must be known when the file is read (weights, sizes, indices) are given then, the others with the
 * prediction.
 *
 * @param {any} engine
 * @param {Uint8Array} bytes
 * @param {Map<string, Tensor>} inputs
 * @param {string[]} outputs
 * @returns {Promise<Found[]>}
 */
async function predictOnce(engine, bytes, inputs, outputs) {
  const { graph, options } = readWith(bytes, inputs, outputs);
  const model = await engine.loadOnnx(bytes, options);
  try {
    const y = await model.predict(samplesOf(graph, inputs), { batchSize: 1024 });
    const all = outputs.length === 1 ? [y] : y;
    return graph.outputs.map(({ shape }, k) => ({ shape, data: all[k] }));
  } finally {
    await model.dispose();
  }
}

/**
 * @param {ReturnType<typeof onnx.readOnnx>} graph
 * @param {Map<string, Tensor>} inputs
 */
function samplesOf(graph, inputs) {
  const samples = graph.inputs.map(({ name }) =>
    Float32Array.from(/** @type {Tensor} */ (inputs.get(name)).data),
  );
  return samples.length === 1 ? samples[0] : samples;
}

/**
 * The options that a file needs: inputs become constants one by one, as the reader asks for them; where it asks for what
 * was made of them, all whole numbers do.
 *
 * @param {Uint8Array} bytes
 * @param {Map<string, Tensor>} inputs
 * @param {string[]} outputs
 */
function readWith(bytes, inputs, outputs) {
  const open = new Map(inputs);
  /** @type {Record<string, Tensor>} */
  const constants = {};
  for (;;) {
    const inputShapes = Object.fromEntries([...open].map(([name, { shape }]) => [name, shape]));
    const options = { inputShapes, constants, outputs };
    try {
      return { graph: onnx.readOnnx(bytes, options), options };
    } catch (error) {
      const { field } = /** @type {{ field?: string }} */ (error);
      const whole = [...open].filter(([, { type }]) => type !== 'float32');
      const names = field !== undefined && open.has(field) ? [field] : whole.map(([name]) => name);
      if (names.length === 0) throw error;
      for (const name of names) {
        constants[name] = /** @type {Tensor} */ (open.get(name));
        open.delete(name);
      }
    }
  }
}

/**
 * What Gradient gives: how a value changes with each of its inputs.
 *
 * @param {any} engine
 * @param {Uint8Array} bytes
 * @param {import('../../web/lib/onnx/proto.js').OnnxNode} node
 * @param {Map<string, Tensor>} inputs
 * @returns {Promise<Found[]>}
 */
async function gradients(engine, bytes, { attributes }, inputs) {
  const { graph, options } = readWith(bytes, inputs, [String(attributes.get('y'))]);
  const model = await engine.loadOnnx(bytes, options);
  try {
    const of = model.summary().layers.at(-1).name;
    const found = await model.gradients(samplesOf(graph, inputs), undefined, { of });
    const names = /** @type {string[]} */ (attributes.get('xs'));
    return names.map((name) => ({
      shape: /** @type {Tensor} */ (inputs.get(name)).shape,
      data: found.gradients[name],
    }));
  } finally {
    await model.dispose();
  }
}

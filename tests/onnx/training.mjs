/**
 * The suite's tests of training: optimizers, batch statistics and cross-entropies, on the library's own optimizers,
 * layers and losses, through what a program calls. The graph of such a test is one node; its attributes become options.
 */
import { layers, losses, optimizers, regularizers } from 'tabgrad';
import { decode, encode } from '../../web/lib/io/safetensors.js';

/**
 * @typedef {import('../../web/lib/onnx/proto.js').Tensor} Tensor
 * @typedef {import('../../web/lib/onnx/proto.js').OnnxNode} OnnxNode
 * @typedef {{ shape: readonly number[], data: ArrayLike<number> }} Found
 * @typedef {(engine: any, node: OnnxNode, inputs: Tensor[]) => Promise<Found[]>} Run
 */

/** @param {OnnxNode} node @param {string} name @param {number} standard */
const number = (node, name, standard) => Number(node.attributes.get(name) ?? standard);

/** Steps after which no bias correction is left: ONNX's first step, T = 0, has none. */
const LATE = 1_000_000;

/**
 * One step of an optimizer from weights x and state, with the gradient g: a dense layer of one output and the sample g,
 * whose mean absolute error from a target far below has just that gradient.
 *
 * @param {any} engine
 * @param {object} optimizer
 * @param {number} penalty ONNX's norm_coefficient
 * @param {number[]} x
 * @param {number[]} g
 * @param {Record<string, number[]>} state by the names of the optimizer's slots
 * @returns {Promise<{ x: Float32Array, state: Record<string, Float32Array> }>}
 */
async function step(engine, optimizer, penalty, x, g, state) {
  const kernel = 'w/kernel';
  // l2(c) adds c w² to the loss, so 2 c w to the gradient.
  const options = { units: 1, useBias: false, kernelRegularizer: regularizers.l2(penalty / 2) };
  const model = await engine.sequential([
    layers.dense({ ...options, inputShape: [x.length], name: 'w' }),
  ]);
  await model.compile({ optimizer, loss: 'meanAbsoluteError' });
  const file = decode(await model.save());
  await model.dispose();
  const tensors = [...file.tensors.values()].map((tensor) => {
    const slot = /^optimizer:(.*):w\/kernel$/.exec(tensor.name)?.[1];
    const data = slot ? state[slot] : x;
    return { ...tensor, data: Float32Array.from(data) };
  });
  const training = { ...JSON.parse(file.metadata.get('training') ?? ''), step: LATE };
  const metadata = new Map([...file.metadata, ['training', JSON.stringify(training)]]);
  const resumed = await engine.load(encode({ tensors, metadata }));
  await resumed.trainOnBatch(Float32Array.from(g), Float32Array.of(-1e6));
  const after = decode(await resumed.save()).tensors;
  await resumed.dispose();
  const data = (/** @type {string} */ name) =>
    /** @type {Float32Array} */ (/** @type {any} */ (after.get(name)).data);
  const slots = Object.keys(state).map((slot) => [slot, data(`optimizer:${slot}:${kernel}`)]);
  return { x: data(kernel), state: Object.fromEntries(slots) };
}

/**
 * Several tensors in one node: inputs are R, T, all X, all G, then all of each state; outputs all X, then each state.
 *
 * @param {number} states
 * @param {(engine: any, node: OnnxNode, rate: number, x: number[], g: number[], states: number[][]) => Promise<ArrayLike<number>[]>} one
 * @returns {Run}
 */
const optimizer =
  (states, one) =>
  async (engine, node, [rate, , ...rest]) => {
    const count = rest.length / (2 + states);
    /** @type {Found[][]} */
    const found = Array.from({ length: 1 + states }, () => []);
    for (let k = 0; k < count; k++) {
      const own = Array.from({ length: 2 + states }, (_, i) => rest[i * count + k]);
      const [x, g, ...held] = own.map(({ data }) => Array.from(data));
      const results = await one(engine, node, rate.data[0], x, g, held);
      results.forEach((data, i) => found[i].push({ shape: own[0].shape, data }));
    }
    return found.flat();
  };

/** @type {Run} V is the velocity of gradients, the library's that of weights */
const momentum = optimizer(1, async (engine, node, learningRate, x, g, [v]) => {
  const nesterov = node.attributes.get('mode') === 'nesterov';
  const sgd = optimizers.sgd({ learningRate, momentum: number(node, 'alpha', 0), nesterov });
  const velocity = v.map((value) => -learningRate * value);
  const penalty = number(node, 'norm_coefficient', 0);
  const after = await step(engine, sgd, penalty, x, g, { momentum: velocity });
  return [after.x, after.state.momentum.map((value) => -value / learningRate)];
});

/** @type {Run} */
const adam = optimizer(2, async (engine, node, learningRate, x, g, [m, v]) => {
  const own = optimizers.adam({
    learningRate,
    beta1: number(node, 'alpha', 0.9),
    beta2: number(node, 'beta', 0.999),
    epsilon: number(node, 'epsilon', 1e-6),
  });
  const penalty = number(node, 'norm_coefficient', 0);
  const moments = { firstMoment: m, secondMoment: v };
  const after = await step(engine, own, penalty, x, g, moments);
  return [after.x, after.state.firstMoment, after.state.secondMoment];
});

/** @type {Run} */
const adagrad = optimizer(1, async (engine, node, learningRate, x, g, [accumulator]) => {
  const own = optimizers.adagrad({ learningRate, epsilon: number(node, 'epsilon', 1e-6) });
  const penalty = number(node, 'norm_coefficient', 0);
  const after = await step(engine, own, penalty, x, g, { accumulator });
  return [after.x, after.state.accumulator];
});

/** @param {Tensor} x [batch, channels, …] @returns {Float32Array} channels last */
function channelsLast({ shape: [batch, channels, ...space], data }) {
  const cells = space.reduce((a, b) => a * b, 1);
  const out = new Float32Array(data.length);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < cells; i++) {
        out[(n * cells + i) * channels + c] = data[(n * channels + c) * cells + i];
      }
    }
  }
  return out;
}

/**
 * Moving averages after one step, and the output by the batch's own statistics: those of a layer without memory.
 *
 * @type {Run}
 */
export async function batchNormalization(engine, node, [x, scale, bias, mean, variance]) {
  const [, channels, ...space] = x.shape;
  const samples = channelsLast(x);
  const options = { epsilon: number(node, 'epsilon', 1e-5), name: 'bn' };
  const trained = async (/** @type {number} */ momentum) => {
    const inputShape = [...space, channels];
    const model = await engine.sequential([
      layers.batchNormalization({ ...options, momentum, inputShape }),
    ]);
    await model.compile({ optimizer: optimizers.sgd({ learningRate: 0 }), loss: 'mse' });
    const given = { gamma: scale, beta: bias, moving_mean: mean, moving_variance: variance };
    const weights = Object.entries(given).map(([name, { data }]) => ({
      name: `bn/${name}`,
      shape: [channels],
      data: Float32Array.from(data),
    }));
    await model.setWeights(weights);
    await model.trainOnBatch(samples, new Float32Array(samples.length));
    return model;
  };
  const running = await trained(number(node, 'momentum', 0.9));
  const [, , newMean, newVariance] = await running.getWeights();
  await running.dispose();
  const forgetful = await trained(0);
  const y = await forgetful.predict(samples);
  await forgetful.dispose();
  const cells = space.reduce((a, b) => a * b, 1);
  const data = Float32Array.from(y, (_, i) => {
    const [n, c] = [Math.floor(i / cells / channels), Math.floor(i / cells) % channels];
    return y[(n * cells + (i % cells)) * channels + c];
  });
  return [{ shape: x.shape, data }, newMean, newVariance];
}

/**
 * A mean or sum of cross-entropies by the loss kernel: targets are one-hot rows, weighted.
 *
 * @type {Run}
 */
export async function softmaxCrossEntropy(engine, node, [x, labels, weights]) {
  const [batch, classes, ...space] = x.shape;
  const cells = space.reduce((a, b) => a * b, 1);
  const ignored = node.attributes.get('ignore_index');
  const targets = new Float32Array(x.data.length);
  let all = 0;
  labels.data.forEach((label, i) => {
    if (label === ignored) return;
    targets[i * classes + label] = weights ? weights.data[label] : 1;
    all += targets[i * classes + label];
  });
  const model = await engine.sequential([
    layers.reshape({ targetShape: [cells, classes], inputShape: [cells * classes] }),
  ]);
  const loss = losses.categoricalCrossentropy({ fromLogits: true });
  await model.compile({ optimizer: 'sgd', loss });
  const logs = await model.evaluate(channelsLast(x), targets, { batchSize: batch });
  await model.dispose();
  const sum = logs.loss * batch * cells;
  const mean = node.attributes.get('reduction') !== 'sum';
  return [{ shape: [], data: [mean ? sum / all : sum] }];
}

/** @type {Map<string, Run>} */
export const optimizerSteps = new Map([
  ['Adagrad', adagrad],
  ['Adam', adam],
  ['Momentum', momentum],
]);

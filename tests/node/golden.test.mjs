/**
 * Every operator, loss and optimizer against PyTorch's float64 values (tests/golden), through the public library, on the
 * plain and the relaxed build. Gradients are read as what one step of SGD with learning rate 1 takes off the weights.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { losses, optimizers } from 'tabgrad';
import { assertClose } from '../golden/close.mjs';
import { BUILDS, startEngine } from '../golden/engines.mjs';
import { modelOfCase } from '../golden/models.mjs';
import { readGolden } from '../golden/tensors.mjs';

const GROUPS = [
  'conv2d',
  'pool2d',
  'flat',
  'losses',
  'optimizers',
  'norm',
  'layers',
  'windows',
  'sequences',
];

for (const build of BUILDS.keys()) {
  describe(`golden values, ${build} build`, () => {
    /** @type {any} */
    let engine;
    before(async () => {
      engine = await startEngine(build);
    });
    after(() => engine?.dispose());

    for (const group of GROUPS) {
      const { cases, tensors } = readGolden(group);
      cases.forEach((example, index) => {
        it(`${group}: ${example.name}`, async () => {
          const golden = new Golden(tensors, index);
          const model = await modelOf(engine, example, golden);
          try {
            if (example.optimizer) await checkTraining(model, example, golden);
            else await checkStep(model, example, golden);
          } finally {
            await model.dispose();
          }
        });
      });
    }
  });
}

/** The tensors of one case. */
class Golden {
  /**
   * @param {Map<string, import('../golden/tensors.mjs').Tensor>} tensors
   * @param {number} index
   */
  constructor(tensors, index) {
    this.prefix = `${index}/`;
    this.tensors = tensors;
  }

  /** @param {string} name */
  get(name) {
    const tensor = this.tensors.get(this.prefix + name);
    assert.ok(tensor, `the golden file holds ${this.prefix}${name}`);
    return tensor;
  }

  /** @param {string} kind such as 'weights' */
  named(kind) {
    const start = `${this.prefix}${kind}/`;
    return [...this.tensors]
      .filter(([key]) => key.startsWith(start))
      .map(([key, tensor]) => ({ name: key.slice(start.length), ...tensor }));
  }
}

/**
 * @param {any} engine
 * @param {any} example
 * @param {Golden} golden
 */
async function modelOf(engine, example, golden) {
  const model = await modelOfCase(engine, example);
  await model.setWeights(golden.named('weights'));
  const { loss, fromLogits } = example;
  const optimizer = example.optimizer
    ? optimizers[/** @type {keyof typeof optimizers} */ (example.optimizer)](example.options)
    : optimizers.sgd({ learningRate: 1 });
  // Accuracy is compared where the file has it; elsewhere it has no agreed meaning.
  model.compile({
    loss: example.lossOptions ? losses[/** @type {'huber'} */ (loss)](example.lossOptions) : loss,
    fromLogits,
    optimizer,
    metrics: golden.tensors.has(`${golden.prefix}accuracy`) ? ['accuracy'] : [],
  });
  return model;
}

/** @param {ArrayLike<number>} values */
const meanOf = (values) =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Outputs, loss, accuracy and gradients of one step.
 *
 * @param {any} model
 * @param {any} example
 * @param {Golden} golden
 */
async function checkStep(model, example, golden) {
  const x = golden.get('x').data;
  const y = golden.get('y').data;
  const loss = meanOf(golden.get('losses').data);
  // Batch normalisation: training and evaluation differ.
  const differs = golden.tensors.has(`${golden.prefix}evaluated`);
  const evaluatedLoss = differs ? meanOf(golden.get('evaluated').data) : loss;
  const batchSize = example.batch;

  assertClose(await model.predict(x, { batchSize }), golden.get('outputs').data, 'outputs');
  const { sampleWeight } = example;
  const evaluated = await model.evaluate(x, y, { batchSize, sampleWeight });
  assertClose([evaluated.loss], [evaluatedLoss], 'loss of evaluate');

  const weights = await model.getWeights();
  const trained = await model.trainOnBatch(x, y, { sampleWeight });
  assertClose([trained.loss], [loss], 'loss of trainOnBatch');
  if (golden.tensors.has(`${golden.prefix}accuracy`)) {
    const accuracy = golden.get('accuracy').data;
    assertClose([evaluated.accuracy, trained.accuracy], [accuracy[0], accuracy[0]], 'accuracy');
  }
  const moved = await model.getWeights();
  for (const { name, data } of golden.named('gradients')) {
    const start = tensorOf(weights, name);
    const end = tensorOf(moved, name);
    assertClose(
      Array.from(start, (value, i) => value - end[i]),
      data,
      `gradient of ${name}`,
    );
  }
  for (const { name, data } of golden.named('moved')) {
    assertClose(tensorOf(moved, name), data, `${name} after the step`);
  }
}

/**
 * The loss before each step on one batch, and the weights after the last.
 *
 * @param {any} model
 * @param {any} example
 * @param {Golden} golden
 */
async function checkTraining(model, example, golden) {
  const x = golden.get('x').data;
  const y = golden.get('y').data;
  const curve = [];
  for (let step = 0; step < example.steps; step++)
    curve.push((await model.trainOnBatch(x, y)).loss);
  assertClose(curve, golden.get('curve').data, 'loss');
  const weights = await model.getWeights();
  for (const { name, data } of golden.named('trained')) {
    assertClose(tensorOf(weights, name), data, `${name} after ${example.steps} steps`);
  }
}

/**
 * @param {{ name: string, data: Float32Array }[]} weights
 * @param {string} name
 */
function tensorOf(weights, name) {
  const tensor = weights.find((candidate) => candidate.name === name);
  assert.ok(tensor, `the model has ${name}, among ${weights.map((weight) => weight.name)}`);
  return tensor.data;
}

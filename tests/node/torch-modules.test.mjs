/**
 * PyTorch's own module tests (torch.testing._internal) through the public library: predictions, losses, and gradients of
 * inputs and weights, on the plain and the relaxed build. tests/golden/torch_modules.py made the file; what of PyTorch's lists
 * does not apply is in it by name with a reason.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import { input, layers, losses, optimizers } from 'tabgrad';
import { assertClose } from '../golden/close.mjs';
import { BUILDS, startEngine } from '../golden/engines.mjs';
import { readGolden } from '../golden/tensors.mjs';

const FILES = ['torch_modules', 'torch_tensors'].map(readFile);

/**
 * A file's cases with their numbers, which stand one behind the other in one tensor.
 *
 * @param {string} file
 */
function readFile(file) {
  const { cases, tensors, metadata } = readGolden(file);
  const values = /** @type {Float32Array} */ (tensors.get('values')?.data);
  let first = 0;
  for (const example of cases) {
    const own = example.tensors.map((/** @type {[string, ...number[]]} */ [name, ...shape]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, { name, shape, data: values.subarray(first, (first += length)) }];
    });
    example.tensors = new Map(own);
  }
  assert.equal(first, values.length);
  return { file, cases, metadata };
}

test("every case of PyTorch's lists is run or skipped for a reason", (context) => {
  const [{ cases, metadata }] = FILES;
  const { names, skips } = metadata;
  const run = cases.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, 'names are unique');
  assert.deepEqual([...run, ...Object.keys(skips)].sort(), [...names].sort());
  for (const [name, reason] of Object.entries(skips)) assert.match(reason, /\w{4}/, name);
  for (const list of ['module_tests', 'new_module_tests', 'criterion_tests', 'module_db']) {
    const of = (/** @type {string[]} */ all) => all.filter((name) => name.startsWith(`${list}/`));
    assert.ok(of(run).length > 0, list);
    context.diagnostic(`${list}: ${of(run).length} of ${of(names).length} cases run`);
  }
  context.diagnostic(`${run.length} of ${names.length} cases of PyTorch ${metadata.torch} run`);
});

for (const build of BUILDS.keys()) {
  describe(`PyTorch's module tests, ${build} build`, () => {
    /** @type {any} */
    let engine;
    before(async () => {
      engine = await startEngine(build);
    });
    after(() => engine?.dispose());

    for (const { file, cases } of FILES) {
      for (const example of cases) {
        it(`${file}: ${example.name}`, async () => {
          const golden = new Golden(example.tensors);
          const model = await modelOf(engine, example);
          try {
            await model.setWeights(golden.named('weights'));
            await (example.loss ? checkLoss : checkLayers)(model, example, golden);
          } finally {
            await model.dispose();
          }
        });
      }
    }
  });
}

/** The tensors of one case. */
class Golden {
  /** @param {Map<string, { name: string, shape: number[], data: Float32Array }>} tensors */
  constructor(tensors) {
    this.tensors = tensors;
  }

  /** @param {string} name */
  has(name) {
    return this.tensors.has(name);
  }

  /** @param {string} name */
  get(name) {
    const tensor = this.tensors.get(name);
    assert.ok(tensor, `the golden file holds ${name}`);
    return tensor.data;
  }

  /** @param {string} kind such as 'weights' */
  named(kind) {
    return [...this.tensors.values()]
      .filter(({ name }) => name.startsWith(`${kind}/`))
      .map((tensor) => ({ ...tensor, name: tensor.name.slice(kind.length + 1) }));
  }
}

/** @param {any} engine @param {any} example */
function modelOf(engine, example) {
  const inputs = example.inputs.map((/** @type {any} */ one) => input(one));
  const made = new Map(
    example.inputs.map((/** @type {any} */ { name }, /** @type {number} */ k) => [name, inputs[k]]),
  );
  for (const { type, inputs: reads, ...options } of example.layers) {
    const layer = layers[/** @type {'add'} */ (type)](options);
    const from = reads.map((/** @type {string} */ name) => made.get(name));
    made.set(options.name, layer.apply(from.length === 1 ? from[0] : from));
  }
  const outputs = made.get(example.output);
  return engine.model({ inputs: inputs.length === 1 ? inputs[0] : inputs, outputs });
}

/** @param {any} example @param {Golden} golden what the library takes as x */
function samplesOf(example, golden) {
  const all = example.inputs.map((/** @type {any} */ { name }) => golden.get(name));
  return all.length === 1 ? all[0] : all;
}

/** The gradient that arrives at the output, the same as in tests/golden/torch_cases/walk.py. */
const upstream = (/** @type {number} */ length) =>
  Float32Array.from({ length }, (_, i) => (((i * 37) % 19) - 9) / 8);

/**
 * @param {any} found what `gradients` gave
 * @param {Golden} golden
 * @param {string} [prefix]
 * @param {number} [factor] of what was found
 */
function checkGradients(found, golden, prefix = '', factor = 1) {
  const expected = golden.named(`${prefix}gradients`);
  assert.ok(expected.length > 0);
  for (const { name, data } of expected) {
    const own = found.weights.find((/** @type {any} */ weight) => weight.name === name)?.data;
    const gradient = own ?? found.gradients[name];
    assert.ok(gradient, `gradient of ${name}`);
    assertClose(
      factor === 1 ? gradient : Array.from(gradient, (x) => x * factor),
      data,
      `${prefix}gradient of ${name}`,
    );
  }
}

/**
 * Outputs and the product of a gradient with the derivatives, in predictions and, where they differ, in training.
 *
 * @param {any} model
 * @param {any} example
 * @param {Golden} golden
 */
async function checkLayers(model, example, golden) {
  const x = samplesOf(example, golden);
  const batchSize = 256;
  for (const prefix of ['', 'training/']) {
    if (!golden.has(`${prefix}outputs`)) continue;
    const outputs = golden.get(`${prefix}outputs`);
    const wanted = example.inputs
      .map((/** @type {any} */ { name }) => name)
      .filter((/** @type {string} */ name) => golden.has(`${prefix}gradients/${name}`));
    const found = await model.gradients(x, undefined, {
      of: { layer: example.output, seed: upstream(outputs.length) },
      wrt: [...wanted, 'weights', example.output],
      training: prefix !== '',
      batchSize,
    });
    const result = prefix ? found.values[example.output] : await model.predict(x, { batchSize });
    assertClose(result, outputs, `${prefix}outputs`);
    checkGradients(found, golden, prefix);
  }
}

/**
 * The loss, or each of the losses of reduction='none', and the gradient of their sum.
 *
 * @param {any} model
 * @param {any} example
 * @param {Golden} golden
 */
async function checkLoss(model, example, golden) {
  const { loss, lossOptions, factor, each } = example;
  const x = golden.get('x0');
  const y = golden.get('y');
  const options = {
    batchSize: 1024,
    ...(golden.has('sampleWeight') && { sampleWeight: golden.get('sampleWeight') }),
  };
  model.compile({
    loss: losses[/** @type {'huber'} */ (loss)](lossOptions),
    optimizer: optimizers.sgd({ learningRate: 1 }),
  });
  const expected = golden.get('losses');
  if (each) {
    const found = [];
    for (let k = 0; k < expected.length; k++) {
      const part = { first: k * each, count: each };
      found.push((await model.evaluate(x, y, { ...options, ...part })).loss);
    }
    assertClose(found, expected, 'losses');
  } else {
    const { loss: found } = await model.evaluate(x, y, options);
    assertClose([found * factor], expected, 'loss');
  }
  const found = await model.gradients(x, y, { ...options, wrt: ['inputs', 'weights'] });
  checkGradients(found, golden, '', factor);
}

/**
 * Models of several inputs and outputs, layers called more than once, frozen layers, parts of models, and gradients of
 * anything. The oracle is the same small network in double precision, written here, and central differences of it.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, input, layers, optimizers } from 'tabgrad';
import * as metrics from 'tabgrad/metrics';
import { pictures } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const N = 12;
const wave = (/** @type {number} */ length, /** @type {number} */ step) =>
  Float32Array.from({ length }, (_, i) => Math.sin(1 + i * step));
const left = wave(N * 3, 0.7);
const right = wave(N * 3, 1.9);
const classes = Int32Array.from({ length: N }, (_, i) => (i * 7) % 3);
const values = wave(N, 0.3);

/**
 * left, right → one dense layer, called on both → sum → classes (softmax); and from the first call, which is an output
 * too, → a number.
 */
function twins() {
  const a = input({ shape: [3], name: 'left' });
  const b = input({ shape: [3], name: 'right' });
  const shared = layers.dense({ units: 4, activation: 'tanh', name: 'shared' });
  const first = shared.apply(a);
  const sum = layers.add({ name: 'sum' }).apply([first, shared.apply(b)]);
  return {
    inputs: [a, b],
    outputs: [
      layers.dense({ units: 3, activation: 'softmax', name: 'kind' }).apply(sum),
      layers.dense({ units: 1, name: 'size' }).apply(first),
      first,
    ],
  };
}

/** @type {import('tabgrad').CompileOptions} */
const LOSSES = {
  loss: { kind: 'sparseCategoricalCrossentropy', size: 'meanSquaredError' },
  lossWeights: { size: 0.25 },
  optimizer: optimizers.sgd({ learningRate: 0.1 }),
};

/**
 * The same network in double precision.
 *
 * @param {Map<string, Float64Array | Float32Array>} w
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
function reference(w, a, b) {
  const get = (/** @type {string} */ name) => /** @type {Float64Array} */ (w.get(name));
  const dense = (/** @type {number[]} */ x, /** @type {string} */ name) => {
    const [kernel, bias] = [get(`${name}/kernel`), get(`${name}/bias`)];
    return Array.from(bias, (start, unit) =>
      x.reduce((sum, value, i) => sum + value * kernel[i * bias.length + unit], start),
    );
  };
  return Array.from({ length: a.length / 3 }, (_, sample) => {
    const part = (/** @type {ArrayLike<number>} */ x) =>
      [0, 1, 2].map((i) => x[3 * sample + i] ?? NaN);
    const first = dense(part(a), 'shared').map(Math.tanh);
    const second = dense(part(b), 'shared').map(Math.tanh);
    const sum = first.map((x, i) => x + (second[i] ?? NaN));
    const logits = dense(sum, 'kind');
    const total = logits.reduce((t, x) => t + Math.exp(x), 0);
    const kind = logits.map((x) => Math.exp(x) / total);
    return { first, sum, logits, kind, size: dense(first, 'size')[0] ?? NaN };
  });
}

/** @param {ReturnType<typeof reference>} samples */
function lossOf(samples) {
  const each = samples.map(({ kind, size }, i) => {
    const wrong = size - (values[i] ?? NaN);
    return -Math.log(kind[classes[i] ?? 0] ?? NaN) + 0.25 * wrong * wrong;
  });
  return each.reduce((sum, x) => sum + x, 0) / each.length;
}

/** @param {import('tabgrad').Model} model */
async function weightsOf(model) {
  const list = await model.getWeights();
  return new Map(list.map(({ name, data }) => [name, Float64Array.from(data)]));
}

/**
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} expected
 * @param {string} what
 */
function close(actual, expected, what, tolerance = 1e-5) {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++) {
    const [x, y] = [actual[i] ?? NaN, expected[i] ?? NaN];
    assert.ok(Math.abs(x - y) <= tolerance * (1 + Math.abs(y)), `${what}[${i}] is ${x}, not ${y}`);
  }
}

/**
 * Central differences of f over the numbers of x, which are put back.
 *
 * @param {Float64Array} x
 * @param {() => number} f
 */
function differences(x, f) {
  return Array.from(x, (kept, i) => {
    x[i] = kept + 1e-5;
    const above = f();
    x[i] = kept - 1e-5;
    const below = f();
    x[i] = kept;
    return (above - below) / 2e-5;
  });
}

describe('several inputs and outputs', () => {
  test('predictions, shapes and names', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    assert.deepEqual(model.inputs, [
      { name: 'left', shape: [3] },
      { name: 'right', shape: [3] },
    ]);
    assert.deepEqual(
      model.outputs.map(({ name, shape }) => [name, shape]),
      [
        ['kind', [3]],
        ['size', [1]],
        ['shared', [4]],
      ],
    );
    assert.equal(model.summary().parameters, 4 * 4 + 5 * 3 + 5);
    const wanted = reference(await weightsOf(model), left, right);
    /** @type {import('tabgrad').Tensor[]} */
    const [kind, size, shared] = await model.predict([left, right], { batchSize: 5 });
    assert.deepEqual(
      [kind?.shape, size?.shape, shared?.shape],
      [
        [N, 3],
        [N, 1],
        [N, 4],
      ],
    );
    close(
      kind ?? [],
      wanted.flatMap((s) => s.kind),
      'kind',
    );
    close(
      size ?? [],
      wanted.map((s) => s.size),
      'size',
    );
    close(
      shared ?? [],
      wanted.flatMap((s) => s.first),
      'shared',
    );
    /** @type {import('tabgrad').Tensor[]} */
    const named = await model.predict({ right, left });
    assert.deepEqual(named[0], kind);
    await model.dispose();
  });

  test('a step follows the gradient of the weighted losses, through both calls of the shared layer', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    model.compile(LOSSES);
    const weights = await weightsOf(model);
    const f = () => lossOf(reference(weights, left, right));
    const logs = await model.trainOnBatch([left, right], [classes, values, undefined]);
    close([logs.loss], [f()], 'loss');
    const trained = await weightsOf(model);
    for (const [name, data] of weights) {
      const wanted = differences(data, f).map((gradient, i) => (data[i] ?? NaN) - 0.1 * gradient);
      close(trained.get(name) ?? [], wanted, name);
    }
    await model.dispose();
  });

  test('data sets by name give what arrays give', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    model.compile(LOSSES);
    const data = await engine.dataset({
      x: { left, right },
      y: { kind: classes, size: values, shared: wave(N * 4, 1) },
      shape: [3],
    });
    assert.equal(data.count, N);
    const read = await data.read(2, 3);
    assert.deepEqual(/** @type {any} */ (read.x).right, right.slice(6, 15));
    assert.deepEqual(/** @type {any} */ (read.y).kind, classes.slice(2, 5));
    const arrays = await model.evaluate({ left, right }, { kind: classes, size: values });
    assert.deepEqual(await model.evaluate(data), arrays);
    assert.deepEqual(
      await model.evaluate(data, { first: 3, count: 4 }),
      await model.evaluate([left.slice(9, 21), right.slice(9, 21)], {
        kind: classes.slice(3, 7),
        size: values.slice(3, 7),
      }),
    );
    await data.dispose();
    await model.dispose();
  });

  test('a whole fit, its file and its resumption', async () => {
    const fit = { epochs: 4, batchSize: 5, yieldEvery: 0 };
    const whole = await engine.model({ ...twins(), seed: 5 });
    whole.compile({ ...LOSSES, optimizer: 'adam' });
    const { history } = await whole.fit([left, right], [classes, values, null], fit);
    assert.ok((history.loss[3] ?? NaN) < (history.loss[0] ?? NaN));
    const half = await engine.model({ ...twins(), seed: 5 });
    half.compile({ ...LOSSES, optimizer: 'adam' });
    await half.fit([left, right], [classes, values, null], { ...fit, epochs: 2 });
    const loaded = await engine.load(await half.save());
    await loaded.fit([left, right], [classes, values, null], { ...fit, resume: true });
    assert.deepEqual(await loaded.getWeights(), await whole.getWeights());
    for (const model of [whole, half, loaded]) await model.dispose();
  });

  test('losses and accuracies are told for each output, and metrics of the first', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    model.compile({ ...LOSSES, metrics: ['accuracy', 'topKCategoricalAccuracy'] });
    const y = [classes, values, null];
    const before = await model.evaluate([left, right], y);
    assert.deepEqual(Object.keys(before).sort(), [
      'kind_accuracy',
      'kind_loss',
      'loss',
      'size_accuracy',
      'size_loss',
      'topKCategoricalAccuracy',
    ]);
    const { kind_loss: kind = NaN, size_loss: size = NaN } = before;
    close([before.loss], [kind + 0.25 * size], 'loss');
    assert.equal(before.topKCategoricalAccuracy, 1); // 3 classes
    /** @type {string[][]} */
    const told = [];
    const { history } = await model.fit([left, right], y, {
      epochs: 2,
      batchSize: 5,
      validationData: [[left, right], y],
      onBatchEnd: (_, logs) => void told.push(Object.keys(logs).sort()),
    });
    assert.deepEqual(told[0], Object.keys(before).sort());
    assert.equal(history.valKind_accuracy?.length, 2);
    const after = await model.evaluate([left, right], y);
    assert.equal(history.valSize_loss?.[1], after.size_loss);
    await model.dispose();
  });

  test('metrics of each output are those of a model of that output alone', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    /** @type {import('tabgrad').CompileOptions['metrics'][]} */
    const given = [
      { kind: ['accuracy', 'f1Score'], size: ['meanAbsoluteError', 'rootMeanSquaredError'] },
      [['accuracy', 'f1Score'], ['meanAbsoluteError', 'rootMeanSquaredError'], []],
    ];
    model.compile({ ...LOSSES, metrics: given[0] });
    const y = [classes, values, null];
    const names = [
      'kind_accuracy',
      'kind_f1Score',
      'size_meanAbsoluteError',
      'size_rootMeanSquaredError',
    ];
    const found = await model.evaluate([left, right], y, { batchSize: 5 });
    assert.deepEqual(
      Object.keys(found).sort(),
      ['loss', 'kind_loss', 'size_loss', ...names].sort(),
    );
    const [guessed, sized] = await model.predict([left, right]);
    const truth = { kind: [classes, guessed], size: [values, sized] };
    for (const name of names) {
      const [output, metric] = /** @type {['kind' | 'size', 'f1Score']} */ (name.split('_'));
      const [yTrue, yPred] = truth[output];
      close([found[name] ?? NaN], [Number(metrics[metric](yTrue, yPred))], name, 1e-6);
    }
    const { history } = await model.fit([left, right], y, { epochs: 2, batchSize: 5 });
    assert.ok(names.every((name) => history[name]?.length === 2));

    // A checkpoint in the middle of an epoch keeps what they have collected.
    const straight = await engine.model({ ...twins(), seed: 6 });
    straight.compile({ ...LOSSES, metrics: given[1] });
    const stopped = await engine.model({ ...twins(), seed: 6 });
    stopped.compile({ ...LOSSES, metrics: given[1] });
    const fit = { epochs: 1, batchSize: 2, yieldEvery: 0 };
    const whole = await straight.fit([left, right], y, fit);
    await stopped.fit([left, right], y, { ...fit, onBatchEnd: () => stopped.stopTraining() });
    const loaded = await engine.load(await stopped.save());
    const rest = await loaded.fit([left, right], y, { ...fit, resume: true });
    assert.deepEqual(rest.history, whole.history);
    for (const each of [model, straight, stopped, loaded]) await each.dispose();
  });

  test('metrics of outputs that are wrong are refused', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    /** @type {[any, RegExp][]} */
    const cases = [
      [{ nobody: ['accuracy'] }, /metrics has 'nobody'/],
      [[['accuracy']], /metrics must be an array of 3 or an object of kind, size, .*array of 1/],
      [{ kind: 'accuracy' }, /metrics must be an array of names, found 'accuracy'/],
      [{ kind: ['f1Score', 'f1Score'] }, /'f1Score' twice/],
      [[[], [], ['meanSquaredError']], /metrics of '.*', which has no loss/],
      [{ size: ['topKCategoricalAccuracy'] }, /'size_topKCategoricalAccuracy' needs at least 2/],
    ];
    for (const [given, pattern] of cases) {
      await assert.rejects(
        async () => model.compile({ ...LOSSES, metrics: given }),
        (/** @type {any} */ error) =>
          error.code === 'E_CONFIG' && error.field === 'metrics' && pattern.test(error.message),
        JSON.stringify(given),
      );
    }
    await model.dispose();
  });

  test('an output that others read on has the gradient of both', async () => {
    const x = input({ shape: [3], name: 'left' });
    const middle = layers.dense({ units: 2, name: 'middle' }).apply(x);
    const end = layers.dense({ units: 1, name: 'end' }).apply(layers.reLU().apply(middle));
    const model = await engine.model({ inputs: x, outputs: [middle, end], seed: 2 });
    model.compile({ loss: 'meanSquaredError', optimizer: optimizers.sgd({ learningRate: 1 }) });
    const weights = await weightsOf(model);
    const labels = [wave(N * 2, 0.5), values];
    const f = () => {
      let sum = 0;
      const get = (/** @type {string} */ name) => weights.get(name) ?? [];
      for (let i = 0; i < N; i++) {
        const m = [0, 1].map((u) =>
          [0, 1, 2].reduce(
            (s, k) => s + (left[3 * i + k] ?? NaN) * (get('middle/kernel')[2 * k + u] ?? NaN),
            get('middle/bias')[u] ?? NaN,
          ),
        );
        const e = m.reduce(
          (s, v, u) => s + Math.max(0, v) * (get('end/kernel')[u] ?? NaN),
          get('end/bias')[0] ?? NaN,
        );
        m.forEach((v, u) => (sum += (v - (labels[0]?.[2 * i + u] ?? NaN)) ** 2 / 2));
        sum += (e - (values[i] ?? NaN)) ** 2;
      }
      return sum / N;
    };
    await model.trainOnBatch(left, labels);
    const trained = await weightsOf(model);
    for (const [name, data] of weights) {
      const wanted = differences(data, f).map((gradient, i) => (data[i] ?? NaN) - gradient);
      close(trained.get(name) ?? [], wanted, name, 2e-5);
    }
    await model.dispose();
  });
});

describe('gradients of anything', () => {
  test('of the loss, with respect to weights, inputs and layers', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    model.compile(LOSSES);
    const weights = await weightsOf(model);
    const [a, b] = [Float64Array.from(left), Float64Array.from(right)];
    const f = () => lossOf(reference(weights, a, b));
    const labels = [classes, values, undefined];
    const found = await model.gradients([left, right], labels, {
      wrt: ['inputs', 'weights', 'sum'],
      batchSize: 5,
    });
    close(found.gradients.left ?? [], differences(a, f), 'left');
    close(found.gradients.right ?? [], differences(b, f), 'right');
    for (const { name, data } of found.weights)
      close(data, differences(/** @type {Float64Array} */ (weights.get(name)), f), name);
    assert.deepEqual(found.gradients.sum?.shape, [N, 4]);
    close(
      found.values.sum ?? [],
      reference(weights, left, right).flatMap(({ sum }) => sum),
      'values of sum',
    );
    assert.deepEqual(await weightsOf(model), weights);
    await model.dispose();
  });

  test('of one value of a layer, before its activation too', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    const weights = await weightsOf(model);
    const b = Float64Array.from(right);
    const index = Array.from(classes);
    for (const beforeActivation of [false, true]) {
      const key = beforeActivation ? 'logits' : 'kind';
      const f = () =>
        reference(weights, left, b).reduce((sum, s, i) => sum + (s[key][index[i] ?? 0] ?? NaN), 0);
      const of = { layer: 'kind', index, beforeActivation };
      const found = await model.gradients([left, right], undefined, { of, wrt: 'right' });
      close(found.gradients.right ?? [], differences(b, f), key);
    }
    const seed = wave(N * 3, 0.9);
    const f = () =>
      reference(weights, left, b)
        .flatMap(({ kind }) => kind)
        .reduce((sum, x, i) => sum + x * (seed[i] ?? NaN), 0);
    const found = await model.gradients([left, right], undefined, {
      of: { layer: 'kind', seed },
      wrt: 'right',
    });
    close(found.gradients.right ?? [], differences(b, f), 'seed');
    await model.dispose();
  });

  test('samples are the input of a model without an input layer', async () => {
    const model = await engine.sequential(
      [layers.dense({ units: 3, inputShape: [4] }), layers.softmax()],
      { seed: 3 },
    );
    assert.deepEqual(model.inputs, [{ name: 'input', shape: [4] }]);
    const samples = wave(8, 0.7);
    const of = { layer: 'softmax', beforeActivation: true, index: [1, 2] };
    const { values, gradients } = await model.gradients(samples, undefined, { of });
    assert.deepEqual(values.input?.shape, [2, 4]);
    close(values.input ?? [], samples, 'values');
    const kernel = (await weightsOf(model)).get('dense/kernel') ?? new Float64Array(0);
    const wanted = [1, 2].flatMap((unit) => [0, 1, 2, 3].map((i) => kernel[3 * i + unit] ?? NaN));
    close(gradients.input ?? [], wanted, 'gradients');
    const both = await model.activations(samples, { layers: ['input', 'dense'] });
    assert.deepEqual(
      [both.input?.shape, both.dense?.shape],
      [
        [2, 4],
        [2, 3],
      ],
    );
    await model.dispose();
  });

  test('inference and training differ in dropout and batch normalisation', async () => {
    const { x, y, shape } = pictures(8);
    const model = await engine.sequential(
      [
        layers.conv2d({ filters: 3, kernelSize: 3, inputShape: shape }),
        layers.batchNormalization(),
        layers.reLU(),
        layers.maxPooling2d(),
        layers.dropout({ rate: 0.5 }),
        layers.flatten(),
        layers.dense({ units: 3 }),
      ],
      { seed: 1 },
    );
    model.compile({ loss: 'sparseCategoricalCrossentropy', fromLogits: true });
    const still = await model.gradients(x, y, { wrt: ['inputs', 'weights'] });
    const again = await model.gradients(x, y, { wrt: ['inputs', 'weights'], batchSize: 3 });
    close(again.gradients.input ?? [], still.gradients.input ?? [], 'input');
    const moving = await model.gradients(x, y, { wrt: ['inputs', 'weights'], training: true });
    assert.notDeepEqual(moving.weights[0]?.data, still.weights[0]?.data);
    await model.dispose();
  });

  test('of the loss of weighted samples', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    model.compile(LOSSES);
    const x = [left, right];
    const y = [classes, values, undefined];
    // A sample that weighs 2 stands for two, one of 0 for none.
    const sampleWeight = Float32Array.from({ length: N }, (_, n) => (n < 2 ? 2 : n < 4 ? 0 : 1));
    const wrt = ['inputs', 'weights'];
    const weighted = await model.gradients(x, y, { wrt, sampleWeight, batchSize: 5 });
    const twice = Float32Array.from(Array(N).keys(), (n) => (n >= 2 && n < 4 ? n - 2 : n));
    const pick = (/** @type {ArrayLike<number>} */ all) => {
      const size = all.length / N;
      return Array.from(twice).flatMap((n) => Array.from(all).slice(n * size, (n + 1) * size));
    };
    const repeated = await model.gradients(
      [Float32Array.from(pick(left)), Float32Array.from(pick(right))],
      [Int32Array.from(pick(classes)), Float32Array.from(pick(values)), undefined],
      { wrt },
    );
    weighted.weights.forEach(({ name, data }, k) =>
      close(data, repeated.weights[k]?.data ?? [], name),
    );
    const size = left.length / N;
    const rows = (/** @type {any} */ found) => Array.from(found.gradients.left);
    close(rows(weighted).slice(4 * size), rows(repeated).slice(4 * size), 'left');
    assert.ok(
      rows(weighted)
        .slice(2 * size, 4 * size)
        .every((value) => value === 0),
    );
    await assert.rejects(
      () => model.gradients(x, undefined, { of: 'size', wrt: 'left', sampleWeight }),
      { code: 'E_CONFIG', message: /sampleWeight weighs the loss/ },
    );
    await model.dispose();
  });

  test('what the source does not depend on, unknown layers and wrong sizes', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    const x = [left, right];
    /** @type {[string, RegExp, () => Promise<unknown>][]} */
    const wrong = [
      [
        'E_GRAPH',
        /'right'.*size does not depend/,
        () => model.gradients(x, null, { of: 'size', wrt: 'right' }),
      ],
      [
        'E_CONFIG',
        /no layer 'sums'; the layers are left, right, shared/,
        () => model.gradients(x, null, { of: 'size', wrt: 'sums' }),
      ],
      [
        'E_SHAPE',
        /index is 3 for sample 0/,
        () => model.gradients(x, null, { of: { layer: 'kind', index: 3 } }),
      ],
      [
        'E_SHAPE',
        /index has 2 numbers for 12/,
        () => model.gradients(x, null, { of: { layer: 'kind', index: [1, 2] } }),
      ],
      [
        'E_SHAPE',
        /seed has 2 numbers/,
        () => model.gradients(x, null, { of: { layer: 'kind', seed: [1, 2] } }),
      ],
      ['E_STATE', /call compile first/, () => model.gradients(x, [classes, values])],
      ['E_CONFIG', /layers is empty/, () => model.activations(x, { layers: [] })],
    ];
    for (const [code, pattern, run] of wrong)
      await assert.rejects(run, (/** @type {any} */ error) => {
        assert.equal(error.code, code, error.stack);
        assert.match(error.message, pattern);
        return true;
      });
    await model.dispose();
  });
});

describe('parts of models', () => {
  test('activations, and a model that ends at a layer, with weights of its own', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    const { sum } = await model.activations([left, right], { layers: ['sum'], batchSize: 5 });
    const part = await model.subModel({ outputs: 'sum', name: 'features' });
    assert.equal(part.name, 'features');
    assert.deepEqual(await part.predict([left, right]), sum);
    assert.deepEqual(
      part.layers.map(({ name }) => name),
      ['left', 'right', 'shared', 'sum'],
    );
    const one = await model.subModel({ outputs: ['size'] });
    assert.deepEqual(
      one.inputs.map(({ name }) => name),
      ['left'],
    );
    const zeros = (await part.getWeights()).map((w) => ({ ...w, data: w.data.map(() => 0) }));
    await part.setWeights(zeros);
    assert.deepEqual((await model.activations([left, right], { layers: 'sum' })).sum, sum);
    for (const each of [model, part, one]) await each.dispose();
  });
});

describe('frozen layers', () => {
  const { x, y, shape } = pictures(24);
  const build = () =>
    engine.sequential(
      [
        layers.conv2d({
          filters: 4,
          kernelSize: 3,
          inputShape: shape,
          name: 'stem',
          trainable: false,
        }),
        layers.batchNormalization({ name: 'norm', trainable: false }),
        layers.reLU(),
        layers.flatten(),
        layers.dense({ units: 3, name: 'head' }),
      ],
      { seed: 7 },
    );

  test('stay as they are, moving averages included, and have no optimizer state', async () => {
    const model = await build();
    model.compile({ loss: 'sparseCategoricalCrossentropy', fromLogits: true });
    const facts = model.summary();
    assert.equal(facts.trainableParameters, 36 * 4 * 3 + 3);
    const features = await model.activations(x, { layers: 're_lu' });
    const before = await model.getWeights();
    await model.fit(x, y, { epochs: 2, batchSize: 8 });
    const trained = await model.getWeights();
    for (const [i, { name, data }] of before.entries()) {
      const same = data.every((value, k) => value === trained[i]?.data[k]);
      assert.equal(same, !name.startsWith('head/'), name);
    }
    // The normalisation went by its averages in training too, so the head saw what predictions see.
    assert.deepEqual(await model.activations(x, { layers: 're_lu' }), features);
    const loaded = await engine.load(await model.save());
    await loaded.fit(x, y, { epochs: 3, batchSize: 8, resume: true });
    await model.fit(x, y, { epochs: 3, batchSize: 8, resume: true });
    assert.deepEqual(await loaded.getWeights(), await model.getWeights());
    await model.dispose();
    await loaded.dispose();
  });

  test('train again after setTrainable and compile', async () => {
    const model = await build();
    /** @type {import('tabgrad').CompileOptions} */
    const options = { loss: 'sparseCategoricalCrossentropy', fromLogits: true };
    model.compile(options);
    await model.setTrainable(true, ['stem']);
    const before = await model.getWeights();
    await model.fit(x, y, { epochs: 1, batchSize: 8 });
    assert.deepEqual((await model.getWeights())[0], before[0]); // compile decides
    model.compile(options);
    await model.fit(x, y, { epochs: 1, batchSize: 8 });
    assert.notDeepEqual((await model.getWeights())[0], before[0]);
    await model.setTrainable(false);
    model.compile(options);
    await assert.rejects(model.fit(x, y), { code: 'E_STATE' });
    await assert.rejects(model.setTrainable(true, 'stam'), { code: 'E_CONFIG' });
    await model.dispose();
  });

  test('a graph of which all is frozen comes back from its file', async () => {
    const model = await engine.model({ ...twins(), seed: 7 });
    await model.setTrainable(false);
    await model.compile(LOSSES);
    const loaded = await engine.load(await model.save());
    assert.equal(loaded.summary().trainableParameters, 0);
    await loaded.setTrainable(true);
    assert.ok(loaded.summary().trainableParameters > 0);
    await model.dispose();
    await loaded.dispose();
  });

  test('a gradient passes through them', async () => {
    const model = await engine.sequential(
      [
        layers.dense({ units: 4, name: 'first', inputShape: [3] }),
        layers.dense({ units: 3, name: 'second', trainable: false, activation: 'softmax' }),
      ],
      { seed: 7 },
    );
    model.compile({ loss: 'sparseCategoricalCrossentropy', optimizer: 'sgd' });
    const before = await model.getWeights();
    await model.fit(left, classes, { epochs: 1 });
    const after = await model.getWeights();
    const changed = after.map(({ data }, i) => data.some((v, k) => v !== before[i]?.data[k]));
    assert.deepEqual(changed, [true, true, false, false]);
    await model.dispose();
  });
});

describe('what does not fit', () => {
  test('graphs, data and losses are refused by name, and nothing is left behind', async () => {
    const model = await engine.model({ ...twins(), seed: 5 });
    model.compile(LOSSES);
    await model.evaluate([left, right], [classes, values, null]);
    const { liveAllocations } = (await engine.info()).memory;
    const a = input({ shape: [3] });
    const shared = layers.dense({ units: 4, name: 'shared' });
    const x = [left, right];
    /** @type {[string, RegExp, () => Promise<unknown> | unknown][]} */
    const wrong = [
      [
        'E_CONFIG',
        /x must be an array of 2 or an object of left, right, found a Float32Array/,
        () => model.predict(left),
      ],
      ['E_CONFIG', /x lacks 'right'/, () => model.predict({ left })],
      ['E_CONFIG', /x has 'rihgt'/, () => model.predict({ left, rihgt: right })],
      [
        'E_SHAPE',
        /input 0 has 12 samples, input 1 has 11/,
        () => model.predict([left, right.slice(3)]),
      ],
      ['E_CONFIG', /y must be an array of 3/, () => model.evaluate(x, [classes, values])],
      ['E_SHAPE', /no labels/, () => model.evaluate(x, { kind: classes })],
      ['E_CONFIG', /loss has 'kin'/, () => model.compile({ loss: { kin: 'meanSquaredError' } })],
      ['E_CONFIG', /no output has a loss/, () => model.compile({ loss: [null, null, null] })],
      [
        'E_SHAPE',
        /layer 'size': a categorical/,
        () => model.compile({ loss: 'sparseCategoricalCrossentropy' }),
      ],
      [
        'E_GRAPH',
        /inputs hold the same tensor twice/,
        () => engine.model({ inputs: [a, a], outputs: shared.apply(a) }),
      ],
      [
        'E_GRAPH',
        /do not depend on inputs \(number 1\)/,
        () => engine.model({ inputs: [a, input({ shape: [2] })], outputs: shared.apply(a) }),
      ],
      [
        'E_SHAPE',
        /'shared\/call_1' shares weights: its kernel is 4 x 4, that of 'shared' is 3 x 4/,
        () => engine.model({ inputs: a, outputs: shared.apply(shared.apply(a)) }),
      ],
    ];
    for (const [code, pattern, run] of wrong)
      await assert.rejects(
        async () => run(),
        (/** @type {any} */ error) => {
          assert.equal(error.code, code, error.stack);
          assert.match(error.message, pattern);
          return true;
        },
      );
    model.compile(LOSSES);
    await model.evaluate(x, [classes, values, null]);
    assert.equal((await engine.info()).memory.liveAllocations, liveAllocations);
    await model.dispose();
  });
});

/** Graphs: input, apply, model; batch normalisation and its moving averages in files, summaries and updates. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, input, layers, optimizers } from 'tabgrad';
import { decode, encode } from '../../web/lib/io/safetensors.js';
import { FROM_LOGITS, pictures, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const { x, y, shape } = pictures(40);
const data = { x, y, shape };

/** A residual block between a convolution and a classifier; every word of graphs is in it. */
function residual() {
  const picture = input({ shape, name: 'picture' });
  const stem = layers.conv2d({ filters: 6, kernelSize: 3, padding: 'same' }).apply(picture);
  let body = layers.batchNormalization({ momentum: 0.8 }).apply(stem);
  body = layers.reLU().apply(body);
  body = layers.conv2d({ filters: 6, kernelSize: 3, padding: 'same' }).apply(body);
  body = layers.dropout({ rate: 0.1 }).apply(body);
  const sum = layers.add().apply([body, stem, stem]);
  const mean = layers.globalAveragePooling2d().apply(layers.reLU().apply(sum));
  return { inputs: picture, outputs: layers.dense({ units: 3 }).apply([mean]) };
}

test('a graph trains, and says what it is made of', async () => {
  const model = await engine.model({ ...residual(), seed: 3 });
  assert.equal(model.name, 'model');
  assert.deepEqual(model.inputShape, shape);
  assert.deepEqual(model.outputShape, [3]);
  const summary = model.summary();
  assert.deepEqual(
    summary.layers.map(({ name, outputShape, parameters }) => [name, outputShape, parameters]),
    [
      ['picture', [8, 8, 3], 0],
      ['conv2d', [8, 8, 6], 168],
      ['batch_normalization', [8, 8, 6], 24],
      ['re_lu', [8, 8, 6], 0],
      ['conv2d_1', [8, 8, 6], 330],
      ['dropout', [8, 8, 6], 0],
      ['add', [8, 8, 6], 0],
      ['re_lu_1', [8, 8, 6], 0],
      ['global_average_pooling2d', [6], 0],
      ['dense', [3], 21],
    ],
  );
  assert.equal(summary.parameters, 543);
  assert.equal(summary.trainableParameters, 531);
  assert.equal(summary.nonTrainableParameters, 12);
  assert.match(summary.text, /Total +543 +[\d,]+\nTrainable +531\nNon-trainable +12$/);
  model.compile({ ...FROM_LOGITS, optimizer: optimizers.adam({ learningRate: 0.01 }) });
  const { history } = await model.fit(data.x, data.y, { epochs: 30, batchSize: 8 });
  assert.ok(history.loss[29] < history.loss[0] / 2, String(history.loss));
  await model.dispose();
});

test('the same graph, built twice, starts and trains with the same bits on 1 and 3 threads', async () => {
  const hashes = [];
  for (const threads of [1, 3]) {
    const own = await createEngine({ threads, deterministic: true });
    const model = await own.model({ ...residual(), seed: 3 });
    model.compile(FROM_LOGITS);
    await model.fit(data.x, data.y, { epochs: 2, batchSize: 7 });
    hashes.push(await weightHash(model));
    await own.dispose();
  }
  assert.equal(hashes[0], hashes[1]);
});

test('stopped, saved, loaded and resumed: the bits of an uninterrupted run, averages included', async () => {
  const options = { epochs: 3, batchSize: 7, yieldEvery: 0 };
  const whole = await engine.model({ ...residual(), seed: 3 });
  whole.compile(FROM_LOGITS);
  await whole.fit(data.x, data.y, options);
  const part = await engine.model({ ...residual(), seed: 3 });
  part.compile(FROM_LOGITS);
  let batches = 0;
  const onBatchEnd = () => {
    if (++batches === 9) part.stopTraining();
  };
  await part.fit(data.x, data.y, { ...options, onBatchEnd });
  const file = await part.save();
  const { tensors, metadata } = decode(file);
  assert.equal(metadata.get('formatVersion'), '2');
  assert.ok(tensors.has('batch_normalization/moving_mean'));
  assert.ok(tensors.has('optimizer:firstMoment:batch_normalization/gamma'));
  assert.ok(!tensors.has('optimizer:firstMoment:batch_normalization/moving_mean'));
  const resumed = await engine.load(file);
  assert.deepEqual(resumed.summary(), part.summary());
  assert.deepEqual(await resumed.save(), file);
  await resumed.fit(data.x, data.y, { ...options, resume: true });
  assert.equal(await weightHash(resumed), await weightHash(whole));
  const other = await engine.model({ ...residual(), seed: 9 });
  await other.loadWeights(file);
  assert.equal(await weightHash(other), await weightHash(part));
  for (const model of [whole, part, resumed, other]) await model.dispose();
});

test('moving averages move in training only, and inference reads them', async () => {
  const model = await engine.sequential(
    [layers.batchNormalization({ momentum: 0.5, inputShape: [2] }), layers.dense({ units: 2 })],
    { seed: 1 },
  );
  model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
  const samples = Float32Array.of(1, 10, 3, 30);
  await model.evaluate(samples, Float32Array.of(0, 0, 0, 0));
  const named = async () =>
    Object.fromEntries((await model.getWeights()).map(({ name, data }) => [name, [...data]]));
  assert.deepEqual((await named())['batch_normalization/moving_mean'], [0, 0]);
  await model.trainOnBatch(samples, Float32Array.of(0, 0, 0, 0));
  const weights = await named();
  assert.deepEqual(weights['batch_normalization/moving_mean'], [1, 10]);
  assert.deepEqual(weights['batch_normalization/moving_variance'], [1, 50.5]);
  const before = await model.predict(samples);
  await model.setWeights(
    (await model.getWeights()).map((tensor) =>
      tensor.name.endsWith('moving_mean')
        ? { ...tensor, data: tensor.data.map((value) => value + 1) }
        : tensor,
    ),
  );
  assert.notDeepEqual(await model.predict(samples), before);
  await model.dispose();
});

test('a graph that is a chain is saved and loaded as layers in a row are', async () => {
  const start = input({ shape: [4] });
  const hidden = layers.dense({ units: 5, activation: 'relu' }).apply(start);
  const graph = await engine.model({ inputs: [start], outputs: [layers.softmax().apply(hidden)] });
  const row = await engine.sequential(
    [
      layers.inputLayer({ inputShape: [4] }),
      layers.dense({ units: 5, activation: 'relu' }),
      layers.softmax(),
    ],
    { name: 'model' },
  );
  assert.deepEqual(await graph.save(), await row.save());
  await graph.dispose();
  await row.dispose();
});

describe('refused', () => {
  const start = () => input({ shape: [4] });
  const dense = (/** @type {any} */ options = {}) => layers.dense({ units: 4, ...options });
  /** @type {[string, string, RegExp, () => unknown][]} */
  const cases = [
    [
      'a foreign tensor',
      'E_GRAPH',
      /dense: .*found an object/,
      () => dense().apply(/** @type {any} */ ({})),
    ],
    [
      'a layer where a tensor belongs',
      'E_GRAPH',
      /apply\(\)/,
      () => dense().apply(/** @type {any} */ (dense())),
    ],
    [
      'one tensor for add',
      'E_GRAPH',
      /add 'sum' takes at least 2 tensors, found 1/,
      () => layers.add({ name: 'sum' }).apply(start()),
    ],
    [
      'two tensors for dense',
      'E_GRAPH',
      /dense takes 1 tensor, found 2/,
      () => dense().apply([start(), start()]),
    ],
    [
      'inputShape on an applied layer',
      'E_CONFIG',
      /inputShape belongs to input/,
      () => dense({ inputShape: [4] }).apply(start()),
    ],
    [
      'an input applied',
      'E_GRAPH',
      /takes no tensors/,
      () => layers.inputLayer({ inputShape: [4] }).apply(start()),
    ],
    [
      'an input without a shape',
      'E_CONFIG',
      /inputShape is missing/,
      () => input(/** @type {any} */ ({})),
    ],
    [
      'an unknown option',
      'E_CONFIG',
      /Did you mean 'inputs'/,
      () => engine.model(/** @type {any} */ ({ input: start() })),
    ],
    [
      'no inputs',
      'E_GRAPH',
      /inputs must come from input/,
      () => engine.model(/** @type {any} */ ({ outputs: start() })),
    ],
    [
      'an unused input',
      'E_GRAPH',
      /outputs depend on inputLayer 'b', which is not in inputs/,
      () =>
        engine.model({ inputs: start(), outputs: dense().apply(input({ shape: [4], name: 'b' })) }),
    ],
    [
      'an input that no output depends on',
      'E_GRAPH',
      /do not depend on inputs \(number 0\)/,
      () => {
        const used = start();
        return engine.model({ inputs: [start(), used], outputs: dense().apply(used) });
      },
    ],
    [
      'inputs that a layer made',
      'E_GRAPH',
      /found the output of dense/,
      () => engine.model({ inputs: dense().apply(start()), outputs: dense().apply(start()) }),
    ],
    [
      'a model of its input alone',
      'E_CONFIG',
      /at least 1 layer/,
      () => {
        const only = start();
        return engine.model({ inputs: only, outputs: only });
      },
    ],
    [
      'two layers of one name',
      'E_GRAPH',
      /'a': another layer/,
      () => {
        const only = start();
        const first = dense({ name: 'a' }).apply(only);
        return engine.model({ inputs: only, outputs: dense({ name: 'a' }).apply(first) });
      },
    ],
    [
      'shapes that cannot be added',
      'E_SHAPE',
      /layer 'add'.*'dense' is 5, 'input_layer' is 4/,
      () => {
        const only = start();
        const wide = layers.dense({ units: 5 }).apply(only);
        return engine.model({ inputs: only, outputs: layers.add().apply([wide, only]) });
      },
    ],
    [
      'add in a row',
      'E_GRAPH',
      /add 'add' takes at least 2 tensors, found 1/,
      () => engine.sequential([dense({ inputShape: [4] }), layers.add()]),
    ],
    [
      'a momentum above 1',
      'E_CONFIG',
      /momentum is 1.5/,
      () => engine.sequential([layers.batchNormalization({ momentum: 1.5, inputShape: [4] })]),
    ],
    [
      'an epsilon of 0',
      'E_CONFIG',
      /epsilon is 0/,
      () => engine.sequential([layers.batchNormalization({ epsilon: 0, inputShape: [4] })]),
    ],
    [
      'a center that is a number',
      'E_CONFIG',
      /center must be true or false/,
      () => layers.batchNormalization({ center: /** @type {any} */ (1) }),
    ],
    [
      'pooling of a row',
      'E_SHAPE',
      /needs an input of 3 dimensions/,
      () => engine.sequential([layers.globalAveragePooling2d({ inputShape: [4] })]),
    ],
  ];
  for (const [name, code, pattern, run] of cases) {
    test(name, async () => {
      const { liveAllocations } = (await engine.info()).memory;
      await assert.rejects(
        async () => run(),
        (/** @type {any} */ error) => {
          assert.equal(error.code, code, error.stack);
          assert.match(error.message, pattern);
          return true;
        },
      );
      assert.equal((await engine.info()).memory.liveAllocations, liveAllocations);
    });
  }

  test('files whose graph does not fit', async () => {
    const model = await engine.model({ ...residual(), seed: 3 });
    const { tensors, metadata } = decode(await model.save());
    await model.dispose();
    const changed = (/** @type {(architecture: any) => void} */ change) => {
      const architecture = JSON.parse(metadata.get('architecture') ?? '');
      change(architecture);
      const changedMetadata = {
        ...Object.fromEntries(metadata),
        architecture: JSON.stringify(architecture),
      };
      // The writer makes its own entries.
      for (const key of Object.keys(changedMetadata))
        if (key.startsWith('tabgrad.')) delete (/** @type {any} */ (changedMetadata)[key]);
      return encode({ tensors: [...tensors.values()], metadata: changedMetadata });
    };
    /** @type {[string, RegExp, (architecture: any) => void][]} */
    const broken = [
      ['E_FORMAT', /one entry a layer, found an array of 2/, (a) => (a.inbound = [[], [0]])],
      ['E_FORMAT', /one entry a layer, found null/, (a) => delete a.inbound],
      ['E_GRAPH', /reads layer 4, it can read layers 0 to 1/, (a) => (a.inbound[2] = [4])],
      ['E_GRAPH', /reads layer 2, it can/, (a) => (a.inbound[2] = [2])],
      ['E_GRAPH', /reads layer 0.5/, (a) => (a.inbound[2] = [0.5])],
      ['E_GRAPH', /reads layer an object/, (a) => (a.inbound[2] = [{}])],
      ['E_GRAPH', /takes 1 tensor, found 0/, (a) => (a.inbound[2] = [])],
      ['E_GRAPH', /nothing reads the output of layer 'dropout'/, (a) => (a.inbound[6] = [1, 1])],
    ];
    for (const [code, pattern, change] of broken) {
      await assert.rejects(engine.load(changed(change)), (/** @type {any} */ error) => {
        assert.equal(error.code, code, error.stack);
        assert.match(error.message, pattern);
        return true;
      });
    }
  });
});

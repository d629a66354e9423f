/** Layers over steps: what they refuse, that files bring them back with the same bits, that they learn. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TabgradError, createEngine, input, layers, optimizers } from 'tabgrad';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const l = /** @type {Record<string, any>} */ (layers);

const STEPS = 6;
const FEATURES = 4;
const SAMPLES = 9;
const x = Float32Array.from({ length: SAMPLES * STEPS * FEATURES }, (_, i) => Math.sin(i * i));
const y = Uint8Array.from({ length: SAMPLES }, (_, i) => i % 3);

/** Layers between steps and a classifier. @param {any[]} list */
const around = (...list) => [
  l.reshape({ targetShape: [STEPS, FEATURES], inputShape: [STEPS * FEATURES] }),
  ...list,
  layers.flatten(),
  layers.dense({ units: 3 }),
];

/** @param {import('tabgrad').Model} model */
async function compile(model) {
  await model.compile({
    loss: 'sparseCategoricalCrossentropy',
    fromLogits: true,
    optimizer: optimizers.adam({ learningRate: 0.02 }),
  });
  return model;
}

/** @param {any} layer @param {any} [own] */
const modelOf = async (layer, own = engine) =>
  compile(await own.sequential(around(layer), { seed: 5 }));

/** @type {[string, () => any][]} */
const LAYERS = [
  ['simpleRNN', () => l.simpleRNN({ units: 5, returnSequences: true })],
  ['lstm', () => l.lstm({ units: 5, dropout: 0.3 })],
  ['gru', () => l.gru({ units: 5, goBackwards: true, returnSequences: true })],
  ['gru, reset before', () => l.gru({ units: 5, resetAfter: false })],
  [
    'bidirectional',
    () => l.bidirectional({ layer: l.lstm({ units: 3, returnSequences: true, dropout: 0.1 }) }),
  ],
  [
    'timeDistributed',
    () => l.timeDistributed({ layer: l.dense({ units: 5, activation: 'relu' }) }),
  ],
  ['spatialDropout1d', () => l.spatialDropout1d({ rate: 0.4 })],
  ['multiHeadAttention', () => l.multiHeadAttention({ numHeads: 2, keyDim: 3, dropout: 0.2 })],
  ['causal attention', () => l.multiHeadAttention({ numHeads: 1, keyDim: 5, causal: true })],
  ['positionEmbedding', () => l.positionEmbedding({ sequenceLength: STEPS + 2 })],
];

describe('saved, loaded, trained on', () => {
  for (const [name, layer] of LAYERS) {
    test(name, async () => {
      const model = await modelOf(layer());
      const { history } = await model.fit(x, y, { epochs: 3, batchSize: 4 });
      assert.ok(history.loss.every(Number.isFinite), String(history.loss));
      const file = await model.save();
      const other = await engine.load(file);
      assert.deepEqual(await other.save(), file);
      assert.deepEqual(await other.predict(x), await model.predict(x));
      assert.deepEqual(await other.trainOnBatch(x, y), await model.trainOnBatch(x, y));
      assert.deepEqual(await other.getWeights(), await model.getWeights());
      await other.dispose();
      await model.dispose();
    });
  }
});

test('the same bits on 1, 2 and 3 threads', async () => {
  /** @type {any[]} */
  const runs = [];
  for (const threads of [1, 2, 3]) {
    const own = await createEngine({ threads, deterministic: true });
    const result = [];
    for (const [, layer] of LAYERS) {
      const model = await modelOf(layer(), own);
      const { history } = await model.fit(x, y, { epochs: 2, batchSize: 7 });
      result.push(history.loss, await model.getWeights(), await model.predict(x));
    }
    runs.push(result);
    await own.dispose();
  }
  assert.deepEqual(runs[1], runs[0]);
  assert.deepEqual(runs[2], runs[0]);
});

test('a sample gives the same alone and in a batch', async () => {
  for (const [, layer] of LAYERS) {
    const model = await modelOf(layer());
    const all = await model.predict(x, { batchSize: SAMPLES });
    assert.deepEqual(await model.predict(x, { batchSize: 1 }), all);
    await model.dispose();
  }
});

describe('what layers are made of', () => {
  test('weights and shapes', async () => {
    const model = await modelOf(l.gru({ units: 5, returnSequences: true, name: 'g' }));
    const weights = await model.getWeights();
    const shapes = weights.map(({ name, shape }) => [name, shape]);
    assert.deepEqual(shapes.slice(0, 3), [
      ['g/kernel', [4, 15]],
      ['g/recurrent_kernel', [5, 15]],
      ['g/bias', [2, 15]],
    ]);
    assert.deepEqual(model.summary().layers[1].outputShape, [6, 5]);
    await model.dispose();
  });

  test('the forget gate starts open, unless told otherwise', async () => {
    for (const [unitForgetBias, forget] of [
      [true, 1],
      [false, 0],
    ]) {
      const model = await modelOf(l.lstm({ units: 2, unitForgetBias, name: 'cell' }));
      const bias = (await model.getWeights()).find(({ name }) => name === 'cell/bias');
      assert.deepEqual([...(bias?.data ?? [])], [0, 0, forget, forget, 0, 0, 0, 0]);
      await model.dispose();
    }
  });

  test('both directions have weights of their own', async () => {
    const layer = l.bidirectional({ layer: l.simpleRNN({ units: 3 }), name: 'both' });
    const model = await modelOf(layer);
    const names = (await model.getWeights()).map(({ name }) => name);
    assert.deepEqual(names.slice(0, 6), [
      'both/forward/kernel',
      'both/forward/recurrent_kernel',
      'both/forward/bias',
      'both/backward/kernel',
      'both/backward/recurrent_kernel',
      'both/backward/bias',
    ]);
    assert.deepEqual(model.summary().layers[1].outputShape, [6]);
    await model.dispose();
  });

  test('an attention has four projections, and ends as wide as its query', async () => {
    const layer = l.multiHeadAttention({ numHeads: 3, keyDim: 2, valueDim: 5, name: 'look' });
    const model = await modelOf(layer);
    const weights = (await model.getWeights()).map(({ name, shape }) => [name, shape]);
    assert.deepEqual(weights.slice(0, 8), [
      ['look/query/kernel', [4, 6]],
      ['look/query/bias', [6]],
      ['look/key/kernel', [4, 6]],
      ['look/key/bias', [6]],
      ['look/value/kernel', [4, 15]],
      ['look/value/bias', [15]],
      ['look/attention_output/kernel', [15, 4]],
      ['look/attention_output/bias', [4]],
    ]);
    assert.deepEqual(model.summary().layers[1].outputShape, [6, 4]);
    await model.dispose();
  });

  test('an attention over another sequence', async () => {
    const inputs = input({ shape: [STEPS * FEATURES] });
    const query = l.reshape({ targetShape: [STEPS, FEATURES] }).apply(inputs);
    const value = l.reshape({ targetShape: [3, 8] }).apply(inputs);
    const attention = l.multiHeadAttention({ numHeads: 2, keyDim: 4, name: 'look' });
    const outputs = layers
      .dense({ units: 3 })
      .apply(layers.flatten().apply(attention.apply([query, value])));
    const model = await compile(await engine.model({ inputs, outputs, seed: 1 }));
    const shapes = new Map((await model.getWeights()).map(({ name, shape }) => [name, shape]));
    assert.deepEqual(shapes.get('look/query/kernel'), [4, 8]);
    assert.deepEqual(shapes.get('look/value/kernel'), [8, 8]);
    await model.fit(x, y, { epochs: 2, batchSize: 4 });
    const other = await engine.load(await model.save());
    assert.deepEqual(await other.predict(x), await model.predict(x));
    await other.dispose();
    await model.dispose();
  });

  test('a causal attention does not see later steps', async () => {
    const model = await engine.sequential(
      [
        l.reshape({ targetShape: [STEPS, FEATURES], inputShape: [STEPS * FEATURES] }),
        l.multiHeadAttention({ numHeads: 2, keyDim: 3, causal: true }),
        layers.flatten(),
      ],
      { seed: 2 },
    );
    const sample = x.slice(0, STEPS * FEATURES);
    const before = await model.predict(sample);
    const changed = sample.map((value, i) => (i >= 3 * FEATURES ? value + 1 : value));
    const after = await model.predict(changed);
    assert.deepEqual(after.slice(0, 3 * FEATURES), before.slice(0, 3 * FEATURES));
    assert.notDeepEqual(after.slice(3 * FEATURES), before.slice(3 * FEATURES));
    await model.dispose();
  });

  test('in a graph, by apply', async () => {
    const inputs = input({ shape: [STEPS * FEATURES] });
    const steps = l.reshape({ targetShape: [STEPS, FEATURES] }).apply(inputs);
    const outputs = layers.dense({ units: 3 }).apply(l.lstm({ units: 4 }).apply(steps));
    const model = await compile(await engine.model({ inputs, outputs, seed: 1 }));
    const { loss } = await model.trainOnBatch(x, y);
    assert.ok(Number.isFinite(loss));
    await model.dispose();
  });
});

/** Whether the first step of a sequence returns at its end: nothing but memory can tell. */
test('remembers the first step over twenty', async () => {
  const steps = 20;
  const count = 240;
  const values = Float32Array.from({ length: count * steps }, (_, i) => Math.sin(i * i * 0.7));
  const labels = Uint8Array.from({ length: count }, (_, i) => (values[i * steps] > 0 ? 1 : 0));
  for (const layer of [l.lstm({ units: 16 }), l.gru({ units: 16 })]) {
    const model = await engine.sequential(
      [
        l.reshape({ targetShape: [steps, 1], inputShape: [steps] }),
        layer,
        layers.dense({ units: 2 }),
      ],
      { seed: 3 },
    );
    await compile(model);
    await model.fit(values, labels, { epochs: 120, batchSize: 24 });
    const { loss } = await model.evaluate(values, labels);
    assert.ok(loss < 0.1, `${layer.type}: ${loss}`);
    await model.dispose();
  }
});

describe('refused', () => {
  /** @type {[string, string, RegExp, () => unknown][]} */
  const cases = [
    ['no units', 'E_CONFIG', /lstm: units is missing/, () => l.lstm({})],
    [
      'units of 0',
      'E_CONFIG',
      /layer 'gru': units is 0, it must be a whole number from 1/,
      () => l.gru({ units: 0 }),
    ],
    [
      'an activation whose slope needs its input',
      'E_CONFIG',
      /lstm.*activation.*'gelu'/,
      () => l.lstm({ units: 2, activation: 'gelu' }),
    ],
    [
      'an option of another layer',
      'E_CONFIG',
      /gru: there is no option 'unitForgetBias'/,
      () => l.gru({ units: 2, unitForgetBias: true }),
    ],
    ['a dropout of 1', 'E_CONFIG', /rate is 1/, () => l.lstm({ units: 2, dropout: 1 })],
    [
      'steps that are none',
      'E_SHAPE',
      /'lstm_1' \(lstm\) needs an input of 2 dimensions \(steps, features\), it gets 1/,
      () => [l.lstm({ units: 2 }), l.lstm({ units: 2 })],
    ],
    [
      'both directions of a dense layer',
      'E_UNSUPPORTED',
      /bidirectional: layer must be one of simpleRNN, lstm, gru, found dense/,
      () => l.bidirectional({ layer: l.dense({ units: 2 }) }),
    ],
    [
      'an unknown merge mode',
      'E_CONFIG',
      /no mergeMode 'max'/,
      () => l.bidirectional({ layer: l.lstm({ units: 2 }), mergeMode: 'max' }),
    ],
    [
      'a flattened step',
      'E_UNSUPPORTED',
      /timeDistributed: layer must be one of .*, found flatten/,
      () => l.timeDistributed({ layer: l.flatten() }),
    ],
    [
      'an inner inputShape',
      'E_CONFIG',
      /inputShape belongs to it/,
      () => l.timeDistributed({ layer: l.dense({ units: 2, inputShape: [3] }) }),
    ],
    [
      'half a head',
      'E_CONFIG',
      /multiHeadAttention: numHeads must be a whole number from 1 .*, found 1.5/,
      () => l.multiHeadAttention({ numHeads: 1.5, keyDim: 2 }),
    ],
    ['no keyDim', 'E_CONFIG', /keyDim is missing/, () => l.multiHeadAttention({ numHeads: 2 })],
    [
      'an attention that drops all',
      'E_CONFIG',
      /dropout is 1, it must be/,
      () => l.multiHeadAttention({ numHeads: 2, keyDim: 2, dropout: 1 }),
    ],
    [
      'an attention over a vector',
      'E_SHAPE',
      /'multi_head_attention\/attention': .* has 1 dimensions, it must have 2/,
      () => [layers.flatten(), l.multiHeadAttention({ numHeads: 2, keyDim: 2 })],
    ],
    [
      'fewer positions than steps',
      'E_SHAPE',
      /'position_embedding': sequenceLength is 5, its input has 6 steps/,
      () => l.positionEmbedding({ sequenceLength: 5 }),
    ],
    ['no layer inside', 'E_CONFIG', /bidirectional: layer is missing/, () => l.bidirectional({})],
    [
      'more weights than there may be',
      'E_LIMIT',
      /'lstm': recurrent_kernel of 4000000000000 numbers/,
      () => l.lstm({ units: 1e6 }),
    ],
  ];
  for (const [name, code, pattern, make] of cases) {
    test(name, async () => {
      const { liveAllocations } = (await engine.info()).memory;
      await assert.rejects(
        async () => engine.sequential(around(...[make()].flat())),
        (/** @type {any} */ error) => {
          assert.ok(error instanceof TabgradError, `${error}\n${error.stack}`);
          assert.equal(error.code, code, error.message);
          assert.match(error.message, pattern);
          return true;
        },
      );
      assert.equal((await engine.info()).memory.liveAllocations, liveAllocations);
    });
  }
});

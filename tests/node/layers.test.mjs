/** Layers beyond convolutions and dense ones: what they refuse, and that files bring them back with the same bits. */

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

/** A layer between a convolution of 4 channels and a classifier, for pictures of 6 x 5 x 2. */
const INPUT = [6, 5, 2];
/** @param {any} layer */
const around = (layer) => [
  layers.conv2d({ filters: 4, kernelSize: 1, inputShape: INPUT }),
  layer,
  layers.flatten(),
  layers.dense({ units: 3 }),
];

/** @param {any} model */
async function checkRoundTrip(model) {
  const x = Float32Array.from({ length: 7 * 60 }, (_, i) => Math.sin(i * i));
  const y = Uint8Array.from({ length: 7 }, (_, i) => i % 3);
  await model.compile({
    loss: 'sparseCategoricalCrossentropy',
    fromLogits: true,
    optimizer: 'sgd',
  });
  const { history } = await model.fit(x, y, { epochs: 3, batchSize: 4 });
  assert.ok(
    history.loss.every((/** @type {number} */ loss) => Number.isFinite(loss)),
    String(history.loss),
  );
  const file = await model.save();
  const other = await engine.load(file);
  assert.deepEqual(await other.save(), file);
  assert.deepEqual(await other.predict(x), await model.predict(x));
  /** @type {import('tabgrad').Tensor} */
  const exact = await model.predict(x);
  const small = await model.quantize({ calibration: x });
  const near = await small.predict(x);
  const largest = Math.max(...exact.map(Math.abs));
  const error = exact.reduce((sum, value, i) => sum + Math.abs(value - near[i]), 0) / exact.length;
  assert.ok(error < 0.03 * largest, `${error} of ${largest}`);
  await small.dispose();
  // Both go on in the same way.
  assert.deepEqual(await other.trainOnBatch(x, y), await model.trainOnBatch(x, y));
  assert.deepEqual(await other.getWeights(), await model.getWeights());
  await other.dispose();
  await model.dispose();
}

describe('saved, loaded, trained on', () => {
  /** @type {[string, any][]} */
  const cases = [
    ['reLU with options', l.reLU({ maxValue: 6, negativeSlope: 0.1, threshold: 0.5 })],
    ['leakyReLU', l.leakyReLU()],
    ['pReLU', l.pReLU({ sharedAxes: [1, 2] })],
    ['elu', l.elu({ alpha: 0.5 })],
    ['gelu', l.gelu({ approximate: true })],
    ['logSoftmax', l.logSoftmax()],
    ['reshape', l.reshape({ targetShape: [-1, 8] })],
    ['permute', l.permute({ dims: [3, 1, 2] })],
    ['cropping2d', l.cropping2d({ cropping: [1, 2] })],
    [
      'zeroPadding2d',
      l.zeroPadding2d({
        padding: [
          [0, 1],
          [2, 0],
        ],
      }),
    ],
    ['upSampling2d', l.upSampling2d({ size: [1, 2], interpolation: 'bilinear' })],
    ['globalMaxPooling2d', l.globalMaxPooling2d()],
    ['adaptiveAveragePooling2d', l.adaptiveAveragePooling2d({ outputSize: 3 })],
    ['adaptiveMaxPooling2d', l.adaptiveMaxPooling2d({ outputSize: [2, 7] })],
    ['spatialDropout2d', l.spatialDropout2d({ rate: 0.3 })],
    ['gaussianDropout', l.gaussianDropout({ rate: 0.3 })],
    ['alphaDropout', l.alphaDropout({ rate: 0.3 })],
    ['gaussianNoise', l.gaussianNoise({ stddev: 0.2 })],
    ['layerNormalization', l.layerNormalization({ axis: [-2, -1] })],
    ['groupNormalization', l.groupNormalization({ groups: 2 })],
    ['instanceNormalization', l.instanceNormalization({ axis: 3 })],
    ['batchNormalization of the third axis', l.batchNormalization({ axis: 3 })],
    ['rmsNormalization', l.rmsNormalization()],
    ['unitNormalization', l.unitNormalization()],
    ['mish in a convolution', l.conv2d({ filters: 3, kernelSize: 3, activation: 'mish' })],
  ];
  for (const [name, layer] of cases) {
    test(name, async () => checkRoundTrip(await engine.sequential(around(layer), { seed: 5 })));
  }
});

test('merging layers in one graph: saved, loaded, trained on', async () => {
  const x = input({ shape: INPUT });
  const conv = () => layers.conv2d({ filters: 3, kernelSize: 1 }).apply(x);
  const [a, b, c] = [conv(), conv(), conv()];
  const merged = ['multiply', 'average', 'maximum', 'minimum'].map((type) =>
    l[type]().apply([a, b, c]),
  );
  const joined = l.concatenate().apply([...merged, l.subtract().apply([a, c])]);
  const flat = [joined, l.concatenate({ axis: 1 }).apply([a, b])].map((tensor) =>
    l.flatten().apply(tensor),
  );
  const vectors = flat.map((tensor) => layers.dense({ units: 4 }).apply(tensor));
  const outputs = layers.dense({ units: 3 }).apply(l.dot({ normalize: true }).apply(vectors));
  const model = await engine.model({ inputs: x, outputs, seed: 2 });
  const shapes = new Map(
    model.summary().layers.map(({ name, outputShape }) => [name, outputShape]),
  );
  assert.deepEqual(shapes.get('concatenate'), [6, 5, 15]);
  assert.deepEqual(shapes.get('concatenate_1'), [12, 5, 3]);
  assert.deepEqual(shapes.get('dot'), [1]);
  await checkRoundTrip(model);
});

describe('embedding', () => {
  const words = () => [
    l.embedding({ inputDim: 10, outputDim: 6, inputLength: 5 }),
    l.layerNormalization(),
    layers.flatten(),
    layers.dense({ units: 3 }),
  ];
  const x = Float32Array.from({ length: 100 }, (_, i) => Math.floor(5 + 4.99 * Math.sin(i * i)));
  const y = Uint8Array.from({ length: 20 }, (_, i) => i % 3);
  const compiled = async (/** @type {any} */ own = engine) => {
    const model = await own.sequential(words(), { seed: 4 });
    await model.compile({
      loss: 'sparseCategoricalCrossentropy',
      fromLogits: true,
      optimizer: 'adam',
    });
    return model;
  };

  test('learns, and comes back from a file', async () => {
    const model = await compiled();
    assert.deepEqual(model.summary().layers[0].outputShape, [5, 6]);
    const { history } = await model.fit(x, y, { epochs: 40, batchSize: 10 });
    assert.ok(history.loss[39] < history.loss[0] / 2, String(history.loss));
    const other = await engine.load(await model.save());
    assert.deepEqual(await other.predict(x), await model.predict(x));
    await other.dispose();
    await model.dispose();
  });

  test('trains with the same bits on 1 and 3 threads', async () => {
    const weights = [];
    for (const threads of [1, 3]) {
      const own = await createEngine({ threads, deterministic: true });
      const model = await compiled(own);
      await model.fit(x, y, { epochs: 3, batchSize: 8 });
      weights.push(await model.getWeights());
      await own.dispose();
    }
    assert.deepEqual(weights[0], weights[1]);
  });

  for (const bad of [10, -1, 2.5]) {
    test(`refuses ${bad} and changes nothing`, async () => {
      const model = await compiled();
      const before = await model.getWeights();
      const spoiled = x.map((value, i) => (i === 37 ? bad : value));
      const refused = {
        code: 'E_INDEX_RANGE',
        message: /'embedding': sample 7 holds .* 0 to 9 \(inputDim is 10\)/,
      };
      await assert.rejects(model.fit(spoiled, y, { batchSize: 4, shuffle: false }), refused);
      await assert.rejects(model.predict(spoiled), refused);
      await assert.rejects(model.evaluate(spoiled, y), refused);
      assert.deepEqual(await model.getWeights(), before);
      await model.fit(x, y);
      await model.dispose();
    });
  }

  test('tells bytes from pixels', async () => {
    const model = await compiled();
    const bytes = Uint8Array.from(x);
    const refused = { code: 'E_INDEX_RANGE', message: /scales its numbers, scale: 1 leaves/ };
    await assert.rejects(model.predict(bytes), refused);
    const data = await engine.dataset({ x: bytes, shape: [5], scale: 1 });
    assert.deepEqual(await model.predict(data), await model.predict(x));
    await data.dispose();
    await model.dispose();
  });

  test('must read the input', async () => {
    const list = [
      layers.dense({ units: 4, inputShape: [4] }),
      l.embedding({ inputDim: 3, outputDim: 2 }),
    ];
    const refused = { code: 'E_GRAPH', message: /'embedding' .* reads 'dense' \(dense\)/ };
    await assert.rejects(engine.sequential(list), refused);
    const both = () => l.embedding({ inputDim: 3, outputDim: 2, inputLength: 4, inputShape: [4] });
    assert.throws(both, { code: 'E_CONFIG', message: /inputLength or inputShape/ });
  });
});

test('noise is drawn anew each step, the same for the same seed, and absent from predictions', async () => {
  for (const layer of [l.gaussianNoise({ stddev: 1 }), l.alphaDropout({ rate: 0.5 })]) {
    const losses = [];
    for (let run = 0; run < 2; run++) {
      const model = await engine.sequential(around(layer), { seed: 5 });
      await model.compile({
        loss: 'meanSquaredError',
        optimizer: optimizers.sgd({ learningRate: 1e-30 }),
      });
      const x = new Float32Array(60).fill(1);
      const y = new Float32Array(3);
      const plain = await model.evaluate(x, y);
      const steps = [await model.trainOnBatch(x, y), await model.trainOnBatch(x, y)];
      assert.notEqual(steps[0].loss, steps[1].loss);
      assert.notEqual(steps[0].loss, plain.loss);
      assert.deepEqual(await model.evaluate(x, y), plain);
      losses.push(steps);
      await model.dispose();
    }
    assert.deepEqual(losses[0], losses[1]);
  }
});

describe('refused', () => {
  /** @type {[string, string, RegExp, () => unknown][]} */
  const cases = [
    [
      'a slope below 0',
      'E_CONFIG',
      /'leaky': negativeSlope is -1, .* from 0 to 1000000/,
      () => l.leakyReLU({ negativeSlope: -1, name: 'leaky' }),
    ],
    ['a ceiling of 0', 'E_CONFIG', /maxValue is 0, it must be/, () => l.reLU({ maxValue: 0 })],
    [
      'an alpha that is text',
      'E_CONFIG',
      /elu: alpha must be a number/,
      () => l.elu({ alpha: '1' }),
    ],
    [
      'an unknown activation',
      'E_CONFIG',
      /no activation 'gelo'. Did you mean 'gelu'/,
      () => l.activation({ activation: 'gelo' }),
    ],
    [
      'a reshape of other numbers',
      'E_SHAPE',
      /'reshape': targetShape holds 6 numbers, its input has 120/,
      () => l.reshape({ targetShape: [2, 3] }),
    ],
    [
      'a reshape that does not divide',
      'E_SHAPE',
      /a multiple of 7 numbers, its input has 120/,
      () => l.reshape({ targetShape: [7, -1] }),
    ],
    [
      'two open sizes',
      'E_CONFIG',
      /size 2 .* only one/,
      () => l.reshape({ targetShape: [-1, -1] }),
    ],
    ['a size of 0', 'E_CONFIG', /size 1 .* 0/, () => l.reshape({ targetShape: [0, 5] })],
    ['five axes', 'E_CONFIG', /1 to 4 numbers/, () => l.reshape({ targetShape: [1, 1, 1, 1, 1] })],
    ['an axis twice', 'E_CONFIG', /2 is there twice/, () => l.permute({ dims: [2, 2, 1] })],
    [
      'an axis too many',
      'E_SHAPE',
      /names 2 axes, its input has 3/,
      () => l.permute({ dims: [2, 1] }),
    ],
    [
      'cropping everything',
      'E_SHAPE',
      /cropping takes 6 of its input's width 5/,
      () => l.cropping2d({ cropping: [0, 3] }),
    ],
    ['a negative margin', 'E_CONFIG', /top is -1/, () => l.zeroPadding2d({ padding: -1 })],
    [
      'margins of text',
      'E_CONFIG',
      /padding must be a number/,
      () => l.zeroPadding2d({ padding: '1' }),
    ],
    [
      'an output size of 0',
      'E_CONFIG',
      /outputHeight is 0/,
      () => l.adaptiveMaxPooling2d({ outputSize: 0 }),
    ],
    [
      'an unknown interpolation',
      'E_CONFIG',
      /no interpolation 'cubic'/,
      () => l.upSampling2d({ interpolation: 'cubic' }),
    ],
    [
      'a size beyond all',
      'E_LIMIT',
      /height 1610612736/,
      () => l.upSampling2d({ size: [2 ** 28, 1] }),
    ],
    [
      'a vector of a picture',
      'E_SHAPE',
      /repeatVector.* 1 dimensions/,
      () => l.repeatVector({ n: 2 }),
    ],
    ['a rate of 1', 'E_CONFIG', /rate is 1/, () => l.alphaDropout({ rate: 1 })],
    [
      'groups that do not divide',
      'E_SHAPE',
      /'group_normalization': groups is 3, it must divide the input's 4 channels/,
      () => l.groupNormalization({ groups: 3 }),
    ],
    ['no groups', 'E_SHAPE', /groups is 0/, () => l.groupNormalization({ groups: 0 })],
    [
      'an axis that is not the last',
      'E_CONFIG',
      /axis must be -1/,
      () => l.layerNormalization({ axis: 1 }),
    ],
    [
      'channels that do not come last',
      'E_CONFIG',
      /'batch_normalization' .*axis is 1, it must be the last, 3 or -1/,
      () => l.batchNormalization({ axis: 1 }),
    ],
    [
      'channels on no axis',
      'E_SHAPE',
      /axis is 4, its input has axes 1 to 3/,
      () => l.instanceNormalization({ axis: 4 }),
    ],
    [
      'more axes than there are',
      'E_SHAPE',
      /normalises 4 axes, its input has 3/,
      () => l.rmsNormalization({ axis: [-4, -3, -2, -1] }),
    ],
    ['an epsilon of 0', 'E_CONFIG', /epsilon is 0/, () => l.layerNormalization({ epsilon: 0 })],
    ['a merging layer in a row', 'E_GRAPH', /takes 2 tensors, found 1/, () => l.subtract()],
    [
      'shared axes that are not the first',
      'E_CONFIG',
      /sharedAxes must be \[1\], \[1, 2\]/,
      () => l.pReLU({ sharedAxes: [2] }),
    ],
  ];
  for (const [name, code, pattern, make] of cases) {
    test(name, async () => {
      const { liveAllocations } = (await engine.info()).memory;
      await assert.rejects(
        async () => engine.sequential(around(make())),
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

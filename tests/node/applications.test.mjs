/** The named networks: parameters as published or by hand, they train, they come back from a file; odd options. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, dispose, init, optimizers } from 'tabgrad';
import {
  alexNet,
  autoencoder,
  gan,
  inception,
  lstmClassifier,
  resNet,
  vgg,
  visionTransformer,
} from 'tabgrad/applications';
import { randomNumbers } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const VIT_TINY = {
  inputShape: [224, 224, 3],
  classes: 1000,
  patchSize: 16,
  numLayers: 12,
  numHeads: 3,
  hiddenDim: 192,
  mlpDim: 768,
};

/** A convolution with biases. @param {number} size @param {number} from @param {number} to */
const conv = (size, from, to) => (size * size * from + 1) * to;
/** One without, and its normalisation. @param {number} size @param {number} from @param {number} to */
const normed = (size, from, to) => (size * size * from + 2) * to;
/** @param {number} from @param {number} to filters of each of four branches */
const inceptionBlock = (from, to) =>
  2 * normed(1, from, to) +
  2 * normed(1, from, to / 2) +
  normed(3, to / 2, to) +
  normed(5, to / 2, to);
/** Both directions. @param {number} from @param {number} units */
const twoLstms = (from, units) => 2 * 4 * (from + units + 1) * units;

/** @type {[string, () => Promise<import('tabgrad').Model>, number][]} */
const COUNTS = [
  // pytorch-classification tells 2.47 M.
  ['AlexNet', () => alexNet({ engine }), 2_472_266],
  // torchvision's vgg11_bn().features and its like, and Linear(512, 10).
  ['VGG-11', () => vgg({ engine, depth: 11 }), 9_225_984 + 5130],
  ['VGG-13', () => vgg({ engine, depth: 13 }), 9_410_880 + 5130],
  ['VGG-16', () => vgg({ engine }), 14_723_136 + 5130],
  ['VGG-16 as it was', () => vgg({ engine, batchNormalization: false }), 14_714_688 + 5130],
  // He et al. 2015, table 6, tell 0.27, 0.46, 0.66, 0.85 and 1.7 M.
  ['ResNet-20', () => resNet({ engine }), 269_722],
  ['ResNet-20, projections', () => resNet({ engine, shortcut: 'projection' }), 272_474],
  ['ResNet-32', () => resNet({ engine, depth: 32 }), 464_154],
  ['ResNet-44', () => resNet({ engine, depth: 44 }), 658_586],
  ['ResNet-56', () => resNet({ engine, depth: 56 }), 853_018],
  ['ResNet-56, projections', () => resNet({ engine, depth: 56, shortcut: 'projection' }), 855_770],
  ['ResNet-110', () => resNet({ engine, depth: 110 }), 1_727_962],
  [
    'Inception',
    () => inception({ engine }),
    normed(3, 3, 32) + inceptionBlock(32, 16) + inceptionBlock(64, 32) + 129 * 10,
  ],
  [
    'Inception of three stages',
    () => inception({ engine, stages: [[16, 16], [32], [8]] }),
    normed(3, 3, 32) +
      inceptionBlock(32, 16) +
      inceptionBlock(64, 16) +
      inceptionBlock(64, 32) +
      inceptionBlock(128, 8) +
      33 * 10,
  ],
  ['LSTM', () => lstmClassifier({ engine }), 4 * (96 + 128 + 1) * 128 + 129 * 10],
  [
    'LSTM, two of both directions',
    () => lstmClassifier({ engine, numLayers: 2, units: 32, bidirectional: true }),
    twoLstms(96, 32) + twoLstms(64, 32) + 65 * 10,
  ],
  // timm's vit_tiny_patch16_224.
  ['ViT-Ti/16', () => visionTransformer({ engine, ...VIT_TINY }), 5_717_416],
  ['ViT', () => visionTransformer({ engine }), 460_906],
  [
    'autoencoder',
    () => autoencoder({ engine }),
    conv(3, 3, 32) +
      conv(3, 32, 64) +
      conv(3, 64, 16) +
      conv(3, 16, 64) +
      conv(3, 64, 32) +
      conv(3, 32, 3),
  ],
  ['generator', async () => (await gan({ engine })).generator, 1_068_931],
  ['discriminator', async () => (await gan({ engine })).discriminator, 663_361],
];

describe('parameters', () => {
  for (const [name, make, parameters] of COUNTS) {
    test(name, async () => {
      const model = await make();
      assert.equal(model.summary().trainableParameters, parameters);
      await model.dispose();
    });
  }
});

const CLASSES = 4;

/** Pictures of 32 x 32 x 3 with a bright quarter, which is their class. @param {number} count */
function quarters(count) {
  const random = randomNumbers(7);
  const y = Int32Array.from({ length: count }, (_, index) => index % CLASSES);
  const x = Uint8Array.from({ length: count * 3072 }, (_, index) => {
    const [row, column] = [Math.floor((index % 3072) / 96), Math.floor((index % 96) / 3)];
    const bright = 2 * Number(row >= 16) + Number(column >= 16) === y[Math.floor(index / 3072)];
    return 255 * ((bright ? 0.4 : 0) + 0.6 * random());
  });
  return { x, y };
}

const SMALL = {
  classes: CLASSES,
  seed: 3,
  get engine() {
    return engine;
  },
};

/** @type {[string, () => Promise<import('tabgrad').Model>, number, number][]} with a learning rate and epochs */
const CLASSIFIERS = [
  ['alexnet', () => alexNet(SMALL), 1e-3, 4],
  ['vgg11', () => vgg({ ...SMALL, depth: 11 }), 1e-3, 3],
  ['resnet8', () => resNet({ ...SMALL, depth: 8 }), 1e-2, 4],
  ['inception', () => inception(SMALL), 1e-2, 4],
  ['lstm_classifier', () => lstmClassifier({ ...SMALL, dropout: 0.1 }), 1e-2, 8],
  [
    'vision_transformer',
    () => visionTransformer({ ...SMALL, numLayers: 2, dropout: 0.1 }),
    2e-3,
    20,
  ],
];

describe('classifiers train, and a file brings them back', () => {
  for (const [name, make, learningRate, epochs] of CLASSIFIERS) {
    test(name, async () => {
      const { x, y } = quarters(32);
      const model = await make();
      assert.equal(model.name, name);
      assert.deepEqual([model.inputShape, model.outputShape], [[32, 32, 3], [CLASSES]]);
      assert.deepEqual(model.outputs, [{ name: 'predictions', shape: [CLASSES] }]);
      await model.compile({
        loss: 'sparseCategoricalCrossentropy',
        optimizer: optimizers.adam({ learningRate }),
      });
      const { history } = await model.fit(x, y, { epochs, batchSize: 16 });
      assert.ok(history.loss[epochs - 1] < 0.7 * history.loss[0], `${history.loss}`);
      const before = await model.predict(x);
      const again = await engine.load(await model.save());
      assert.deepEqual(await again.predict(x), before);
      await again.dispose();
      await model.dispose();
    });
  }
});

test('an identity shortcut is every second pixel, with channels of zeros', async () => {
  const model = await resNet({ ...SMALL, depth: 8, classifierActivation: null });
  const shortcut = model.layers.find(({ type }) => type === 'slice')?.name ?? '';
  const before = model.layers.filter(({ type }) => type === 'reLU')[2].name ?? '';
  const { x } = quarters(2);
  const maps = await model.activations(x, { layers: [before, shortcut] });
  assert.deepEqual(maps[shortcut].shape, [2, 16, 16, 32]);
  for (const [n, row, column, channel] of [
    [0, 0, 0, 0],
    [1, 5, 9, 3],
    [1, 15, 15, 15],
    [0, 7, 2, 16],
    [1, 15, 15, 31],
  ]) {
    const found = maps[shortcut][((n * 16 + row) * 16 + column) * 32 + channel];
    const source = maps[before][((n * 32 + 2 * row) * 32 + 2 * column) * 16 + channel];
    assert.equal(found, channel < 16 ? source : 0);
  }
  const logits = await model.predict(x);
  const sum = logits.subarray(0, CLASSES).reduce((total, value) => total + value, 0);
  assert.ok(Math.abs(sum - 1) > 1e-3, 'classifierActivation null gives logits');
  await model.dispose();
});

test('an autoencoder learns to give back what it got; its code is a model', async () => {
  const { x } = quarters(32);
  const model = await autoencoder({ engine, filters: [8, 16], codeFilters: 4 });
  await model.compile({ loss: 'mse', optimizer: optimizers.adam({ learningRate: 3e-3 }) });
  const wanted = Float32Array.from(x, (pixel) => pixel / 255);
  const { history } = await model.fit(x, wanted, { epochs: 15, batchSize: 8 });
  assert.ok(history.loss[14] < 0.6 * history.loss[0], `${history.loss}`);
  const encoder = await model.subModel({ outputs: 'code' });
  assert.deepEqual(encoder.outputShape, [8, 8, 4]);
  await encoder.dispose();
  await model.dispose();
});

describe('gan', () => {
  const TINY = { latentDim: 8, filters: 4, inputShape: [16, 16, 3], seed: 2 };

  test('noise is decided by its seed', async () => {
    const pair = await gan({ engine, ...TINY });
    const noise = pair.noise(500, 4);
    assert.equal(noise.length, 4000);
    assert.deepEqual(pair.noise(500, 4), noise);
    assert.notDeepEqual(pair.noise(500, 5), noise);
    assert.ok(noise.every((value) => value >= -1 && value < 1));
    const mean = noise.reduce((sum, value) => sum + value, 0) / 4000;
    const square = noise.reduce((sum, value) => sum + value * value, 0) / 4000;
    assert.ok(Math.abs(mean) < 0.03 && Math.abs(square - 1 / 3) < 0.02, `${mean}, ${square}`);
    await pair.dispose();
  });

  test("the generator's step follows the gradient of the discriminator's loss", async () => {
    const pair = await gan({ engine, ...TINY });
    const { generator, discriminator } = pair;
    // Plain steps of rate 1 show the gradient; the discriminator stands still.
    await generator.compile({ loss: 'mse', optimizer: optimizers.sgd({ learningRate: 1 }) });
    await discriminator.compile({
      loss: 'binaryCrossentropy',
      fromLogits: true,
      optimizer: optimizers.sgd({ learningRate: 0 }),
    });
    const noise = pair.noise(6, 1);
    const training = { training: true, batchSize: 6 };
    const { values } = await generator.gradients(noise, undefined, {
      of: 'picture',
      wrt: 'picture',
      ...training,
    });
    const judged = await discriminator.gradients(
      values.picture,
      new Float32Array(6).fill(1),
      training,
    );
    const seed = judged.gradients[discriminator.inputs[0].name];
    const { weights: wanted } = await generator.gradients(noise, undefined, {
      of: { layer: 'picture', seed },
      wrt: 'weights',
      ...training,
    });
    const before = new Map((await generator.getWeights()).map((w) => [w.name, w.data]));
    await pair.trainOnBatch(new Uint8Array(6 * 768).fill(100), noise);
    const after = new Map((await generator.getWeights()).map((w) => [w.name, w.data]));
    for (const { name, data } of wanted) {
      const [old, now] = [before.get(name), after.get(name)];
      assert.ok(old && now);
      const largest = Math.max(...data.map(Math.abs));
      data.forEach((gradient, i) => {
        const step = old[i] - now[i];
        const close = 1e-3 * largest + 1e-7 * Math.max(1, Math.abs(old[i]));
        assert.ok(Math.abs(step - gradient) <= close, `${name}[${i}]: ${step} and ${gradient}`);
      });
    }
    await pair.dispose();
  });

  test('made pictures become as bright as the real ones', async () => {
    const pair = await gan({ engine, ...TINY, learningRate: 2e-3 });
    const real = new Uint8Array(16 * 768).fill(230);
    const probe = pair.noise(16, 1000);
    const brightness = async () => {
      const pixels = await pair.generator.predict(probe);
      return pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
    };
    const before = await brightness();
    let losses = { discriminatorLoss: NaN, generatorLoss: NaN };
    for (let step = 0; step < 160; step++) {
      losses = await pair.trainOnBatch(real, pair.noise(16, step));
    }
    const now = await brightness();
    assert.ok(Math.abs(before - 0.5) < 0.1, `${before}`);
    assert.ok(Math.abs(now - 230 / 255) < 0.1, `${now}`);
    assert.ok(losses.discriminatorLoss > 0 && losses.generatorLoss > 0);
    await pair.dispose();
  });

  test('as many pictures as noise', async () => {
    const pair = await gan({ engine, ...TINY, name: 'faces' });
    assert.equal(pair.generator.name, 'faces_generator');
    await assert.rejects(pair.trainOnBatch(new Uint8Array(5 * 768), pair.noise(6, 0)), {
      code: 'E_SHAPE',
      message: /images are 5 pictures, noise is for 6/,
    });
    await pair.dispose();
  });
});

/** @type {[string, () => Promise<unknown>, string, RegExp][]} */
const REFUSED = [
  ['an unknown option', () => resNet(odd({ dept: 20 })), 'E_CONFIG', /'dept'.*'depth'/],
  ['a depth between', () => resNet({ engine, depth: 21 }), 'E_CONFIG', /6n \+ 2.*found 21/],
  ['a depth of no VGG', () => vgg(odd({ depth: 12 })), 'E_CONFIG', /11, 13, 16, 19, found 12/],
  ['a shortcut', () => resNet(odd({ shortcut: 'A' })), 'E_CONFIG', /shortcut 'A'.*projection/],
  ['a flat input', () => alexNet({ engine, inputShape: [3072] }), 'E_SHAPE', /found \[3072\]/],
  [
    'a picture too small',
    () => alexNet({ engine, inputShape: [28, 28, 3] }),
    'E_CONFIG',
    /max_pooling2d/,
  ],
  ['no classes', () => vgg({ engine, classes: 0 }), 'E_CONFIG', /classes .* from 1 .* found 0/],
  ['an activation', () => vgg(odd({ classifierActivation: 'x' })), 'E_CONFIG', /activation 'x'/],
  ['an engine', () => vgg(odd({ engine: {} })), 'E_CONFIG', /engine must be what createEngine/],
  ['a patch', () => visionTransformer({ engine, patchSize: 5 }), 'E_SHAPE', /of 5, found 32/],
  ['heads', () => visionTransformer({ engine, numHeads: 5 }), 'E_CONFIG', /found 5 and 96/],
  ['no stages', () => inception({ engine, stages: [] }), 'E_CONFIG', /stages must be/],
  ['odd filters', () => inception({ engine, stages: [[7]] }), 'E_CONFIG', /even numbers, found 7/],
  ['no filters', () => autoencoder({ engine, filters: [] }), 'E_CONFIG', /filters must be/],
  ['a code', () => autoencoder({ engine, inputShape: [30, 30, 3] }), 'E_SHAPE', /of 4, found 30/],
  ['no noise', () => gan({ engine, latentDim: 0 }), 'E_CONFIG', /latentDim .* found 0/],
];

/** @param {object} options of a wrong type */
const odd = (options) => /** @type {any} */ ({ engine, ...options });

describe('refused', () => {
  for (const [name, make, code, message] of REFUSED) {
    test(name, () => assert.rejects(make, { code, message }));
  }
});

test('without an engine the shared one is used, and models of several engines are equal', async () => {
  await init({ threads: 1, deterministic: true });
  const [own, shared] = [await resNet({ engine, depth: 8 }), await resNet({ depth: 8 })];
  const [a, b] = await Promise.all([own.getWeights(), shared.getWeights()]);
  assert.deepEqual(a, b);
  await own.dispose();
  await dispose();
});

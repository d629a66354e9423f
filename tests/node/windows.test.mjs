/**
 * Convolutions with dilation, groups and explicit padding, depthwise, separable and transposed ones, and layers over
 * steps: what is refused, what a file keeps, and the same bits for any number of threads. Their values are in
 * golden.test.mjs.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TabgradError, createEngine, layers, optimizers } from 'tabgrad';
import { CLASSES, FROM_LOGITS, pictures, randomNumbers, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

/** The brighter a picture, the higher its class: what is left of it behind global pooling. */
const { y } = pictures(40);
const random = randomNumbers(3);
const x = Uint8Array.from(
  { length: 40 * 192 },
  (_, i) => (255 / CLASSES) * (y[Math.floor(i / 192)] + random()),
);

/** Every layer over pictures, with every option. */
const pictureLayers = () => [
  layers.conv2d({
    filters: 6,
    kernelSize: 3,
    dilationRate: [2, 1],
    padding: 1,
    inputShape: [8, 8, 3],
  }),
  layers.conv2d({
    filters: 9,
    kernelSize: [2, 3],
    groups: 3,
    padding: [0, 1, 2, 0],
    activation: 'relu',
  }),
  layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: 'heUniform' }),
  layers.depthwiseConv2d({
    kernelSize: 2,
    depthMultiplier: 2,
    dilationRate: 2,
    activation: 'relu',
  }),
  layers.separableConv2d({
    filters: 8,
    kernelSize: 3,
    padding: 'same',
    depthMultiplier: 2,
    activation: 'relu',
  }),
  layers.conv2d({ filters: 16, kernelSize: 3, groups: 8, padding: 'same', useBias: false }),
  layers.averagePooling2d({ poolSize: 3, strides: 1, padding: 1 }),
  layers.averagePooling2d({ poolSize: 3, strides: 1, padding: 1, countIncludePad: false }),
  layers.conv2dTranspose({
    filters: 5,
    kernelSize: 3,
    strides: 2,
    padding: 'same',
    activation: 'relu',
  }),
  layers.conv2dTranspose({
    filters: 4,
    kernelSize: 2,
    strides: 2,
    outputPadding: [1, 0],
    dilationRate: 2,
  }),
  layers.maxPooling2d({ poolSize: 3, padding: [1, 0, 0, 1] }),
  layers.globalMaxPooling2d(),
  layers.dense({ units: CLASSES }),
];

/** Every layer over steps. */
const stepLayers = () => [
  layers.conv1d({
    filters: 6,
    kernelSize: 3,
    padding: [1, 2],
    activation: 'relu',
    inputShape: [48, 4],
  }),
  layers.conv1d({ filters: 8, kernelSize: 3, dilationRate: 2, groups: 2, padding: 'same' }),
  layers.maxPooling1d({ poolSize: 3, padding: 1 }),
  layers.averagePooling1d({ poolSize: 2, strides: 1, padding: 'same' }),
  layers.conv1d({ filters: 16, kernelSize: 2, strides: 2 }),
  layers.dense({ units: 12, activation: 'relu' }),
  layers.globalAveragePooling1d(),
  layers.dense({ units: CLASSES }),
];

const NETS = /** @type {const} */ ([
  ['pictures', pictureLayers],
  ['steps', stepLayers],
]);

test('names, shapes and weights are those of Keras', async () => {
  const model = await engine.sequential(pictureLayers());
  assert.deepEqual(
    model.summary().layers.map(({ name, outputShape }) => `${name} ${outputShape.join('x')}`),
    [
      'conv2d 6x8x6',
      'conv2d_1 6x8x9',
      'depthwise_conv2d 6x8x9',
      'depthwise_conv2d_1 4x6x18',
      'separable_conv2d 4x6x8',
      'conv2d_2 4x6x16',
      'average_pooling2d 4x6x16',
      'average_pooling2d_1 4x6x16',
      'conv2d_transpose 8x12x5',
      'conv2d_transpose_1 18x25x4',
      'max_pooling2d 6x8x4',
      'global_max_pooling2d 4',
      'dense 3',
    ],
  );
  const shapes = new Map((await model.getWeights()).map(({ name, shape }) => [name, [...shape]]));
  assert.deepEqual(shapes.get('conv2d_1/kernel'), [2, 3, 2, 9]);
  assert.deepEqual(shapes.get('depthwise_conv2d_1/kernel'), [2, 2, 9, 2]);
  assert.deepEqual(shapes.get('depthwise_conv2d_1/bias'), [18]);
  assert.deepEqual(shapes.get('separable_conv2d/depthwise/kernel'), [3, 3, 18, 2]);
  assert.deepEqual(shapes.get('separable_conv2d/pointwise/kernel'), [1, 1, 36, 8]);
  assert.deepEqual(shapes.get('separable_conv2d/pointwise/bias'), [8]);
  assert.deepEqual(shapes.get('conv2d_transpose/kernel'), [3, 3, 5, 16]);
  // Multiply-accumulates: a group sees its own channels alone.
  const macs = model.summary().layers.map((layer) => layer.macs);
  assert.equal(macs[1], 6 * 8 * 2 * 3 * 2 * 9);
  assert.equal(macs[2], 6 * 8 * 9 * 9);
  assert.equal(macs[8], 4 * 6 * 9 * 16 * 5);

  const steps = await engine.sequential(stepLayers());
  assert.deepEqual(
    steps.summary().layers.map(({ name, outputShape }) => `${name} ${outputShape.join('x')}`),
    [
      'conv1d 49x6',
      'conv1d_1 49x8',
      'max_pooling1d 17x8',
      'average_pooling1d 17x8',
      'conv1d_2 8x16',
      'dense 8x12',
      'global_average_pooling1d 12',
      'dense_1 3',
    ],
  );
  const [kernel] = await steps.getWeights();
  assert.deepEqual([...kernel.shape], [3, 4, 6]);
  await model.dispose();
  await steps.dispose();
});

for (const [name, make] of NETS) {
  describe(name, () => {
    test('bits are equal over 1, 2, 3 and 4 threads, for any length of slices', async () => {
      const hashes = [];
      for (const threads of [1, 2, 3, 4]) {
        const own = await createEngine({ threads, deterministic: true });
        const model = await own.sequential(make(), { seed: 7 });
        await model.compile(FROM_LOGITS);
        // A last batch of 1: fewer images than threads.
        await model.fit(x.subarray(0, 25 * 192), y.subarray(0, 25), { epochs: 2, batchSize: 8 });
        hashes.push(await weightHash(model));
        await own.dispose();
      }
      assert.equal(new Set(hashes).size, 1, hashes.join('\n'));
    });

    test('it learns, and a file keeps all of it', async () => {
      const model = await engine.sequential(make(), { seed: 5 });
      const optimizer = optimizers.adam({ learningRate: 0.005 });
      await model.compile({ ...FROM_LOGITS, optimizer });
      const { history } = await model.fit(x, y, { epochs: 12, batchSize: 10 });
      assert.ok(history.loss[11] < 0.8 * history.loss[0], String(history.loss));
      const loaded = await engine.load(await model.save());
      assert.deepEqual(loaded.summary(), model.summary());
      assert.deepEqual(await loaded.predict(x), await model.predict(x));
      for (const each of [model, loaded]) await each.fit(x, y, { epochs: 14, initialEpoch: 12 });
      assert.equal(await weightHash(loaded), await weightHash(model));
    });

    test('predictions of one sample are those of many', async () => {
      const model = await engine.sequential(make(), { seed: 5 });
      const all = await model.predict(x.subarray(0, 5 * 192));
      for (let i = 0; i < 5; i++) {
        const one = await model.predict(x.subarray(i * 192, (i + 1) * 192));
        assert.deepEqual([...one], [...all.subarray(i * CLASSES, (i + 1) * CLASSES)]);
      }
    });
  });
}

test('samples over steps come as a data set or nested', async () => {
  const nested = Array.from({ length: 6 }, () =>
    Array.from({ length: 48 }, () => Array.from({ length: 4 }, random)),
  );
  const model = await engine.sequential(stepLayers());
  const data = await engine.dataset({ x: nested });
  assert.deepEqual(data.shape, [48, 4]);
  assert.deepEqual(await model.predict(data), await model.predict(nested));
  await assert.rejects(model.predict(await engine.dataset({ x: nested.flat(3), shape: [24, 8] })), {
    code: 'E_SHAPE',
    message: /24 x 8.*48 x 4/,
  });
});

test('a quantised model keeps them in floats', async () => {
  const model = await engine.sequential(
    [...pictureLayers(), layers.softmax()].map((layer, i) =>
      i === 1 ? { ...layer, groups: 1 } : layer,
    ),
    { seed: 5 },
  );
  const calibration = await engine.dataset({ x, shape: [8, 8, 3] });
  const small = await model.quantize({ calibration });
  const exact = await model.predict(x);
  const near = await small.predict(x);
  assert.ok(near.every((value, i) => Math.abs(value - exact[i]) < 0.05));
});

describe('bad input', () => {
  /** @param {any} layer @param {number[]} [inputShape] */
  const build = (layer, inputShape = [8, 8, 6]) => engine.sequential([{ ...layer, inputShape }]);
  const conv = (/** @type {any} */ more) => () =>
    build(layers.conv2d({ filters: 4, kernelSize: 3, name: 'c', ...more }));
  const transposed = (/** @type {any} */ more) => () =>
    build(layers.conv2dTranspose({ filters: 4, kernelSize: 3, name: 'c', ...more }));
  const pool = (/** @type {any} */ more) => () =>
    build(layers.maxPooling2d({ name: 'c', ...more }));
  const conv1d = (/** @type {any} */ more) => () =>
    build(layers.conv1d({ filters: 4, kernelSize: 3, name: 'c', ...more }), [8, 6]);
  /** @type {[string, string, string | undefined, RegExp, () => unknown][]} */
  const cases = [
    [
      'groups that do not divide the channels',
      'E_CONFIG',
      'groups',
      /'c'.*groups is 4.*6 channels of its input/,
      conv({ groups: 4 }),
    ],
    [
      'groups that do not divide the filters',
      'E_CONFIG',
      'groups',
      /'c'.*groups is 3.*4 channels of its output/,
      conv({ groups: 3 }),
    ],
    ['groups 0', 'E_CONFIG', 'groups', /'c'.*groups is 0/, conv({ groups: 0 })],
    ['groups 1.5', 'E_CONFIG', 'groups', /1\.5/, conv({ groups: 1.5 })],
    ['groups as text', 'E_CONFIG', 'groups', /'2'/, conv({ groups: '2' })],
    [
      'a dilated kernel beyond its input',
      'E_CONFIG',
      'kernelSize',
      /'c'.*kernelHeight is 3 and spans 9.*height is 8/,
      conv({ dilationRate: [4, 1] }),
    ],
    [
      'a dilated kernel beyond its padded input',
      'E_CONFIG',
      'kernelSize',
      /spans 13.*width is 8, padded 12/,
      conv({ dilationRate: [1, 6], padding: 2 }),
    ],
    ['dilation 0', 'E_CONFIG', 'dilationRate', /dilationHeight is 0/, conv({ dilationRate: 0 })],
    [
      'dilation -1',
      'E_CONFIG',
      'dilationRate',
      /dilationWidth is -1/,
      conv({ dilationRate: [1, -1] }),
    ],
    [
      'dilation beyond memory',
      'E_LIMIT',
      undefined,
      /'c'.*limit/,
      conv({ dilationRate: 100_000_000, padding: 'same' }),
    ],
    ['padding -1', 'E_CONFIG', 'padding', /padTop is -1/, conv({ padding: -1 })],
    ['padding beyond memory', 'E_LIMIT', undefined, /'c'.*limit/, conv({ padding: 200_000_000 })],
    ['padding 0.5', 'E_CONFIG', 'padding', /0\.5/, conv({ padding: [0, 0, 0.5, 0] })],
    [
      'padding of three',
      'E_CONFIG',
      'padding',
      /\[top, bottom, left, right\]/,
      conv({ padding: [1, 1, 1] }),
    ],
    ['padding NaN', 'E_CONFIG', 'padding', /NaN/, conv({ padding: NaN })],
    ['padding of another name', 'E_CONFIG', 'padding', /'full'/, conv({ padding: 'full' })],
    ['stride 0', 'E_CONFIG', 'strides', /strideHeight is 0/, conv({ strides: 0, groups: 2 })],
    [
      'depthMultiplier 0',
      'E_CONFIG',
      'depthMultiplier',
      /depthMultiplier is 0/,
      () => build(layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 0 })),
    ],
    [
      'depthMultiplier beyond memory',
      'E_LIMIT',
      undefined,
      /limit/,
      () => build(layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 ** 28 })),
    ],
    [
      'kernelInitializer of a depthwise layer',
      'E_CONFIG',
      undefined,
      /depthwiseInitializer/,
      () =>
        layers.depthwiseConv2d(/** @type {any} */ ({ kernelSize: 3, kernelInitializer: 'zeros' })),
    ],
    [
      'a depthwise kernel beyond its input',
      'E_CONFIG',
      'kernelSize',
      /'sep\/depthwise'.*kernelHeight is 9.*height 8/,
      () => build(layers.separableConv2d({ filters: 2, kernelSize: 9, name: 'sep' })),
    ],
    [
      'output padding as large as the stride',
      'E_CONFIG',
      'outputPadding',
      /'c'.*outputPaddingHeight is 2.*strideHeight, 2/,
      transposed({ strides: 2, outputPadding: [2, 0] }),
    ],
    [
      'output padding -1',
      'E_CONFIG',
      'outputPadding',
      /outputPaddingHeight is -1/,
      transposed({ outputPadding: -1 }),
    ],
    [
      'nothing left of the output',
      'E_CONFIG',
      undefined,
      /0 x 1/,
      () =>
        build(
          layers.conv2dTranspose({
            filters: 1,
            kernelSize: [2, 3],
            padding: 'same',
            outputPadding: 0,
          }),
          [1, 1, 2],
        ),
    ],
    [
      'explicit padding of a transposed layer',
      'E_CONFIG',
      'padding',
      /padding/,
      transposed({ padding: 1 }),
    ],
    [
      'a transposed output beyond memory',
      'E_LIMIT',
      undefined,
      /limit/,
      transposed({ strides: 20_000 }),
    ],
    [
      'pool padding beyond half',
      'E_CONFIG',
      'padding',
      /'c'.*padTop is 2.*half of poolHeight, 3/,
      pool({ poolSize: 3, padding: [2, 0, 0, 0] }),
    ],
    [
      'countIncludePad of max pooling',
      'E_CONFIG',
      undefined,
      /countIncludePad/,
      pool({ countIncludePad: true }),
    ],
    [
      'conv1d on a picture',
      'E_SHAPE',
      undefined,
      /'c'.*2 dimensions \(steps, channels\).*3/,
      () => build(layers.conv1d({ filters: 2, kernelSize: 3, name: 'c' })),
    ],
    [
      'conv2d on steps',
      'E_SHAPE',
      undefined,
      /'c'.*3 dimensions.*gets 2/,
      () => build(layers.conv2d({ filters: 2, kernelSize: 3, name: 'c' }), [8, 6]),
    ],
    [
      'globalMaxPooling2d on steps',
      'E_SHAPE',
      undefined,
      /gets 2/,
      () => build(layers.globalMaxPooling2d(), [8, 6]),
    ],
    ['a pair for conv1d', 'E_CONFIG', 'kernelSize', /kernelSize/, conv1d({ kernelSize: [3, 3] })],
    [
      'a conv1d kernel beyond its input',
      'E_CONFIG',
      'kernelSize',
      /kernelWidth is 9.*8/,
      conv1d({ kernelSize: 9 }),
    ],
    [
      'four paddings for conv1d',
      'E_CONFIG',
      'padding',
      /\[before, after\]/,
      conv1d({ padding: [1, 1, 1, 1] }),
    ],
    ['conv1d groups', 'E_CONFIG', 'groups', /groups is 4.*6 channels/, conv1d({ groups: 4 })],
  ];
  for (const [name, code, field, pattern, run] of cases) {
    test(name, async () => {
      const { liveAllocations } = (await engine.info()).memory;
      await assert.rejects(
        async () => run(),
        (/** @type {any} */ error) => {
          assert.ok(error instanceof TabgradError, `${error}\n${error.stack}`);
          assert.equal(error.code, code, error.message);
          assert.match(error.message, pattern);
          if (field) assert.equal(error.field, field, error.message);
          return true;
        },
      );
      assert.equal((await engine.info()).memory.liveAllocations, liveAllocations);
    });
  }
});

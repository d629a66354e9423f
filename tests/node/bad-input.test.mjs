/**
 * Bad input: each case gives its code, names field and numbers, changes no weight, and leaves a
 * model that trains.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TabgradError, createEngine, layers, losses, optimizers } from 'tabgrad';
import { FEATURES, FROM_LOGITS, corners, denseLayers, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {any} */
let model;
const { x, y } = corners(20);

before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
  model = await engine.sequential(denseLayers(), { seed: 3 });
  await model.compile(FROM_LOGITS);
});
after(() => engine.dispose());

/**
 * @typedef {[name: string, code: string, pattern: RegExp, run: () => unknown]} Case
 * @param {Case} testCase
 */
function check([name, code, pattern, run]) {
  test(name, async () => {
    const hash = await weightHash(model);
    const { liveAllocations } = (await engine.info()).memory;
    await assert.rejects(
      async () => run(),
      (/** @type {any} */ error) => {
        assert.ok(error instanceof TabgradError, `${error}\n${error.stack}`);
        assert.equal(error.code, code, error.message);
        assert.match(error.message, pattern);
        return true;
      },
    );
    assert.equal(await weightHash(model), hash, 'weights are as they were');
    const now = (await engine.info()).memory.liveAllocations;
    assert.ok(
      now <= liveAllocations + PLAN_BLOCKS,
      `blocks ${liveAllocations} before, ${now} after`,
    );
  });
}

/** A plan that a refused call made is kept for the next one. */
const PLAN_BLOCKS = 8;

/** @param {number} index @param {number} value */
const spoiled = (index, value) => x.map((old, i) => (i === index ? value : old));
const labelled = (/** @type {number} */ label) =>
  Array.from(y, (old, i) => (i === 7 ? label : old));
const build = (/** @type {any} */ layer, /** @type {number[]} */ inputShape = [8, 8, 3]) =>
  engine.sequential(
    [layer, layers.flatten(), layers.dense({ units: 2 })].map((one, i) =>
      i === 0 ? { ...one, inputShape } : one,
    ),
  );
const dense = (/** @type {any} */ options) => () =>
  engine.sequential([layers.dense({ inputShape: [4], ...options })]);
const conv = (/** @type {any} */ options) => () =>
  build(layers.conv2d({ filters: 2, kernelSize: 3, name: 'first', ...options }));
const fit = (/** @type {any} */ options) => () => model.fit(x, y, options);
const compile = (/** @type {any} */ options) => async () => {
  const other = await engine.sequential(denseLayers());
  try {
    await other.compile({ ...FROM_LOGITS, ...options });
  } finally {
    await other.dispose();
  }
};

const uncompiled = (/** @type {(model: any) => unknown} */ run) => async () => {
  const other = await engine.sequential(denseLayers());
  try {
    await run(other);
  } finally {
    await other.dispose();
  }
};

describe('data', () => {
  /** @type {Case[]} */
  const cases = [
    ['NaN in a feature', 'E_NON_FINITE', /sample 5\b/, () => model.fit(spoiled(21, NaN), y)],
    [
      'infinity in a feature',
      'E_NON_FINITE',
      /sample 0\b/,
      () => model.evaluate(spoiled(3, -Infinity), y),
    ],
    ['float64 beyond float32', 'E_NON_FINITE', /sample 0\b/, () => model.predict([1e300, 0, 0, 0])],
    ['x too short', 'E_SHAPE', /79 values.*= 4/, () => model.fit(x.subarray(1), y)],
    ['y too short', 'E_SHAPE', /19 values.*20 samples/, () => model.fit(x, y.subarray(1))],
    ['y too long', 'E_SHAPE', /21 values.*20 samples/, () => model.fit(x, [...y, 0])],
    ['empty x', 'E_EMPTY', /x is empty/, () => model.fit(new Float32Array(0), [])],
    ['empty nested x', 'E_EMPTY', /x is empty/, () => model.predict([])],
    ['label = classes', 'E_LABEL_RANGE', /sample 7.*\b3\b/, () => model.fit(x, labelled(3))],
    ['label 255', 'E_LABEL_RANGE', /sample 7.*255/, () => model.evaluate(x, labelled(255))],
    ['label -1', 'E_LABEL_RANGE', /sample 7.*-1/, () => model.fit(x, labelled(-1))],
    ['label 2^31', 'E_LABEL_RANGE', /sample 7.*2147483648/, () => model.fit(x, labelled(2 ** 31))],
    ['label 1.5', 'E_LABEL_RANGE', /sample 7.*1\.5/, () => model.fit(x, labelled(1.5))],
    ['label NaN', 'E_LABEL_RANGE', /sample 7.*NaN/, () => model.fit(x, labelled(NaN))],
    [
      'ragged x',
      'E_SHAPE',
      /ragged: rows of 4 and of 3/,
      () =>
        model.predict([
          [1, 2, 3, 4],
          [1, 2, 3],
        ]),
    ],
    ['sparse x', 'E_TYPE', /undefined where a number/, () => model.predict([1, , 3, 4])], // eslint-disable-line no-sparse-arrays
    ['text in x', 'E_TYPE', /'2' where a number/, () => model.predict([1, '2', 3, 4])],
    ['BigInt64Array', 'E_TYPE', /BigInt64Array/, () => model.predict(new BigInt64Array(4))],
    ['DataView', 'E_TYPE', /DataView/, () => model.predict(new DataView(new ArrayBuffer(16)))],
    ['ArrayBuffer', 'E_TYPE', /ArrayBuffer/, () => model.fit(new ArrayBuffer(16), y)],
    ['null', 'E_TYPE', /null/, () => model.predict(null)],
    ['text', 'E_TYPE', /'images'/, () => model.predict('images')],
    ['no y', 'E_TYPE', /y is missing/, () => model.fit(x)],
    ['y a number', 'E_TYPE', /y must be.*found 3/, () => model.fit(x, 3)],
    [
      'data set without labels',
      'E_SHAPE',
      /label/,
      async () => model.fit(await engine.dataset({ x, shape: [FEATURES] })),
    ],
    [
      'data set of another shape',
      'E_SHAPE',
      /2.*4|4.*2/,
      async () => model.fit(await engine.dataset({ x, y: new Uint8Array(40), shape: [2] })),
    ],
    [
      'data set and y',
      'E_CONFIG',
      /y must be left out/,
      async () => model.fit(await engine.dataset({ x, y, shape: [FEATURES] }), y, {}),
    ],
    ['data set without shape', 'E_SHAPE', /shape must be/, () => engine.dataset({ x, y })],
    [
      'shape of rank 4',
      'E_SHAPE',
      /\[2, 2, 1, 1\]/,
      () => engine.dataset({ x, y, shape: [2, 2, 1, 1] }),
    ],
    ['shape with 0', 'E_CONFIG', /shape.*found 0/, () => engine.dataset({ x, y, shape: [0] })],
    ['std 0', 'E_CONFIG', /std must not be 0/, () => engine.dataset({ x, y, shape: [4], std: 0 })],
    [
      'mean of 2 channels',
      'E_SHAPE',
      /mean has 2 values.*4 channels/,
      () => engine.dataset({ x, y, shape: [4], mean: [0, 0] }),
    ],
    [
      'one-hot rows for class labels',
      'E_SHAPE',
      /60 values.*20 samples/,
      () => model.fit(x, new Float32Array(60)),
    ],
    [
      'values that overflow',
      'E_NON_FINITE',
      /./,
      () =>
        model.fit(
          x.map(() => 3.4e38),
          y,
        ),
    ],
  ];
  for (const each of cases) check(each);
});

describe('layers', () => {
  /** @type {Case[]} */
  const cases = [
    ['no layers', 'E_CONFIG', /found 0/, () => engine.sequential([])],
    [
      'only an input',
      'E_CONFIG',
      /found 0/,
      () => engine.sequential([layers.inputLayer({ inputShape: [4] })]),
    ],
    [
      '10,000 layers',
      'E_LIMIT',
      /1000 layers, found 10000/,
      () => engine.sequential(Array(10_000).fill(layers.flatten())),
    ],
    [
      'no array',
      'E_CONFIG',
      /must be an array, found an object/,
      () => engine.sequential(/** @type {any} */ ({})),
    ],
    [
      'null as layer',
      'E_CONFIG',
      /found null/,
      () => engine.sequential(/** @type {any} */ ([null])),
    ],
    [
      'no inputShape',
      'E_CONFIG',
      /dense 'dense'.*inputShape/,
      () => engine.sequential([layers.dense({ units: 2 })]),
    ],
    [
      'late inputShape',
      'E_CONFIG',
      /dense_1/,
      () =>
        engine.sequential([
          layers.dense({ units: 2, inputShape: [4] }),
          layers.dense({ units: 2, inputShape: [2] }),
        ]),
    ],
    [
      'two names',
      'E_GRAPH',
      /'same'/,
      () =>
        engine.sequential([
          layers.dense({ units: 2, inputShape: [4], name: 'same' }),
          layers.dense({ units: 2, name: 'same' }),
        ]),
    ],
    ['long name', 'E_LIMIT', /255 bytes, found 300/, dense({ units: 2, name: 'n'.repeat(300) })],
    ['empty name', 'E_CONFIG', /name.*''/, dense({ units: 2, name: '' })],
    ['NUL in a name', 'E_CONFIG', /NUL/, dense({ units: 2, name: 'a\0b' })],
    ['half a surrogate', 'E_CONFIG', /surrogate/, dense({ units: 2, name: 'a\ud800' })],
    [
      'unknown type',
      'E_CONFIG',
      /'dense'/,
      () => engine.sequential([/** @type {any} */ ({ type: 'Dense', units: 2 })]),
    ],
    [
      'type __proto__',
      'E_CONFIG',
      /__proto__/,
      () => engine.sequential([/** @type {any} */ ({ type: '__proto__', units: 2 })]),
    ],
    ['unknown option', 'E_CONFIG', /kernelsize.*'kernelSize'/, conv({ kernelsize: 3 })],
    [
      'option of Keras in Python',
      'E_CONFIG',
      /kernel_size.*'kernelSize'/,
      conv({ kernel_size: 3 }),
    ],
    [
      'own __proto__',
      'E_CONFIG',
      /__proto__/,
      () => layers.dense(JSON.parse('{"units":2,"__proto__":{}}')),
    ],
    ['constructor as option', 'E_CONFIG', /constructor/, dense({ units: 2, constructor: 1 })],
    ['unknown activation', 'E_CONFIG', /'rely'.*'relu'/, dense({ units: 2, activation: 'rely' })],
    ['unknown padding', 'E_CONFIG', /'sam'.*'same'/, conv({ padding: 'sam' })],
    ['unknown initializer', 'E_CONFIG', /'toString'/, conv({ kernelInitializer: 'toString' })],
    ['useBias 1', 'E_CONFIG', /useBias.*found 1/, conv({ useBias: 1 })],
    ['kernel 0', 'E_CONFIG', /first.*0/s, conv({ kernelSize: 0 })],
    ['kernel of three', 'E_CONFIG', /kernelSize.*array of 3/, conv({ kernelSize: [3, 3, 3] })],
    ['kernel beyond input', 'E_CONFIG', /first.*9.*8|first.*8.*9/s, conv({ kernelSize: 9 })],
    ['stride 0', 'E_CONFIG', /first.*0/s, conv({ strides: 0 })],
    ['pool 0', 'E_CONFIG', /0/, () => build(layers.maxPooling2d({ poolSize: 0 }))],
    ['dropout -0.1', 'E_CONFIG', /-0\.1/, () => build(layers.dropout({ rate: -0.1 }))],
    ['dropout 1', 'E_CONFIG', /\b1\b/, () => build(layers.dropout({ rate: 1 }))],
    ['dropout NaN', 'E_CONFIG', /nan/i, () => build(layers.dropout({ rate: NaN }))],
    [
      'conv on flat input',
      'E_SHAPE',
      /first/,
      () => build(layers.conv2d({ filters: 2, kernelSize: 1, name: 'first' }), [4]),
    ],
    [
      '65,536 x 65,536 weights',
      'E_LIMIT',
      /./,
      () => engine.sequential([layers.dense({ units: 65_536, inputShape: [65_536] })]),
    ],
    [
      '46,341 x 46,341 input',
      'E_LIMIT',
      /2147488281/,
      () => build(layers.flatten(), [46_341, 46_341, 1]),
    ],
    [
      'inputShape of rank 4',
      'E_SHAPE',
      /found 4/,
      () => layers.flatten({ inputShape: [8, 8, 3, 1] }),
    ],
    ['seed 1.5', 'E_CONFIG', /seed.*1\.5/, () => engine.sequential(denseLayers(), { seed: 1.5 })],
    ['seed 2^53', 'E_CONFIG', /seed/, () => engine.sequential(denseLayers(), { seed: 2 ** 53 })],
  ];
  for (const bad of [0, -1, 1.5, NaN, Infinity, '8', 2 ** 31, 2 ** 53, null, {}, true, undefined]) {
    const code = bad === 2 ** 31 || bad === 2 ** 53 ? 'E_(CONFIG|LIMIT)' : 'E_CONFIG';
    test(`units and filters ${String(bad)}`, async () => {
      for (const [field, run] of [
        ['units', dense({ units: bad })],
        ['filters', conv({ filters: bad })],
      ]) {
        await assert.rejects(
          async () => /** @type {any} */ (run)(),
          (/** @type {any} */ error) => {
            assert.match(error.code ?? '', new RegExp(`^${code}$`), String(error));
            assert.ok(error.message.includes(field) && error.field === field, error.message);
            return true;
          },
        );
      }
    });
  }
  for (const each of cases) check(each);
});

describe('compile', () => {
  /** @type {Case[]} */
  const cases = [
    ['no loss', 'E_CONFIG', /loss is missing/, compile({ loss: undefined })],
    [
      'unknown loss',
      'E_CONFIG',
      /'meanSquareError'.*'meanSquaredError'/,
      compile({ loss: 'meanSquareError' }),
    ],
    [
      'loss of another framework',
      'E_CONFIG',
      /'sparseCategoricalCrossentropy'/,
      compile({ loss: 'sparse_categorical_crossentropy' }),
    ],
    ['unknown optimizer', 'E_CONFIG', /'adan'.*'adam'/, compile({ optimizer: 'adan' })],
    ['unknown metric', 'E_CONFIG', /'acuracy'.*'accuracy'/, compile({ metrics: ['acuracy'] })],
    ['metrics a text', 'E_CONFIG', /metrics must be an array/, compile({ metrics: 'accuracy' })],
    ['unknown option', 'E_CONFIG', /optimiser.*'optimizer'/, compile({ optimiser: 'adam' })],
    ['fromLogits 1', 'E_CONFIG', /fromLogits/, compile({ fromLogits: 1 })],
    [
      'unknown hyperparameter',
      'E_CONFIG',
      /lr/,
      () => optimizers.adam(/** @type {any} */ ({ lr: 1 })),
    ],
    [
      'rate as text',
      'E_HYPERPARAM',
      /learningRate.*'0.1'/,
      () => optimizers.adam(/** @type {any} */ ({ learningRate: '0.1' })),
    ],
    [
      'unknown loss option',
      'E_CONFIG',
      /fromLogit/,
      () => losses.binaryCrossentropy(/** @type {any} */ ({ fromLogit: true })),
    ],
    [
      'momentum 1',
      'E_HYPERPARAM',
      /momentum/,
      compile({ optimizer: optimizers.sgd({ momentum: 1 }) }),
    ],
    ['beta2 1', 'E_HYPERPARAM', /beta2/, compile({ optimizer: optimizers.adam({ beta2: 1 }) })],
    [
      'epsilon 0',
      'E_HYPERPARAM',
      /epsilon/,
      compile({ optimizer: optimizers.adam({ epsilon: 0 }) }),
    ],
    ['fit before compile', 'E_STATE', /compile/, uncompiled((other) => other.fit(x, y))],
    ['evaluate before compile', 'E_STATE', /compile/, uncompiled((other) => other.evaluate(x, y))],
  ];
  for (const rate of [-1, NaN, Infinity]) {
    cases.push([
      `learning rate ${rate}`,
      'E_HYPERPARAM',
      /learningRate/,
      compile({ optimizer: optimizers.adam({ learningRate: rate }) }),
    ]);
    cases.push([
      `setLearningRate ${rate}`,
      'E_HYPERPARAM',
      /learningRate/,
      () => model.setLearningRate(rate),
    ]);
  }
  for (const each of cases) check(each);

  test('a compile that fails later is told by fit, and the old one holds', async () => {
    const other = await engine.sequential(denseLayers(), { seed: 1 });
    other.compile({ ...FROM_LOGITS, optimizer: optimizers.adam({ learningRate: -1 }) });
    await assert.rejects(other.fit(x, y), { code: 'E_HYPERPARAM' });
    await other.compile(FROM_LOGITS);
    await other.fit(x, y);
    await other.dispose();
  });
});

describe('fit', () => {
  /** @type {Case[]} */
  const cases = [
    ['unknown option', 'E_CONFIG', /batchsize.*'batchSize'/, fit({ batchsize: 3 })],
    ['epochs -1', 'E_CONFIG', /epochs.*-1/, fit({ epochs: -1 })],
    ['epochs 1.5', 'E_CONFIG', /epochs.*1\.5/, fit({ epochs: 1.5 })],
    ['epochs text', 'E_CONFIG', /epochs.*'3'/, fit({ epochs: '3' })],
    ['validationSplit 1', 'E_CONFIG', /validationSplit.*1/, fit({ validationSplit: 1 })],
    [
      'validationSplit too small',
      'E_EMPTY',
      /0\.99 of 20.*0 for training and 20/,
      fit({ validationSplit: 0.99 }),
    ],
    [
      'split and data',
      'E_CONFIG',
      /not both/,
      fit({ validationSplit: 0.5, validationData: [x, y] }),
    ],
    [
      'validation data with bad labels',
      'E_LABEL_RANGE',
      /sample 7/,
      fit({ validationData: [x, labelled(9)] }),
    ],
    ['validation data a number', 'E_CONFIG', /validationData/, fit({ validationData: 3 })],
    ['callback a number', 'E_CONFIG', /onBatchEnd.*function/, fit({ onBatchEnd: 3 })],
    ['signal a number', 'E_CONFIG', /AbortSignal/, fit({ signal: 3 })],
    ['resume and initialEpoch', 'E_CONFIG', /not both/, fit({ resume: true, initialEpoch: 1 })],
    ['range beyond the end', 'E_LIMIT', /15 to 25.*20/, fit({ first: 15, count: 10 })],
    ['first beyond the end', 'E_LIMIT', /20/, fit({ first: 20 })],
    ['count 0', 'E_EMPTY', /count is 0/, fit({ count: 0 })],
    ['options an array', 'E_TYPE', /options must be an object/, fit([])],
    ['predict batchSize 0', 'E_CONFIG', /batchSize.*0/, () => model.predict(x, { batchSize: 0 })],
    ['options that throw', 'E_CONFIG', /epochs/, fit(Object.freeze({ epochs: {} }))],
  ];
  for (const bad of [0, -1, 1.5, NaN, Infinity, '8', {}, 2 ** 53]) {
    cases.push([`batchSize ${bad}`, 'E_CONFIG', /batchSize/, fit({ batchSize: bad })]);
  }
  for (const each of cases) check(each);

  test('a batch larger than the data is one batch, as in Keras', async () => {
    const other = await engine.sequential(denseLayers());
    await other.compile(FROM_LOGITS);
    /** @type {number[]} */
    const seen = [];
    await other.fit(x, y, { batchSize: 2 ** 40, onBatchEnd: (batch) => seen.push(batch) });
    assert.deepEqual(seen, [0]);
    await other.dispose();
  });

  test('a rate that explodes ends in E_NON_FINITE with finite weights', async () => {
    const other = await engine.sequential(denseLayers(), { seed: 2 });
    await other.compile({ ...FROM_LOGITS, optimizer: optimizers.sgd({ learningRate: 1e30 }) });
    await assert.rejects(other.fit(x, y, { epochs: 50, batchSize: 4 }), { code: 'E_NON_FINITE' });
    for (const { data } of await other.getWeights()) assert.ok(data.every(Number.isFinite));
    await other.dispose();
  });
});

describe('weights', () => {
  const set = (/** @type {(weights: any[]) => any} */ change) => async () => {
    const weights = await model.getWeights();
    return model.setWeights(change(weights) ?? weights);
  };
  /** @type {Case[]} */
  const cases = [
    ['no array', 'E_TYPE', /array of/, () => model.setWeights(3)],
    ['null in it', 'E_CONFIG', /name/, () => model.setWeights([null])],
    ['missing tensor', 'E_MISSING', /1 of 4.*dense_1\/bias/, set((w) => w.slice(0, 3))],
    ['extra tensor', 'E_EXTRA', /'more'/, set((w) => [...w, { ...w[0], name: 'more' }])],
    ['tensor twice', 'E_DUPLICATE', /dense\/kernel/, set((w) => [...w, w[0]])],
    ['other rank', 'E_SHAPE', /\[4, 16\], found \[64\]/, set((w) => void (w[0].shape = [64]))],
    [
      'other length',
      'E_SHAPE',
      /64 values, found 63/,
      set((w) => void (w[0].data = w[0].data.slice(1))),
    ],
    [
      'other type',
      'E_(SHAPE|TYPE)',
      /./,
      () => model.setWeights([{ name: 'dense/kernel', shape: [4, 16], data: 'x' }]),
    ],
    [
      'NaN',
      'E_NON_FINITE',
      /dense\/bias holds NaN at index 2/,
      set((w) => void (w[1].data[2] = NaN)),
    ],
  ];
  for (const each of cases.filter(([name]) => name !== 'other type')) check(each);
  check(['data of another type', 'E_TYPE', /Float32Array/, set((w) => void (w[0].data = 'text'))]);

  test('any order is taken', async () => {
    const hash = await weightHash(model);
    await model.setWeights((await model.getWeights()).reverse());
    assert.equal(await weightHash(model), hash);
  });
});

test('after all of it the model trains', async () => {
  const { history } = await model.fit(x, y, { epochs: 60 });
  assert.ok(history.loss.at(-1) < history.loss[0]);
});

test('getters are read once, before anything happens', async () => {
  let reads = 0;
  const options = {
    get epochs() {
      return ++reads;
    },
    batchSize: 20,
  };
  const { epoch } = await model.fit(x, y, options);
  assert.deepEqual([reads, epoch.length], [1, 1]);
});

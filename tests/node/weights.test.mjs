/** Initialisers, regularisers and constraints against their definitions in double. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { constraints, createEngine, initializers, layers, optimizers, regularizers } from 'tabgrad';
import { FEATURES, corners, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const { x, y } = corners(12);
const LOSS = /** @type {const} */ ({ loss: 'sparseCategoricalCrossentropy', fromLogits: true });
const RATE = 0.5;

/** @param {object} options of the second layer @param {any} [from] engine */
const netOf = (options, from = engine) =>
  from.sequential(
    [
      layers.dense({ units: 5, activation: 'relu', inputShape: [FEATURES] }),
      layers.dense({ units: 3, biasInitializer: 'randomNormal', ...options }),
    ],
    { seed: 8 },
  );

/** @param {object} options */
async function compiledNet(options) {
  const net = await netOf(options);
  await net.compile({ ...LOSS, optimizer: optimizers.sgd({ learningRate: RATE }) });
  return net;
}

/** @param {any} net @param {string} name @returns {Promise<number[]>} */
const tensor = async (net, name) =>
  Array.from(
    (await net.getWeights()).find((/** @type {any} */ one) => one.name === name).data,
    Number,
  );

/** @param {number[]} found @param {number[]} expected @param {number} [tolerance] */
function near(found, expected, tolerance = 2e-6) {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) =>
    assert.ok(
      Math.abs(value - expected[i]) <= tolerance,
      `${i}: ${value}, expected ${expected[i]}`,
    ),
  );
}

describe('regularisers', () => {
  /** @type {[string, any, number, number][]} */
  const cases = [
    ["'l1'", 'l1', 0.01, 0],
    ["'l2'", 'l2', 0, 0.01],
    ['l1(0.2)', regularizers.l1(0.2), 0.2, 0],
    ['l2({ l2: 0.3 })', regularizers.l2({ l2: 0.3 }), 0, 0.3],
    ['l1l2', regularizers.l1l2({ l1: 0.1, l2: 0.2 }), 0.1, 0.2],
  ];
  for (const [name, regularizer, l1, l2] of cases) {
    test(`${name} adds to loss and gradients, in training and evaluation`, async () => {
      const plain = await compiledNet({});
      const net = await compiledNet({
        kernelRegularizer: regularizer,
        biasRegularizer: regularizer,
      });
      const names = ['dense_1/kernel', 'dense_1/bias'];
      const start = await Promise.all(names.map((one) => tensor(net, one)));
      const penalty = start.flat().reduce((sum, w) => sum + l1 * Math.abs(w) + l2 * w * w, 0);
      const loss = (await plain.evaluate(x, y)).loss;
      near([(await net.evaluate(x, y, { batchSize: 5 })).loss], [loss + penalty]);
      near(
        [(await net.trainOnBatch(x, y)).loss],
        [(await plain.trainOnBatch(x, y)).loss + penalty],
      );
      for (const [i, one] of names.entries()) {
        const without = await tensor(plain, one);
        const slopes = start[i].map((w) => l1 * Math.sign(w) + 2 * l2 * w);
        near(
          await tensor(net, one),
          without.map((w, at) => w - RATE * slopes[at]),
        );
      }
      near(await tensor(net, 'dense/kernel'), await tensor(plain, 'dense/kernel'));
    });
  }

  test('a checkpoint keeps them, and loadWeights does not mind them', async () => {
    const net = await compiledNet({ kernelRegularizer: 'l2', kernelConstraint: 'maxNorm' });
    const bytes = await net.save();
    const loaded = await engine.load(bytes);
    assert.equal((await loaded.evaluate(x, y)).loss, (await net.evaluate(x, y)).loss);
    await (await compiledNet({ biasRegularizer: null })).loadWeights(bytes);
  });

  test('bits do not depend on the threads', async () => {
    const one = await createEngine({ threads: 1, deterministic: true });
    try {
      const hashes = [];
      for (const from of [one, engine]) {
        const wide = Float32Array.from({ length: 40 * 300 }, (_, i) => Math.sin(i));
        const options = {
          units: 300,
          kernelInitializer: initializers.orthogonal({ gain: 2 }),
          kernelRegularizer: regularizers.l1l2({ l1: 0.01, l2: 0.02 }),
          kernelConstraint: constraints.maxNorm({ maxValue: 1.5 }),
        };
        const net = await from.sequential([layers.dense({ ...options, inputShape: [300] })]);
        await net.compile({ loss: 'mse' });
        const { history } = await net.fit(wide, wide, { epochs: 2, batchSize: 20 });
        hashes.push([await weightHash(net), history.loss]);
      }
      assert.deepEqual(hashes[0], hashes[1]);
    } finally {
      await one.dispose();
    }
  });
});

describe('options that change while training runs', () => {
  const FIT = { epochs: 2, batchSize: 4 };
  const l2 = regularizers.l2(0.05);

  test('a penalty from the next epoch on, in files too', async () => {
    const [plain, changed] = [
      await compiledNet({ name: 'out' }),
      await compiledNet({ name: 'out' }),
    ];
    await plain.fit(x, y, FIT);
    const before = (await plain.evaluate(x, y)).loss;
    await changed.fit(x, y, {
      ...FIT,
      onEpochEnd: async (/** @type {number} */ epoch) => {
        if (epoch === 0) await changed.setLayerOptions('out', { kernelRegularizer: l2 });
      },
    });
    assert.notEqual(await weightHash(changed), await weightHash(plain));
    const squares = (await tensor(plain, 'out/kernel')).reduce((sum, w) => sum + w * w, 0);
    await plain.setLayerOptions('out', { kernelRegularizer: l2 });
    near([(await plain.evaluate(x, y)).loss - before], [0.05 * squares]);
    const loaded = await engine.load(await plain.save());
    for (const each of [plain, loaded]) await each.fit(x, y, { ...FIT, epochs: 3, resume: true });
    assert.equal(await weightHash(loaded), await weightHash(plain));
    await plain.setLayerOptions('out', { kernelRegularizer: null });
    const bare = await engine.load(await plain.save());
    assert.equal((await bare.evaluate(x, y)).loss, (await plain.evaluate(x, y)).loss);
  });

  test('the rate of a dropout and the deviation of noise', async () => {
    const make = async (/** @type {number} */ rate) => {
      const net = await engine.sequential(
        [
          layers.dense({ units: 8, inputShape: [FEATURES] }),
          layers.dropout({ rate, name: 'drop' }),
          layers.gaussianNoise({ stddev: rate, name: 'noise' }),
          layers.dense({ units: 3 }),
        ],
        { seed: 4 },
      );
      await net.compile(LOSS);
      return net;
    };
    const [changed, other] = [await make(0.9), await make(0.25)];
    await changed.setLayerOptions('drop', { rate: 0.25 });
    await changed.setLayerOptions('noise', { stddev: 0.25 });
    for (const net of [changed, other]) await net.fit(x, y, FIT);
    assert.equal(await weightHash(changed), await weightHash(other));
  });

  test('what cannot change is refused, and nothing changes', async () => {
    const net = await compiledNet({ name: 'out', kernelRegularizer: 'l1' });
    const set = (/** @type {any} */ name, /** @type {any} */ options) =>
      net.setLayerOptions(name, options);
    const before = await net.save();
    await assert.rejects(set('nowhere', {}), { code: 'E_CONFIG', message: /'nowhere'/ });
    await assert.rejects(set('out', { rate: 0.5 }), { code: 'E_CONFIG', message: /'rate'/ });
    await assert.rejects(set('out', { name: 'in' }), { code: 'E_CONFIG', layer: 'out' });
    await assert.rejects(set('out', { activation: 'relu' }), { code: 'E_CONFIG', layer: 'out' });
    await assert.rejects(set('out', { units: 4, kernelRegularizer: l2 }), {
      code: 'E_CONFIG',
      message: /units cannot change/,
      layer: 'out',
      field: 'units',
    });
    await assert.rejects(set('out', { kernelRegularizer: { l1: 0.5, l2: -1 } }), {
      code: 'E_CONFIG',
      message: /l2 of out\/kernel is -1/,
    });
    assert.deepEqual(await net.save(), before);
    const loss = (await net.evaluate(x, y)).loss;
    const kernel = await tensor(net, 'out/kernel');
    const { loss: bare } = await (await compiledNet({ name: 'out' })).evaluate(x, y);
    near([loss - bare], [0.01 * kernel.reduce((sum, w) => sum + Math.abs(w), 0)]);
  });
});

test('a model with penalties, constraints and settings of initialisers is quantised', async () => {
  const net = await compiledNet({
    kernelRegularizer: 'l2',
    kernelConstraint: constraints.maxNorm({ maxValue: 2 }),
    kernelInitializer: initializers.randomUniform({ minval: -0.5, maxval: 0.5 }),
  });
  await net.fit(x, y, { epochs: 2 });
  const small = await net.quantize({ calibration: x });
  const [exact, rounded] = [await net.predict(x), await small.predict(x)];
  exact.forEach((/** @type {number} */ value, /** @type {number} */ i) =>
    assert.ok(Math.abs(value - rounded[i]) < 0.1),
  );
});

describe('constraints', () => {
  /** Lengths of the columns of a (rows, n) kernel. @param {number[]} kernel @param {number} n */
  const columns = (kernel, n) =>
    Array.from({ length: n }, (_, c) =>
      Math.sqrt(kernel.reduce((sum, w, i) => sum + (i % n === c ? w * w : 0), 0)),
    );
  /** @type {[string, any, (length: number) => number][]} */
  const cases = [
    ['maxNorm', constraints.maxNorm({ maxValue: 0.8 }), (length) => Math.min(length, 0.8)],
    ['unitNorm', 'unitNorm', () => 1],
    [
      'minMaxNorm',
      constraints.minMaxNorm({ minValue: 0.9, maxValue: 1.1, rate: 0.25 }),
      (length) => 0.25 * Math.min(Math.max(length, 0.9), 1.1) + 0.75 * length,
    ],
  ];
  for (const [name, kernelConstraint, target] of cases) {
    test(name, async () => {
      const [plain, net] = [await compiledNet({}), await compiledNet({ kernelConstraint })];
      for (const one of [plain, net]) await one.trainOnBatch(x, y);
      const free = await tensor(plain, 'dense_1/kernel');
      const lengths = columns(free, 3);
      const expected = free.map((w, i) => (w * target(lengths[i % 3])) / (1e-7 + lengths[i % 3]));
      near(await tensor(net, 'dense_1/kernel'), expected);
    });
  }

  test('nonNeg, of the bias too', async () => {
    const [plain, net] = [
      await compiledNet({}),
      await compiledNet({ kernelConstraint: 'nonNeg', biasConstraint: constraints.nonNeg() }),
    ];
    for (const one of [plain, net]) await one.trainOnBatch(x, y);
    for (const name of ['dense_1/kernel', 'dense_1/bias']) {
      const free = await tensor(plain, name);
      assert.ok(free.some((w) => w < 0));
      near(
        await tensor(net, name),
        free.map((w) => Math.max(w, 0)),
      );
    }
  });

  test('along other axes: filters of a conv2d, and axis −1', async () => {
    for (const [axis, kept] of /** @type {[number[], number[]][]} */ ([
      [[0, 1, 2], [3]],
      [[-1], [0, 1, 2]],
      [
        [-1, 1],
        [0, 2],
      ],
    ])) {
      const kernelConstraint = constraints.unitNorm({ axis });
      const net = await engine.sequential([
        layers.conv2d({ filters: 5, kernelSize: [2, 3], kernelConstraint, inputShape: [4, 4, 2] }),
      ]);
      await net.compile({ loss: 'mse' });
      await net.trainOnBatch(
        Float32Array.from({ length: 32 }, (_, i) => i / 32),
        new Float32Array(3 * 2 * 5),
      );
      const dims = [2, 3, 2, 5];
      /** @type {Map<string, number>} */
      const squares = new Map();
      (await tensor(net, 'conv2d/kernel')).forEach((w, at) => {
        const index = [3, 2, 1, 0].reduce((found, d) => {
          found.unshift(at % dims[d]);
          at = Math.floor(at / dims[d]);
          return found;
        }, /** @type {number[]} */ ([]));
        const key = kept.map((d) => index[d]).join();
        squares.set(key, (squares.get(key) ?? 0) + w * w);
      });
      near([...squares.values()], Array(squares.size).fill(1), 1e-5);
    }
  });
});

describe('initialisers', () => {
  const [ROWS, UNITS] = [400, 300];
  /** @param {any} kernelInitializer @param {number} [seed] */
  async function kernel(kernelInitializer, seed = 1) {
    const one = layers.dense({ units: UNITS, kernelInitializer, inputShape: [ROWS] });
    const net = await engine.sequential([one], { seed });
    const values = await tensor(net, 'dense/kernel');
    await net.dispose();
    return values;
  }
  /** @param {number[]} values */
  function statistics(values) {
    const mean = values.reduce((sum, w) => sum + w, 0) / values.length;
    const variance = values.reduce((sum, w) => sum + (w - mean) ** 2, 0) / values.length;
    const most = values.reduce((largest, w) => Math.max(largest, Math.abs(w)), 0);
    return { mean, deviation: Math.sqrt(variance), most };
  }
  const cut = 0.87962566103423978;
  const scaled = initializers.varianceScaling;
  /** @type {[string, any, number, number, number][]} name, initialiser, mean, deviation, bound */
  const cases = [
    ['leCunUniform', 'leCunUniform', 0, Math.sqrt(1 / ROWS), Math.sqrt(3 / ROWS)],
    [
      'leCunNormal',
      initializers.leCunNormal(),
      0,
      Math.sqrt(1 / ROWS),
      (2 / cut) * Math.sqrt(1 / ROWS),
    ],
    ['heNormal', initializers.heNormal(), 0, Math.sqrt(2 / ROWS), (2 / cut) * Math.sqrt(2 / ROWS)],
    ['randomNormal', 'randomNormal', 0, 0.05, 1],
    ['randomNormal with options', initializers.randomNormal({ mean: 3, stddev: 2 }), 3, 2, 20],
    ['truncatedNormal', 'truncatedNormal', 0, 0.05 * cut, 0.1],
    [
      'randomUniform',
      initializers.randomUniform({ minval: -1, maxval: 3 }),
      1,
      4 / Math.sqrt(12),
      3,
    ],
    ['varianceScaling', 'varianceScaling', 0, Math.sqrt(1 / ROWS), (2 / cut) * Math.sqrt(1 / ROWS)],
    [
      'by fanOut',
      scaled({ scale: 3, mode: 'fanOut', distribution: 'uniform' }),
      0,
      Math.sqrt(3 / UNITS),
      Math.sqrt(9 / UNITS),
    ],
    [
      'by fanAvg',
      scaled({ mode: 'fanAvg', distribution: 'untruncatedNormal' }),
      0,
      Math.sqrt(2 / (ROWS + UNITS)),
      1,
    ],
  ];
  for (const [name, initializer, mean, deviation, bound] of cases) {
    test(name, async () => {
      const values = await kernel(initializer);
      const found = statistics(values);
      // Five standard errors.
      const error = 5 / Math.sqrt(values.length);
      assert.ok(Math.abs(found.mean - mean) <= error * deviation, `mean ${found.mean}`);
      assert.ok(Math.abs(found.deviation / deviation - 1) <= error, `deviation ${found.deviation}`);
      assert.ok(found.most <= bound * (1 + 1e-6), `largest ${found.most}`);
      assert.deepEqual(await kernel(initializer), values, 'same seed, same bits');
      assert.notDeepEqual(await kernel(initializer, 2), values);
    });
  }

  test('constant and identity', async () => {
    assert.ok((await kernel(initializers.constant(0.25))).every((w) => w === 0.25));
    assert.ok((await kernel(initializers.constant({ value: -2 }))).every((w) => w === -2));
    const identity = await kernel(initializers.identity({ gain: 2 }));
    assert.ok(identity.every((w, i) => w === (Math.floor(i / UNITS) === i % UNITS ? 2 : 0)));
  });

  test('orthogonal, tall, wide and of a conv2d', async () => {
    /** @param {number[]} w @param {number} rows @param {number} n @param {number} gain */
    const check = (w, rows, n, gain) => {
      const count = Math.min(rows, n);
      const at = (/** @type {number} */ v, /** @type {number} */ i) =>
        rows < n ? w[v * n + i] : w[i * n + v];
      for (let a = 0; a < count; a += 7) {
        for (let b = 0; b <= a; b += 3) {
          let dot = 0;
          for (let i = 0; i < Math.max(rows, n); i++) dot += at(a, i) * at(b, i);
          assert.ok(Math.abs(dot - (a === b ? gain * gain : 0)) < 1e-5, `${a}, ${b}: ${dot}`);
        }
      }
    };
    check(await kernel('orthogonal'), ROWS, UNITS, 1);
    const kernelInitializer = initializers.orthogonal({ gain: 0.5 });
    const wide = await engine.sequential([
      layers.conv2d({ filters: 64, kernelSize: 3, kernelInitializer, inputShape: [5, 5, 4] }),
    ]);
    check(await tensor(wide, 'conv2d/kernel'), 36, 64, 0.5);
  });

  test('objects without arguments are the names, and the architecture keeps them', async () => {
    assert.deepEqual(await kernel(initializers.glorotUniform()), await kernel('glorotUniform'));
    const net = await compiledNet({ kernelInitializer: initializers.randomUniform({ minval: 0 }) });
    await engine.load(await net.save());
  });
});

describe('refused', () => {
  /** @type {[string, string, RegExp, () => unknown][]} */
  const cases = [
    [
      'l2 -1',
      'E_CONFIG',
      /'dense_1': l2 of dense_1\/kernel is -1, it must be a number from 0/,
      () => netOf({ kernelRegularizer: regularizers.l2(-1) }),
    ],
    ['an unknown regulariser', 'E_CONFIG', /'l3'/, () => netOf({ kernelRegularizer: 'l3' })],
    [
      'a regulariser as number',
      'E_CONFIG',
      /biasRegularizer/,
      () => netOf({ biasRegularizer: 0.1 }),
    ],
    [
      'an unknown constraint',
      'E_CONFIG',
      /'maxnorm'.*'maxNorm'/,
      () => netOf({ kernelConstraint: 'maxnorm' }),
    ],
    [
      'axis 2 of a matrix',
      'E_SHAPE',
      /axis 2 .* dense_1\/kernel has 2 dimensions/,
      () => netOf({ kernelConstraint: constraints.maxNorm({ axis: 2 }) }),
    ],
    [
      'axis -3 of a matrix',
      'E_SHAPE',
      /axis -3 .* has 2 dimensions/,
      () => netOf({ kernelConstraint: constraints.maxNorm({ axis: -3 }) }),
    ],
    [
      'axis 1.5',
      'E_CONFIG',
      /axis must be a whole number from -4 to 3, found 1\.5/,
      () => constraints.unitNorm({ axis: 1.5 }),
    ],
    [
      'minValue above maxValue',
      'E_CONFIG',
      /minValue .* is 3, its maxValue 1/,
      () => netOf({ kernelConstraint: constraints.minMaxNorm({ minValue: 3 }) }),
    ],
    [
      'rate 2',
      'E_CONFIG',
      /rate of dense_1\/kernel is 2, it must be a number from 0 to 1/,
      () => netOf({ kernelConstraint: constraints.minMaxNorm({ rate: 2 }) }),
    ],
    [
      'stddev NaN',
      'E_CONFIG',
      /stddev of dense_1\/kernel is nan/i,
      () => netOf({ kernelInitializer: initializers.randomNormal({ stddev: NaN }) }),
    ],
    [
      'minval above maxval',
      'E_CONFIG',
      /minval .* is 1, its maxval 0\.05/,
      () => netOf({ kernelInitializer: initializers.randomUniform({ minval: 1 }) }),
    ],
    [
      'identity of a bias',
      'E_SHAPE',
      /identity is for 2 dimensions, dense_1\/bias has 1/,
      () => netOf({ biasInitializer: 'identity' }),
    ],
    [
      'an unknown initialiser',
      'E_CONFIG',
      /'leCunNormall'.*'leCunNormal'/,
      () => netOf({ kernelInitializer: 'leCunNormall' }),
    ],
    [
      'an unknown mode',
      'E_CONFIG',
      /'fanAverage'/,
      () => initializers.varianceScaling(/** @type {any} */ ({ mode: 'fanAverage' })),
    ],
    [
      'an option of another',
      'E_CONFIG',
      /gain/,
      () => initializers.constant(/** @type {any} */ ({ gain: 1 })),
    ],
  ];
  for (const [name, code, pattern, run] of cases) {
    test(name, async () => {
      await assert.rejects(
        async () => run(),
        (/** @type {any} */ error) => {
          assert.equal(error.code, code, error.message);
          assert.match(error.message, pattern);
          return true;
        },
      );
    });
  }
});

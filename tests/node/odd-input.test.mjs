/**
 * Input that is odd rather than wrong: arrays of other kinds and realms, numbers at the ends of float32, objects with code
 * in them, strange names. What has a meaning works; the rest gives a typed error, and the engine goes on.
 */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { TabgradError, createEngine, input, layers, optimizers } from 'tabgrad';
import { FEATURES, FROM_LOGITS, corners, denseLayers, pictures, weightHash } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {any} */
let model;
/** @type {string} */
let startingHash;
const { x, y } = corners(20);
const row = x.slice(0, FEATURES);
/** @type {number[]} */
let expected;

before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
  model = await engine.sequential(denseLayers(), { seed: 3 });
  await model.compile(FROM_LOGITS);
  startingHash = await weightHash(model);
  expected = [...(await model.predict(row))];
});
after(() => engine.dispose());

afterEach(async () => {
  assert.equal(await weightHash(model), startingHash, 'weights are as they were');
  assert.deepEqual([...(await model.predict(row))], expected, 'the engine goes on');
});

/**
 * @param {() => unknown} run
 * @param {string} code
 * @param {RegExp} pattern
 * @returns {Promise<any>} the error
 */
async function refused(run, code, pattern) {
  /** @type {any} */
  let found;
  await assert.rejects(
    async () => run(),
    (error) => {
      found = error;
      return true;
    },
  );
  assert.ok(found instanceof TabgradError, found.stack);
  assert.equal(/** @type {any} */ (found).code, code, found.message);
  assert.match(found.message, pattern);
  return found;
}

/** @param {any} net @param {(net: any) => unknown} run */
async function using(net, run) {
  const made = await net;
  try {
    await run(made);
  } finally {
    await made.dispose();
  }
}

/** @returns {never} */
function fail() {
  throw new RangeError('of the program');
}

describe('numbers', () => {
  test('values that overflow name the step and the layer, and change nothing', () =>
    refused(
      () => model.fit(new Float32Array(80).fill(3.4e38), y),
      'E_NON_FINITE',
      /step 0: the loss is .*layer 'dense' is not finite; the weights are those before/,
    ));

  // Seconds on each of them, by turns, since the machine has other work: the quickest of each counts.
  test('denormals train, in at most twice the time', () =>
    using(engine.sequential(wide(), { seed: 1 }), async (/** @type {any} */ net) => {
      await net.compile({ ...FROM_LOGITS, optimizer: optimizers.sgd({ learningRate: 0 }) });
      const normal = new Float32Array(64 * 256).fill(0.5);
      const tiny = new Float32Array(64 * 256).fill(1e-40);
      const labels = new Int32Array(64);
      const times = [Infinity, Infinity];
      for (let turn = 0; turn < 40; turn++) {
        const start = performance.now();
        await net.trainOnBatch(turn % 2 ? tiny : normal, labels);
        times[turn % 2] = Math.min(times[turn % 2], performance.now() - start);
      }
      assert.ok(times[1] <= 2 * times[0], `${times[1]} ms on denormals, ${times[0]} ms otherwise`);
    }));
  const wide = () => [
    layers.dense({ units: 256, activation: 'relu', inputShape: [256] }),
    layers.dense({ units: 3 }),
  ];

  test('rows of classes are taken as they are: they need not be probabilities', () =>
    using(
      engine.sequential([...denseLayers(), layers.softmax()], { seed: 4 }),
      async (/** @type {any} */ net) => {
        await net.compile({ loss: 'categoricalCrossentropy' });
        const p = [...(await net.predict(row))];
        for (const target of [
          [0, 0, 0],
          [1, 1, 0],
          [0.5, 0.5, 0.2],
          [-1, 0, 0],
        ]) {
          const loss = -target.reduce((sum, t, i) => sum + t * Math.log(p[i]), 0);
          const found = await net.evaluate(row, new Float32Array(target));
          assert.ok(Math.abs(found.loss - loss) < 1e-5, `${target}: ${found.loss}, not ${loss}`);
        }
        await refused(
          () => net.evaluate(row, new Float32Array([0, NaN, 1])),
          'E_NON_FINITE',
          /label of sample 0 of 1/,
        );
      },
    ));

  test('logits of 10,000 give a finite loss and p - y', () =>
    using(
      engine.sequential([layers.dense({ units: 3, inputShape: [3], useBias: false })]),
      async (/** @type {any} */ net) => {
        const eye = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
        await net.setWeights([{ name: 'dense/kernel', shape: [3, 3], data: eye }]);
        await net.compile({ ...FROM_LOGITS, optimizer: optimizers.sgd({ learningRate: 1e-4 }) });
        const { loss } = await net.trainOnBatch([1e4, -1e4, 0], [1]);
        assert.equal(loss, 2e4);
        // The gradient is x'(p - y), and p - y is (1, -1, 0).
        const [{ data }] = await net.getWeights();
        assert.deepEqual([...data], [0, 1, 0, 1, 0, 0, 0, 0, 1]);
      },
    ));

  for (const [name, samples] of /** @type {[string, Float32Array][]} */ ([
    ['a batch of one', row],
    ['samples that are all equal', new Float32Array(80).fill(3)],
  ])) {
    test(`batch normalisation of ${name} stays finite, and beta alone is left`, () =>
      using(normalized(), async (/** @type {any} */ net) => {
        const { loss } = await net.trainOnBatch(samples, y.subarray(0, samples.length / FEATURES));
        assert.ok(Math.abs(loss - Math.log(3)) < 1e-6, `${loss}`);
        for (const { data } of await net.getWeights()) assert.ok(data.every(Number.isFinite));
      }));
  }
  const normalized = async () => {
    const net = await engine.sequential(
      [layers.dense({ units: 3, inputShape: [FEATURES] }), layers.batchNormalization()],
      { seed: 2 },
    );
    await net.compile(FROM_LOGITS);
    return net;
  };

  test('-0, ties and whole numbers beyond 2^24 are rounded to float32 as everywhere', () =>
    using(
      engine.sequential([
        layers.dense({ units: 1, inputShape: [1], useBias: false, kernelInitializer: 'ones' }),
      ]),
      async (/** @type {any} */ net) => {
        const values = [-0, 2 ** 24 + 1, 2 ** 24 + 3, 0.1, 1e-46];
        const found = [...(await net.predict(values))];
        assert.deepEqual(
          found.map((value) => value + 0),
          values.map((value) => Math.fround(value) + 0),
        );
      },
    ));
});

describe('arrays', () => {
  for (const Type of [Int8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, Float64Array]) {
    test(`${Type.name} is rounded to float32`, async () => {
      const values = [1, 2, 3, 100];
      assert.deepEqual(
        [...(await model.predict(new Type(values)))],
        [...(await model.predict(values))],
      );
    });
  }

  test('of another realm', async () => {
    for (const text of [`new Float32Array([${row}])`, `[${row}]`, `[new Float64Array([${row}])]`]) {
      assert.deepEqual([...(await model.predict(runInNewContext(text)))], expected, text);
    }
  });

  test('at an odd offset, in shared memory, and one array as x and y', async () => {
    const bytes = new Uint8Array(7 + FEATURES).fill(9);
    const odd = await model.predict(bytes.subarray(3, 3 + FEATURES));
    assert.deepEqual([...odd], [...(await model.predict(new Uint8Array(FEATURES).fill(9)))]);
    const shared = new Float32Array(new SharedArrayBuffer(4 * FEATURES));
    shared.set(row);
    const promise = model.predict(shared);
    shared.fill(NaN);
    assert.deepEqual([...(await promise)], expected);
    const pixels = Buffer.alloc(FEATURES, 9);
    const ofBuffer = model.predict(pixels);
    pixels.fill(1);
    assert.deepEqual([...(await ofBuffer)], [...odd], 'a Buffer is copied, too');
    await using(
      engine.sequential([layers.dense({ units: 4, inputShape: [4] })]),
      async (/** @type {any} */ net) => {
        await net.compile({ loss: 'meanSquaredError' });
        await net.fit(x, x);
      },
    );
  });

  test('of a class of the program, whose methods are not called', async () => {
    class Strange extends Float32Array {
      /** @override @returns {any} */
      slice() {
        throw new Error('of the program');
      }
    }
    assert.deepEqual([...(await model.predict(new Strange(row)))], expected);
  });

  test('elements are read once', async () => {
    let reads = 0;
    const traced = new Proxy([...row], {
      get(target, key) {
        if (key === '0') reads++;
        return Reflect.get(target, key);
      },
    });
    assert.deepEqual([...(await model.predict([traced]))], expected);
    assert.equal(reads, 1);
  });

  const throwing = Object.defineProperty([...row], 2, { get: fail });
  const shrinking = [...row];
  Object.defineProperty(shrinking, 1, { get: () => (shrinking.length = 1) });
  const detached = new Float32Array(4);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const revoked = Proxy.revocable([], {});
  revoked.revoke();
  /** @type {any[]} */
  const cyclic = [];
  cyclic[0] = cyclic;
  /** @type {[string, string, RegExp, unknown][]} */
  const cases = [
    ['a getter that throws', 'E_TYPE', /x cannot be read: of the program/, throwing],
    ['a getter that shrinks the array', 'E_TYPE', /holds undefined/, shrinking],
    ['a detached buffer', 'E_TYPE', /x cannot be read: .*detached/, detached],
    ['a revoked proxy', 'E_TYPE', /x cannot be read: .*revoked/, revoked.proxy],
    ['an array inside itself', 'E_SHAPE', /more than 8 deep/, cyclic],
    ['2^32 - 1 holes', 'E_TYPE', /cannot be read|holds undefined/, new Array(2 ** 32 - 1)],
    [
      'holes in rows of 2^32 - 1',
      'E_TYPE',
      /cannot be read|holds undefined/,
      [new Array(2 ** 32 - 1), [1]],
    ],
    [
      'an object with the prototype of one',
      'E_TYPE',
      /x must be a typed array/,
      Object.create(Float32Array.prototype),
    ],
    [
      'a proxy of a typed array',
      'E_TYPE',
      /x must be a typed array/,
      new Proxy(new Float32Array(4), {}),
    ],
    ['BigUint64Array', 'E_TYPE', /found a BigUint64Array/, new BigUint64Array(4)],
  ];
  for (const [name, code, pattern, value] of cases) {
    test(`${name} as x`, () => refused(() => model.predict(value), code, pattern));
  }
  test('a getter that throws, as y and as weights', async () => {
    const labels = Object.defineProperty([...y], 2, { get: fail });
    const error = await refused(() => model.fit(x, labels), 'E_TYPE', /y cannot be read/);
    assert.equal(error.cause?.message, 'of the program');
    await refused(
      () => model.fit(x, y, { sampleWeight: labels }),
      'E_TYPE',
      /sampleWeight cannot be read/,
    );
  });
});

describe('layers and graphs', () => {
  const flat = (/** @type {number[]} */ inputShape) => () =>
    engine.sequential([layers.flatten({ inputShape }), layers.dense({ units: 1 })]);
  /** @type {[string, string, RegExp, () => unknown][]} */
  const cases = [
    [
      '65,536 units of 65,536',
      'E_LIMIT',
      /'dense': kernel of 4294967296 numbers .* limit is 268435456/,
      () => engine.sequential([layers.dense({ units: 65_536, inputShape: [65_536] })]),
    ],
    ['2^16 x 2^16', 'E_LIMIT', /4294967296 .* limit is 268435456/, flat([65_536, 65_536, 1])],
    ['2^31 x 2', 'E_CONFIG', /height is 2147483648, .* to 268435456/, flat([2 ** 31, 2, 1])],
    [
      'a chain of 20,000',
      'E_LIMIT',
      /at most 1000 layers, found 20001/,
      () => {
        const inputs = input({ shape: [4] });
        let outputs = inputs;
        for (let i = 0; i < 20_000; i++) outputs = layers.reLU().apply(outputs);
        return engine.model({ inputs, outputs });
      },
    ],
    [
      'one layer called 5,000 times',
      'E_LIMIT',
      /'dense.*at most 4096 nodes/,
      () => {
        const inputs = input({ shape: [4] });
        const dense = layers.dense({ units: 4 });
        let outputs = inputs;
        for (let i = 0; i < 5000; i++) outputs = dense.apply(outputs);
        return engine.model({ inputs, outputs });
      },
    ],
    [
      'a sum of 2^32 - 1',
      'E_LIMIT',
      /add: .* at most 4096 tensors, found 4294967295/,
      () => layers.add().apply(new Array(2 ** 32 - 1)),
    ],
    [
      'concatenation of unequal shapes',
      'E_SHAPE',
      /'concatenate'/,
      () => {
        const inputs = input({ shape: [4, 4, 1] });
        const outputs = layers
          .concatenate()
          .apply([inputs, layers.maxPooling2d({ poolSize: 2 }).apply(inputs)]);
        return engine.model({ inputs, outputs });
      },
    ],
    [
      'concatenation along no axis',
      'E_SHAPE',
      /axis is 3, its input has axes 1 to 1/,
      () => {
        const inputs = input({ shape: [4] });
        return engine.model({
          inputs,
          outputs: layers.concatenate({ axis: 3 }).apply([inputs, inputs]),
        });
      },
    ],
  ];
  for (const [name, code, pattern, run] of cases) test(name, () => refused(run, code, pattern));

  test('a chain as deep as can be trains', async () => {
    const inputs = input({ shape: [4] });
    let outputs = inputs;
    for (let i = 0; i < 999; i++) outputs = layers.dense({ units: 4 }).apply(outputs);
    await using(engine.model({ inputs, outputs }), async (/** @type {any} */ net) => {
      await net.compile({ loss: 'meanSquaredError' });
      assert.ok(Number.isFinite((await net.trainOnBatch(x, x)).loss));
    });
  });

  test('a stride larger than the input leaves one pixel', () =>
    using(
      engine.sequential([
        layers.conv2d({ filters: 2, kernelSize: 3, strides: 9, inputShape: [8, 8, 3] }),
        layers.flatten(),
      ]),
      async (/** @type {any} */ net) =>
        assert.deepEqual((await net.predict(pictures(1).x)).shape, [1, 2]),
    ));
});

describe('objects', () => {
  const { prototype } = Object;
  const keys = Reflect.ownKeys(prototype).length;
  for (const word of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    test(`${word} as type, option, activation, loss, metric and optimizer`, async () => {
      const options = JSON.parse(`{"units":2,"${word}":{"epochs":3}}`);
      /** @type {(() => unknown)[]} */
      const runs = [
        () => engine.sequential([/** @type {any} */ ({ type: word, inputShape: [4] })]),
        () => layers.dense(options),
        () => layers.dense({ units: 2, activation: /** @type {any} */ (word) }),
        () => layers.dense({ units: 2, kernelInitializer: /** @type {any} */ (word) }),
        () => model.compile({ ...FROM_LOGITS, loss: word }),
        () => model.compile({ ...FROM_LOGITS, metrics: [word] }),
        () => model.compile({ ...FROM_LOGITS, optimizer: word }),
        () => model.fit(x, y, JSON.parse(`{"${word}":{"epochs":3}}`)),
      ];
      for (const run of runs) await refused(run, 'E_CONFIG', new RegExp(word));
      assert.equal(Reflect.ownKeys(prototype).length, keys);
      assert.equal(/** @type {any} */ ({}).epochs, undefined);
    });
  }

  test('frozen, without prototype, behind a proxy and of another realm are read', async () => {
    const plain = { units: 3, inputShape: [4] };
    for (const options of [
      Object.freeze({ units: 3, inputShape: Object.freeze([4]) }),
      Object.assign(Object.create(null), plain),
      new Proxy(plain, {}),
      runInNewContext('({ units: 3, inputShape: [4] })'),
    ]) {
      await using(
        engine.sequential([layers.dense(/** @type {any} */ (options))]),
        async (/** @type {any} */ net) => assert.equal((await net.predict(row)).length, 3),
      );
    }
  });

  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  /** @type {any} */
  const cyclic = {};
  cyclic.self = cyclic;
  const tagged = { get [Symbol.toStringTag]() { return fail(); } }; // prettier-ignore
  /** @type {[string, RegExp, any][]} */
  const cases = [
    [
      'a proxy that throws',
      /options cannot be read: of the program/,
      new Proxy({}, { ownKeys: fail }),
    ],
    ['an accessor that throws', /options cannot be read: of the program/, { get units() { return fail(); } }], // prettier-ignore
    ['a revoked proxy', /options cannot be read: .*revoked/, revoked.proxy],
    ['an object inside itself', /units must be a number, found an object/, { units: cyclic }],
    ['an object that will not say what it is', /found an object/, { units: tagged }],
    ['a symbol', /units must be a number, found a symbol/, { units: Symbol('2') }],
  ];
  for (const [name, pattern, options] of cases) {
    test(name, () => refused(() => layers.dense(options), 'E_CONFIG', pattern));
  }
});

describe('names', () => {
  const net = (/** @type {string} */ name) =>
    engine.sequential([layers.dense({ units: 2, name, inputShape: [FEATURES] })]);
  for (const name of [
    '\u202egnihton',
    '\ufeffmark',
    '<img src=x onerror=alert(1)>',
    '名前',
    '日'.repeat(85),
    ' ',
    '\n',
    'a/b',
    '__proto__',
    'constructor',
  ]) {
    test(`${JSON.stringify(name).slice(0, 40)} is kept as it is, in files too`, () =>
      using(net(name), async (/** @type {any} */ made) => {
        await made.compile({ loss: 'meanSquaredError' });
        await made.fit(x, new Float32Array(40));
        const names = [`${name}/kernel`, `${name}/bias`];
        const namesOf = async (/** @type {any} */ one) =>
          (await one.getWeights()).map((/** @type {any} */ weight) => weight.name);
        assert.deepEqual(await namesOf(made), names);
        await using(engine.load(await made.save()), async (/** @type {any} */ loaded) =>
          assert.deepEqual(await namesOf(loaded), names),
        );
      }));
  }
  test('more than 255 bytes', async () => {
    await refused(() => net('日'.repeat(86)), 'E_LIMIT', /255 bytes, found 258/);
    await refused(() => net('n'.repeat(2 ** 20)), 'E_LIMIT', /255 bytes, found 1048576/);
  });
});

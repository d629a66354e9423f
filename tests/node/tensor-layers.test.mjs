/** Arithmetic on tensors as layers: broadcasting, reductions, products, windows; what they refuse, and files. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, input, layers, optimizers } from 'tabgrad';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const l = /** @type {Record<string, any>} */ (layers);
const SHAPE = [2, 3, 4];
const X = Float32Array.from({ length: 48 }, (_, i) => Math.fround(Math.sin(i * i) + 1.5));

/**
 * What a graph makes of two samples.
 *
 * @param {(x: any) => any} build
 */
async function outputOf(build) {
  const x = input({ shape: SHAPE });
  const model = await engine.model({ inputs: x, outputs: build(x) });
  try {
    const y = await model.predict(X);
    return { shape: y.shape, data: Array.from(y) };
  } finally {
    await model.dispose();
  }
}

/** @param {readonly number[]} actual @param {readonly number[]} expected */
function assertClose(actual, expected) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    const far = Math.abs(value - expected[i]);
    assert.ok(far <= 1e-5 * Math.abs(expected[i]), `[${i}] is ${value}, not ${expected[i]}`);
  });
}

/** Element (sample, i, j, k) of the input. */
const at = (/** @type {number[]} */ [n, i, j, k]) => X[((n * 2 + i) * 3 + j) * 4 + k];

/** Numbers of a function of index, for two samples of a shape. */
function numbers(/** @type {number[]} */ shape, /** @type {(index: number[]) => number} */ f) {
  const sizes = [2, ...shape];
  const count = sizes.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, flat) => {
    let rest = flat;
    const index = sizes.map(() => 0);
    for (let d = sizes.length - 1; d >= 0; d--) {
      index[d] = rest % sizes[d];
      rest = Math.floor(rest / sizes[d]);
    }
    return f(index);
  });
}

describe('axes of 1 are repeated', () => {
  /** @type {[string, (a: number, b: number) => number][]} */
  const kinds = [
    ['add', (a, b) => a + b],
    ['subtract', (a, b) => a - b],
    ['multiply', (a, b) => a * b],
    ['divide', (a, b) => a / b],
    ['power', (a, b) => a ** b],
    ['maximum', Math.max],
    ['minimum', Math.min],
    ['average', (a, b) => (a + b) / 2],
  ];
  for (const [type, f] of kinds) {
    test(type, async () => {
      const sum = (/** @type {number} */ n, /** @type {number} */ k) =>
        [0, 1].flatMap((i) => [0, 1, 2].map((j) => at([n, i, j, k]))).reduce((a, b) => a + b);
      const { shape, data } = await outputOf((x) =>
        l[type]().apply([x, l.reduce({ operation: 'sum', axis: [1, 2] }).apply(x)]),
      );
      assert.deepEqual(shape, [2, ...SHAPE]);
      assertClose(
        data,
        numbers(SHAPE, (index) => f(at(index), sum(index[0], index[3]))),
      );
      const turned = await outputOf((x) => {
        const rows = l.reduce({ operation: 'mean', axis: [1, 3], keepdims: true }).apply(x);
        return l[type]().apply([rows, x]);
      });
      const mean = (/** @type {number[]} */ [n, , j]) =>
        [0, 1].flatMap((i) => [0, 1, 2, 3].map((k) => at([n, i, j, k]))).reduce((a, b) => a + b) /
        8;
      assertClose(
        turned.data,
        numbers(SHAPE, (index) => f(mean(index), at(index))),
      );
    });
  }
});

describe('reductions', () => {
  const sum = (/** @type {number[]} */ v) => v.reduce((a, b) => a + b, 0);
  /** @type {[string, (values: number[]) => number][]} */
  const kinds = [
    ['sum', sum],
    ['mean', (v) => sum(v) / v.length],
    ['max', (v) => Math.max(...v)],
    ['min', (v) => Math.min(...v)],
    ['prod', (v) => v.reduce((a, b) => a * b)],
    ['l1', (v) => sum(v.map(Math.abs))],
    ['l2', (v) => Math.hypot(...v)],
    ['sumSquare', (v) => sum(v.map((x) => x * x))],
    ['logSum', (v) => Math.log(sum(v))],
    ['logSumExp', (v) => Math.log(sum(v.map(Math.exp)))],
  ];
  for (const [operation, f] of kinds) {
    test(operation, async () => {
      for (const keepdims of [false, true]) {
        const { shape, data } = await outputOf((x) =>
          l.reduce({ operation, axis: 2, keepdims }).apply(x),
        );
        assert.deepEqual(shape, keepdims ? [2, 2, 1, 4] : [2, 2, 4]);
        assertClose(
          data,
          numbers([2, 4], ([n, i, k]) => f([0, 1, 2].map((j) => at([n, i, j, k])))),
        );
      }
    });
  }
});

test('matMul multiplies the matrices of each sample', async () => {
  const { shape, data } = await outputOf((x) =>
    l.matMul().apply([x, l.permute({ dims: [1, 3, 2] }).apply(x)]),
  );
  assert.deepEqual(shape, [2, 2, 3, 3]);
  const dot = (/** @type {number[]} */ [n, i, j, k]) =>
    [0, 1, 2, 3].map((c) => at([n, i, j, c]) * at([n, i, k, c])).reduce((a, b) => a + b);
  assertClose(data, numbers([2, 3, 3], dot));
});

test('slice and pad', async () => {
  const part = await outputOf((x) =>
    l.slice({ start: [1, 2, 0], size: [1, 2, 2], step: [1, -2, 3] }).apply(x),
  );
  assertClose(
    part.data,
    numbers([1, 2, 2], ([n, i, j, k]) => at([n, 1 + i, 2 - 2 * j, 3 * k])),
  );
  const padding = [
    [0, 0],
    [2, 1],
    [1, 0],
  ];
  const modes = /** @type {const} */ ({
    constant: (/** @type {number} */ i) => i,
    edge: (/** @type {number} */ i, /** @type {number} */ n) => Math.min(Math.max(i, 0), n - 1),
    reflect: (/** @type {number} */ i, /** @type {number} */ n) =>
      i < 0 ? -i : i >= n ? 2 * n - 2 - i : i,
    wrap: (/** @type {number} */ i, /** @type {number} */ n) => (i + n) % n,
  });
  for (const [mode, cell] of Object.entries(modes)) {
    const { shape, data } = await outputOf((x) => l.pad({ padding, mode, value: 7 }).apply(x));
    assert.deepEqual(shape, [2, 2, 6, 5]);
    const expected = numbers([2, 6, 5], ([n, i, j, k]) => {
      const [row, column] = [cell(j - 2, 3), cell(k - 1, 4)];
      const outside = row < 0 || row >= 3 || column < 0;
      return outside ? 7 : at([n, i, row, column]);
    });
    assertClose(data, expected);
  }
});

test('functions of single numbers', async () => {
  /** @type {[any, (x: number) => number][]} */
  const cases = [
    [l.elementwise({ operation: 'abs' }), Math.abs],
    [l.elementwise({ operation: 'log' }), Math.log],
    [l.elementwise({ operation: 'reciprocal' }), (x) => 1 / x],
    [l.elementwise({ operation: 'sqrt' }), Math.sqrt],
    [l.elementwise({ operation: 'square' }), (x) => x * x],
    [l.rescaling({ scale: -2, offset: 0.25 }), (x) => -2 * x + 0.25],
    [l.clip({ min: 1, max: 2 }), (x) => Math.min(Math.max(x, 1), 2)],
  ];
  for (const [layer, f] of cases) {
    const { data } = await outputOf((x) => layer.apply(x));
    assertClose(data, Array.from(X, f));
  }
  const { data } = await outputOf((x) => l.activation({ activation: 'hardmax' }).apply(x));
  const best = (/** @type {number[]} */ [n, i, j, k]) =>
    +[0, 1, 2, 3].every((c) => at([n, i, j, c]) <= at([n, i, j, k]));
  assert.deepEqual(data, numbers(SHAPE, best));
});

test('variables are weights: trained, saved and loaded, or left alone', async () => {
  const x = input({ shape: SHAPE });
  const scale = l.variable({ shape: [4], valueInitializer: 'ones', name: 'scale' }).apply([]);
  const fixed = l.variable({ shape: [3, 1], trainable: false, name: 'fixed' }).apply([]);
  const joined = l.add().apply([l.multiply().apply([x, scale]), fixed]);
  const outputs = layers.dense({ units: 3 }).apply(l.flatten().apply(joined));
  const model = await engine.model({ inputs: x, outputs, seed: 2 });
  assert.deepEqual(
    model.summary().layers.filter(({ type }) => type === 'variable'),
    [
      {
        name: 'scale',
        type: 'variable',
        outputShape: [4],
        parameters: 4,
        trainableParameters: 4,
        macs: 0,
      },
      {
        name: 'fixed',
        type: 'variable',
        outputShape: [3, 1],
        parameters: 3,
        trainableParameters: 0,
        macs: 0,
      },
    ],
  );
  await model.compile({ loss: 'mse', optimizer: optimizers.sgd({ learningRate: 0.002 }) });
  const weights = await model.getWeights();
  const started = weights.map((w) =>
    w.name === 'fixed/value' ? { ...w, data: Float32Array.of(1, 2, 3) } : w,
  );
  await model.setWeights(started);
  const y = new Float32Array(6).fill(1);
  const { history } = await model.fit(X, y, { epochs: 5, batchSize: 2 });
  assert.ok(history.loss[4] < history.loss[0]);
  const after = new Map(
    (await model.getWeights()).map(({ name, data }) => [name, Array.from(data)]),
  );
  assert.deepEqual(after.get('fixed/value'), [1, 2, 3]);
  assert.notDeepEqual(after.get('scale/value'), [1, 1, 1, 1]);
  const file = await model.save();
  const other = await engine.load(file);
  assert.deepEqual(await other.save(), file);
  assert.deepEqual(await other.trainOnBatch(X, y), await model.trainOnBatch(X, y));
  assert.deepEqual(await other.getWeights(), await model.getWeights());
  await other.dispose();
  await model.dispose();
});

test('the same bits on 1 and 3 threads', async () => {
  const results = [];
  for (const threads of [1, 3]) {
    const own = await createEngine({ threads, deterministic: true });
    const x = input({ shape: [40, 30, 8] });
    const mean = l.reduce({ operation: 'mean', axis: [1, 2] }).apply(x);
    const centred = l.subtract().apply([x, mean]);
    const rows = l.reshape({ targetShape: [120, 80] }).apply(
      l
        .pad({
          padding: [
            [0, 0],
            [0, 0],
            [0, 0],
          ],
        })
        .apply(centred),
    );
    const product = l.matMul().apply([rows, l.permute({ dims: [2, 1] }).apply(rows)]);
    const outputs = layers
      .dense({ units: 2 })
      .apply(l.reduce({ operation: 'sumSquare', axis: 1 }).apply(product));
    const model = await own.model({ inputs: x, outputs, seed: 1 });
    await model.compile({ loss: 'mse', optimizer: optimizers.sgd({ learningRate: 1e-9 }) });
    const samples = Float32Array.from({ length: 3 * 9600 }, (_, i) => Math.sin(i * i));
    await model.fit(samples, new Float32Array(6), { epochs: 2, batchSize: 3 });
    results.push([await model.getWeights(), await model.predict(samples)]);
    await own.dispose();
  }
  assert.deepEqual(results[0], results[1]);
});

describe('refused', () => {
  /** @type {[string, string, RegExp, (x: any) => any][]} */
  const cases = [
    [
      'shapes that do not go together',
      'E_SHAPE',
      /'multiply' .*1 where they differ, .*2 x 3 x 4.*2 x 3/,
      (x) => l.multiply().apply([x, l.reduce({ operation: 'sum', axis: 3 }).apply(x)]),
    ],
    [
      'a product that does not fit',
      'E_SHAPE',
      /'mat_mul' .*m, k.* 2 x 3 x 4/,
      (x) => l.matMul().apply([x, x]),
    ],
    [
      'an axis too many',
      'E_SHAPE',
      /axis names axis 4, its input has 3/,
      (x) => l.reduce({ operation: 'sum', axis: 4 }).apply(x),
    ],
    [
      'an axis of 0',
      'E_CONFIG',
      /axes from 1 to 4/,
      (x) => l.reduce({ operation: 'sum', axis: 0 }).apply(x),
    ],
    [
      'an unknown reduction',
      'E_CONFIG',
      /no operation 'total'/,
      (x) => l.reduce({ operation: 'total', axis: 1 }).apply(x),
    ],
    [
      'a window of two axes',
      'E_SHAPE',
      /size names 2 axes, its input has 3/,
      (x) => l.slice({ start: [0, 0], size: [1, 1] }).apply(x),
    ],
    [
      'a window of nothing',
      'E_CONFIG',
      /size2 is 0/,
      (x) => l.slice({ start: [0, 0, 0], size: [1, 0, 1] }).apply(x),
    ],
    [
      'padding that leaves nothing',
      'E_SHAPE',
      /padding makes -1 cells of 3 on axis 2/,
      (x) =>
        l
          .pad({
            padding: [
              [0, 0],
              [-2, -2],
              [0, 0],
            ],
          })
          .apply(x),
    ],
    [
      'a variable of five axes',
      'E_CONFIG',
      /1 to 4 numbers/,
      () => l.variable({ shape: [1, 1, 1, 1, 1] }).apply([]),
    ],
    [
      'a variable with an input',
      'E_GRAPH',
      /0 tensors, found 1/,
      (x) => l.variable({ shape: [1] }).apply(x),
    ],
    [
      'a scale that is text',
      'E_CONFIG',
      /scale must be a number/,
      (x) => l.rescaling({ scale: '2' }).apply(x),
    ],
  ];
  for (const [name, code, message, build] of cases) {
    test(name, async () => {
      await assert.rejects(outputOf(build), { code, message });
    });
  }
});

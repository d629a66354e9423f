/** loadOnnx: layouts, options, training on what was loaded, and files that are damaged or ask for too much. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TabgradError, createEngine, optimizers } from 'tabgrad';
import { decodeModel } from '../../web/lib/onnx/proto.js';
import { bytes, int, onnxFile, tensor } from '../onnx/write.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
after(() => engine.dispose());

const numbers = (/** @type {number} */ count, from = 0) =>
  Array.from({ length: count }, (_, i) => Math.fround(Math.sin((i + from) * 1.7)));

/** Two convolutions with a normalisation and a sum between, a pooling, a classifier. */
const network = () =>
  onnxFile({
    nodes: [
      ['Conv', ['x', 'w1', 'b1'], ['c1'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }],
      ['BatchNormalization', ['c1', 'g', 'b1', 'm', 'v'], ['n1']],
      ['Relu', ['n1'], ['r1']],
      ['Conv', ['r1', 'w2'], ['c2'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }],
      ['Add', ['c2', 'r1'], ['s']],
      ['MaxPool', ['s'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }],
      ['Flatten', ['p'], ['f']],
      ['Gemm', ['f', 'w3', 'b3'], ['y'], { transB: 1 }],
    ],
    inputs: { x: ['n', 2, 6, 4] },
    outputs: ['y'],
    constants: {
      w1: { shape: [3, 2, 3, 3], data: numbers(54) },
      b1: { shape: [3], data: [0.1, -0.2, 0.3] },
      g: { shape: [3], data: [1, 1.5, 0.5] },
      m: { shape: [3], data: [0.1, 0, -0.1] },
      v: { shape: [3], data: [1, 2, 0.5] },
      w2: { shape: [3, 3, 3, 3], data: numbers(81, 9) },
      w3: { shape: [5, 18], data: numbers(90, 3) },
      b3: { shape: [5], data: [1, 2, 3, 4, 5] },
    },
  });

describe('a network of convolutions', () => {
  const x = Float32Array.from(numbers(3 * 48));
  const last = Float32Array.from({ length: 3 * 48 }, (_, i) => {
    const [n, cell, c] = [Math.floor(i / 48), Math.floor((i % 48) / 2), i % 2];
    return x[n * 48 + c * 24 + cell];
  });

  test('turns its axes where it must and nowhere else', async () => {
    const model = await engine.loadOnnx(network());
    const types = model.summary().layers.map(({ type }) => type);
    // In front, and before the features are flattened in ONNX's order.
    assert.equal(types.filter((type) => type === 'permute').length, 2);
    assert.ok(types.indexOf('permute') < types.indexOf('conv2d'));
    const inside = await engine.loadOnnx(network(), { layout: 'nhwc' });
    assert.equal(inside.summary().layers.filter(({ type }) => type === 'permute').length, 1);
    assert.deepEqual(await inside.predict(last), await model.predict(x));
    assert.deepEqual((await model.predict(x)).shape, [3, 5]);
    await inside.dispose();
    await model.dispose();
  });

  test('gives inner values, trains, and is saved like any other', async () => {
    const features = await engine.loadOnnx(network(), { outputs: ['s'] });
    assert.deepEqual((await features.predict(x)).shape, [3, 3, 6, 4]);
    await features.dispose();
    const model = await engine.loadOnnx(network());
    await model.compile({
      loss: 'sparseCategoricalCrossentropy',
      fromLogits: true,
      optimizer: optimizers.adam({ learningRate: 0.02 }),
    });
    const { history } = await model.fit(x, Uint8Array.of(0, 1, 2), { epochs: 20, batchSize: 3 });
    assert.ok(history.loss[19] < history.loss[0] / 2, String(history.loss));
    const other = await engine.load(await model.save());
    assert.deepEqual(await other.predict(x), await model.predict(x));
    await other.dispose();
    await model.dispose();
  });
});

test('shapes that the file leaves open, and inputs that are constants', async () => {
  const file = onnxFile({
    nodes: [['MatMul', ['x', 'w'], ['y']]],
    inputs: { x: ['n', 'k'], w: ['k', 2] },
    outputs: ['y'],
  });
  const missing = { code: 'E_MISSING', message: /input 'x' .*inputShapes/ };
  await assert.rejects(engine.loadOnnx(file), missing);
  const w = { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const model = await engine.loadOnnx(file, { inputShapes: { x: [1, 3] }, constants: { w } });
  assert.deepEqual(
    Array.from(await model.predict(Float32Array.of(1, 0, 1, 0, 1, 0))),
    [6, 8, 3, 4],
  );
  await model.dispose();
});

test('a graph that does not keep the batch takes whole tensors', async () => {
  const file = onnxFile({
    nodes: [['ReduceMean', ['x'], ['y'], { axes: [0], keepdims: 0 }]],
    inputs: { x: [3, 2] },
    outputs: ['y'],
  });
  const model = await engine.loadOnnx(file);
  assert.deepEqual(Array.from(await model.predict(Float32Array.of(1, 2, 3, 4, 5, 9))), [3, 5]);
  await model.dispose();
});

describe('refused', () => {
  const one = (/** @type {string} */ type, attributes = {}) =>
    onnxFile({ nodes: [[type, ['x'], ['y'], attributes]], inputs: { x: [1, 4] }, outputs: ['y'] });
  /** @type {[string, Uint8Array, object | undefined, string, RegExp][]} */
  const cases = [
    ['nothing', new Uint8Array(0), undefined, 'E_FORMAT', /no graph/],
    [
      'text',
      new TextEncoder().encode('not a model'),
      undefined,
      'E_FORMAT',
      /not a valid ONNX file/,
    ],
    ['an unknown operator', one('Magic'), undefined, 'E_UNSUPPORTED', /operator Magic/],
    [
      'an unknown input',
      one('Relu'),
      { constants: { z: { shape: [1], data: [1] } } },
      'E_CONFIG',
      /no input 'z', it has x/,
    ],
    [
      'a constant of another size',
      one('Relu'),
      { constants: { x: { shape: [4], data: [1] } } },
      'E_TYPE',
      /as many numbers/,
    ],
    ['an unknown layout', one('Relu'), { layout: 'nwhc' }, 'E_CONFIG', /layout/],
    ['an unknown output', one('Relu'), { outputs: ['q'] }, 'E_GRAPH', /reads 'q'/],
    [
      'a value before its node',
      onnxFile({
        nodes: [
          ['Relu', ['z'], ['y']],
          ['Relu', ['x'], ['z']],
        ],
        inputs: { x: [1, 4] },
        outputs: ['y'],
      }),
      undefined,
      'E_GRAPH',
      /reads 'z', which nothing gives/,
    ],
    [
      'a weight that is no constant',
      onnxFile({
        nodes: [['Conv', ['x', 'w'], ['y']]],
        inputs: { x: [1, 1, 4, 4], w: [1, 1, 3, 3] },
        outputs: ['y'],
      }),
      undefined,
      'E_UNSUPPORTED',
      /input 1 \('w'\) must be a constant/,
    ],
    [
      'a shape of more numbers than there are',
      Uint8Array.from(bytes(7, bytes(5, [...tensor([2], [1, 2], 't'), ...int(1, 3)]))),
      undefined,
      'E_FORMAT',
      /\[2,3\] has 6 numbers of type float32, found 8 bytes/,
    ],
    [
      'a shape beyond all memory',
      Uint8Array.from(bytes(7, bytes(5, [...int(1, 2 ** 40), ...tensor([2 ** 20], [], 't')]))),
      undefined,
      'E_LIMIT',
      /at most/,
    ],
    [
      'a small file that asks for a large constant',
      onnxFile({
        nodes: [
          ['Shape', ['x'], ['s']],
          ['ConstantOfShape', ['s'], ['c']],
          ['Add', ['x', 'c'], ['y']],
        ],
        inputs: { x: [2 ** 14, 2 ** 14] },
        outputs: ['y'],
      }),
      undefined,
      'E_LIMIT',
      /a constant of 268435456 numbers/,
    ],
  ];
  for (const [name, file, options, code, message] of cases) {
    test(name, async () => {
      await assert.rejects(engine.loadOnnx(file, options), { code, message });
    });
  }

  test('every cut and every changed byte of a file: a typed error, or a file that reads', () => {
    const file = network();
    let refused = 0;
    const check = (/** @type {Uint8Array} */ damaged) => {
      try {
        decodeModel(damaged);
      } catch (error) {
        assert.ok(error instanceof Error && 'code' in error, String(error));
        refused++;
      }
    };
    for (let length = 0; length < file.length; length++) check(file.slice(0, length));
    for (let i = 0; i < file.length; i++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const damaged = file.slice();
        damaged[i] ^= flip;
        check(damaged);
      }
    }
    assert.ok(refused > file.length / 2);
  });

  test('damaged graphs leave the engine usable', async () => {
    const file = network();
    for (let i = 7; i < file.length; i += 23) {
      const damaged = file.slice();
      damaged[i] ^= 0x11;
      try {
        const model = await engine.loadOnnx(damaged);
        await model.dispose();
      } catch (error) {
        assert.ok(error instanceof TabgradError, String(error));
      }
    }
    const model = await engine.loadOnnx(file);
    await model.dispose();
  });
});

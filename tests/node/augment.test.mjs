/** Augmentation: SciPy's values, what is drawn and how often, the same bits by any way, and what is refused. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createEngine, layers, optimizers } from 'tabgrad';
import * as augment from 'tabgrad/augment';
import { assertClose } from '../golden/close.mjs';
import { BUILDS, startEngine } from '../golden/engines.mjs';
import { readGolden } from '../golden/tensors.mjs';
import { FROM_LOGITS, convLayers, corners, pictures, weightHash } from './nets.mjs';

const { cases, tensors } = readGolden('images');

for (const build of BUILDS.keys()) {
  describe(`moves as SciPy and PyTorch make them, ${build} build`, () => {
    /** @type {any} */
    let engine;
    before(async () => {
      engine = await startEngine(build);
    });
    after(() => engine?.dispose());

    for (const { picture, result, moves, fill } of /** @type {any} */ (cases).move) {
      it(`${moves.map((/** @type {any} */ { type }) => type).join(', ')}, ${Object.values(fill).join(' ')}`, async () => {
        const { data: x, shape } = /** @type {any} */ (tensors.get(picture));
        const data = await engine.dataset({ x, shape });
        const list = moves.map((/** @type {any} */ move) => ({ ...move, ...fill }));
        const found = await augment.preview(data, list);
        assert.deepEqual(found.shape, [1, ...shape]);
        assertClose(found, /** @type {any} */ (tensors.get(result)).data, result);
        await data.dispose();
      });
    }
  });
}

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

const COUNT = 2000;
/** One pixel of each picture is 200 at (y, x) = (1, 0), the others 100. */
const marked = async (height = 3, width = 2) => {
  const x = new Uint8Array(COUNT * height * width).fill(100);
  for (let i = 0; i < COUNT; i++) x[(i * height + 1) * width] = 200;
  return engine.dataset({ x, shape: [height, width, 1] });
};
/** Where the mark of picture i is; -1: nowhere. */
const marks = (/** @type {any} */ found) => {
  const [count, height, width] = found.shape;
  const size = height * width;
  return Array.from({ length: count }, (_, i) =>
    found.subarray(i * size, (i + 1) * size).indexOf(200),
  );
};
/** Six standard deviations of a share. */
const close = (/** @type {number} */ found, /** @type {number} */ share, /** @type {number} */ n) =>
  assert.ok(
    Math.abs(found - share) < 6 * Math.sqrt((share * (1 - share)) / n),
    `${found} of ${n}, expected ${share}`,
  );

describe('what is drawn', () => {
  it('half of the pictures are flipped, each axis by itself', async () => {
    const data = await marked();
    const found = marks(await augment.preview(data, augment.randomFlip(), { seed: 4 }));
    assert.deepEqual(new Set(found), new Set([2, 3])); // row 1 of 3 stays, column 0 or 1
    close(found.filter((at) => at === 3).length / COUNT, 0.5, COUNT);
    const tall = await marked(2, 2);
    const both = marks(await augment.preview(tall, augment.randomFlip(), { seed: 4 }));
    for (let at = 0; at < 4; at++) {
      close(both.filter((one) => one === at).length / COUNT, 0.25, COUNT);
    }
    const vertical = marks(await augment.preview(tall, augment.randomFlip({ mode: 'vertical' })));
    assert.deepEqual(new Set(vertical), new Set([0, 2]));
    for (const one of [data, tall]) await one.dispose();
  });

  it('an alternating flip flips what the epoch before did not', async () => {
    const data = await marked();
    const list = augment.randomFlip({ mode: 'horizontal', alternate: true });
    /** @type {number[][]} */
    const epochs = [];
    for (const epoch of [0, 1, 2, 7]) {
      epochs.push(marks(await augment.preview(data, list, { seed: 9, epoch })));
    }
    close(epochs[0].filter((at) => at === 3).length / COUNT, 0.5, COUNT);
    assert.deepEqual(
      epochs[1],
      epochs[0].map((at) => 5 - at),
    );
    assert.deepEqual(epochs[2], epochs[0]);
    assert.deepEqual(epochs[3], epochs[1]);
    const plain = { mode: /** @type {const} */ ('horizontal') };
    const next = marks(
      await augment.preview(data, augment.randomFlip(plain), { seed: 9, epoch: 1 }),
    );
    close(next.filter((at, i) => at === epochs[0][i]).length / COUNT, 0.5, COUNT);
    await data.dispose();
  });

  it('every place of a padded crop is as frequent as any other', async () => {
    const data = await marked();
    const found = await augment.preview(data, augment.randomCrop({ padding: 1, fillValue: 7 }));
    const counts = new Map();
    for (const at of marks(found)) counts.set(at, (counts.get(at) ?? 0) + 1);
    // Of three shifts either way, one across puts the mark outside.
    close((counts.get(-1) ?? 0) / COUNT, 1 / 3, COUNT);
    for (let at = 0; at < 6; at++) close(counts.get(at) / COUNT, 1 / 9, COUNT);
    assert.deepEqual(new Set(found), new Set([7, 100, 200]));
    const window = await augment.preview(data, augment.randomCrop({ height: 1, width: 2 }));
    assert.deepEqual(window.shape, [COUNT, 1, 2, 1]);
    close(marks(window).filter((at) => at === 0).length / COUNT, 1 / 3, COUNT);
    await data.dispose();
  });

  it('brightness and contrast are uniform in their ranges, and cut at the ends', async () => {
    const x = new Float32Array(COUNT * 2).map((_, i) => (i % 2 ? 0.75 : 0.25));
    const data = await engine.dataset({ x, shape: [2, 1, 1] });
    const valueRange = /** @type {const} */ ([0, 1]);
    const bright = await augment.preview(
      data,
      augment.randomBrightness({ factor: [-0.1, 0.2], valueRange }),
    );
    const moves = bright.filter((_, i) => i % 2 === 0).map((value) => value - 0.25);
    assert.ok(Math.min(...moves) >= -0.1001 && Math.max(...moves) <= 0.2001);
    assert.ok(Math.min(...moves) < -0.095 && Math.max(...moves) > 0.195);
    close(moves.filter((move) => move < 0.05).length / COUNT, 0.5, COUNT);
    const factors = (
      await augment.preview(data, augment.randomContrast({ factor: [0.5, 0.25], valueRange }))
    )
      .filter((_, i) => i % 2 === 1)
      .map((value) => (value - 0.5) / 0.25);
    assert.ok(Math.min(...factors) >= 0.4999 && Math.max(...factors) <= 1.2501);
    close(factors.filter((factor) => factor < 0.875).length / COUNT, 0.5, COUNT);
    const cut = await augment.preview(
      data,
      augment.randomBrightness({ factor: [1, 1], valueRange }),
    );
    assert.ok(cut.every((value) => value === 1));
    await data.dispose();
  });

  it('cutout blanks one square around a uniform pixel, with the mean of the data set', async () => {
    const options = { x: new Uint8Array(COUNT * 25).fill(200), shape: [5, 5, 1] };
    const data = await engine.dataset({ ...options, mean: 0.4, std: 0.5 });
    const found = await augment.preview(data, augment.cutout({ size: 3 }));
    assert.deepEqual(new Set(found), new Set([200, 102])); // 0.4 of 255
    let corner = 0;
    for (let i = 0; i < COUNT; i++) {
      const blank = [...found.subarray(i * 25, i * 25 + 25)].flatMap((value, at) =>
        value === 102 ? [at] : [],
      );
      const rows = new Set(blank.map((at) => Math.floor(at / 5)));
      const columns = new Set(blank.map((at) => at % 5));
      assert.equal(blank.length, rows.size * columns.size);
      corner += Number(blank.includes(0));
    }
    close(corner / COUNT, 4 / 25, COUNT);
    const black = await augment.preview(
      data,
      augment.cutout({ size: [1, 5], count: 2, fillValue: 3 }),
    );
    assert.ok(black.includes(3));
    await data.dispose();
  });

  for (const alpha of [0.2, 1, 4]) {
    it(`mixup's shares are those of Beta(${alpha}, ${alpha})`, async () => {
      // Picture i is i everywhere, so a mixture tells its share and its partner is known.
      const x = Float32Array.from({ length: COUNT }, (_, i) => i);
      const data = await engine.dataset({ x, shape: [1, 1, 1] });
      const found = await augment.preview(data, augment.mixup({ alpha }), { seed: 2 });
      // Every partner is as many places behind; shares of nearly 0 tell how many.
      const extreme = await augment.preview(data, augment.mixup({ alpha: 0.001 }), { seed: 2 });
      const distance = Math.max(...extreme.map((value, i) => value - i));
      const partner = (/** @type {number} */ i) => (i + distance) % COUNT;
      const shares = [...found].map((value, i) => (value - partner(i)) / (i - partner(i)));
      const mean = shares.reduce((sum, share) => sum + share, 0) / COUNT;
      const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / COUNT;
      const expected = 1 / (4 * (2 * alpha + 1));
      assert.ok(shares.every((share) => share > -1e-6 && share < 1.000001));
      assert.ok(Math.abs(mean - 0.5) < 6 * Math.sqrt(expected / COUNT), `mean ${mean}`);
      assert.ok(
        Math.abs(variance / expected - 1) < 0.15,
        `variance ${variance}, expected ${expected}`,
      );
      await data.dispose();
    });
  }
});

const ALL = [
  augment.randomFlip({ mode: 'horizontal', alternate: true }),
  augment.randomCrop({ padding: 2 }),
  augment.randomRotation({ factor: 0.1 }),
  augment.randomTranslation({ heightFactor: 0.1, widthFactor: 0.1 }),
  augment.randomShear({ xFactor: 0.2 }),
  augment.randomZoom({ heightFactor: 0.2 }),
  augment.randomBrightness({ factor: 0.2 }),
  augment.randomContrast({ factor: 0.2 }),
  augment.cutout({ size: 2 }),
  augment.mixup(),
];
const DATA = pictures(100);
const OPTIONS = { epochs: 3, batchSize: 16, augment: ALL };

/** @param {import('tabgrad').Engine} on @param {any} [config] */
async function start(on, config = FROM_LOGITS) {
  const model = await on.sequential(convLayers(), { seed: 7 });
  await model.compile(config);
  return { model, data: await on.dataset(DATA) };
}

describe('training', () => {
  it('has the same bits over 1, 2 and 3 threads, others than without', async () => {
    const hashes = [];
    for (const threads of [1, 2, 3]) {
      const own = await createEngine({ threads, deterministic: true });
      const { model, data } = await start(own);
      await model.fit(data, OPTIONS);
      hashes.push(await weightHash(model));
      await own.dispose();
    }
    assert.equal(new Set(hashes).size, 1, hashes.join('\n'));
    const { model, data } = await start(engine);
    await model.fit(data, { ...OPTIONS, augment: [] });
    assert.notEqual(await weightHash(model), hashes[0]);
  });

  it('without augmentation has the bits of a list that changes nothing', async () => {
    const hashes = [];
    const nothing = [
      augment.randomZoom({ heightFactor: 0 }),
      augment.randomTranslation({ heightFactor: 0, widthFactor: 0 }),
    ];
    for (const list of [undefined, null, [], nothing]) {
      const { model, data } = await start(engine);
      await model.fit(data, { ...OPTIONS, augment: /** @type {any} */ (list) });
      hashes.push(await weightHash(model));
    }
    assert.equal(new Set(hashes).size, 1, hashes.join('\n'));
  });

  for (const stopAt of [3, 6, 12]) {
    it(`stopped at step ${stopAt}, saved, loaded and resumed ends with the same bits`, async () => {
      const straight = await start(engine);
      const { history } = await straight.model.fit(straight.data, OPTIONS);
      const { model, data } = await start(engine);
      let step = 0;
      const before = await model.fit(data, {
        ...OPTIONS,
        yieldEvery: 0,
        onBatchEnd: () => {
          if (step++ === stopAt) model.stopTraining();
        },
      });
      const loaded = await engine.load(await model.save());
      // What was augmented how is in the file.
      const { augment: _, ...rest } = OPTIONS;
      const after = await loaded.fit(data, { ...rest, resume: true });
      assert.equal(await weightHash(loaded), await weightHash(straight.model));
      assert.deepEqual([...before.history.loss, ...after.history.loss], history.loss);
      await model.fit(data, { ...OPTIONS, resume: true });
      assert.equal(await weightHash(model), await weightHash(straight.model));
    });
  }

  it('resuming in the middle of an epoch with another list is refused', async () => {
    const { model, data } = await start(engine);
    const stop = { ...OPTIONS, yieldEvery: 0, onBatchEnd: () => model.stopTraining() };
    await model.fit(data, stop);
    const other = { ...OPTIONS, resume: true, augment: augment.randomFlip() };
    await assert.rejects(model.fit(data, other), { code: 'E_STATE', field: 'augment' });
    await model.fit(data, { ...OPTIONS, resume: true });
  });

  it('leaves validation, evaluate and trainOnBatch alone', async () => {
    const { model, data } = await start(engine);
    const { history } = await model.fit(data, { epochs: 1, augment: ALL, validationData: data });
    assert.equal(/** @type {any} */ (history).valLoss[0], (await model.evaluate(data)).loss);
    /** No dropout, which goes by the number of steps. */
    const small = async () => {
      const own = await engine.sequential(
        [layers.flatten({ inputShape: [8, 8, 3] }), layers.dense({ units: 3 })],
        { seed: 5 },
      );
      own.compile({ ...FROM_LOGITS, optimizer: 'sgd' });
      return own;
    };
    const [one, other] = [await small(), await small()];
    await one.fit(data, { augment: ALL });
    await one.setWeights(await other.getWeights());
    const range = { count: 32 };
    assert.deepEqual(await one.trainOnBatch(data, range), await other.trainOnBatch(data, range));
  });

  it('allocates nothing in a step', async () => {
    const { model, data } = await start(engine);
    /** @type {number[]} */
    const counts = [];
    await model.fit(data, {
      ...OPTIONS,
      batchSize: 20,
      epochs: 1,
      yieldEvery: 0,
      onBatchEnd: async () => counts.push((await engine.info()).memory.allocations),
    });
    assert.deepEqual(new Set(counts).size, 1, counts.join(' '));
  });

  it('sees the pictures that preview shows, and the crop has the size of the model', async () => {
    const values = { x: DATA.x, y: Float32Array.from(DATA.y), shape: [8, 8, 3] };
    const data = await engine.dataset(values);
    const list = [
      augment.randomFlip(),
      augment.randomCrop({ height: 5, width: 6 }),
      augment.randomContrast({ factor: 0.5 }),
    ];
    const model = await engine.sequential(
      [layers.flatten({ inputShape: [5, 6, 3] }), layers.dense({ units: 1 })],
      { seed: 12 },
    );
    model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
    const seen = await augment.preview(data, list, { seed: 12, count: 32 });
    const floats = Float32Array.from(seen, (value) => value / 255);
    const { loss } = await model.evaluate(floats, values.y.subarray(0, 32));
    const { history } = await model.fit(data, { count: 32, shuffle: false, augment: list });
    // The preview is rounded to bytes.
    assert.ok(Math.abs(history.loss[0] - loss) < 0.01 * loss, `${history.loss[0]}, ${loss}`);
    const first = await augment.preview(data, list, { seed: 12, first: 5, count: 3 });
    assert.deepEqual([...first], [...seen.subarray(5 * 90, 8 * 90)]);
    const whole = await engine.sequential([
      layers.flatten({ inputShape: [8, 8, 3] }),
      layers.dense({ units: 1 }),
    ]);
    whole.compile({ loss: 'meanSquaredError' });
    await assert.rejects(whole.fit(data, { augment: list }), {
      code: 'E_SHAPE',
      message: /5 x 6 x 3.*8 x 8 x 3/,
    });
  });

  it('batches of a stream draw numbers of their own, the same in every run', async () => {
    const x = new Uint8Array(192).map((_, i) => i);
    /** Always the same picture. */
    async function* same() {
      for (let i = 0; i < 40; i++) yield { x, y: [1] };
    }
    const runs = [];
    for (let run = 0; run < 2; run++) {
      const model = await engine.sequential(
        [layers.flatten({ inputShape: [8, 8, 3] }), layers.dense({ units: 1 })],
        { seed: 3 },
      );
      model.compile({ loss: 'meanSquaredError', optimizer: optimizers.sgd({ learningRate: 0 }) });
      /** @type {number[]} */
      const sums = [];
      await model.fit(same(), {
        batchSize: 8,
        augment: augment.randomCrop({ padding: 3 }),
        onBatchEnd: (/** @type {number} */ batch, /** @type {{ loss: number }} */ { loss }) =>
          sums.push(loss * (batch + 1)),
      });
      runs.push(sums.map((sum, i) => (sum - (sums[i - 1] ?? 0)).toFixed(4)));
    }
    assert.equal(new Set(runs[0]).size, 5, runs[0].join(' '));
    assert.deepEqual(runs[1], runs[0]);
  });

  it('parts of a data set draw by their own numbers, from their own pictures', async () => {
    const data = await engine.dataset(DATA);
    const part = await data.subset([90, 3, 17]);
    const flip = augment.randomFlip();
    const { x } = await part.read();
    const copy = await engine.dataset({ x: /** @type {any} */ (x), shape: [8, 8, 3] });
    assert.deepEqual(await augment.preview(part, flip), await augment.preview(copy, flip));
    for (const one of [data, part, copy]) await one.dispose();
  });

  it('mixup of class labels is mixup of rows of probabilities', async () => {
    const losses = [];
    const { x, y, shape } = DATA;
    const rows = new Float32Array(y.length * 3);
    y.forEach((label, i) => (rows[i * 3 + label] = 1));
    for (const [labels, loss] of [
      [y, 'sparseCategoricalCrossentropy'],
      [rows, 'categoricalCrossentropy'],
    ]) {
      const { model } = await start(engine, {
        ...FROM_LOGITS,
        loss,
        metrics: ['accuracy', 'f1Score'],
      });
      const data = await engine.dataset({ x, y: labels, shape });
      losses.push(
        (await model.fit(data, { epochs: 2, augment: augment.mixup({ alpha: 1 }) })).history,
      );
    }
    assert.deepEqual(losses[0].loss, losses[1].loss);
    assert.deepEqual(losses[0].accuracy, losses[1].accuracy);
    assert.deepEqual(losses[0].f1Score, losses[1].f1Score);
  });
});

describe('refused', () => {
  /** @type {[string, string, RegExp, () => any][]} */
  const builders = [
    [
      'no factor',
      'E_CONFIG',
      /randomRotation: factor is missing/,
      () => augment.randomRotation(/** @type {any} */ ({})),
    ],
    [
      'a factor that is text',
      'E_CONFIG',
      /factor must be a number/,
      () => augment.randomRotation({ factor: /** @type {any} */ ('1') }),
    ],
    [
      'NaN',
      'E_CONFIG',
      /factor must be a finite number/,
      () => augment.randomBrightness({ factor: NaN }),
    ],
    [
      'three numbers',
      'E_CONFIG',
      /heightFactor must be a number or two/,
      () => augment.randomZoom({ heightFactor: /** @type {any} */ ([1, 2, 3]) }),
    ],
    [
      'an unknown option',
      'E_CONFIG',
      /no option 'rate'/,
      () => augment.randomFlip(/** @type {any} */ ({ rate: 1 })),
    ],
    [
      'an unknown mode',
      'E_CONFIG',
      /'both'/,
      () => augment.randomFlip({ mode: /** @type {any} */ ('both') }),
    ],
    [
      'an unknown fillMode',
      'E_CONFIG',
      /'edge'/,
      () => augment.randomCrop({ padding: 1, fillMode: /** @type {any} */ ('edge') }),
    ],
    [
      'degrees beside factors',
      'E_CONFIG',
      /degrees are given instead/,
      () => augment.randomShear({ degrees: 3, xFactor: 0.1 }),
    ],
    [
      'a crop of 0',
      'E_CONFIG',
      /at least 1, found 0/,
      () => augment.randomCrop({ height: 0, width: 3 }),
    ],
  ];
  for (const [name, code, message, build] of builders) {
    it(name, () => assert.throws(build, { code, message }));
  }

  /** @type {[string, string, RegExp, any][]} */
  const lists = [
    [
      'a factor out of range',
      'E_CONFIG',
      /randomZoom: heightFactor is -1\.5, .* from -1 to 1/,
      augment.randomZoom({ heightFactor: 1.5 }),
    ],
    [
      'a range upside down',
      'E_CONFIG',
      /factor runs from 0\.2 to 0\.1/,
      augment.randomRotation({ factor: [0.2, 0.1] }),
    ],
    [
      'half a pixel',
      'E_CONFIG',
      /padding is 0\.5, it must be a whole number/,
      augment.randomCrop({ padding: 0.5 }),
    ],
    ['cutout of nothing', 'E_CONFIG', /size is 0/, augment.cutout({ size: 0 })],
    ['alpha 0', 'E_CONFIG', /alpha is 0/, augment.mixup({ alpha: 0 })],
    [
      'a window that is too large',
      'E_SHAPE',
      /randomCrop: height is 20, the pictures have 12/,
      augment.randomCrop({ height: 20, width: 8, padding: 2 }),
    ],
    [
      'two fill modes',
      'E_CONFIG',
      /one fillMode, randomCrop has 'constant' and randomZoom 'wrap'/,
      [
        augment.randomCrop({ padding: 1, fillMode: 'constant' }),
        augment.randomZoom({ heightFactor: 0, fillMode: 'wrap' }),
      ],
    ],
    [
      'two value ranges',
      'E_CONFIG',
      /one valueRange/,
      [
        augment.randomContrast({ factor: 0, valueRange: [0, 1] }),
        augment.randomBrightness({ factor: 0, valueRange: [0, 255] }),
      ],
    ],
    [
      'a value range upside down',
      'E_CONFIG',
      /valueRange runs from 1 to 0/,
      augment.randomContrast({ factor: 0, valueRange: [1, 0] }),
    ],
    ['two mixups', 'E_CONFIG', /one mixup/, [augment.mixup(), augment.mixup()]],
    ['an unknown kind', 'E_CONFIG', /one of randomFlip.*'randomHue'/, { type: 'randomHue' }],
    ['no kind', 'E_CONFIG', /one of randomFlip/, {}],
    ['text', 'E_CONFIG', /augmentations of tabgrad\/augment/, 'randomFlip'],
    [
      'a function in it',
      'E_CONFIG',
      /augmentations of tabgrad\/augment/,
      { type: 'mixup', alpha: () => 1 },
    ],
    [
      'a long list',
      'E_LIMIT',
      /16 augmentations, the limit is 15/,
      Array(16).fill(augment.randomFlip()),
    ],
  ];
  for (const [name, code, message, list] of lists) {
    it(`${name}, in fit and in preview`, async () => {
      const { model, data } = await start(engine);
      const hash = await weightHash(model);
      await assert.rejects(model.fit(data, { augment: list }), { code, message });
      await assert.rejects(augment.preview(data, list), { code, message });
      assert.equal(await weightHash(model), hash);
      await model.fit(data, { epochs: 1 });
    });
  }

  it('floats without a value range', async () => {
    const { x, y } = corners(20);
    const data = await engine.dataset({ x, y, shape: [2, 2, 1] });
    const list = augment.randomBrightness({ factor: 0.1 });
    await assert.rejects(augment.preview(data, list), {
      code: 'E_CONFIG',
      message: /valueRange is missing/,
    });
  });

  it('mixup with weights or a hinge loss, several inputs, embeddings', async () => {
    const mix = { augment: augment.mixup(), epochs: 1 };
    const { model, data } = await start(engine);
    await assert.rejects(model.fit(data, { ...mix, classWeight: { 1: 2 } }), {
      code: 'E_CONFIG',
      message: /mixup.*classWeight/,
    });
    const sampleWeight = new Float32Array(100).fill(1);
    await assert.rejects(model.fit(await engine.dataset({ ...DATA, sampleWeight }), mix), {
      code: 'E_CONFIG',
      message: /sampleWeight/,
    });
    const hinge = await engine.sequential([
      layers.flatten({ inputShape: [8, 8, 3] }),
      layers.dense({ units: 1 }),
    ]);
    hinge.compile({ loss: 'hinge' });
    const signs = Float32Array.from(DATA.y, (label) => (label ? 1 : -1));
    await assert.rejects(hinge.fit(DATA.x, signs, mix), {
      code: 'E_CONFIG',
      message: /mixup.*hinge/,
    });
    const words = await engine.sequential([
      layers.embedding({ inputDim: 9, outputDim: 2, inputShape: [4] }),
      layers.flatten(),
      layers.dense({ units: 3 }),
    ]);
    words.compile(FROM_LOGITS);
    const flip = { augment: augment.randomFlip() };
    await assert.rejects(words.fit(new Float32Array(40), new Int32Array(10), flip), {
      code: 'E_CONFIG',
      message: /embedding.*looks numbers up/,
    });
    const several = await engine.dataset({
      x: { a: DATA.x, b: DATA.x },
      y: DATA.y,
      shape: [8, 8, 3],
    });
    await assert.rejects(augment.preview(several, flip.augment), {
      code: 'E_CONFIG',
      message: /one input/,
    });
    await model.fit(data, { epochs: 1 });
  });
});

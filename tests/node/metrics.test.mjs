/** Metrics against scikit-learn: as functions, batch by batch, and measured by the worker. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { createEngine, layers, losses, optimizers } from 'tabgrad';
import * as metrics from 'tabgrad/metrics';
import { FROM_LOGITS, corners, denseLayers, randomNumbers } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
/** @type {any[]} */
let cases;
before(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  cases = JSON.parse(await readFile(new URL('../golden/metrics.json', import.meta.url), 'utf8'));
});
after(() => engine.dispose());

/** @param {any} found @param {any} expected @param {string} what */
function close(found, expected, what) {
  const [own, other] = [found, expected].map((value) => [value].flat());
  assert.equal(own.length, other.length, what);
  own.forEach((value, i) => {
    const near = Math.abs(value - other[i]) <= 1e-12 * Math.max(1, Math.abs(other[i]));
    assert.ok(near || Object.is(value, other[i]), `${what}: found ${own}, expected ${other}`);
  });
}

/**
 * The function's result, after checking that batches of any size, and a state that was stored and
 * restored on the way, give the same.
 *
 * @param {string} type such as `F1Score`
 * @param {any} yTrue
 * @param {any} yPred
 * @param {any} [options]
 */
function measured(type, yTrue, yPred, options) {
  const all = /** @type {any} */ (metrics);
  const name = type === 'AUC' ? 'auc' : type[0].toLowerCase() + type.slice(1);
  const whole = all[name](yTrue, yPred, options);
  let metric = new all[type](options);
  metric.update(yTrue, yPred);
  metric.reset();
  for (let i = 0; i < yTrue.length; i += 7) {
    metric.update(yTrue.slice(i, i + 7), yPred.slice(i, i + 7));
    const next = new all[type](options);
    next.restore(JSON.parse(JSON.stringify(metric)));
    metric = next;
  }
  close([metric.result()].flat(2), [whole].flat(2), `${type} in batches`);
  return whole;
}

test('classes: precision, recall, F1, accuracy, matrix and report', () => {
  const group = cases.filter(({ kind }) => kind === 'classes');
  assert.ok(group.length >= 8);
  for (const { name, truth, guess, classes, found } of group) {
    const given = classes ? { classes } : {};
    for (const average of ['binary', 'micro', 'macro', 'weighted', 'none']) {
      if (!found[average]) continue;
      ['Precision', 'Recall', 'F1Score'].forEach((type, i) => {
        const own = measured(type, truth, guess, { ...given, average });
        const expected = [found[average][i]].flat();
        // Two classes there always are; the second may not occur.
        if (average === 'none' && expected.length === 1) expected.push(0);
        close(own, expected, `${name}: ${average} ${type}`);
      });
    }
    const chosen = (classes ?? Math.max(...truth, ...guess) + 1) > 2 ? 'macro' : 'binary';
    close(metrics.f1Score(truth, guess, given), found[chosen][2], `${name}: default average`);
    close(measured('Accuracy', truth, guess), found.accuracy, name);
    assert.deepEqual(measured('ConfusionMatrix', truth, guess, given), found.confusionMatrix, name);

    const classNames = classes
      ? Array.from({ length: classes }, (_, i) => `class ${i}`)
      : undefined;
    const report = metrics.classificationReport(truth, guess, { classNames, digits: 4 });
    if (found.text) assert.equal(report.text, found.text, name);
    const rows = [...report.classes, report.macroAverage, report.weightedAverage];
    assert.equal(rows.length, Object.keys(found.report).length, name);
    Object.values(found.report).forEach((expected, i) => {
      const { precision, recall, f1Score, support } = rows[i];
      close([precision, recall, f1Score, support], Object.values(expected), `${name}: row ${i}`);
    });
    assert.equal(report.accuracy, found.accuracy);
  }
});

test('labels and predictions in all their forms are the same', () => {
  const truth = [0, 2, 1, 2];
  const rows = [
    [0.5, 0.25, 0.25],
    [0.1, 0.2, 0.7],
    [0.3, 0.3, 0.4],
    [0.2, 0.2, 0.6],
  ];
  const flat = Object.assign(Float32Array.from(rows.flat()), { shape: [4, 3] });
  const hot = truth.map((label) => [0, 1, 2].map((k) => Number(k === label)));
  for (const yTrue of [
    truth,
    Int32Array.from(truth),
    hot,
    hot.map((row) => Uint8Array.from(row)),
  ]) {
    for (const yPred of [[0, 2, 2, 2], rows, flat, rows.map((row) => Float64Array.from(row))]) {
      assert.equal(metrics.accuracy(yTrue, yPred), 0.75);
      const expected = [
        [1, 0, 0],
        [0, 0, 1],
        [0, 0, 2],
      ];
      assert.deepEqual(metrics.confusionMatrix(yTrue, yPred), expected);
    }
  }
  // One score a sample: class 1 above the threshold.
  assert.equal(metrics.recall([0, 1, 1, 1], [0.2, 0.6, 0.4, 0.9]), 2 / 3);
  assert.equal(metrics.recall([0, 1, 1, 1], [-2, 0.1, 4, -1], { threshold: 0 }), 2 / 3);
  assert.equal(metrics.recall([0, 1, 1, 1], [[0.2], [0.6], [0.4], [0.9]]), 2 / 3);
  // Of equal scores the first counts, in the accuracy and in the top 1.
  const equal = [
    [1, 1, 0],
    [0, 1, 1],
  ];
  assert.equal(metrics.accuracy([0, 2], equal), 0.5);
  assert.equal(metrics.topKCategoricalAccuracy([0, 2], equal, { k: 1 }), 0.5);
  assert.equal(metrics.topKCategoricalAccuracy([0, 2], equal, { k: 2 }), 1);
});

test('scores: top k and the area under the curve of each class', () => {
  const group = cases.filter(({ kind }) => kind === 'scores');
  for (const { name, truth, scores, found } of group) {
    for (let k = 1; k < scores[0].length; k++) {
      const own = measured('TopKCategoricalAccuracy', truth, scores, { k });
      close(own, found[`top${k}`], `${name}: top ${k}`);
    }
    if (found.auc) {
      for (const average of ['none', 'macro', 'weighted']) {
        close(
          measured('AUC', truth, scores, { average }),
          found.auc[average],
          `${name} ${average}`,
        );
      }
      const logits = scores.map((/** @type {number[]} */ row) =>
        row.map((p) => Math.log(p + 1e-9) + 3),
      );
      if (!name.includes('ties')) {
        close(metrics.auc(truth, logits, { fromLogits: true }), found.auc.macro, name);
      }
    } else {
      assert.ok(Number.isNaN(metrics.auc(truth, scores)), `${name}: a class has no samples`);
    }
  }
  assert.ok(Number.isNaN(metrics.auc([1, 1], [0.5, 0.6])));
});

test('one score: the area under the ROC curve and the curve', () => {
  const group = cases.filter(({ kind }) => kind === 'binary');
  for (const { name, truth, scores, found } of group) {
    close(measured('AUC', truth, scores), found.auc, name);
    const rows = scores.map((/** @type {number} */ score) => [-score, score]);
    close(metrics.auc(truth, rows), found.auc, `${name}: second column`);
    for (const dropIntermediate of [true, false]) {
      const own = metrics.rocCurve(truth, scores, { dropIntermediate });
      const [x, y, thresholds] = dropIntermediate ? found.curve : found.wholeCurve;
      close(own.falsePositiveRate, x, name);
      close(own.truePositiveRate, y, name);
      assert.equal(own.thresholds[0], Infinity);
      close(own.thresholds.slice(1), thresholds, name);
    }
    ['Precision', 'Recall', 'F1Score'].forEach((type, i) => {
      close(measured(type, truth, scores, { threshold: 0.5 }), found.binary[i], `${name}: ${type}`);
    });
    close(measured('BinaryAccuracy', truth, scores), found.accuracy, name);
    close(measured('Accuracy', truth, scores, { threshold: 0.5 }), found.accuracy, name);
  }
});

test('values: errors and cosine similarity', () => {
  const group = cases.filter(({ kind }) => kind === 'values');
  for (const { name, truth, guess, found } of group) {
    for (const [metric, expected] of Object.entries(found)) {
      const type = metric[0].toUpperCase() + metric.slice(1);
      close(measured(type, truth, guess), expected, `${name}: ${metric}`);
    }
  }
  const rows = [
    [0.5, 0.5],
    [0.25, 0.75],
  ];
  assert.equal(metrics.meanAbsoluteError([0, 1], rows), 0.375, 'class numbers become one-hot');
  const ones = [
    [1, 1],
    [0, 0],
  ];
  assert.equal(metrics.binaryAccuracy(ones, rows, { threshold: 0.4 }), 0.75);
});

test('the worker measures what the functions say, over short batches too', async () => {
  const model = await engine.sequential(denseLayers(), { seed: 3 });
  const names = /** @type {const} */ ([
    'precision',
    'recall',
    'f1Score',
    'auc',
    'meanAbsoluteError',
  ]);
  await model.compile({
    ...FROM_LOGITS,
    optimizer: optimizers.sgd({ learningRate: 0 }),
    metrics: [
      ...names,
      'accuracy',
      new metrics.TopKCategoricalAccuracy({ k: 2, name: 'top2' }),
      new metrics.F1Score({ average: 'weighted', name: 'weightedF1' }),
      new metrics.AUC({ average: 'weighted', name: 'weightedAuc' }),
    ],
  });
  const { x, y } = corners(50);
  const outputs = await model.predict(x);
  /** @type {Record<string, number>} */
  const expected = {
    ...Object.fromEntries(names.map((name) => [name, metrics[name](y, outputs)])),
    auc: Number(metrics.auc(y, outputs, { fromLogits: true })),
    accuracy: metrics.accuracy(y, outputs),
    top2: metrics.topKCategoricalAccuracy(y, outputs, { k: 2 }),
    weightedF1: Number(metrics.f1Score(y, outputs, { average: 'weighted' })),
    weightedAuc: Number(metrics.auc(y, outputs, { average: 'weighted', fromLogits: true })),
  };
  for (const batchSize of [1, 7, 32, 50]) {
    const found = await model.evaluate(x, y, { batchSize });
    const keys = Object.keys(expected);
    assert.deepEqual(Object.keys(found).sort(), ['loss', ...keys].sort());
    close(
      keys.map((key) => found[key]),
      Object.values(expected),
      `batchSize ${batchSize}`,
    );
  }
  /** @type {any[]} */
  const steps = [];
  const { history } = await model.fit(x, y, {
    batchSize: 16,
    validationData: [x, y],
    onBatchEnd: (_batch, logs) => steps.push(logs),
  });
  for (const [name, value] of Object.entries(expected)) {
    close(history[name], value, `training ${name}`);
    close(history[`val${name[0].toUpperCase()}${name.slice(1)}`], value, `validation ${name}`);
  }
  const first = await model.evaluate(x, y, { count: 16 });
  for (const name of ['loss', 'accuracy', 'precision', 'top2', 'meanAbsoluteError']) {
    close(steps.length === 4 && history.loss.length === 1 ? first[name] : NaN, first[name], name);
  }
  assert.deepEqual(
    Object.keys(steps[0]).sort(),
    Object.keys(first)
      .filter((k) => !/auc/i.test(k))
      .sort(),
  );
  const batch = await model.trainOnBatch(x, y);
  close(
    Object.keys(expected).map((key) => batch[key]),
    Object.values(expected),
    'trainOnBatch',
  );
  await model.dispose();
});

test('training logs are of the outputs before each update', async () => {
  const { x, y } = corners(60);
  const model = await engine.sequential(denseLayers(), { seed: 3 });
  const by = await engine.sequential(denseLayers(), { seed: 3 });
  const metric = 'meanAbsoluteError';
  for (const each of [model, by]) await each.compile({ ...FROM_LOGITS, metrics: [metric, 'auc'] });
  const { history } = await model.fit(x, y, { batchSize: 16, shuffle: false });
  const streamed = new metrics.MeanAbsoluteError();
  for (let first = 0; first < 60; first += 16) {
    const range = { first, count: Math.min(16, 60 - first) };
    streamed.update(y.slice(first, first + range.count), await by.predict(x, range));
    await by.trainOnBatch(x, y, range);
  }
  close(history[metric], streamed.result(), metric);
});

test('probabilities, logits and values: thresholds follow the loss', async () => {
  const random = randomNumbers(4);
  const x = Float32Array.from({ length: 80 * 4 }, () => random() - 0.5);
  const y = Int32Array.from({ length: 80 }, (_, n) => Number(x[4 * n] + 0.3 * random() > 0.2));
  const names = /** @type {const} */ (['precision', 'recall', 'f1Score', 'binaryAccuracy', 'auc']);
  for (const [activation, fromLogits] of /** @type {const} */ ([
    ['sigmoid', false],
    ['sigmoid', true],
    [undefined, true],
  ])) {
    const dense = layers.dense({ units: 1, inputShape: [4], activation });
    const model = await engine.sequential([dense], { seed: 2 });
    await model.compile({
      loss: 'binaryCrossentropy',
      fromLogits,
      metrics: ['accuracy', ...names],
    });
    const outputs = await model.predict(x);
    const threshold = activation ? 0.5 : 0;
    assert.ok(
      outputs.some((value) => value < threshold) && outputs.some((value) => value > threshold),
    );
    const found = await model.evaluate(x, y);
    for (const name of names) {
      const options = name === 'auc' ? {} : { threshold };
      close(
        found[name],
        metrics[name](y, outputs, /** @type {any} */ (options)),
        `${activation} ${name}`,
      );
    }
    close(found.accuracy, metrics.accuracy(y, outputs, { threshold }), 'accuracy');
    await model.dispose();
  }
  const model = await engine.sequential([layers.dense({ units: 2, inputShape: [4] })]);
  const errors = /** @type {const} */ ([
    'meanAbsoluteError',
    'rootMeanSquaredError',
    'cosineSimilarity',
  ]);
  await model.compile({ loss: 'meanSquaredError', metrics: [...errors, 'meanSquaredError'] });
  const rows = Array.from(y, (label, n) => [label, x[4 * n]]);
  const outputs = await model.predict(x);
  const float = rows.map((row) => row.map(Math.fround));
  const found = await model.evaluate(x, rows);
  for (const name of errors) close(found[name], metrics[name](float, outputs), name);
  assert.ok(Math.abs(found.loss - Number(found.meanSquaredError)) < 1e-6);
});

test('a softmax that the loss absorbs: metrics see its probabilities', async () => {
  const { x, y } = corners(40);
  const model = await engine.sequential([
    layers.dense({ units: 3, activation: 'softmax', inputShape: [4] }),
  ]);
  const metric = 'meanAbsoluteError';
  await model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: [metric, 'auc'] });
  const outputs = await model.predict(x);
  const found = await model.evaluate(x, y);
  close(found.auc, metrics.auc(y, outputs), 'auc');
  close(found[metric], metrics[metric](y, outputs), metric);
});

test('hinge: labels of −1 and 1, sides of 0', async () => {
  const { x, y } = corners(40);
  const model = await engine.sequential([layers.dense({ units: 1, inputShape: [4] })]);
  const names = /** @type {const} */ (['accuracy', 'precision', 'recall', 'auc']);
  await model.compile({ loss: 'hinge', metrics: [...names, 'binaryAccuracy'] });
  const sides = Array.from(y, (label) => Number(label > 0));
  const signs = sides.map((side) => 2 * side - 1);
  const outputs = await model.predict(x);
  const found = await model.evaluate(x, signs);
  for (const name of names) {
    const options = name === 'auc' ? {} : { threshold: 0 };
    close(found[name], metrics[name](sides, outputs, /** @type {any} */ (options)), name);
  }
  close(found.binaryAccuracy, metrics.accuracy(sides, outputs, { threshold: 0 }), 'binaryAccuracy');
});

test('outputs of several dimensions: each place counts as a sample', async () => {
  const random = randomNumbers(6);
  const x = Float32Array.from({ length: 10 * 3 * 4 * 2 }, () => random() - 0.5);
  const model = await engine.sequential([
    layers.conv2d({ filters: 3, kernelSize: 1, activation: 'softmax', inputShape: [3, 4, 2] }),
  ]);
  const top = new metrics.TopKCategoricalAccuracy({ k: 2 });
  const names = /** @type {const} */ (['f1Score', 'auc', 'cosineSimilarity', 'meanSquaredError']);
  const loss = /** @type {const} */ ('categoricalCrossentropy');
  await model.compile({ loss: losses[loss]({ labelSmoothing: 0.1 }), metrics: [...names, top] });
  const places = Array.from({ length: 120 }, () => Math.floor(3 * random()));
  const y = places.flatMap((label) => [0, 1, 2].map((k) => Number(k === label)));
  const rows = Array.from({ length: 10 }, (_, n) => y.slice(36 * n, 36 * (n + 1)));
  const outputs = Object.assign(await model.predict(x), { shape: [120, 3] });
  const found = await model.evaluate(x, rows, { batchSize: 4 });
  for (const name of names) close(found[name], metrics[name](places, outputs), name);
  const expected = metrics.topKCategoricalAccuracy(places, outputs, { k: 2 });
  close(found.topKCategoricalAccuracy, expected, 'top 2');
});

test('a quantised model measures what the float model was compiled with', async () => {
  const { x, y } = corners(40);
  const model = await engine.sequential(denseLayers(), { seed: 3 });
  await model.compile({ ...FROM_LOGITS, metrics: ['f1Score', 'accuracy'] });
  await model.fit(x, y, { epochs: 5 });
  const small = await model.quantize({ calibration: x });
  const outputs = await small.predict(x);
  const found = await small.evaluate(x, y);
  close(found.f1Score, metrics.f1Score(y, outputs), 'f1Score');
  close(found.accuracy, metrics.accuracy(y, outputs), 'accuracy');
  const loaded = await engine.load(await small.save());
  assert.deepEqual(await loaded.evaluate(x, y), found);
});

test('a checkpoint in the middle of an epoch keeps what metrics have collected', async () => {
  const { x, y } = corners(60);
  const model = await engine.sequential(denseLayers(), { seed: 3 });
  const straight = await engine.sequential(denseLayers(), { seed: 3 });
  const top = new metrics.TopKCategoricalAccuracy({ k: 2, name: 'top2' });
  const options = {
    ...FROM_LOGITS,
    metrics: ['accuracy', 'f1Score', 'auc', top, 'meanSquaredError'],
  };
  for (const each of [model, straight]) await each.compile(options);
  const fit = { epochs: 2, batchSize: 8, yieldEvery: 0 };
  const whole = await straight.fit(x, y, fit);
  await model.fit(x, y, {
    ...fit,
    onBatchEnd: (batch, _logs, { epoch }) => {
      if (epoch === 1 && batch === 4) model.stopTraining();
    },
  });
  const loaded = await engine.load(await model.save());
  const rest = await loaded.fit(x, y, { ...fit, resume: true });
  for (const [name, values] of Object.entries(whole.history)) {
    assert.deepEqual(rest.history[name], values.slice(1), name);
  }
  assert.deepEqual(await loaded.evaluate(x, y), await straight.evaluate(x, y));
});

test('what cannot be measured is refused, naming field and found value', async () => {
  /** @type {[() => unknown, string, string, RegExp][]} */
  const wrong = [
    [() => metrics.accuracy([0, 1], [0]), 'E_SHAPE', 'yPred', /2 samples.* 1/],
    [() => metrics.accuracy([], []), 'E_EMPTY', 'yTrue', /empty/],
    [() => metrics.accuracy('01', [0, 1]), 'E_TYPE', 'yTrue', /'01'/],
    [() => metrics.accuracy([0, '1'], [0, 1]), 'E_TYPE', 'yTrue', /'1' at 1/],
    [() => metrics.auc([0, 1], [0.5, NaN]), 'E_NON_FINITE', 'yPred', /NaN at 1/],
    [() => metrics.accuracy([0, -1], [0, 1]), 'E_LABEL_RANGE', 'yTrue', /-1 at 1/],
    [() => metrics.accuracy([0, 0.5], [0, 1]), 'E_LABEL_RANGE', 'yTrue', /0.5 at 1/],
    [() => metrics.auc([0, 2], [0.5, 0.1]), 'E_LABEL_RANGE', 'yTrue', /2 at 1.*0 to 1/],
    [() => metrics.f1Score([0, 1], [[1], [2, 3]]), 'E_SHAPE', 'yPred', /row 1.* 2 numbers.* 1/],
    [
      () => metrics.recall([0, 3], [1, 1], { classes: 3 }),
      'E_CONFIG',
      'classes',
      /3, found class 3/,
    ],
    [() => metrics.recall([0, 2], [1, 1], { average: 'binary' }), 'E_CONFIG', 'average', /found 3/],
    [() => metrics.recall([0, 1e6], [1, 1]), 'E_LIMIT', 'classes', /1000000.*65536/],
    [() => metrics.confusionMatrix([0, 5000], [1, 1]), 'E_LIMIT', 'classes', /5000.*4096/],
    [() => metrics.meanSquaredError([[1, 2]], [[1, 2, 3]]), 'E_SHAPE', 'yTrue', /2 numbers.* 3/],
    [
      () => new metrics.F1Score(/** @type {any} */ ({ averge: 'micro' })),
      'E_CONFIG',
      'averge',
      /'average'/,
    ],
    [
      () => new metrics.Recall(/** @type {any} */ ({ average: 'all' })),
      'E_CONFIG',
      'average',
      /'all'/,
    ],
    [() => new metrics.AUC({ name: '__proto__' }), 'E_CONFIG', 'name', /'__proto__'/],
    [() => metrics.topKCategoricalAccuracy([0], [0.5], { k: 1 }), 'E_CONFIG', 'yPred', /found 1/],
    [
      () =>
        metrics.rocCurve(
          [0, 1],
          [
            [1, 2, 3],
            [1, 2, 3],
          ],
        ),
      'E_CONFIG',
      'yScore',
      /found 3/,
    ],
  ];
  for (const [run, code, field, message] of wrong) {
    assert.throws(run, { code, field, message }, `${code} ${message}`);
  }
  const kept = new metrics.MeanAbsoluteError();
  kept.update([1], [3]);
  assert.throws(() => kept.update([1, 1], [3]));
  assert.equal(kept.result(), 2, 'a refused batch changes nothing');

  const model = await engine.sequential([layers.dense({ units: 2, inputShape: [4] })]);
  /** @type {[any, RegExp, string?][]} */
  const compiled = [
    [['f1score'], /'f1Score'/],
    [[{}], /metrics/],
    [[new metrics.ConfusionMatrix()], /confusionMatrix/],
    [['precision', 'precision'], /'precision' twice/],
    [[new metrics.Recall({ name: 'loss' })], /'loss' twice/],
    [[new metrics.Recall({ average: 'none' })], /'recall' must be one number/],
    [['auc'], /'auc' compares classes.* has 2/, 'binaryCrossentropy'],
  ];
  for (const [list, message, loss = 'sparseCategoricalCrossentropy'] of compiled) {
    const options = /** @type {any} */ ({ loss, metrics: list });
    await assert.rejects(async () => model.compile(options), { code: 'E_CONFIG', message });
  }
});

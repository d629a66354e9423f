/**
 * Explanations against the axioms that define them: exact on linear models, complete, efficient, blind to what the model
 * does not read, and different for other weights.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createEngine, input, layers } from 'tabgrad';
import {
  featureMaps,
  filters,
  gradCam,
  heatmap,
  integratedGradients,
  kernelShap,
  lime,
  occlusion,
  saliency,
  smoothGrad,
} from 'tabgrad/explain';
import { FROM_LOGITS, pictures, randomNumbers } from './nets.mjs';

/** @type {import('tabgrad').Engine} */
let engine;
before(async () => {
  engine = await createEngine({ threads: 2, deterministic: true });
});
after(() => engine.dispose());

/** @param {number} length @param {number} seed */
const numbers = (length, seed) => {
  const random = randomNumbers(seed);
  return Float32Array.from({ length }, () => 2 * random() - 1);
};

/**
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} expected
 * @param {string} what
 * @param {number} [tolerance]
 */
function close(actual, expected, what, tolerance = 2e-6) {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++) {
    const [x, y] = [actual[i] ?? NaN, expected[i] ?? NaN];
    assert.ok(Math.abs(x - y) <= tolerance * (1 + Math.abs(y)), `${what}[${i}] is ${x}, not ${y}`);
  }
}

/** @param {ArrayLike<number>} values */
const sum = (values) => Array.from(values).reduce((total, value) => total + value, 0);

/** @param {import('tabgrad').Model} model @param {string} name @returns {Promise<Float32Array>} */
async function weight(model, name) {
  const found = (await model.getWeights()).find((tensor) => tensor.name === name);
  assert.ok(found, name);
  return found.data;
}

const FEATURES = 6;
const CLASSES = 3;
const N = 4;
const x = numbers(N * FEATURES, 1);
const baseline = numbers(FEATURES, 2);
const targets = [0, 2, 1, 2];

const linear = () =>
  engine.sequential([layers.dense({ units: CLASSES, inputShape: [FEATURES] })], { seed: 4 });

/** Not linear, smooth, and with a softmax at its end. */
const curved = () =>
  engine.sequential(
    [
      layers.dense({ units: 8, activation: 'tanh', inputShape: [FEATURES] }),
      layers.dense({ units: CLASSES, activation: 'softmax' }),
    ],
    { seed: 6 },
  );

describe('a linear model', () => {
  /** What each feature adds, by the weights. @param {Float32Array} kernel */
  const added = (kernel) =>
    Array.from(x, (value, i) => {
      const [sample, feature] = [Math.floor(i / FEATURES), i % FEATURES];
      const slope = kernel[feature * CLASSES + (targets[sample] ?? NaN)] ?? NaN;
      return slope * (value - (baseline[feature] ?? NaN));
    });

  test('saliency is its weights', async () => {
    const model = await linear();
    const kernel = await weight(model, 'dense/kernel');
    const wanted = targets.flatMap((target) =>
      Array.from({ length: FEATURES }, (_, i) => kernel[i * CLASSES + target] ?? NaN),
    );
    const map = await saliency(model, x, { target: targets });
    assert.deepEqual(map.shape, [N, FEATURES]);
    close(map, wanted, 'saliency');
    close(await smoothGrad(model, x, { target: targets, samples: 7 }), wanted, 'smoothGrad');
    await model.dispose();
  });

  test('integrated gradients, occlusion, LIME and SHAP are weights times distances', async () => {
    const model = await linear();
    const wanted = added(await weight(model, 'dense/kernel'));
    const options = { target: targets, baseline };
    for (const rule of /** @type {const} */ (['gaussLegendre', 'middle'])) {
      const found = await integratedGradients(model, x, { ...options, rule, steps: 3 });
      close(found, wanted, rule);
      close(found.delta, [0, 0, 0, 0], 'delta');
    }
    close(await occlusion(model, x, options), wanted, 'occlusion');
    const shap = await kernelShap(model, x, options);
    assert.deepEqual(shap.map.shape, [N, FEATURES]);
    close(shap.map, wanted, 'kernelShap');
    // More features than can be enumerated within 14 coalitions: a linear model is still exact.
    const drawn = await kernelShap(model, x, { ...options, samples: 14 });
    assert.deepEqual([shap.exact[0], drawn.exact[0]], [true, false]);
    close(drawn.map, wanted, 'kernelShap, drawn', 1e-5);
    const fitted = await lime(model, x, { ...options, samples: 100, penalty: 0 });
    close(fitted.map, wanted, 'lime', 1e-5);
    close(fitted.fits, [1, 1, 1, 1], 'fits');
    const alone = await model.predict(baseline);
    close(
      fitted.intercepts,
      targets.map((target) => alone[target] ?? NaN),
      'intercepts',
      1e-5,
    );
    await model.dispose();
  });

  test('a baseline of several samples is averaged', async () => {
    const model = await linear();
    const several = numbers(3 * FEATURES, 8);
    const found = await kernelShap(model, x, { target: 1, baseline: several });
    const parts = await Promise.all(
      [0, 1, 2].map(async (i) => {
        const one = several.slice(i * FEATURES, (i + 1) * FEATURES);
        return (await kernelShap(model, x, { target: 1, baseline: one })).map;
      }),
    );
    const means = Array.from(found.map, (_, i) => sum(parts.map((part) => part[i] ?? NaN)) / 3);
    close(found.map, means, 'mean');
    await model.dispose();
  });

  test('patches of pictures: the mean fall of those that cover a pixel', async () => {
    const shape = [5, 4, 2];
    const picture = numbers(40, 3);
    const model = await engine.sequential(
      [layers.flatten({ inputShape: shape }), layers.dense({ units: 2 })],
      { seed: 1 },
    );
    const kernel = await weight(model, 'dense/kernel');
    const pixel = (/** @type {number} */ place) =>
      sum(
        [0, 1].map((c) => (picture[2 * place + c] ?? NaN) * (kernel[2 * (2 * place + c)] ?? NaN)),
      );
    const falls = new Float64Array(20);
    const covered = new Float64Array(20);
    // Of height 3 by 2, width 2 by 1; the last patches end with the picture.
    for (const top of [0, 2]) {
      for (const left of [0, 1, 2]) {
        const own = [0, 1, 2].flatMap((y) => [0, 1].map((z) => (top + y) * 4 + left + z));
        const fall = sum(own.map(pixel));
        for (const place of own) {
          falls[place] += fall;
          covered[place]++;
        }
      }
    }
    const options = { target: 0, patch: [3, 2], stride: [2, 1] };
    const found = await occlusion(model, picture, options);
    assert.deepEqual(found.shape, [1, 5, 4]);
    close(
      found,
      falls.map((fall, i) => fall / (covered[i] ?? NaN)),
      'patches',
    );

    // The same by segments of the program's own: each is worth what its pixels are.
    const segments = Int32Array.from({ length: 20 }, (_, place) => (place * 7) % 5);
    const worth = [0, 1, 2, 3, 4].map((label) =>
      sum(Array.from(segments, (own, place) => (own === label ? pixel(place) : 0))),
    );
    const shap = await kernelShap(model, picture, { target: 0, segments });
    close(shap.values[0] ?? [], worth, 'SHAP of segments');
    assert.deepEqual(shap.segments.shape, [1, 5, 4]);
    assert.deepEqual([...shap.segments], [...segments]);
    const fitted = await lime(model, picture, { target: 0, segments, penalty: 0, baseline: 0 });
    close(fitted.weights[0] ?? [], worth, 'LIME of segments', 1e-5);
    close(
      fitted.map,
      Array.from(segments, (label) => worth[label] ?? NaN),
      'map',
      1e-5,
    );
    await model.dispose();
  });
});

describe('axioms', () => {
  test('integrated gradients sum to f(x) − f(baseline), the better the more steps', async () => {
    const model = await curved();
    const scores = await model.predict(x);
    const alone = await model.predict(baseline);
    const gains = targets.map(
      (target, i) => (scores[i * CLASSES + target] ?? NaN) - (alone[target] ?? NaN),
    );
    const errors = await Promise.all(
      [2, 5, 12].map(async (steps) => {
        const found = await integratedGradients(model, x, { target: targets, baseline, steps });
        const sums = targets.map((_, i) => sum(found.subarray(i * FEATURES, (i + 1) * FEATURES)));
        const left = gains.map((gain, i) => gain - (sums[i] ?? NaN));
        close(found.delta, left, 'delta', 1e-6);
        return Math.max(...left.map(Math.abs));
      }),
    );
    const [coarse = NaN, middling = NaN, fine = NaN] = errors;
    assert.ok(coarse > 1e-4 && middling < coarse / 10 && fine < 1e-6, String(errors));
    await model.dispose();
  });

  test('SHAP values are the Shapley values, and sum to f(x) − f(baseline)', async () => {
    const model = await curved();
    const { values, bases, scores, exact } = await kernelShap(model, x, {
      target: targets,
      baseline,
    });
    assert.deepEqual(exact, [true, true, true, true]);
    const all = 2 ** FEATURES;
    for (let sample = 0; sample < N; sample++) {
      // f of every coalition, then the mean over all orders, by the weights of coalitions.
      const copies = Float32Array.from({ length: all * FEATURES }, (_, i) => {
        const feature = i % FEATURES;
        const there = (Math.floor(i / FEATURES) >> feature) & 1;
        return (there ? x[sample * FEATURES + feature] : baseline[feature]) ?? NaN;
      });
      const outputs = await model.predict(copies);
      const f = (/** @type {number} */ mask) =>
        outputs[mask * CLASSES + (targets[sample] ?? NaN)] ?? NaN;
      /** @type {(n: number) => number} */
      const factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1));
      const wanted = Array.from({ length: FEATURES }, (_, feature) => {
        let value = 0;
        for (let mask = 0; mask < all; mask++) {
          if ((mask >> feature) & 1) continue;
          const size = mask.toString(2).replaceAll('0', '').length;
          const orders = factorial(size) * factorial(FEATURES - size - 1);
          value += (orders / factorial(FEATURES)) * (f(mask | (1 << feature)) - f(mask));
        }
        return value;
      });
      close(values[sample] ?? [], wanted, 'Shapley values');
      const gain = (scores[sample] ?? NaN) - (bases[sample] ?? NaN);
      close([sum(values[sample] ?? [])], [gain], 'efficiency', 1e-12);
      close([gain], [f(all - 1) - f(0)], 'gain', 1e-6);
    }
    await model.dispose();
  });

  test('drawn coalitions come near the Shapley values, the nearer the more there are', async () => {
    const features = 14;
    const many = numbers(features, 21).map((value) => 2 * value);
    const model = await engine.sequential(
      [
        layers.dense({ units: 8, activation: 'tanh', inputShape: [features] }),
        layers.dense({ units: 2 }),
      ],
      { seed: 2 },
    );
    const exact = await kernelShap(model, many, { target: 0, samples: 2 ** features });
    assert.deepEqual(exact.exact, [true]);
    const errors = [];
    for (const samples of [60, 4000]) {
      const found = await kernelShap(model, many, { target: 0, samples, seed: 3 });
      assert.deepEqual(found.exact, [false]);
      close([sum(found.values[0] ?? [])], [sum(exact.values[0] ?? [])], 'efficiency', 1e-9);
      errors.push(
        Math.max(...Array.from(found.map, (value, i) => Math.abs(value - (exact.map[i] ?? NaN)))),
      );
    }
    const largest = Math.max(...exact.map.map(Math.abs));
    assert.ok((errors[1] ?? NaN) < (errors[0] ?? NaN) / 3, String(errors));
    assert.ok((errors[1] ?? NaN) < 0.02 * largest, `${errors} of ${largest}`);
    const again = await kernelShap(model, many, { target: 0, samples: 60, seed: 3 });
    const other = await kernelShap(model, many, { target: 0, samples: 60, seed: 4 });
    assert.notDeepEqual([...again.map], [...other.map]);
    assert.deepEqual(
      [...(await kernelShap(model, many, { target: 0, samples: 60, seed: 3 })).map],
      [...again.map],
    );
    await model.dispose();
  });

  test('what the model does not read has no share; what it treats alike has equal shares', async () => {
    const model = await curved();
    const weights = await model.getWeights();
    const [kernel] = weights;
    assert.ok(kernel);
    // Feature 2 is not read; features 0 and 1 have the same weights and values.
    kernel.data.fill(0, 2 * 8, 3 * 8);
    kernel.data.copyWithin(8, 0, 8);
    await model.setWeights(weights);
    const sample = Float32Array.of(0.7, 0.7, -2, 0.4, 1, -0.3);
    const options = { target: 1, baseline: 0, beforeActivation: true };
    const found = {
      saliency: await saliency(model, sample, { target: 1 }),
      smoothGrad: await smoothGrad(model, sample, { target: 1, samples: 20 }),
      integratedGradients: await integratedGradients(model, sample, options),
      occlusion: await occlusion(model, sample, options),
      kernelShap: (await kernelShap(model, sample, options)).map,
    };
    for (const [name, map] of Object.entries(found)) {
      assert.ok(Math.abs(map[2] ?? NaN) < 1e-6, `${name}: ${map}`);
      close([map[0] ?? NaN], [map[1] ?? NaN], name, 1e-6);
      assert.ok(Math.abs(map[0] ?? NaN) > 1e-3, `${name}: ${map}`);
    }
    // Drawn copies and a kernel that is not Shapley's: near, not equal.
    const { map } = await lime(model, sample, { ...options, samples: 4000, penalty: 0 });
    assert.ok(Math.abs(map[2] ?? NaN) < 0.05 * Math.abs(map[0] ?? NaN), String(map));
    assert.ok(Math.abs((map[0] ?? NaN) / (map[1] ?? NaN) - 1) < 0.05, String(map));
    await model.dispose();
  });
});

/** Pictures whose class is where they are bright, and a network that has learned it. */
async function learned() {
  const data = pictures(240);
  const model = await engine.sequential(
    [
      layers.conv2d({
        filters: 8,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        inputShape: data.shape,
      }),
      layers.conv2d({
        filters: 8,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        name: 'last',
      }),
      layers.maxPooling2d(),
      layers.flatten(),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    { seed: 1 },
  );
  model.compile({ ...FROM_LOGITS, fromLogits: false });
  await model.fit(data.x, data.y, { epochs: 8, batchSize: 24 });
  const { accuracy = NaN } = await model.evaluate(data.x, data.y);
  assert.ok(accuracy > 0.95, String(accuracy));
  return { model, ...data };
}

/** @param {ArrayLike<number>} values @returns {number[]} places by size, equal ones by their mean */
function ranks(values) {
  const order = Array.from(values, (_, i) => i).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const found = new Array(order.length);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to++;
    for (let i = from; i < to; i++) found[order[i] ?? 0] = (from + to - 1) / 2;
    from = to;
  }
  return found;
}

/** Spearman's. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function rankCorrelation(a, b) {
  const [p, q] = [ranks(a), ranks(b)];
  const mean = (p.length - 1) / 2;
  const dot = (/** @type {number[]} */ u, /** @type {number[]} */ v) =>
    sum(u.map((value, i) => (value - mean) * ((v[i] ?? NaN) - mean)));
  return dot(p, q) / Math.sqrt(dot(p, p) * dot(q, q));
}

describe('pictures', () => {
  test('Grad-CAM is the sum of maps by the weights behind a global average', async () => {
    const shape = [6, 6, 3];
    const model = await engine.sequential(
      [
        layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', inputShape: shape }),
        layers.globalAveragePooling2d(),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
      { seed: 8 },
    );
    const samples = numbers(2 * 108, 5);
    const { conv2d } = await model.activations(samples, { layers: 'conv2d' });
    const kernel = await weight(model, 'dense/kernel');
    const wanted = Array.from({ length: 2 * 16 }, (_, place) => {
      const target = [2, 0][Math.floor(place / 16)] ?? NaN;
      const total = sum(
        [0, 1, 2, 3].map(
          (c) => ((kernel[c * 3 + target] ?? NaN) / 16) * (conv2d?.[place * 4 + c] ?? NaN),
        ),
      );
      return Math.max(total, 0);
    });
    const options = { target: [2, 0], resize: false };
    const cam = await gradCam(model, samples, options);
    assert.deepEqual(cam.shape, [2, 4, 4]);
    assert.ok(cam.some((value) => value > 0) && cam.some((value) => value === 0));
    close(cam, wanted, 'Grad-CAM');
    close(
      await gradCam(model, samples, { ...options, mapsOf: 'conv2d', batchSize: 1 }),
      wanted,
      'named',
    );

    // 4 → 6: the centre of pixel i lies at (i + 0.5) · 4 / 6 − 0.5.
    const large = await gradCam(model, samples, { target: [2, 0] });
    assert.deepEqual(large.shape, [2, 6, 6]);
    const at = (/** @type {number} */ y, /** @type {number} */ z) => wanted[y * 4 + z] ?? NaN;
    close([large[0] ?? NaN], [at(0, 0)], 'corner');
    const share = 1.5 * (4 / 6) - 0.5;
    close([large[1] ?? NaN], [at(0, 0) * (1 - share) + at(0, 1) * share], 'between');
    await model.dispose();
  });

  test('maps point at what the class is, and change when weights are drawn anew', async () => {
    const { model, x, y } = await learned();
    const other = await engine.sequential(model.layers, { seed: 77 });
    const count = 6;
    /** @type {Record<string, (model: import('tabgrad').Model) => Promise<import('tabgrad').Tensor>>} */
    const methods = {
      saliency: (one) => saliency(one, x, { target: [...y.slice(0, count)], count }),
      smoothGrad: (one) =>
        smoothGrad(one, x, { target: [...y.slice(0, count)], count, samples: 20 }),
      integratedGradients: (one) =>
        integratedGradients(one, x, {
          target: [...y.slice(0, count)],
          count,
          beforeActivation: true,
        }),
      gradCam: (one) => gradCam(one, x, { target: [...y.slice(0, count)], count }),
      occlusion: (one) =>
        occlusion(one, x, {
          target: [...y.slice(0, count)],
          count,
          patch: 2,
          beforeActivation: true,
        }),
    };
    for (const [name, method] of Object.entries(methods)) {
      const found = await method(model);
      // With signs: magnitudes of what is multiplied by the input keep the input's own pattern, as Adebayo et al. 2018 found.
      const signs = { absolute: false };
      const map = heatmap(found, signs);
      assert.deepEqual(map.shape, [count, 8, 8], name);
      const drawn = heatmap(await method(other), signs);
      let mean = 0;
      for (let i = 0; i < count; i++) {
        const own = map.subarray(i * 64, (i + 1) * 64);
        mean += rankCorrelation(own, drawn.subarray(i * 64, (i + 1) * 64)) / count;
      }
      assert.ok(Math.abs(mean) < 0.5, `${name}: rank correlation ${mean} with other weights`);
      const again = heatmap(await method(model), signs);
      assert.deepEqual([...again], [...map], name);
    }
    // The bright third of the values speaks for the class; what it adds is positive there.
    const found = await integratedGradients(model, x, {
      target: [...y.slice(0, count)],
      count,
      beforeActivation: true,
    });
    for (let i = 0; i < count; i++) {
      const thirds = [0, 1, 2].map((third) =>
        sum(found.subarray(i * 192 + third * 64).subarray(0, 64)),
      );
      assert.equal(thirds.indexOf(Math.max(...thirds)), y[i], `${i}: ${thirds}`);
    }
    await model.dispose();
    await other.dispose();
  });

  test('superpixels follow colours, are connected, and LIME and SHAP use them', async () => {
    const { model } = await learned();
    const side = 8;
    // A bright square on black with a little noise.
    const noise = numbers(192, 4);
    const picture = Float32Array.from({ length: 192 }, (_, i) => {
      const [row, column] = [Math.floor(i / 24), Math.floor(i / 3) % 8];
      return (
        (row >= 3 && row < 7 && column >= 2 && column < 6 ? 0.9 : 0.1) + 0.02 * (noise[i] ?? 0)
      );
    });
    const { segments, values, exact } = await kernelShap(model, picture, {
      segmentCount: 9,
      samples: 600,
    });
    assert.deepEqual(segments.shape, [1, side, side]);
    const inside = new Set();
    const outside = new Set();
    segments.forEach((label, place) => {
      const [row, column] = [Math.floor(place / 8), place % 8];
      (row >= 3 && row < 7 && column >= 2 && column < 6 ? inside : outside).add(label);
    });
    assert.equal(
      [...inside].filter((label) => outside.has(label)).length,
      0,
      'a segment has both colours',
    );
    const count = Math.max(...segments) + 1;
    assert.ok(count >= 4 && count <= 16, `${count} segments`);
    assert.equal(values[0]?.length, count);
    assert.equal(typeof exact[0], 'boolean');
    for (let label = 0; label < count; label++) {
      const own = [...segments.keys()].filter((place) => segments[place] === label);
      const reached = new Set(own.slice(0, 1));
      for (const place of reached) {
        const near = [place - 8, place + 8];
        if (place % 8 > 0) near.push(place - 1);
        if (place % 8 < 7) near.push(place + 1);
        for (const next of near) if (segments[next] === label) reached.add(next);
      }
      assert.equal(reached.size, own.length, `segment ${label} is in pieces`);
    }
    const fitted = await lime(model, picture, { segments: 'grid', segmentCount: 16, samples: 300 });
    assert.equal(fitted.weights[0]?.length, 16);
    assert.deepEqual([...fitted.segments.subarray(0, 8)], [0, 0, 1, 1, 2, 2, 3, 3]);
    assert.ok((fitted.fits[0] ?? NaN) > 0.3 && (fitted.fits[0] ?? NaN) <= 1, String(fitted.fits));
    await model.dispose();
  });

  test('feature maps and filters are activations and weights, ready to draw', async () => {
    const model = await engine.sequential(
      [
        layers.conv2d({
          filters: 4,
          kernelSize: [2, 3],
          activation: 'relu',
          inputShape: [5, 5, 3],
        }),
        layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 }),
        layers.conv2dTranspose({ filters: 3, kernelSize: 2 }),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ],
      { seed: 1 },
    );
    const samples = numbers(2 * 75, 3);
    const maps = await featureMaps(model, samples);
    assert.deepEqual(
      Object.entries(maps).map(([name, { shape }]) => [name, shape]),
      [
        ['conv2d', [2, 4, 4, 3]],
        ['depthwise_conv2d', [2, 8, 3, 2]],
        ['conv2d_transpose', [2, 3, 4, 3]],
      ],
    );
    const own = await model.activations(samples, { layers: ['conv2d', 'dense'] });
    const plain = await featureMaps(model, samples, {
      layers: ['conv2d', 'dense'],
      normalize: 'none',
    });
    assert.deepEqual([...(plain.dense ?? [])], [...(own.dense ?? [])]);
    const turned = Array.from({ length: 96 }, (_, i) => {
      const [sample, channel, place] = [Math.floor(i / 48), Math.floor(i / 12) % 4, i % 12];
      return own.conv2d?.[sample * 48 + place * 4 + channel] ?? NaN;
    });
    assert.deepEqual([...(plain.conv2d ?? [])], turned);
    for (let at = 0; at < 96; at += 12) {
      const map = [...(maps.conv2d?.subarray(at, at + 12) ?? [])];
      const [least, most] = [
        Math.min(...turned.slice(at, at + 12)),
        Math.max(...turned.slice(at, at + 12)),
      ];
      close(
        map,
        turned.slice(at, at + 12).map((v) => (v - least) / (most - least || 1)),
        'unit',
      );
    }
    const joint = await featureMaps(model, samples, { layers: 'dense', normalize: 'layer' });
    for (const at of [0, 2]) {
      assert.deepEqual([...(joint.dense?.subarray(at, at + 2) ?? [])].sort(), [0, 1]);
    }

    const kernel = await weight(model, 'conv2d/kernel');
    const raw = await filters(model, { normalize: 'none' });
    assert.deepEqual(raw.shape, [4, 2, 3, 3]);
    assert.deepEqual(
      [...raw],
      Array.from({ length: 72 }, (_, i) => kernel[(i % 18) * 4 + Math.floor(i / 18)]),
    );
    const drawn = await filters(model);
    for (let at = 0; at < 72; at += 18) {
      const most = Math.max(...raw.subarray(at, at + 18).map(Math.abs));
      close(
        drawn.subarray(at, at + 18),
        raw.subarray(at, at + 18).map((v) => 0.5 + v / most / 2),
        'filter',
      );
    }
    const depthwise = await weight(model, 'depthwise_conv2d/kernel');
    const each = await filters(model, { layer: 'depthwise_conv2d', normalize: 'none' });
    assert.deepEqual(each.shape, [8, 2, 2, 1]);
    assert.deepEqual(
      [...each],
      Array.from({ length: 32 }, (_, i) => depthwise[(i % 4) * 8 + Math.floor(i / 4)]),
    );
    const backwards = await weight(model, 'conv2d_transpose/kernel');
    const turnedBack = await filters(model, { layer: 'conv2d_transpose', normalize: 'none' });
    assert.deepEqual(turnedBack.shape, [3, 2, 2, 8]);
    assert.deepEqual(
      [...turnedBack],
      Array.from(
        { length: 96 },
        (_, i) => backwards[Math.floor((i % 32) / 8) * 24 + Math.floor(i / 32) * 8 + (i % 8)],
      ),
    );
    assert.deepEqual((await filters(model, { layer: 'dense', normalize: 'layer' })).shape, [2, 36]);
    await model.dispose();
  });

  test('a heat map joins channels and scales each sample', () => {
    const map = Object.assign(Float32Array.of(1, -4, 2, 0, 0, 0, 3, -1), { shape: [2, 1, 2, 2] });
    const options = { percentile: 100 };
    assert.deepEqual([...heatmap(map, options)], [1, 0.5, 0, 1]);
    assert.deepEqual([...heatmap(map, { ...options, absolute: false })], [-1, 0.5, 0, 1]);
    const sums = heatmap(map, { ...options, channels: 'sum', absolute: false });
    assert.deepEqual([...sums], [-1, Math.fround(2 / 3), 0, 1]);
    assert.deepEqual(sums.shape, [2, 1, 2]);
    const kept = heatmap(map, { ...options, channels: 'keep' });
    assert.deepEqual([kept.shape, kept[0]], [[2, 1, 2, 2], 0.25]);
    const flat = Object.assign(new Float32Array(100).fill(1), { shape: [1, 100] });
    flat[7] = 50;
    assert.deepEqual(new Set(heatmap(flat)), new Set([1]));
    assert.equal(heatmap(flat, { percentile: 100 })[0], Math.fround(1 / 50));
    assert.deepEqual([...heatmap(Object.assign(new Float32Array(2), { shape: [1, 2] }))], [0, 0]);
  });
});

describe('options', () => {
  test('pixels, data sets, ranges, batches and chosen layers', async () => {
    const { model, x, y, shape } = await learned();
    const floats = Float32Array.from(x, (value) => value / 255);
    const one = await saliency(model, x, { first: 3, count: 2, batchSize: 1 });
    const data = await engine.dataset({ x, y, shape });
    close(await saliency(model, data, { first: 3, count: 2 }), one, 'data set', 1e-6);
    close(await saliency(model, floats, { first: 3, count: 2 }), one, 'floats', 1e-5);
    assert.deepEqual(one.shape, [2, ...shape]);
    // The class that the model chooses is the default.
    const scores = await model.predict(x, { first: 3, count: 2 });
    const chosen = [0, 1].map((i) => [...scores.subarray(3 * i, 3 * i + 3)]);
    const target = chosen.map((row) => row.indexOf(Math.max(...row)));
    assert.deepEqual([...(await saliency(model, x, { first: 3, count: 2, target }))], [...one]);
    // Logits and probabilities differ; a unit of an inner layer may be explained too.
    const soft = await saliency(model, x, { first: 3, count: 2, beforeActivation: false });
    assert.notDeepEqual([...soft], [...one]);
    const inner = await occlusion(model, x, {
      count: 1,
      layer: 'last',
      target: 0,
      patch: 2,
      stride: 2,
    });
    assert.ok(inner[0] !== 0 && inner[63] === 0, 'the first unit sees its corner alone');
    const pixels = await integratedGradients(model, x, {
      count: 1,
      baseline: new Uint8Array(192).fill(51),
    });
    const same = await integratedGradients(model, x, { count: 1, baseline: 0.2 });
    close(pixels, same, 'baseline of pixels', 1e-5);
    await data.dispose();
    await model.dispose();
  });

  test('graphs of several outputs, sequences', async () => {
    const start = input({ shape: [5, 2], name: 'steps' });
    const conv = layers.conv1d({ filters: 3, kernelSize: 2, activation: 'tanh' }).apply(start);
    const flat = layers.flatten().apply(conv);
    const model = await engine.model({
      inputs: start,
      outputs: [
        layers.dense({ units: 2, name: 'kind' }).apply(flat),
        layers.dense({ units: 1, name: 'size' }).apply(flat),
      ],
    });
    const samples = numbers(20, 2);
    const kind = await occlusion(model, samples, { target: 1 });
    const size = await occlusion(model, samples, { layer: 'size' });
    assert.deepEqual(
      [kind.shape, size.shape],
      [
        [2, 5],
        [2, 5],
      ],
    );
    assert.notDeepEqual([...kind], [...size]);
    const shap = await kernelShap(model, samples, { layer: 'size' });
    const outputs = /** @type {import('tabgrad').Tensor[]} */ (await model.predict(samples));
    assert.deepEqual(shap.scores, [...(outputs[1] ?? [])]);
    assert.deepEqual((await filters(model)).shape, [3, 2, 2]);
    assert.deepEqual((await featureMaps(model, samples)).conv1d?.shape, [2, 3, 4]);
    await model.dispose();
  });

  test('many copies are few calls, progress is told, a signal ends it', async () => {
    const model = await curved();
    /** @type {{ done: number, total: number }[]} */
    const told = [];
    const onProgress = (/** @type {{ done: number, total: number }} */ progress) =>
      told.push(progress);
    await kernelShap(model, x, { count: 1, onProgress });
    assert.deepEqual(told, [{ done: 63, total: 63 }]);
    told.length = 0;
    await smoothGrad(model, x, { samples: 2000, onProgress });
    assert.deepEqual(told, [
      { done: 4096, total: 8000 },
      { done: 8000, total: 8000 },
    ]);
    const control = new AbortController();
    await assert.rejects(
      lime(model, x, {
        samples: 100,
        signal: control.signal,
        onProgress: () => control.abort(new Error('enough')),
      }),
      (/** @type {any} */ error) => error.code === 'E_ABORTED' && error.cause?.message === 'enough',
    );
    await assert.rejects(saliency(model, x, { signal: AbortSignal.abort() }), {
      code: 'E_ABORTED',
    });
    assert.equal((await model.predict(x)).length, N * CLASSES);
    await model.dispose();
  });

  test('bad input is refused by name, with both numbers', async () => {
    const model = await curved();
    const small = await model.quantize({ calibration: x });
    const [a, b] = [input({ shape: [2] }), input({ shape: [2] })];
    const sums = await engine.model({ inputs: [a, b], outputs: layers.add().apply([a, b]) });
    const any = /** @type {any} */ (null);
    /** @type {[string, RegExp, () => Promise<unknown>][]} */
    const wrong = [
      [
        'E_CONFIG',
        /saliency: model must be a model, found an object/,
        () => saliency(/** @type {any} */ ({}), x),
      ],
      ['E_UNSUPPORTED', /lime: a quantised model/, () => lime(small, x)],
      ['E_UNSUPPORTED', /occlusion: the model has 2 inputs/, () => occlusion(sums, x)],
      ['E_TYPE', /saliency: x must be a typed array/, () => saliency(model, any)],
      ['E_SHAPE', /saliency: x has 5 values/, () => saliency(model, new Float32Array(5))],
      [
        'E_CONFIG',
        /no option 'steps'/,
        () => saliency(model, x, /** @type {any} */ ({ steps: 3 })),
      ],
      [
        'E_LABEL_RANGE',
        /target is 3 for sample 0, layer 'dense_1' gives 3/,
        () => lime(model, x, { target: 3 }),
      ],
      [
        'E_CONFIG',
        /target must be one number or an array of 4/,
        () => lime(model, x, { target: [1, 2] }),
      ],
      ['E_CONFIG', /target must be a whole number/, () => gradCam(model, x, { target: 1.5 })],
      ['E_CONFIG', /no layer 'dense_9'/, () => saliency(model, x, { layer: 'dense_9' })],
      ['E_CONFIG', /gradCam: no layer gives/, () => gradCam(model, x)],
      ['E_SHAPE', /layer 'dense' gives \[8\]/, () => gradCam(model, x, { mapsOf: 'dense' })],
      [
        'E_CONFIG',
        /steps must be a whole number from 1/,
        () => integratedGradients(model, x, { steps: 0 }),
      ],
      [
        'E_CONFIG',
        /no rule 'simpson'/,
        () => integratedGradients(model, x, /** @type {any} */ ({ rule: 'simpson' })),
      ],
      [
        'E_CONFIG',
        /baseline must be a finite number/,
        () => integratedGradients(model, x, { baseline: NaN }),
      ],
      [
        'E_SHAPE',
        /baseline has 5 values/,
        () => integratedGradients(model, x, { baseline: new Float32Array(5) }),
      ],
      [
        'E_SHAPE',
        /baseline has 2 samples, expected 1/,
        () => occlusion(model, x, { baseline: new Float32Array(12) }),
      ],
      ['E_SHAPE', /patch is 7, the sample has 6/, () => occlusion(model, x, { patch: 7 })],
      ['E_CONFIG', /stride is 3, patch 2/, () => occlusion(model, x, { patch: 2, stride: 3 })],
      [
        'E_CONFIG',
        /patch must be a whole number or an array of 1/,
        () => occlusion(model, x, { patch: [1, 1] }),
      ],
      ['E_CONFIG', /noise must be/, () => smoothGrad(model, x, { noise: -1 })],
      [
        'E_CONFIG',
        /kernelWidth must be a finite number above 0/,
        () => lime(model, x, { kernelWidth: 0 }),
      ],
      ['E_CONFIG', /samples is 3, too few for 6/, () => lime(model, x, { samples: 3, penalty: 0 })],
      [
        'E_CONFIG',
        /samples is 11, 6 segments need at least 12/,
        () => kernelShap(model, x, { samples: 11 }),
      ],
      [
        'E_SHAPE',
        /segments has 4 numbers for 6 places of 4/,
        () => lime(model, x, { segments: [0, 1, 2, 3] }),
      ],
      [
        'E_CONFIG',
        /segments must be whole numbers from 0, found -1/,
        () => lime(model, x, { segments: [0, 1, 2, 3, 4, -1] }),
      ],
      [
        'E_CONFIG',
        /no segments 'quickshift'/,
        () => lime(model, x, /** @type {any} */ ({ segments: 'quickshift' })),
      ],
      ['E_CONFIG', /featureMaps: the model has no convolution/, () => featureMaps(model, x)],
      ['E_CONFIG', /no layer 'dense_9'/, () => filters(model, { layer: 'dense_9' })],
      [
        'E_TYPE',
        /map must be an array with a shape/,
        async () => heatmap(/** @type {any} */ ([1, 2])),
      ],
    ];
    for (const [code, text, call] of wrong) {
      await assert.rejects(call, (/** @type {any} */ error) => {
        assert.equal(error.code, code, error.message);
        assert.match(error.message, text);
        return true;
      });
    }
    assert.equal((await saliency(model, x)).length, x.length);
    await Promise.all([model, small, sums].map((each) => each.dispose()));
  });
});

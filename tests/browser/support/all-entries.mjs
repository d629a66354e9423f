/** Every entry of the library at work, the same in Node and in a page. Plain JavaScript of both platforms only. */

/** Besides the main one. */
export const ENTRIES = [
  'applications',
  'augment',
  'callbacks',
  'data',
  'explain',
  'learning',
  'metrics',
  'robustness',
  'schedules',
  'tuning',
];

/**
 * @param {Record<string, any>} library what each entry exports, by its name; `tabgrad` is the main one
 * @returns {Promise<Record<string, number[]>>} what came out, by what was done
 */
export async function useAllEntries(library) {
  const { tabgrad, applications, augment, callbacks, data, explain } = library;
  const { learning, metrics, robustness, schedules, tuning } = library;
  const engine = await tabgrad.createEngine({ deterministic: true, threads: 2 });
  const { x, y } = makePictures(60);
  /** @type {Record<string, number[]>} */
  const found = {};
  const keep = (/** @type {string} */ what, /** @type {Iterable<number>} */ values) => {
    found[what] = [...values];
  };

  const whole = await engine.dataset({ x, y, shape: [16, 16, 3] });
  keep('class weights', Object.values(await data.classWeights(whole)));
  const { train, test } = await data.split(whole, { train: 0.75, test: 0.25, seed: 3 });
  keep('split', [train.count, test.count]);

  const model = await applications.resNet({
    engine,
    depth: 8,
    inputShape: [16, 16, 3],
    classes: 3,
    seed: 2,
  });
  await model.compile({
    optimizer: tabgrad.optimizers.sgd({
      learningRate: schedules.cosineDecay({ initialLearningRate: 0.01, decaySteps: 12 }),
      momentum: 0.9,
    }),
    loss: 'sparseCategoricalCrossentropy',
    fromLogits: true,
    metrics: ['accuracy'],
  });
  const { history } = await model.fit(train, {
    epochs: 3,
    batchSize: 8,
    validationData: test,
    augment: [augment.randomFlip(), augment.randomRotation({ factor: 0.1 })],
    callbacks: [callbacks.earlyStopping({ patience: 5, restoreBestWeights: true })],
  });
  keep('losses', history.loss);
  keep('validation', history.valLoss);

  const picture = x.slice(0, 768);
  const scores = await model.predict(x);
  keep('scores', scores);
  keep('top 2', [metrics.topKCategoricalAccuracy(y, scores, { k: 2 })]);
  const options = { target: 1, beforeActivation: true };
  keep('saliency', await explain.saliency(model, picture, options));
  keep('Grad-CAM', await explain.gradCam(model, picture, options));
  keep(
    'integrated gradients',
    await explain.integratedGradients(model, picture, { ...options, steps: 8 }),
  );
  keep('LIME', (await explain.lime(model, picture, { ...options, samples: 40 })).map);
  keep('FGSM', await robustness.fgsm(model, x.slice(0, 4 * 768), y.slice(0, 4)));
  const adapted = await learning.addLora(model, { rank: 2 });
  keep('LoRA', await adapted.predict(picture));
  const both = await learning.ensemble([model, await learning.cloneModel(model)]);
  keep('ensemble', await both.predict(picture));

  const bowl = (/** @type {{ at: number }} */ { at }) => ({ loss: (at - 1) ** 2 });
  const search = await tuning.randomSearch(
    bowl,
    { at: tuning.uniform(0, 4) },
    {
      trials: 5,
      objective: 'loss',
      mode: 'min',
      seed: 4,
    },
  );
  keep(
    'search',
    search.runs.map((/** @type {any} */ run) => run.config.at),
  );
  await engine.dispose();
  return found;
}

/** Three kinds of stripes. @param {number} count */
function makePictures(count) {
  const y = Int32Array.from({ length: count }, (_, i) => i % 3);
  const x = Uint8Array.from({ length: count * 768 }, (_, i) => {
    const [sample, row, column] = [
      Math.floor(i / 768),
      Math.floor(i / 48) % 16,
      Math.floor(i / 3) % 16,
    ];
    const along = [row, column, row + column][sample % 3] ?? 0;
    return (along * 40 + sample * 7 + (i % 3) * 20) & 255;
  });
  return { x, y };
}

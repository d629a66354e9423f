/** What the worker can be asked about models: its side of model.js. */

import { callsOf } from './architecture.js';
import { ModelMismatchError, StateError } from './errors.js';
import { checkRange } from './host-dataset.js';
import { HostModel } from './host-model.js';
import { RangeFeed, evaluate, fit, predict, trainOnBatch } from './trainer.js';
import { matchTensors, readTensors, writeTensors } from './tensors.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./host.js').Method} Method
 */

/**
 * @param {Host} host
 * @param {{ dataset: number, first: number, count: number }} range
 * @returns {import('./trainer.js').Range}
 */
function rangeOf(host, { dataset: id, first, count }) {
  const dataset = host.dataset(id);
  checkRange(dataset, first, count);
  return { dataset, first, count };
}

/** @param {HostModel} model @param {string} what */
function needCompiled(model, what) {
  if (!model.compiled) throw new StateError(`${what}: call compile first.`);
  return model.compiled;
}

/**
 * @param {import('./host-model.js').CompileConfig} config
 * @returns {Promise<import('./host-model.js').Extras>}
 */
async function extrasOf({ optimizer, metrics }) {
  const collects = metrics.some((metric) => metric !== 'accuracy');
  return {
    rate: await scheduled(optimizer.schedule),
    collector: collects ? await import('./metrics/collector.js') : null,
  };
}

/**
 * @param {unknown[] | null} list
 * @returns {Promise<import('./trainer.js').Augment | null>}
 */
async function augmentOf(list) {
  if (!list || list.length === 0) return null;
  const { augmentationNumbers, readAugmentations } = await import('./augment-list.js');
  const all = readAugmentations(list);
  return { list: all, numbers: augmentationNumbers(all) };
}

/** @param {unknown} schedule */
async function scheduled(schedule) {
  if (!schedule) return null;
  const { ScheduledRate } = await import('./scheduled-rate.js');
  return new ScheduledRate(schedule);
}

/** Reading and writing files is loaded when a program first does it. */
const checkpoints = () => import('./checkpoint.js');
/** So is looking into a model. */
const inspector = () => import('./host-inspect.js');
/** So is quantisation. */
const quantization = () => import('./quantize.js');
/** So is pruning. */
const pruning = () => import('./prune.js');

/** @type {[string, Method][]} */
export const modelMethods = [
  [
    'model.create',
    (host, { architecture, seed }) => keep(host, new HostModel(host, architecture, seed)),
  ],
  [
    'model.compile',
    async (host, { id, config }) => {
      const extras = await extrasOf(config);
      const model = host.model(id);
      model.change('compile', () => model.compile(config, extras));
    },
  ],
  [
    'model.fit',
    async (host, { id, ...job }, task) => {
      const model = host.model(id);
      needCompiled(model, 'fit');
      model.refuseIfChanging('fit');
      const augment = await augmentOf(job.augment ?? (job.resume ? model.position.augment : null));
      model.refuseIfChanging('fit');
      const { stream } = job.data;
      const range = stream === undefined && rangeOf(host, job.data);
      const data = range ? new RangeFeed(range) : host.stream(stream);
      const validation = job.validation && rangeOf(host, job.validation);
      const datasets = [range, validation].flatMap((used) => (used ? [used.dataset] : []));
      model.changing = 'fit';
      try {
        const run = () => fit(model.native, model, { ...job, augment, data, validation }, task);
        return { value: await model.use(task, datasets, run) };
      } finally {
        model.changing = null;
      }
    },
  ],
  [
    'model.trainOnBatch',
    async (host, { id, data, classWeight }, task) => {
      const model = host.model(id);
      needCompiled(model, 'trainOnBatch');
      model.refuseIfChanging('trainOnBatch');
      const range = rangeOf(host, data);
      model.changing = 'trainOnBatch';
      try {
        const run = () => trainOnBatch(model.native, model, range, classWeight, task);
        return { value: await model.use(task, [range.dataset], run) };
      } finally {
        model.changing = null;
      }
    },
  ],
  [
    'model.evaluate',
    async (host, { id, data, batchSize }, task) => {
      const model = host.model(id);
      needCompiled(model, 'evaluate');
      if (data.stream !== undefined) {
        const { evaluateStream } = await import('./host-stream.js');
        const stream = host.stream(data.stream);
        const run = () => evaluateStream(model, stream, batchSize, task);
        return { value: await model.use(task, [], run) };
      }
      const range = rangeOf(host, data);
      const onSlice = teller(range, task);
      const sums = await model.use(task, [range.dataset], () =>
        evaluate(model.native, model, range, batchSize, task, onSlice),
      );
      return { value: sums };
    },
  ],
  [
    'model.predict',
    async (host, { id, data, batchSize, out, tell }, task) => {
      const model = host.model(id);
      const range = rangeOf(host, data);
      const onSlice = tell ? teller(range, task) : undefined;
      const outputs = await model.use(task, [range.dataset], () =>
        predict(model.native, model, range, batchSize, task, out, onSlice),
      );
      const buffers = outputs.map(({ buffer }) => buffer);
      return { value: buffers, transfer: buffers };
    },
  ],
  [
    'model.inspect',
    async (host, { id, data, ...inspection }, task) => {
      const { inspect } = await inspector();
      const model = host.model(id);
      if (inspection.source === 'loss') needCompiled(model, 'gradients');
      const range = rangeOf(host, data);
      const found = await model.use(task, [range.dataset], () =>
        inspect(model, range, inspection, task),
      );
      const all = [...found.values, ...found.gradients, ...found.weights];
      return { value: found, transfer: all.map((tensor) => tensor.data.buffer) };
    },
  ],
  [
    'model.subModel',
    (host, { id, layers, name }) => keep(host, host.model(id).subModel(layers, name)),
  ],
  [
    'model.setTrainable',
    (host, { id, layers, trainable }) => {
      const model = host.model(id);
      model.change('setTrainable', () => model.setTrainable(layers, trainable));
      return { value: model.facts() };
    },
  ],
  [
    'model.quantize',
    async (host, { id, data, percentile }, task) => {
      const { calibratedRanges, learntRanges, quantizeModel } = await quantization();
      const model = host.model(id);
      if (!data) return keep(host, quantizeModel(model, learntRanges(model), remade(host, model)));
      const range = rangeOf(host, data);
      return model.use(task, [range.dataset], async () => {
        const ranges = calibratedRanges(model, range, percentile);
        return keep(host, quantizeModel(model, ranges, remade(host, model)));
      });
    },
  ],
  [
    'model.quantizeAware',
    async (host, { id, data, percentile }, task) => {
      const { calibratedRanges, quantizeAwareModel } = await quantization();
      const model = host.model(id);
      const range = rangeOf(host, data);
      return model.use(task, [range.dataset], async () => {
        const ranges = calibratedRanges(model, range, percentile);
        return keep(host, quantizeAwareModel(model, ranges, remade(host, model)));
      });
    },
  ],
  [
    'model.prune',
    async (host, { id, ...options }) => {
      const { pruneModel } = await pruning();
      return { value: pruneModel(host.model(id), options) };
    },
  ],
  [
    'model.setSchedule',
    async (host, { id, schedule }) => {
      const rate = await scheduled(schedule);
      const model = host.model(id);
      needCompiled(model, 'setLearningRate');
      model.setSchedule(/** @type {NonNullable<typeof rate>} */ (rate));
    },
  ],
  [
    'model.setHyperparameter',
    (host, { id, name, value }) => {
      const model = host.model(id);
      needCompiled(model, 'setHyperparameter');
      model.setHyperparameter(name, value);
    },
  ],
  [
    'model.setLayerOptions',
    (host, { id, name, options }) => host.model(id).setLayerOptions(name, options),
  ],
  [
    'model.learningRate',
    (host, { id }) => {
      const model = host.model(id);
      const { optimizer } = needCompiled(model, 'getLearningRate');
      const { step, rate } = model;
      if (!rate) return { value: { step, value: optimizer.hyperparameters.learningRate } };
      // A function's values are for the program's thread to tell.
      return { value: { step, value: rate.isFunction ? null : rate.at(step) } };
    },
  ],
  [
    'model.useAveragedWeights',
    (host, { id }) => {
      const model = host.model(id);
      needCompiled(model, 'useAveragedWeights');
      model.change('useAveragedWeights', () => model.useAverage());
    },
  ],
  [
    'model.getWeights',
    (host, { id }) => {
      const model = host.model(id);
      const value = readTensors(model.tensors, model.native.vector(model.pointer, 'WEIGHTS'));
      return { value, transfer: value.map(({ data }) => data.buffer) };
    },
  ],
  [
    'model.setWeights',
    (host, { id, weights }) => {
      const model = host.model(id);
      model.change('setWeights', () => {
        const found = matchTensors(model.tensors, weights, 'setWeights');
        writeTensors(model.tensors, found, model.native.vector(model.pointer, 'WEIGHTS'));
        model.applyMasks();
      });
    },
  ],
  [
    'model.save',
    async (host, { id, ...options }) => {
      const { encodeCheckpoint } = await checkpoints();
      const bytes = encodeCheckpoint(host.model(id), options);
      return { value: bytes, transfer: [bytes.buffer] };
    },
  ],
  [
    'model.load',
    async (host, { bytes }) => {
      const { decodeCheckpoint } = await checkpoints();
      const checkpoint = decodeCheckpoint(bytes);
      const compiled = checkpoint.readCompiled();
      const extras = compiled && (await extrasOf(compiled));
      const model = new HostModel(
        host,
        checkpoint.architecture,
        checkpoint.seed,
        checkpoint.lowered,
      );
      try {
        checkpoint.restore(model, compiled, extras);
      } catch (error) {
        model.native.destroyModel(model.pointer);
        throw error;
      }
      return keep(host, model);
    },
  ],
  [
    'model.loadWeights',
    async (host, { id, bytes }) => {
      const { decodeCheckpoint } = await checkpoints();
      const model = host.model(id);
      model.change('loadWeights', () => {
        const checkpoint = decodeCheckpoint(bytes);
        if (checkpoint.lowered) {
          throw new ModelMismatchError(
            'loadWeights: the file holds a quantised model, or one in training for it, which `load` gives.',
            {
              field: 'quantization',
            },
          );
        }
        const own = JSON.stringify(comparable(model.architecture));
        const other = JSON.stringify(comparable(checkpoint.architecture));
        if (own !== other) throw mismatch(model.architecture, checkpoint.architecture);
        checkpoint.restoreWeights(model);
      });
    },
  ],
  [
    'model.memory',
    (host, { id }) => {
      const { native, pointer } = host.model(id);
      const training = native.modelInfo(pointer, 'TRAINING_BYTES');
      return { value: { training, inference: native.modelInfo(pointer, 'INFERENCE_BYTES') } };
    },
  ],
  [
    'model.describePlan',
    (host, { id, batchSize, training }) => ({
      value: host.model(id).describePlan(batchSize, training),
    }),
  ],
  [
    'model.dispose',
    async (host, { id }) => {
      const model = host.models.get(id);
      host.models.delete(id);
      await model?.dispose();
    },
  ],
];

/**
 * Makes models of other nodes of a model's architecture.
 *
 * @param {Host} host
 * @param {HostModel} model
 * @returns {import('./quantize.js').Make}
 */
const remade =
  (host, { architecture, seed }) =>
  (lowered) =>
    new HostModel(host, architecture, seed, lowered);

/** @param {Host} host @param {HostModel} model */
function keep(host, model) {
  host.models.set(model.id, model);
  return { value: model.facts() };
}

/**
 * An architecture's layers and what they read, without what weights do not depend on.
 *
 * @param {import('./architecture.js').Architecture} architecture
 */
function comparable(architecture) {
  const calls = callsOf(architecture);
  return architecture.layers.map((layer, index) => [
    calls.filter((call) => call.layer === index).map(({ inputs }) => inputs),
    ...Object.entries(layer)
      .filter(
        ([key]) =>
          !/^(rate|momentum|dropout|trainable)$|(Initializer|Regularizer|Constraint)$/.test(key),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}

/**
 * @param {import('./architecture.js').Architecture} own
 * @param {import('./architecture.js').Architecture} other
 */
function mismatch(own, other) {
  const [mine, theirs] = [comparable(own), comparable(other)];
  const text = (/** @type {unknown} */ layer) => JSON.stringify(layer ?? null);
  const at = mine.findIndex((layer, index) => text(layer) !== text(theirs[index]));
  const index = at < 0 ? mine.length : at;
  const label = (/** @type {import('./architecture.js').Architecture} */ { layers }) =>
    layers[index] ? `${layers[index].type} '${layers[index].name}'` : 'no layer';
  return new ModelMismatchError(
    `loadWeights: layer ${index} differs: the model of ${own.layers.length} layers has ` +
      `${label(own)}, the file of ${other.layers.length} has ${label(other)}` +
      `${own.layers[index]?.type === other.layers[index]?.type ? ' with other options or inputs' : ''}.`,
    { layer: own.layers[index]?.name, field: 'layers' },
  );
}

/** @param {{ count: number }} range @param {import('./task.js').Task} task @returns {(done: number) => void} */
function teller({ count }, task) {
  return (done) => task.emit({ done, total: count });
}

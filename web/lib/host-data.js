/** What the worker can be asked of data sets: its side of dataset.js and datasets.js. */

import { openPath } from '#platform';
import { InternalError } from './errors.js';
import { HostDataset, checkRange } from './host-dataset.js';
import { inSlices } from './trainer.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./host.js').Method} Method
 * @typedef {import('./data/cifar10.js').SampleSink} SampleSink
 * @typedef {import('./host-dataset.js').DatasetFacts} DatasetFacts
 * @typedef {import('./host-dataset.js').Normalization} Normalization
 */

/**
 * @param {Host} host
 * @param {any} description of `dataset.create`: facts, and `whole` where the samples came along
 * @returns {DatasetFacts}
 */
export function addDataset(host, { whole, ...facts }) {
  const dataset = new HostDataset(host, facts);
  if (whole) dataset.fill(whole);
  host.datasets.set(dataset.facts.id, dataset);
  return dataset.facts;
}

/** @param {Host} host @param {number} id */
export function removeDataset(host, id) {
  host.datasets.get(id)?.dispose();
  host.datasets.delete(id);
}

/** @type {[string, Method][]} */
export const dataMethods = [
  ['dataset.create', (host, description) => ({ value: addDataset(host, description) })],
  ['dataset.write', (host, { id, which, at, bytes }) => host.dataset(id).write(which, at, bytes)],
  ['dataset.seal', (host, { id, normalization }) => host.dataset(id).seal(normalization)],
  [
    'dataset.read',
    (host, { id, first, count }) => {
      const dataset = host.dataset(id);
      checkRange(dataset, first, count);
      const x = dataset.read('x', first, count);
      const y = dataset.read('y', first, count);
      const value = x.map((samples, part) => ({ x: samples, y: y[part] }));
      const buffers = value.flatMap(({ x, y }) => [x, y]);
      return { value, transfer: buffers.filter((buffer) => buffer !== null) };
    },
  ],
  [
    'dataset.labels',
    (host, { id, first, count }) => {
      const dataset = host.dataset(id);
      checkRange(dataset, first, count);
      const [value] = dataset.read('y', first, count);
      return { value, transfer: value ? [value] : [] };
    },
  ],
  [
    'dataset.view',
    (host, { id, rows }) => {
      const base = host.dataset(id);
      const facts = { ...base.facts, count: rows.length };
      const view = new HostDataset(host, facts, { base, rows });
      host.datasets.set(view.facts.id, view);
      return { value: view.facts };
    },
  ],
  [
    'dataset.join',
    (host, { ids: [first, ...others] }) => {
      const dataset = host.dataset(first);
      for (const id of others) {
        dataset.attach(host.dataset(id));
        host.datasets.delete(id);
      }
      return { value: dataset.facts };
    },
  ],
  [
    'dataset.resize',
    async (host, { id, size, method }, task) => {
      const resized = await resize(host, host.dataset(id), size, method, task);
      host.datasets.set(resized.facts.id, resized);
      return { value: resized.facts };
    },
  ],
  [
    'dataset.preview',
    // Loaded here: most programs do not look at what training sees.
    async (host, args) => (await import('./host-augment.js')).preview(host, args),
  ],
  ['dataset.dispose', (host, { id }) => removeDataset(host, id)],
  [
    'dataset.cifar10',
    (host, args, task) =>
      loadParts(host, args, task, async (sinks, options) => {
        // Loaded here, as below: most programs have data of their own.
        const { loadCifar10 } = await import('./data/cifar10.js');
        return loadCifar10(args.source, sinks, {
          ...options,
          verify: args.verify,
          onProgress: (progress) => task.emit(progress),
        });
      }),
  ],
  [
    'dataset.imageFolder',
    async (host, job, task) => {
      const { loadImageFolder } = await import('./host-images.js');
      return loadImageFolder(host, job, task);
    },
  ],
  [
    'dataset.images',
    async (host, args, task) => {
      const { answerImages } = await import('./host-image-stream.js');
      return answerImages(host, args, task);
    },
  ],
  [
    'dataset.twins',
    async (host, args, task) => {
      const { findTwins } = await import('./host-clean.js');
      return findTwins(host, args, task);
    },
  ],
  [
    'dataset.stream',
    async (host, args) => {
      const { answerStream } = await import('./host-stream.js');
      return answerStream(host, args);
    },
  ],
  [
    'dataset.sample',
    (host, args, task) =>
      loadParts(host, args, task, async (sinks, options) => {
        const { loadSample } = await import('./data/sample.js');
        return loadSample(args.source, sinks, options);
      }),
  ],
];

/**
 * @param {Host} host
 * @param {{ parts: ('train' | 'test')[], normalization?: Normalization }} args
 * @param {import('./task.js').Task} task
 * @param {(sinks: Record<string, SampleSink>, options: { openPath: typeof openPath, signal: AbortSignal }) => Promise<unknown>} load
 * @returns {Promise<import('./host.js').Answer>} part → facts; all of them, or none is kept
 */
async function loadParts(host, { parts, normalization }, task, load) {
  /** @type {Map<string, HostDataset>} */
  const made = new Map();
  /** @type {Record<string, SampleSink>} */
  const sinks = {};
  for (const part of parts) sinks[part] = imageSink(host, (dataset) => made.set(part, dataset));
  try {
    await load(sinks, { openPath, signal: task.signal });
    task.throwIfCancelled();
    for (const dataset of made.values()) dataset.seal(normalization);
  } catch (error) {
    for (const dataset of made.values()) dataset.dispose();
    throw error;
  }
  for (const dataset of made.values()) host.datasets.set(dataset.facts.id, dataset);
  return { value: Object.fromEntries(Array.from(made, ([part, { facts }]) => [part, facts])) };
}

/** Pictures that are resized between two looks at the clock. */
const RESIZED_AT_ONCE = 8;

/**
 * @param {Host} host
 * @param {HostDataset} dataset
 * @param {[height: number, width: number]} size
 * @param {Parameters<import('./native.js').Native['resize']>[5]} method
 * @param {import('./task.js').Task} task
 * @returns {Promise<HostDataset>} all of it, or nothing is kept
 */
async function resize(host, dataset, [height, width], method, task) {
  /** @type {HostDataset | undefined} */
  let whole;
  dataset.hold();
  try {
    for (const part of dataset.parts) {
      const { id: _id, parts: _parts, ...facts } = part.facts;
      const hasSamples = facts.samples !== 'none';
      const made = new HostDataset(host, {
        ...facts,
        count: dataset.facts.count,
        size: hasSamples ? [height, width, facts.size[2]] : facts.size,
      });
      const first = whole ?? made;
      try {
        made.copyLabels(dataset, part);
        if (hasSamples) {
          const range = { dataset, first: 0, count: dataset.facts.count };
          const { rows } = dataset;
          const onSlice = (/** @type {number} */ done) => task.emit({ done, total: range.count });
          await inSlices(range, RESIZED_AT_ONCE, task, onSlice, (at, count) => {
            const one = (/** @type {number} */ to, /** @type {number} */ from, size = 1) =>
              host.native.resize(made.pointer, to, part.pointer, from, size, method);
            if (!rows) return one(at, at, count);
            for (let i = at; i < at + count; i++) one(i, rows[i]);
          });
        }
        made.seal(part.normalization);
        if (whole) whole.attach(made);
      } catch (error) {
        made.dispose();
        throw error;
      }
      whole = first;
    }
    return /** @type {HostDataset} */ (whole);
  } catch (error) {
    whole?.dispose();
    throw error;
  } finally {
    dataset.release();
  }
}

/**
 * Where a loader of 32 x 32 images puts them.
 *
 * @param {Host} host
 * @param {(dataset: HostDataset) => void} keep receives the data set once it has memory
 * @returns {SampleSink}
 */
function imageSink(host, keep) {
  /** @type {HostDataset | undefined} */
  let dataset;
  return {
    reserve(count) {
      dataset = new HostDataset(host, {
        count,
        size: [32, 32, 3],
        samples: 'uint8',
        labels: 'classes',
        labelSize: 1,
        weighted: false,
      });
      keep(dataset);
    },
    writeChunk(first, samples, labels) {
      if (!dataset) throw new InternalError('A sink was written to before it was reserved.');
      dataset.write('x', first * dataset.sampleBytes, samples);
      const classes = Int32Array.from(labels);
      dataset.write('y', first * dataset.labelBytes, new Uint8Array(classes.buffer));
    },
  };
}

/** Data sets of samples that a program gives one after the other. */

import { ItemReader, SampleStream } from './data/stream.js';
import { sizeOf } from './dataset-options.js';
import { ConfigError, EmptyError, throwIfAborted } from './errors.js';
import { needFunction, needOneOf, needSignal } from './options.js';

/**
 * @typedef {import('./client.js').Client} Client
 */

const WHERE = { what: 'dataset' };
const TOLD_EVERY_MS = 50;

/**
 * Reads an iterable to its end, then puts all its samples into the engine's memory, item by item.
 *
 * @param {Client} client
 * @param {Partial<Record<string, any>>} given options of `dataset`, of which `samples` is one
 * @returns {Promise<import('./host-dataset.js').DatasetFacts>}
 */
export async function uploadSamples(client, given) {
  for (const name of ['x', 'y', 'sampleWeight']) {
    if (given[name] === undefined) continue;
    throw new ConfigError(`dataset: give samples or ${name}, not both.`, { field: name });
  }
  const { samples, shape, labels, onProgress, scale, mean, std } = given;
  const signal = needSignal(given.signal, 'signal', WHERE);
  const tell = onProgress && needFunction(onProgress, 'onProgress', WHERE);
  if (shape === undefined) {
    throw new ConfigError('dataset: shape, of one sample, is missing.', { field: 'shape' });
  }
  const reader = new ItemReader({
    size: sizeOf(shape, WHERE),
    kind: (labels && needOneOf(labels, ['classes', 'values'], 'labels', WHERE)) ?? 'auto',
    needLabels: false,
    normalization: { scale, mean, std },
    what: WHERE.what,
  });
  /** @type {import('./data/stream.js').Rows[]} */
  const items = [];
  let count = 0;
  let told = 0;
  for await (const item of new SampleStream(samples).open(0)) {
    throwIfAborted(signal, WHERE.what);
    const rows = reader.read(item);
    items.push(rows);
    count += rows.count;
    if (performance.now() - told > TOLD_EVERY_MS) {
      tell?.({ done: count });
      told = performance.now();
    }
  }
  tell?.({ done: count });
  if (!reader.facts) throw new EmptyError('dataset: samples is empty.', { field: 'samples' });
  const { normalization, ...facts } = reader.facts;
  const made = await client.call('dataset.create', { ...facts, count });
  try {
    const at = { x: 0, y: 0, w: 0 };
    while (items.length > 0) {
      throwIfAborted(signal, WHERE.what);
      const rows = /** @type {import('./data/stream.js').Rows} */ (items.shift());
      for (const which of /** @type {const} */ (['x', 'y', 'w'])) {
        const bytes = rows[which];
        if (!bytes) continue;
        const args = { id: made.id, which, at: at[which], bytes };
        at[which] += bytes.length;
        await client.call('dataset.write', args, { transfer: [bytes.buffer] });
      }
    }
    await client.call('dataset.seal', { id: made.id, normalization });
  } catch (error) {
    await client.call('dataset.dispose', { id: made.id }).catch(() => {});
    throw error;
  }
  return made;
}

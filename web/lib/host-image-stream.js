/** Pictures of a folder or an archive that are read when they are wanted: the worker's side of image-stream.js. */

import { ConfigError, DisposedError } from './errors.js';
import { ImageLoad, openFolder, reporter, takeAll } from './host-images.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./task.js').Task} Task
 * @typedef {import('./host-images.js').ImageJob} ImageJob
 *
 * @typedef {object} OpenedFolder
 * @property {number} id
 * @property {string[]} files paths, in their order
 * @property {string[]} classNames
 * @property {number[] | null} classes of the files
 *
 * @typedef {object} ReadPictures those of the files asked for that could be read, in the order asked for
 * @property {number} count
 * @property {Uint8Array} x [count, height, width, channels]
 * @property {Int32Array | Float32Array | null} y
 * @property {import('./host-images.js').SkippedFile[]} skipped
 */

export class HostImages {
  #host;
  #job;
  #source;
  #part;
  #classNames;

  /**
   * @param {Host} host
   * @param {ImageJob} job
   * @param {Awaited<ReturnType<typeof openFolder>>} opened
   */
  constructor(host, job, { source, plan: { parts, classNames } }) {
    this.#host = host;
    this.#job = job;
    this.#source = source;
    this.#part = parts[0];
    this.#classNames = classNames;
  }

  /**
   * @param {ArrayLike<number>} samples numbers among the files, none of them twice
   * @param {Task} task
   * @returns {Promise<import('./host.js').Answer>} {@link ReadPictures}
   */
  async read(samples, task) {
    const { files, paths, labels } = this.#part;
    const pick = (/** @type {readonly any[]} */ list) => Array.from(samples, (at) => list[at]);
    const part = { files: pick(files), paths: pick(paths), labels: labels && pick(labels) };
    const load = new ImageLoad(this.#host, this.#job, part, this.#classNames);
    try {
      await takeAll(this.#source, [load], task, () => {});
      if (load.kept.length === 0) return { value: { count: 0, skipped: load.skipped } };
      const { facts, skipped } = load.finish();
      const [x] = load.dataset.read('x', 0, facts.count);
      const [y] = load.dataset.read('y', 0, facts.count);
      const Labels = facts.labels === 'classes' ? Int32Array : Float32Array;
      return {
        value: {
          count: facts.count,
          x: new Uint8Array(/** @type {ArrayBuffer} */ (x)),
          y: y && new Labels(y),
          skipped,
        },
        transfer: [x, y].flatMap((buffer) => buffer ?? []),
      };
    } finally {
      load.dataset.dispose();
    }
  }

  close() {
    return this.#source.close();
  }
}

/**
 * @param {Host} host
 * @param {any} args `open` with a job, or the number of what was opened and what is asked of it
 * @param {Task} task
 * @returns {Promise<import('./host.js').Answer>}
 */
export async function answerImages(host, { ask, id, job, samples }, task) {
  if (ask === 'open') return { value: await openImages(host, job, task) };
  const images = host.images.get(id);
  if (!images) throw new DisposedError('The stream of pictures was disposed.');
  if (ask === 'read') return images.read(samples, task);
  host.images.delete(id);
  await images.close();
  return {};
}

/**
 * @param {Host} host
 * @param {ImageJob} job
 * @param {Task} task
 * @returns {Promise<OpenedFolder>}
 */
async function openImages(host, job, task) {
  const opened = await openFolder(host, job, task, reporter(task));
  const { source, plan } = opened;
  if (!source.anyOrder) {
    await source.close();
    throw new ConfigError(
      `${job.plan.what}: a tar archive can be read from its beginning to its end only; unpack it, or make a zip of it.`,
      { field: 'source' },
    );
  }
  const id = host.newId();
  host.images.set(id, new HostImages(host, job, opened));
  const [{ paths, labels }] = plan.parts;
  return { id, files: paths, classNames: plan.classNames, classes: labels };
}

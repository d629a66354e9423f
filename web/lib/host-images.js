/** Folders and archives of pictures, decoded and resized into engine memory: the worker's side of image-folder.js. */

import { nextTurn } from '#platform';
import { cropToShape } from './data/crop.js';
import { decodeImage } from './data/decode-image.js';
import { emptyClass, planImages } from './data/image-classes.js';
import { openFiles } from './data/image-files.js';
import { AbortedError, ConfigError, TabgradError } from './errors.js';
import { HostDataset } from './host-dataset.js';

/**
 * @typedef {import('./host.js').Host} Host
 * @typedef {import('./task.js').Task} Task
 * @typedef {import('./data/image-classes.js').ImagePart} ImagePart
 * @typedef {import('./data/image-files.js').FileSource} FileSource
 *
 * @typedef {object} SkippedFile
 * @property {string} file its path
 * @property {string} code of the error, such as E_IMAGE
 * @property {string} message
 *
 * @typedef {object} ImageProgress
 * @property {'download' | 'load'} phase
 * @property {number} done bytes fetched, or files dealt with
 * @property {number | undefined} total
 *
 * @typedef {object} ImageJob
 * @property {import('./data/image-files.js').WireSource} source
 * @property {Omit<import('./data/image-classes.js').FolderOptions, 'strip'>} plan
 * @property {[height: number, width: number]} size
 * @property {number} channels
 * @property {'int' | 'categorical' | 'binary' | null} labelMode
 * @property {'NEAREST' | 'BILINEAR' | 'ANTIALIAS'} method of resizing
 * @property {boolean} cropToAspectRatio
 * @property {boolean} applyExifOrientation
 * @property {number} maxPixels
 * @property {import('./host-dataset.js').Normalization} [normalization]
 *
 * @typedef {object} ImageFacts
 * @property {import('./host-dataset.js').DatasetFacts} facts
 * @property {string[]} files path of each sample
 * @property {SkippedFile[]} skipped
 */

const PROGRESS_MS = 50;
/** Longest time without answering messages. */
const TURN_MS = 20;

/**
 * @param {Host} host
 * @param {ImageJob} job
 * @param {Task} task
 * @returns {Promise<import('./host.js').Answer>} parts, classNames, ignored, empty
 */
export async function loadImageFolder(host, job, task) {
  const report = reporter(task);
  const { source, plan } = await openFolder(host, job, task, report);
  /** @type {ImageLoad[]} */
  const loads = [];
  try {
    for (const part of plan.parts) loads.push(new ImageLoad(host, job, part, plan.classNames));
    await takeAll(source, loads, task, report);
    for (const load of loads) load.refuseEmptyClasses();
    const parts = loads.map((load) => load.finish());
    for (const load of loads) host.datasets.set(load.dataset.facts.id, load.dataset);
    return {
      value: { parts, classNames: plan.classNames, ignored: plan.ignored, empty: plan.empty },
    };
  } catch (error) {
    for (const load of loads) load.dataset.dispose();
    task.throwIfCancelled();
    throw error;
  } finally {
    await source.close();
  }
}

/**
 * Finds the files and what is to be made of them.
 *
 * @param {Host} host
 * @param {ImageJob} job
 * @param {Task} task
 * @param {ReturnType<typeof reporter>} report
 */
export async function openFolder(host, job, task, report) {
  // Resizing lies there, and what a single picture throws is no reason to begin again.
  await host.native.loadRest();
  const source = await openFiles(job.source, {
    signal: task.signal,
    onDownload: (done, total) => report({ phase: 'download', done, total }),
  });
  try {
    const plan = planImages(source.paths, { ...job.plan, strip: source.strip });
    checkLabelMode(job, plan.classNames);
    return { source, plan };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * Reads the files of these loads, each into its place.
 *
 * @param {FileSource} source
 * @param {readonly ImageLoad[]} loads
 * @param {Task} task
 * @param {ReturnType<typeof reporter>} report
 */
export async function takeAll(source, loads, task, report) {
  /** Number in the list → who wants the file, as which of its samples. @type {Map<number, [ImageLoad, number]>} */
  const wanted = new Map();
  for (const load of loads) {
    load.part.files.forEach((file, sample) => wanted.set(file, [load, sample]));
  }
  const total = wanted.size;
  let done = 0;
  let turn = performance.now();
  await source.each(
    new Set(wanted.keys()),
    async (index, read) => {
      const [load, sample] = /** @type {[ImageLoad, number]} */ (wanted.get(index));
      await load.take(sample, read, task.signal);
      report({ phase: 'load', done: ++done, total }, done === total);
      if (performance.now() - turn > TURN_MS) {
        await nextTurn();
        turn = performance.now();
      }
      task.throwIfCancelled();
    },
    task.signal,
  );
}

/** The pictures of one data set on their way into it. */
export class ImageLoad {
  #host;
  #job;
  #classNames;
  /** @type {Map<number, SkippedFile>} */
  #skipped = new Map();

  /**
   * @param {Host} host
   * @param {ImageJob} job
   * @param {ImagePart} part
   * @param {readonly string[]} classNames
   */
  constructor(host, job, part, classNames) {
    const { size, channels, labelMode } = job;
    this.#host = host;
    this.#job = job;
    this.#classNames = classNames;
    this.part = part;
    const values = labelMode === 'categorical' || labelMode === 'binary';
    const none = labelMode === null || !part.labels;
    this.dataset = new HostDataset(host, {
      count: part.files.length,
      size: [...size, channels],
      samples: 'uint8',
      labels: none ? 'none' : values ? 'values' : 'classes',
      labelSize: none ? 0 : labelMode === 'categorical' ? classNames.length : 1,
      weighted: false,
    });
  }

  /**
   * @param {number} sample
   * @param {() => Promise<Uint8Array>} read
   * @param {AbortSignal} signal
   */
  async take(sample, read, signal) {
    const { size, cropToAspectRatio } = this.#job;
    const name = this.part.paths[sample];
    try {
      const picture = await decodeImage(await read(), { ...this.#job, name, signal });
      this.#place(sample, cropToAspectRatio ? cropToShape(picture, size) : picture);
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      this.#skipped.set(sample, skippedFile(name, error));
    }
  }

  /**
   * @param {number} sample
   * @param {import('./data/decode-image.js').Picture} picture
   */
  #place(sample, { width, height, channels, data }) {
    const alone = new HostDataset(this.#host, {
      ...{ count: 1, size: [height, width, channels], samples: 'uint8' },
      ...{ labels: 'none', labelSize: 0, weighted: false },
    });
    try {
      alone.write('x', 0, data);
      const { method } = this.#job;
      this.#host.native.resize(this.dataset.pointer, sample, alone.pointer, 0, 1, method);
    } finally {
      alone.dispose();
    }
  }

  /** Samples whose file could be read, rising. */
  get kept() {
    return this.part.files
      .map((_, sample) => sample)
      .filter((sample) => !this.#skipped.has(sample));
  }

  /** Files that could not, in the order of the samples. */
  get skipped() {
    const samples = [...this.#skipped.keys()].sort((a, b) => a - b);
    return samples.map((sample) => /** @type {SkippedFile} */ (this.#skipped.get(sample)));
  }

  /**
   * Closes the gaps that bad files left, and writes the labels.
   *
   * @returns {ImageFacts}
   */
  finish() {
    const { part, dataset, kept, skipped } = this;
    if (skipped.length > 0) dataset.keep(kept);
    if (part.labels && dataset.facts.labels !== 'none') {
      dataset.write(
        'y',
        0,
        this.#labels(kept.map((sample) => /** @type {number[]} */ (part.labels)[sample])),
      );
    }
    dataset.seal(this.#job.normalization);
    return {
      facts: dataset.facts,
      files: kept.map((sample) => part.paths[sample]),
      skipped,
    };
  }

  /** @param {number[]} labels @returns {Uint8Array} as the engine holds them */
  #labels(labels) {
    const { labelMode } = this.#job;
    if (labelMode === 'int') return new Uint8Array(Int32Array.from(labels).buffer);
    if (labelMode === 'binary') return new Uint8Array(Float32Array.from(labels).buffer);
    const classes = this.#classNames.length;
    const rows = new Float32Array(labels.length * classes);
    labels.forEach((label, row) => (rows[row * classes + label] = 1));
    return new Uint8Array(rows.buffer);
  }

  /** @throws {EmptyClassError} */
  refuseEmptyClasses() {
    const { kept, skipped } = this;
    const { labels, paths } = this.part;
    const { what, labels: how, allowEmptyClasses } = this.#job.plan;
    const why = skipped.length > 0 ? `: ${skipped[0].message.replace(/\.$/, '')}` : '';
    if (kept.length === 0) {
      throw emptyClass(what, this.#classNames.length > 0 ? this.#classNames : [paths[0]], why);
    }
    if (!labels || how !== 'inferred' || allowEmptyClasses) return;
    const left = new Set(kept.map((sample) => labels[sample]));
    const lost = [...new Set(labels)].filter((label) => !left.has(label));
    if (lost.length > 0)
      throw emptyClass(
        what,
        lost.map((label) => this.#classNames[label]),
        why,
      );
  }
}

/**
 * @param {string} file
 * @param {unknown} error
 * @returns {SkippedFile}
 */
export function skippedFile(file, error) {
  const code = error instanceof TabgradError ? error.code : 'E_IMAGE';
  const message = error instanceof Error ? error.message : String(error);
  return { file, code, message: message.slice(0, 300) };
}

/** @param {ImageJob} job @param {readonly string[]} classNames */
function checkLabelMode({ labelMode, plan: { what } }, classNames) {
  if (labelMode !== 'binary' || classNames.length === 2) return;
  throw new ConfigError(
    `${what}: labelMode 'binary' takes two classes, found ${classNames.length}.`,
    { field: 'labelMode' },
  );
}

/** @param {Task} task @returns {(progress: ImageProgress, last?: boolean) => void} */
export function reporter(task) {
  let told = -Infinity;
  return (progress, last = false) => {
    const now = performance.now();
    if (!last && now - told < PROGRESS_MS) return;
    told = now;
    task.emit(progress);
  };
}

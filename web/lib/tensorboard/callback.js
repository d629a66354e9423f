/** The callback that writes what TensorBoard shows, with the folders and tags of Keras 3. */

import { Callback } from '../callback.js';
import { needBoolean, needWhole, readOptions, wrongType } from '../options.js';
import { EventFile } from './event-file.js';

/**
 * @typedef {import('../fit.js').Logs} Logs
 * @typedef {import('../fit.js').Progress} Progress
 */

/**
 * Logs that TensorBoard reads, with the folders and tags of Keras: `train` and `validation`, in which `epoch_loss`,
 * `epoch_accuracy`, `epoch_learning_rate` and the other logs of epochs stand, `batch_loss` and so on of batches,
 * `evaluation_loss_vs_iterations` of validations, and histograms of weights. In Node: `tensorboard --logdir logs`.
 *
 * @param {object} [options]
 * @param {string} [options.logDir] in Node: the folder; files grow as training goes on. Without it events are kept, and
 *   `files()` gives them, for a page to offer as downloads
 * @param {'epoch' | 'batch' | number} [options.updateFreq] whether batches are logged: default 'epoch': no; 'batch': all; a
 *   number: every so many
 * @param {number} [options.histogramFreq] epochs from histograms to histograms of all weights; default 0: none
 * @param {boolean} [options.writeStepsPerSecond] also `epoch_steps_per_second`; default false
 * @returns {TensorBoard}
 * @throws {ConfigError}
 */
export function tensorBoard(options) {
  return new TensorBoard(options);
}

/** What `tensorBoard` makes. */
export class TensorBoard extends Callback {
  #logDir;
  #every;
  #histogramFreq;
  #speed;
  /** Steps of this training. */
  #step = 0;
  /** By folder: 'train' and 'validation'. @type {Map<string, EventFile>} */
  #files = new Map();

  /** @param {unknown} options */
  constructor(options) {
    super();
    const where = { what: 'tensorBoard' };
    const names = /** @type {const} */ ([
      'logDir',
      'updateFreq',
      'histogramFreq',
      'writeStepsPerSecond',
    ]);
    const own = readOptions(options, names, where);
    const { logDir, updateFreq = 'epoch' } = own;
    if (logDir !== undefined && (typeof logDir !== 'string' || logDir === '')) {
      throw wrongType(logDir, 'logDir', 'a path', where);
    }
    if (typeof updateFreq === 'string' && !['epoch', 'batch'].includes(updateFreq)) {
      throw wrongType(updateFreq, 'updateFreq', "'epoch', 'batch' or a number", where);
    }
    this.#logDir = /** @type {string | undefined} */ (logDir);
    this.#every =
      updateFreq === 'epoch'
        ? 0
        : updateFreq === 'batch'
          ? 1
          : needWhole(updateFreq, 'updateFreq', where, 1);
    this.#histogramFreq = needWhole(own.histogramFreq ?? 0, 'histogramFreq', where);
    this.#speed = needBoolean(own.writeStepsPerSecond ?? false, 'writeStepsPerSecond', where);
  }

  /**
   * The files that are kept, where there is no `logDir`: names with their folder, and bytes.
   *
   * @returns {{ name: string, bytes: Uint8Array<ArrayBuffer> }[]}
   */
  files() {
    if (this.#logDir !== undefined) return [];
    return [...this.#files].map(([folder, file]) => ({
      name: `${folder}/${file.name}`,
      bytes: file.bytes(),
    }));
  }

  onTrainBegin() {
    this.#step = 0;
  }

  /** @param {number} batch @param {Logs} logs @param {Progress} progress */
  async onTrainBatchEnd(batch, logs, { epoch, batches }) {
    this.#step = epoch * batches + batch + 1;
    if (this.#every === 0 || this.#step % this.#every !== 0) return;
    await this.#in('train').scalars(
      this.#step,
      tagged(logs, (name) => `batch_${name}`),
    );
  }

  /** @param {Logs} logs */
  async onTestEnd(logs) {
    const tag = (/** @type {string} */ name) => `evaluation_${name}_vs_iterations`;
    await this.#in('validation').scalars(this.#step, tagged(logs, tag));
  }

  /** @param {number} epoch @param {Logs} logs @param {Progress} progress */
  async onEpochEnd(epoch, logs, { msPerStep }) {
    const tag = (/** @type {string} */ name) => `epoch_${name}`;
    /** @type {Logs} */
    const own = {
      ...logs,
      learningRate: logs.learningRate ?? (await this.model.getLearningRate()),
    };
    if (this.#speed) own.stepsPerSecond = 1000 / msPerStep;
    const held = Object.entries(own).filter(([name]) => VALIDATION.test(name));
    const trained = Object.entries(own).filter(([name]) => !VALIDATION.test(name));
    await this.#in('train').scalars(epoch, tagged(Object.fromEntries(trained), tag));
    if (held.length > 0) {
      const plain = held.map(([name, value]) => [
        `${name[3].toLowerCase()}${name.slice(4)}`,
        value,
      ]);
      await this.#in('validation').scalars(epoch, tagged(Object.fromEntries(plain), tag));
    }
    if (this.#histogramFreq === 0 || epoch % this.#histogramFreq !== 0) return;
    const weights = await this.model.getWeights();
    const arrays = weights.map(({ name, data }) => [`${name}/histogram`, data]);
    await this.#in('train').histograms(epoch, Object.fromEntries(arrays));
  }

  /** @param {'train' | 'validation'} folder */
  #in(folder) {
    let file = this.#files.get(folder);
    if (!file) {
      const path = this.#logDir === undefined ? undefined : `${this.#logDir}/${folder}`;
      file = new EventFile({ folder: path });
      this.#files.set(folder, file);
    }
    return file;
  }
}

/** Logs of validation: `valLoss`. */
const VALIDATION = /^val[A-Z]/;

/**
 * Numbers by their tags, with Keras's names: `learning_rate` of `learningRate`.
 *
 * @param {Readonly<Record<string, unknown>>} logs
 * @param {(name: string) => string} tag
 * @returns {Record<string, number>}
 */
function tagged(logs, tag) {
  const numbers = Object.entries(logs).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(
    numbers.map(([name, value]) => {
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [tag(snake), Number(value)];
    }),
  );
}

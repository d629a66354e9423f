/** Files that TensorBoard reads. */

import { appendFile } from '#platform';
import { crc32c } from '../data/crc32.js';
import { EmptyError, InputTypeError, NonFiniteError } from '../errors.js';
import { describe, needWhole, readOptions, wrongType } from '../options.js';
import {
  histogramOf,
  histogramValue,
  join,
  scalarValue,
  summaryEvent,
  versionEvent,
} from './messages.js';

/** Files of this program so far, so that two begun in the same millisecond have two names. */
let files = 0;

/**
 * One file of events, for training loops of one's own; `tensorBoard` writes them in `fit`.
 *
 *     const log = new EventFile({ folder: 'logs/gan' });
 *     await log.scalars(step, { generator: 1.2, critic: 0.4 });
 */
export class EventFile {
  #folder;
  #started = false;
  /** What is not in a file: all of it where there is no folder. @type {Uint8Array[]} */
  #kept = [];
  #writing = Promise.resolve();

  /**
   * @param {{ folder?: string }} [options] folder: in Node, made if it is not there; without it the events are kept, and
   *   `bytes` gives them
   * @throws {ConfigError}
   */
  constructor(options) {
    const where = { what: 'EventFile' };
    const { folder } = readOptions(options, ['folder'], where);
    if (folder !== undefined && (typeof folder !== 'string' || folder === '')) {
      throw wrongType(folder, 'folder', 'a path', where);
    }
    this.#folder = /** @type {string | undefined} */ (folder);
    const now = Date.now();
    /** The file's: TensorBoard reads those of a folder in the order of their names. */
    this.name = `events.out.tfevents.${Math.floor(now / 1000)}.tabgrad.${now}.${files++}`;
  }

  /**
   * Numbers of a step.
   *
   * @param {number} step a whole number from 0
   * @param {Readonly<Record<string, number>>} values by their tags; a slash makes groups. Stored in 32 bits, NaN too
   * @returns {Promise<void>} when they are in the file
   * @throws {InputTypeError} {ConfigError} {IoError}
   */
  async scalars(step, values) {
    const entries = Object.entries(values);
    for (const [tag, value] of entries) {
      if (typeof value === 'number') continue;
      throw new InputTypeError(
        `EventFile: ${tag.slice(0, 60)} must be a number, found ${describe(value)}.`,
        { field: tag.slice(0, 60) },
      );
    }
    if (entries.length === 0) return;
    await this.#write(step, () => entries.map(([tag, value]) => scalarValue(tag, value)));
  }

  /**
   * How values of a step are distributed, in 30 buckets of equal width.
   *
   * @param {number} step a whole number from 0
   * @param {Readonly<Record<string, ArrayLike<number>>>} arrays by their tags, of finite numbers
   * @returns {Promise<void>} when they are in the file
   * @throws {EmptyError} {InputTypeError} {NonFiniteError} {ConfigError} {IoError}
   */
  async histograms(step, arrays) {
    const histograms = Object.entries(arrays).map(
      ([tag, values]) => /** @type {const} */ ([tag, histogramOf(checked(tag, values))]),
    );
    await this.#write(step, () =>
      histograms.map(([tag, histogram]) => histogramValue(tag, histogram)),
    );
  }

  /** A copy of what is kept: all events where there is no folder, none otherwise. @returns {Uint8Array<ArrayBuffer>} */
  bytes() {
    this.#kept = [join(this.#kept)];
    return this.#kept[0].slice();
  }

  /**
   * @param {number} step
   * @param {() => Uint8Array[]} values
   */
  #write(step, values) {
    needWhole(step, 'step', { what: 'EventFile' });
    const now = Date.now() / 1000;
    const events = this.#started ? [] : [record(versionEvent(now))];
    this.#started = true;
    events.push(record(summaryEvent(now, step, values())));
    const bytes = join(events);
    const folder = this.#folder;
    if (folder === undefined) {
      this.#kept.push(bytes);
      return Promise.resolve();
    }
    // One after the other, whether they are awaited or not.
    this.#writing = this.#writing.then(() => appendFile(`${folder}/${this.name}`, bytes));
    return this.#writing;
  }
}

/**
 * @param {string} tag
 * @param {any} values
 * @returns {ArrayLike<number>}
 */
function checked(tag, values) {
  const field = tag.slice(0, 60);
  if (!Array.isArray(values) && !ArrayBuffer.isView(values)) {
    throw new InputTypeError(`EventFile: ${field} must be an array, found ${describe(values)}.`, {
      field,
    });
  }
  const list = /** @type {ArrayLike<number>} */ (/** @type {unknown} */ (values));
  if (!(list.length > 0)) throw new EmptyError(`EventFile: ${field} is empty.`, { field });
  for (let i = 0; i < list.length; i++) {
    if (Number.isFinite(list[i])) continue;
    const wrong = typeof list[i] === 'number' ? NonFiniteError : InputTypeError;
    throw new wrong(
      `EventFile: ${field} must be finite numbers, found ${describe(list[i])} at ${i}.`,
      { field },
    );
  }
  return list;
}

/**
 * The frame of TensorFlow's records: length, its checksum, content, its checksum, little-endian.
 *
 * @param {Uint8Array} content
 */
function record(content) {
  const frame = new DataView(new ArrayBuffer(16 + content.length));
  frame.setUint32(0, content.length, true);
  const bytes = new Uint8Array(frame.buffer);
  frame.setUint32(8, masked(bytes.subarray(0, 8)), true);
  bytes.set(content, 12);
  frame.setUint32(12 + content.length, masked(content), true);
  return bytes;
}

/** The checksum turned and moved, since data that hold their own checksum would be told apart badly. @param {Uint8Array} bytes */
function masked(bytes) {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/**
 * Turns the bytes of a CIFAR-10 data file, in pieces of any size, into samples and labels.
 * A record is 3,073 bytes: the label, then the planes red, green, blue of 32 x 32 pixels each.
 */

import { FormatError, LabelRangeError } from '../errors.js';
import { RECORD_BYTES, SAMPLE_BYTES } from './cifar10-facts.js';

const PLANE = 1024;
const CLASSES = 10;
/** Records handed over at once: 393 kB, small enough for a cache, large enough to call rarely. */
const BATCH = 128;

export class RecordParser {
  #carry = new Uint8Array(RECORD_BYTES);
  #carried = 0;
  #samples = new Uint8Array(BATCH * SAMPLE_BYTES);
  #labels = new Uint8Array(BATCH);
  #batched = 0;
  #records = 0;
  #name;
  #count;
  #first;
  #write;

  /**
   * @param {object} options
   * @param {string} options.name file name, for messages
   * @param {number} options.count records the file must have
   * @param {number} options.first sample index of the file's record 0
   * @param {(first: number, samples: Uint8Array, labels: Uint8Array) => void} options.write gets
   *   n samples [n, 32, 32, 3] and n labels; both arrays are used again after it returns
   */
  constructor({ name, count, first, write }) {
    this.#name = name;
    this.#count = count;
    this.#first = first;
    this.#write = write;
  }

  /**
   * @param {Uint8Array} bytes the next bytes of the file; not kept
   * @throws {LabelRangeError} a label byte above 9
   * @throws {FormatError} more records than `count`
   */
  push(bytes) {
    let offset = 0;
    if (this.#carried > 0) {
      offset = Math.min(RECORD_BYTES - this.#carried, bytes.length);
      this.#carry.set(bytes.subarray(0, offset), this.#carried);
      this.#carried += offset;
      if (this.#carried < RECORD_BYTES) return;
      this.#record(this.#carry, 0);
      this.#carried = 0;
    }
    for (; offset + RECORD_BYTES <= bytes.length; offset += RECORD_BYTES) {
      this.#record(bytes, offset);
    }
    if (offset < bytes.length) {
      this.#carry.set(bytes.subarray(offset));
      this.#carried = bytes.length - offset;
    }
  }

  /**
   * Hands over what is left; to be called once, at the end of the file.
   * @throws {FormatError} the file ended early or inside a record
   */
  end() {
    if (this.#carried > 0 || this.#records !== this.#count) throw this.#sizeError();
    this.#flush();
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   */
  #record(bytes, at) {
    if (this.#records === this.#count) throw this.#sizeError(' or more');
    const label = bytes[at];
    if (label >= CLASSES) {
      throw new LabelRangeError(
        `${this.#name}: record ${this.#records} has label ${label}, expected 0 to ${CLASSES - 1}.`,
      );
    }
    const out = this.#samples;
    let to = this.#batched * SAMPLE_BYTES;
    for (let red = at + 1, end = red + PLANE; red < end; red++, to += 3) {
      out[to] = bytes[red];
      out[to + 1] = bytes[red + PLANE];
      out[to + 2] = bytes[red + 2 * PLANE];
    }
    this.#labels[this.#batched++] = label;
    this.#records++;
    if (this.#batched === BATCH) this.#flush();
  }

  #flush() {
    const n = this.#batched;
    if (n === 0) return;
    this.#batched = 0;
    this.#write(
      this.#first + this.#records - n,
      this.#samples.subarray(0, n * SAMPLE_BYTES),
      this.#labels.subarray(0, n),
    );
  }

  /** @param {string} [more] */
  #sizeError(more = '') {
    const found = this.#records * RECORD_BYTES + this.#carried;
    return sizeError(this.#name, this.#count, found, more);
  }
}

/**
 * @param {string} name
 * @param {number} count records expected
 * @param {number} found bytes
 * @param {string} [more]
 * @returns {FormatError}
 */
export function sizeError(name, count, found, more = '') {
  // CIFAR-100 records carry two label bytes.
  const other = RECORD_BYTES + 1;
  const hint =
    found > 0 && found % other === 0 && found % RECORD_BYTES !== 0
      ? ` It looks like CIFAR-100, whose records have ${other} bytes.`
      : '';
  return new FormatError(
    `${name}: ${found}${more} bytes, expected ${count * RECORD_BYTES} ` +
      `(${count} records of ${RECORD_BYTES} bytes).${hint}`,
  );
}

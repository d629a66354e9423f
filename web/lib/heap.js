/**
 * The engine's memory. No other file makes a view of it. A view is stale after any call into the
 * engine, which may have grown the memory: take it, use it, drop it, and hand out copies only.
 */

import { NULL } from './ffi.js';

/** @typedef {import('./ffi.js').Bindings} Bindings */
/**
 * @template {string} T
 * @typedef {import('./ffi.js').Pointer<T>} Pointer
 */

const encoder = new TextEncoder();
// A name may begin with U+FEFF, which is not a mark of the byte order here.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class Heap {
  #memory;
  #ffi;
  #engine;
  #failed;

  /**
   * @param {WebAssembly.Memory} memory
   * @param {Bindings} ffi
   * @param {Pointer<'tg_engine'>} engine
   * @param {() => Error} failed makes the error of the engine's last failure
   */
  constructor(memory, ffi, engine, failed) {
    this.#memory = memory;
    this.#ffi = ffi;
    this.#engine = engine;
    this.#failed = failed;
  }

  /** Bytes that the memory has now; it only ever grows. */
  get size() {
    return this.#memory.buffer.byteLength;
  }

  /**
   * @param {number} pointer
   * @param {number} count
   */
  bytes(pointer, count) {
    return new Uint8Array(this.#memory.buffer, pointer >>> 0, count);
  }

  /**
   * @param {number} pointer
   * @param {number} count
   */
  floats(pointer, count) {
    return new Float32Array(this.#memory.buffer, pointer >>> 0, count);
  }

  /**
   * @param {number} pointer
   * @param {number} count
   */
  ints(pointer, count) {
    return new Int32Array(this.#memory.buffer, pointer >>> 0, count);
  }

  /**
   * @param {number} pointer
   * @param {number} count
   */
  doubles(pointer, count) {
    return new Float64Array(this.#memory.buffer, pointer >>> 0, count);
  }

  /**
   * The text at an address, up to its NUL.
   *
   * @param {number} pointer
   * @returns {string} empty for address 0
   */
  text(pointer) {
    const start = pointer >>> 0;
    if (start === 0) return '';
    const all = new Uint8Array(this.#memory.buffer);
    // A copy, since a TextDecoder refuses shared memory.
    return decoder.decode(all.slice(start, all.indexOf(0, start)));
  }

  /**
   * Writes a text with its NUL. Not by `encodeInto`: browsers refuse it shared memory.
   *
   * @param {number} pointer to room for it
   * @param {string} text of ASCII letters
   */
  setText(pointer, text) {
    const bytes = this.bytes(pointer, text.length + 1);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    bytes[text.length] = 0;
  }

  /**
   * Engine memory for the length of one call: given back however the callback ends.
   *
   * @template Result
   * @param {(scope: Scope) => Result} use must not be asynchronous
   * @returns {Result}
   */
  withScope(use) {
    /** @type {Pointer<any>[]} */
    const buffers = [];
    const scope = new Scope(this, (bytes) => {
      const pointer = this.#ffi.bufferCreate(this.#engine, bytes);
      if (pointer === NULL) throw this.#failed();
      buffers.push(pointer);
      return pointer;
    });
    try {
      return use(scope);
    } finally {
      for (const pointer of buffers.reverse()) this.#ffi.bufferDestroy(this.#engine, pointer);
    }
  }
}

/** Makes arguments in engine memory; each lives until its scope ends. */
export class Scope {
  #heap;
  #reserve;

  /**
   * @param {Heap} heap
   * @param {(bytes: number) => Pointer<any>} reserve
   */
  constructor(heap, reserve) {
    this.#heap = heap;
    this.#reserve = reserve;
  }

  /**
   * @param {number} bytes
   * @returns {Pointer<any>} 16-byte aligned, not zeroed
   */
  reserve(bytes) {
    return this.#reserve(Math.max(bytes, 1));
  }

  /**
   * @param {string} text
   * @returns {Pointer<'char'>} UTF-8 with its NUL
   */
  text(text) {
    const encoded = encoder.encode(text);
    const pointer = this.reserve(encoded.length + 1);
    const bytes = this.#heap.bytes(pointer, encoded.length + 1);
    bytes.set(encoded);
    bytes[encoded.length] = 0;
    return pointer;
  }

  /**
   * @param {ArrayLike<number>} values
   * @returns {Pointer<'double'>}
   */
  doubles(values) {
    const pointer = this.reserve(values.length * 8);
    this.#heap.doubles(pointer, values.length).set(values);
    return pointer;
  }

  /**
   * @param {ArrayLike<number>} values
   * @returns {Pointer<'tg_real'>}
   */
  floats(values) {
    const pointer = this.reserve(values.length * 4);
    this.#heap.floats(pointer, values.length).set(values);
    return pointer;
  }

  /**
   * @param {ArrayLike<number>} values
   * @returns {Pointer<'int32_t'>}
   */
  ints(values) {
    const pointer = this.reserve(values.length * 4);
    this.#heap.ints(pointer, values.length).set(values);
    return pointer;
  }
}

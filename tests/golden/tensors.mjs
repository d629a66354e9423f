/** Reads the golden files: safetensors, every tensor as a typed array with its shape. */

import { readFileSync } from 'node:fs';

const TYPES = new Map(
  /** @type {[string, Float64ArrayConstructor | Float32ArrayConstructor | Int32ArrayConstructor | Uint8ArrayConstructor][]} */ ([
    ['F64', Float64Array],
    ['F32', Float32Array],
    ['I32', Int32Array],
    ['U8', Uint8Array],
  ]),
);

/**
 * @typedef {object} Tensor
 * @property {number[]} shape
 * @property {Float64Array | Float32Array | Int32Array | Uint8Array} data
 */

/**
 * @param {string} name of a file beside this one, without its ending
 * @returns {{ cases: any[], tensors: Map<string, Tensor>, metadata: any }} metadata with its JSON read
 */
export function readGolden(name) {
  const file = readFileSync(new URL(`./${name}.safetensors`, import.meta.url));
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes));
  const { __metadata__: metadata, ...entries } = header;
  const tensors = new Map();
  for (const [key, { dtype, shape, data_offsets: offsets }] of Object.entries(entries)) {
    const [first, end] = offsets.map((/** @type {number} */ offset) => 8 + headerBytes + offset);
    const TypedArray = /** @type {Float64ArrayConstructor} */ (TYPES.get(dtype));
    // A copy: a file's buffer may start anywhere, and a typed array must not.
    tensors.set(key, {
      shape,
      data: new TypedArray(new Uint8Array(file.subarray(first, end)).buffer),
    });
  }
  const read = Object.fromEntries(
    Object.entries(metadata).map(([key, text]) => [key, JSON.parse(text)]),
  );
  return { cases: read.cases, tensors, metadata: read };
}

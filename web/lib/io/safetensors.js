/**
 * Reads and writes safetensors files: an 8-byte little-endian header length, a JSON header, the
 * tensors' bytes. The reader is strict: each byte of the file belongs to the length, the header or
 * exactly one tensor, or the file is refused.
 *
 * Source of the format: the "Format" section of the safetensors project's README.
 *
 * Files written here also carry, in their metadata, a SHA-256 of the whole file (see
 * `safetensors-checksum.js`), so that no flipped bit goes unnoticed. Other readers take it for one
 * more metadata string.
 */

import {
  DuplicateError,
  FormatError,
  InputTypeError,
  LimitError,
  ShapeError,
  VersionError,
} from '../errors.js';
import { looksLikeHint } from '../data/looks-like.js';
import { CHECKSUM_KEY, VERSION_KEY, fillChecksum, verifyChecksum } from './safetensors-checksum.js';
import { parseJson, quote } from './strict-json.js';

/** Largest JSON header: 16 MB, room for 100,000 tensors and a large architecture. */
export const MAX_HEADER_BYTES = 16 * 1024 * 1024;
export const MAX_TENSORS = 100_000;
export const MAX_RANK = 8;
/** Largest data section, tensor and dimension: what a 32-bit engine addresses with signed sizes. */
export const MAX_BYTES = 2 ** 31 - 1;

/** Version of the files that `encode` writes. */
const VERSION = '1';
const ALIGNMENT = 8;
const METADATA = '__metadata__';

/**
 * @typedef {Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array |
 *   Float32Array | Float64Array | BigInt64Array | BigUint64Array} TensorData
 *
 * @typedef {'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U64' | 'U32' | 'U16' |
 *   'U8' | 'BOOL' | 'F8_E4M3' | 'F8_E5M2'} Dtype
 *
 * @typedef {object} Tensor
 * @property {string} name
 * @property {Dtype} dtype
 * @property {number[]} shape row-major, last index fastest; [] is a scalar
 * @property {TensorData} data of the array type of `dtype`; F16, BF16 and F8 as their raw bits in a
 *   Uint16Array or Uint8Array
 *
 * @typedef {object} DecodedFile
 * @property {Map<string, Tensor>} tensors in the order of the header
 * @property {Map<string, string>} metadata without the two entries `tabgrad.*` of this module
 * @property {boolean} checked whether the file carried a checksum (which then held)
 */

/** @type {ReadonlyMap<string, any>} */
const ARRAY_OF_DTYPE = new Map(
  Object.entries({
    F64: Float64Array,
    F32: Float32Array,
    F16: Uint16Array,
    BF16: Uint16Array,
    I64: BigInt64Array,
    I32: Int32Array,
    I16: Int16Array,
    I8: Int8Array,
    U64: BigUint64Array,
    U32: Uint32Array,
    U16: Uint16Array,
    U8: Uint8Array,
    BOOL: Uint8Array,
    F8_E4M3: Uint8Array,
    F8_E5M2: Uint8Array,
  }),
);

/**
 * Writes a file. The same input gives the same bytes: tensors go by falling element size, then by
 * name, as the reference writer orders them, so that each is aligned for its type.
 *
 * @param {object} content
 * @param {Iterable<Tensor> | Map<string, Omit<Tensor, 'name'>>} content.tensors
 * @param {Record<string, string> | Map<string, string>} [content.metadata] keys starting with
 *   `tabgrad.` are this module's own
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {ShapeError} `data` of another length than `shape` says
 * @throws {DuplicateError} a name twice
 * @throws {InputTypeError} a wrong dtype, array type, name or metadata value
 * @throws {LimitError} above the limits of this module
 */
export function encode({ tensors, metadata = {} }) {
  const list = sortedTensors(tensors);
  // Joined by hand: an object would put names that look like array indices first.
  const header = [`"${METADATA}":{${metadataText(metadata)}}`];
  let end = 0;
  for (const { name, dtype, shape, data } of list) {
    const info = { dtype, shape, data_offsets: [end, end + data.byteLength] };
    header.push(`${JSON.stringify(name)}:${JSON.stringify(info)}`);
    end += data.byteLength;
  }
  if (end > MAX_BYTES) throw new LimitError(`The tensors have ${end} bytes, at most ${MAX_BYTES}.`);
  const text = new TextEncoder().encode(`{${header.join(',')}}`);
  const length = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  if (length > MAX_HEADER_BYTES) {
    throw new LimitError(`The header has ${length} bytes, at most ${MAX_HEADER_BYTES}.`);
  }
  const file = new Uint8Array(8 + length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(text, 8);
  file.fill(0x20, 8 + text.length, 8 + length);
  let at = 8 + length;
  for (const { data } of list) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  fillChecksum(file);
  return file;
}

/**
 * Reads a file. Values are not looked at: whether NaN is welcome is for the caller to say.
 *
 * @param {Uint8Array} bytes a whole file; `data` of the result are views of it where the alignment
 *   allows, copies otherwise
 * @param {object} [options]
 * @param {boolean} [options.requireChecksum] refuse a file without our checksum, default false
 * @returns {DecodedFile}
 * @throws {FormatError} not a safetensors file, cut short, followed by other bytes, or with tensors
 *   that overlap or leave holes
 * @throws {ChecksumError} the checksum does not hold, or is missing and required
 * @throws {VersionError} written by a newer version of this library
 * @throws {DuplicateError} a name or key twice
 * @throws {LimitError} above the limits of this module
 */
export function decode(bytes, { requireChecksum = false } = {}) {
  if (!(bytes instanceof Uint8Array)) {
    throw new InputTypeError(`decode needs a Uint8Array, found ${typeof bytes}.`);
  }
  const { header, dataStart } = readHeader(bytes);
  const metadata = readMetadata(header);
  // Structure first: of a file cut short it says more than a checksum that does not hold.
  const entries = readEntries(header);
  requireExactCover(entries, bytes.length - dataStart);
  const checked = verifyChecksum(bytes, metadata, requireChecksum);
  const version = metadata.get(VERSION_KEY);
  if (checked && version !== VERSION) {
    throw new VersionError(`The file has version ${quote(version ?? '')}, expected "${VERSION}".`);
  }
  metadata.delete(CHECKSUM_KEY);
  metadata.delete(VERSION_KEY);
  /** @type {Map<string, Tensor>} */
  const tensors = new Map();
  for (const { name, dtype, shape, start, end } of entries) {
    const data = viewOf(bytes, dataStart + start, dataStart + end, dtype);
    tensors.set(name, { name, dtype, shape, data });
  }
  return { tensors, metadata, checked };
}

/**
 * @param {Iterable<Tensor> | Map<string, Omit<Tensor, 'name'>>} tensors
 * @returns {Tensor[]}
 */
function sortedTensors(tensors) {
  /** @type {Tensor[]} */
  const list =
    tensors instanceof Map
      ? Array.from(tensors, ([name, tensor]) => ({ ...tensor, name }))
      : Array.from(/** @type {Iterable<Tensor>} */ (tensors));
  if (list.length > MAX_TENSORS) {
    throw new LimitError(`${list.length} tensors, at most ${MAX_TENSORS}.`);
  }
  const names = new Set();
  for (const tensor of list) {
    requireTensor(tensor);
    if (names.has(tensor.name)) {
      throw new DuplicateError(`Two tensors have the name ${quote(tensor.name)}.`);
    }
    names.add(tensor.name);
  }
  const size = (/** @type {Tensor} */ { dtype }) => ARRAY_OF_DTYPE.get(dtype).BYTES_PER_ELEMENT;
  return list.sort((a, b) => size(b) - size(a) || (a.name < b.name ? -1 : 1));
}

/** @param {Tensor} tensor */
function requireTensor({ name, dtype, shape, data }) {
  if (typeof name !== 'string' || name === METADATA || !isSafeText(name)) {
    throw new InputTypeError(`${quote(String(name))} cannot be the name of a tensor.`);
  }
  const array = ARRAY_OF_DTYPE.get(dtype);
  if (!array || !(data instanceof array)) {
    throw new InputTypeError(
      `Tensor ${quote(name)}: dtype ${quote(String(dtype))} needs ` +
        `${array ? `a ${array.name}` : 'another name: it is none of safetensors'}, found ` +
        `${Object.prototype.toString.call(data)}.`,
    );
  }
  const count = elementsOf(name, shape, array.BYTES_PER_ELEMENT);
  if (count !== data.length) {
    throw new ShapeError(
      `Tensor ${quote(name)}: shape [${shape}] has ${count} elements, data ${data.length}.`,
    );
  }
}

/**
 * @param {Record<string, string> | Map<string, string>} metadata
 * @returns {string} JSON members, the checksum's place first: its reader looks for it there
 */
function metadataText(metadata) {
  const entries = metadata instanceof Map ? [...metadata] : Object.entries(metadata);
  for (const [key, value] of entries) {
    if (typeof value !== 'string' || key.startsWith('tabgrad.') || !isSafeText(key)) {
      throw new InputTypeError(`Metadata ${quote(key)}: the key is reserved or no text value.`);
    }
  }
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  entries.unshift([CHECKSUM_KEY, '0'.repeat(64)], [VERSION_KEY, VERSION]);
  return entries.map((entry) => entry.map((text) => JSON.stringify(text)).join(':')).join(',');
}

/**
 * @param {Uint8Array} bytes
 * @returns {{ header: Map<string, import('./strict-json.js').JsonValue>, dataStart: number }}
 */
function readHeader(bytes) {
  if (bytes.length < 10) {
    throw new FormatError(
      `Not a safetensors file: ${bytes.length} bytes, at least 10.${looksLikeHint(bytes)}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const stated = view.getBigUint64(0, true);
  const rest = bytes.length - 8;
  if (stated < 2n || stated > BigInt(rest)) {
    throw new FormatError(
      `Not a safetensors file, or cut short: its first 8 bytes state a header of ${stated} bytes, ` +
        `${rest} follow.${looksLikeHint(bytes)}`,
    );
  }
  const length = Number(stated);
  if (length > MAX_HEADER_BYTES) {
    throw new LimitError(`The header has ${length} bytes, at most ${MAX_HEADER_BYTES}.`);
  }
  if (bytes[8] !== 0x7b) {
    throw new FormatError(`Not a safetensors file: byte 8 is ${bytes[8]}, expected 123 ("{").`);
  }
  let text;
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    text = decoder.decode(bytes.slice(8, 8 + length));
  } catch (cause) {
    throw new FormatError('The header is not valid UTF-8.', { cause });
  }
  // Depth: header, tensor, shape. One key above the limit of tensors is the metadata.
  const header = parseJson(text, { maxDepth: 3, maxKeys: MAX_TENSORS + 1 });
  if (!(header instanceof Map)) throw new FormatError('The header is not a JSON object.');
  return { header, dataStart: 8 + length };
}

/**
 * @param {Map<string, import('./strict-json.js').JsonValue>} header
 * @returns {Map<string, string>}
 */
function readMetadata(header) {
  const found = header.get(METADATA) ?? new Map();
  if (!(found instanceof Map)) throw new FormatError(`${METADATA} is not an object.`);
  /** @type {Map<string, string>} */
  const metadata = new Map();
  for (const [key, value] of found) {
    if (typeof value !== 'string') {
      throw new FormatError(`${METADATA}: the value of ${quote(key)} is not a string.`);
    }
    metadata.set(key, value);
  }
  return metadata;
}

/** @typedef {{ name: string, dtype: Dtype, shape: number[], start: number, end: number }} Entry */

/**
 * @param {Map<string, import('./strict-json.js').JsonValue>} header
 * @returns {Entry[]}
 */
function readEntries(header) {
  /** @type {Entry[]} */
  const entries = [];
  for (const [name, info] of header) {
    if (name === METADATA) continue;
    entries.push(readEntry(name, info));
  }
  if (entries.length > MAX_TENSORS) {
    throw new LimitError(`${entries.length} tensors, at most ${MAX_TENSORS}.`);
  }
  return entries;
}

/**
 * @param {string} name
 * @param {import('./strict-json.js').JsonValue} info
 * @returns {Entry}
 */
function readEntry(name, info) {
  const label = `Tensor ${quote(name)}`;
  if (!isSafeText(name)) throw new FormatError(`${label}: the name has a NUL or a lone surrogate.`);
  if (!(info instanceof Map) || info.size !== 3) {
    throw new FormatError(`${label}: expected the fields dtype, shape and data_offsets.`);
  }
  const dtype = info.get('dtype');
  const shape = info.get('shape');
  const offsets = info.get('data_offsets');
  const array = typeof dtype === 'string' ? ARRAY_OF_DTYPE.get(dtype) : undefined;
  if (!array) throw new FormatError(`${label}: unknown dtype ${quote(String(dtype))}.`);
  if (!Array.isArray(shape) || !Array.isArray(offsets) || offsets.length !== 2) {
    throw new FormatError(`${label}: shape or data_offsets is not a list of the right length.`);
  }
  const count = elementsOf(name, shape, array.BYTES_PER_ELEMENT, FormatError);
  const [start, end] = offsets.map((offset) => wholeNumber(offset, label, 'offset', FormatError));
  const size = count * array.BYTES_PER_ELEMENT;
  if (end - start !== size) {
    throw new FormatError(
      `${label}: ${dtype} of shape [${shape}] has ${size} bytes, its offsets ${start} to ${end} ` +
        `span ${end - start}.`,
    );
  }
  return {
    name,
    dtype: /** @type {Dtype} */ (dtype),
    shape: /** @type {number[]} */ (shape),
    start,
    end,
  };
}

/**
 * The number of elements of a shape, none of whose steps can exceed the limit unseen.
 *
 * @param {string} name
 * @param {unknown} shape
 * @param {number} elementBytes
 * @param {typeof FormatError | typeof ShapeError} [Wrong] class for what is no shape at all
 */
function elementsOf(name, shape, elementBytes, Wrong = ShapeError) {
  const label = `Tensor ${quote(name)}`;
  if (!Array.isArray(shape)) throw new Wrong(`${label}: its shape is not a list.`);
  if (shape.length > MAX_RANK) {
    throw new LimitError(`${label}: ${shape.length} dimensions, at most ${MAX_RANK}.`);
  }
  const dims = shape.map((dim) => wholeNumber(dim, label, 'dimension', Wrong));
  // A zero anywhere makes the product 0; without it the product only grows, so the first step above
  // the limit (far below 2^53 x 2^31, where doubles round) is the end.
  if (dims.includes(0)) return 0;
  let count = 1;
  for (const dim of dims) {
    count *= dim;
    if (count * elementBytes > MAX_BYTES) {
      throw new LimitError(`${label}: shape [${dims}] needs more than ${MAX_BYTES} bytes.`);
    }
  }
  return count;
}

/**
 * @param {unknown} value
 * @param {string} label
 * @param {string} what
 * @param {typeof FormatError | typeof ShapeError} Wrong
 * @returns {number} 0 … 2^31 − 1
 */
function wholeNumber(value, label, what, Wrong) {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || Object.is(value, -0)) {
    const found = typeof value === 'number' ? value : typeof value;
    throw new Wrong(`${label}: ${what} ${found} is not a whole number from 0 on.`);
  }
  if (value > MAX_BYTES) throw new LimitError(`${label}: ${what} ${value}, at most ${MAX_BYTES}.`);
  return value;
}

/**
 * Every byte of the data section belongs to exactly one tensor.
 *
 * @param {Entry[]} entries
 * @param {number} size bytes of the data section
 */
function requireExactCover(entries, size) {
  const sorted = [...entries].sort((a, b) => a.start - b.start || a.end - b.end);
  let at = 0;
  for (const { name, start, end } of sorted) {
    if (start !== at) {
      throw new FormatError(
        `Tensor ${quote(name)} starts at ${start}, expected ${at}: tensors must neither overlap ` +
          'nor leave holes.',
      );
    }
    at = end;
  }
  if (at !== size) {
    throw new FormatError(
      `The tensors have ${at} bytes, the file holds ${size} behind its header: it is ` +
        `${at > size ? 'cut short' : 'followed by other data'}.`,
    );
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @param {Dtype} dtype
 * @returns {TensorData}
 */
function viewOf(bytes, start, end, dtype) {
  const array = ARRAY_OF_DTYPE.get(dtype);
  const aligned = (bytes.byteOffset + start) % array.BYTES_PER_ELEMENT === 0;
  const own = aligned ? bytes.subarray(start, end) : bytes.slice(start, end);
  return new array(own.buffer, own.byteOffset, own.byteLength / array.BYTES_PER_ELEMENT);
}

/**
 * Whether other programs can take the text for a name: no NUL, where C strings end, and no lone
 * surrogate, which UTF-8 cannot carry.
 *
 * @param {string} text
 */
function isSafeText(text) {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text);
}

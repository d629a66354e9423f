/**
 * Protocol Buffers' wire format, as much of it as ONNX files use: a message is a row of fields, each a number with a
 * value of one of four encodings. What a field means stands in a schema (see proto.js).
 *
 * Source: "Encoding" in the Protocol Buffers documentation.
 */

import { FormatError } from '../errors.js';

/**
 * @typedef {'int' | 'float' | 'string' | 'bytes' | 'ints' | 'floats' | 'doubles' | 'strings' | 'messages' | Schema} Kind
 *   plurals are repeated fields, packed or not; a schema is a message inside, `messages` the raw bytes of each
 *
 * @typedef {{ name: string, fields: Record<number, [key: string, kind: Kind, each?: Schema]> }} Schema fields by
 *   number: the key of the decoded object and what it holds; `each` is for 'messages' that are decoded
 */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param {string} text */
const broken = (text) => new FormatError(`This is not a valid ONNX file: ${text}.`);

/** Reads one message; every read is checked against its end before it is made. */
class Reader {
  /** @param {Uint8Array} bytes @param {string} name of the message, for errors */
  constructor(bytes, name) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.name = name;
    this.at = 0;
  }

  get done() {
    return this.at >= this.bytes.length;
  }

  /** @param {number} count @returns {number} where they start */
  skip(count) {
    const start = this.at;
    if (count > this.bytes.length - start) {
      throw broken(
        `${this.name} needs ${count} bytes at ${start}, it ends at ${this.bytes.length}`,
      );
    }
    this.at += count;
    return start;
  }

  /** A whole number of up to 64 bits, as the signed one that ONNX means; beyond 2^53 the nearest double. */
  varint() {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.skip(1)];
      const bits = byte & 0x7f;
      // 32 bits below, 32 above: JavaScript shifts no more.
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return (high | 0) * 2 ** 32 + (low >>> 0);
    }
    throw broken(`${this.name} has a number of more than 10 bytes at ${this.at - 10}`);
  }

  /** The bytes of a field that says how many it has. */
  block() {
    const length = this.varint();
    if (length < 0) throw broken(`${this.name} has a field of ${length} bytes at ${this.at}`);
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  /** @param {number} type */
  value(type) {
    switch (type) {
      case VARINT:
        return this.varint();
      case FIXED64:
        return this.view.getFloat64(this.skip(8), true);
      case FIXED32:
        return this.view.getFloat32(this.skip(4), true);
      case BYTES:
        return this.block();
      default:
        throw broken(`${this.name} has a field of wire type ${type} at ${this.at}`);
    }
  }
}

const WIRE_TYPE = { int: VARINT, ints: VARINT, float: FIXED32, floats: FIXED32, doubles: FIXED64 };

/**
 * @param {Uint8Array} bytes of the message
 * @param {Schema} schema
 * @returns {Record<string, any>} fields by their keys: repeated ones always, others where the file has them
 * @throws {FormatError}
 */
export function decodeMessage(bytes, schema) {
  const reader = new Reader(bytes, schema.name);
  /** @type {Record<string, any>} */
  const message = Object.create(null);
  for (const [key, kind] of Object.values(schema.fields)) {
    if (typeof kind === 'string' && kind !== 'bytes' && kind.endsWith('s')) message[key] = [];
  }
  while (!reader.done) {
    const tag = reader.varint();
    const number = tag >>> 3;
    if (tag < 8 || tag > 0xffffffff) throw broken(`${schema.name} has a field of number ${number}`);
    const value = reader.value(tag & 7);
    const field = schema.fields[number];
    if (field) put(message, field, value, tag & 7, schema.name);
  }
  return message;
}

/**
 * @param {Record<string, any>} message
 * @param {[string, Kind, Schema?]} field
 * @param {number | Uint8Array} value
 * @param {number} type
 * @param {string} name
 */
function put(message, [key, kind, each], value, type, name) {
  const wanted = /** @type {Record<string, number>} */ (WIRE_TYPE)[String(kind)] ?? BYTES;
  const packed = wanted !== BYTES && type === BYTES && message[key] instanceof Array;
  if (type !== wanted && !packed) {
    throw broken(`${name}.${key} is of wire type ${type}, expected ${wanted}`);
  }
  if (packed) unpack(message[key], /** @type {Uint8Array} */ (value), wanted, `${name}.${key}`);
  else if (typeof kind === 'object') {
    message[key] = decodeMessage(/** @type {Uint8Array} */ (value), kind);
  } else if (kind === 'string') message[key] = text(value, name, key);
  else if (kind === 'strings') message[key].push(text(value, name, key));
  else if (kind === 'messages') {
    message[key].push(each ? decodeMessage(/** @type {Uint8Array} */ (value), each) : value);
  } else if (Array.isArray(message[key])) message[key].push(value);
  else message[key] = value;
}

/**
 * @param {number[]} list
 * @param {Uint8Array} bytes
 * @param {number} type
 * @param {string} name
 */
function unpack(list, bytes, type, name) {
  const reader = new Reader(bytes, name);
  while (!reader.done) list.push(/** @type {number} */ (reader.value(type)));
}

/** @param {number | Uint8Array} value @param {string} name @param {string} key */
function text(value, name, key) {
  try {
    return utf8.decode(/** @type {Uint8Array} */ (value));
  } catch (cause) {
    throw new FormatError(`This is not a valid ONNX file: ${name}.${key} is not UTF-8.`, { cause });
  }
}

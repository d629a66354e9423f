/** The safetensors reader and writer: rows M01 to M22 of the bad-input catalogue. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { TabgradError } from '../../web/lib/errors.js';
import * as safetensors from '../../web/lib/io/safetensors.js';
import { parseJson } from '../../web/lib/io/strict-json.js';

/**
 * The tests also pass what its types forbid.
 * @type {any}
 */
const { MAX_HEADER_BYTES, decode, encode } = safetensors;

const encoder = new TextEncoder();

/**
 * A file from a header (text or value) and a data section.
 * @param {unknown} header
 * @param {Uint8Array} [data]
 * @param {{ length?: number | bigint }} [options]
 */
function file(header, data = new Uint8Array(0), { length } = {}) {
  const text = encoder.encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}
/** A file with one tensor `a`, some of whose fields are changed. */
const one = (/** @type {object} */ fields, bytes = 4) =>
  file({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...fields } }, new Uint8Array(bytes));

/**
 * @param {any} bytes
 * @param {string} code one or several, joined by `|`
 * @param {RegExp} [pattern]
 * @param {object} [options]
 */
function refuses(bytes, code, pattern, options) {
  const keys = Object.getOwnPropertyNames(Object.prototype).length;
  /** @type {any} */
  let error;
  try {
    decode(bytes, options);
  } catch (caught) {
    error = caught;
  }
  assert.ok(error, `expected ${code}, but it was read`);
  assert.ok(error instanceof TabgradError, error.stack);
  assert.match(error.code, new RegExp(`^(${code})$`), error.message);
  assert.ok(error.message.length < 500);
  if (pattern) assert.match(error.message, pattern);
  assert.equal(Object.getOwnPropertyNames(Object.prototype).length, keys);
}

/** A file of about 4 kB with tensors of several types. */
function goodFile() {
  const weights = Float32Array.from({ length: 800 }, (_, i) => Math.sin(i));
  return encode({
    tensors: [
      { name: 'dense/bias', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
      { name: 'dense/kernel', dtype: 'F32', shape: [20, 40], data: weights },
      { name: 'step', dtype: 'I64', shape: [], data: BigInt64Array.of(-5n) },
      { name: 'empty', dtype: 'F32', shape: [0, 7], data: new Float32Array(0) },
    ],
    metadata: { architecture: '{"layers":["dense"]}', format: 'pt' },
  });
}
const good = goodFile();

test('what is written is read again', () => {
  const { tensors, metadata, checked } = decode(good);
  assert.equal(checked, true);
  assert.deepEqual([...tensors.keys()], ['step', 'dense/kernel', 'empty', 'dense/bias']);
  assert.deepEqual(tensors.get('step').data, BigInt64Array.of(-5n));
  assert.deepEqual(tensors.get('dense/kernel').shape, [20, 40]);
  assert.equal(tensors.get('dense/kernel').data[3], Math.fround(Math.sin(3)));
  assert.equal(tensors.get('dense/kernel').data.buffer, good.buffer, 'a view, not a copy');
  assert.deepEqual([...tensors.get('dense/bias').data], [1, 2, 3]);
  assert.deepEqual(Object.fromEntries(metadata), {
    architecture: '{"layers":["dense"]}',
    format: 'pt',
  });
});

test('every dtype keeps its bits, aligned or not', () => {
  const arrays = {
    F64: Float64Array.of(Math.PI, -0, NaN),
    F32: Float32Array.of(1.5, Infinity, NaN),
    F16: Uint16Array.of(0x3c00, 0x7e00, 1),
    BF16: Uint16Array.of(0x3f80, 0xffff, 1),
    I64: BigInt64Array.of(-1n, 2n ** 62n, 0n),
    I32: Int32Array.of(-1, 2 ** 31 - 1, 0),
    I16: Int16Array.of(-1, 2 ** 15 - 1, 0),
    I8: Int8Array.of(-1, 127, 0),
    U64: BigUint64Array.of(2n ** 64n - 1n, 1n, 0n),
    U32: Uint32Array.of(2 ** 32 - 1, 1, 0),
    U16: Uint16Array.of(65535, 1, 0),
    U8: Uint8Array.of(255, 1, 0),
    BOOL: Uint8Array.of(1, 0, 1),
    F8_E4M3: Uint8Array.of(1, 2, 3),
    F8_E5M2: Uint8Array.of(1, 2, 3),
  };
  const tensors = new Map(
    Object.entries(arrays).map(([dtype, data]) => [`t_${dtype}`, { dtype, shape: [3, 1], data }]),
  );
  const bytes = encode({ tensors });
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  for (const input of [bytes, shifted.subarray(3)]) {
    const read = decode(input).tensors;
    for (const [dtype, data] of Object.entries(arrays)) {
      assert.deepEqual(read.get(`t_${dtype}`).data, data);
    }
  }
});

test('the same content gives the same bytes, in any order', () => {
  const a = { name: 'a', dtype: 'F32', shape: [1], data: Float32Array.of(1) };
  const b = { name: '10', dtype: 'F32', shape: [1], data: Float32Array.of(2) };
  const c = { name: '__proto__', dtype: 'F64', shape: [], data: Float64Array.of(3) };
  const first = encode({ tensors: [a, b, c], metadata: { x: '1', 5: '2', ['__proto__']: '3' } });
  const second = encode({
    tensors: new Map(
      [c, b, a].map((tensor) => /** @type {[string, any]} */ ([tensor.name, tensor])),
    ),
    metadata: new Map([
      ['5', '2'],
      ['__proto__', '3'],
      ['x', '1'],
    ]),
  });
  assert.deepEqual(first, second);
  const read = decode(first, { requireChecksum: true });
  assert.deepEqual([...read.tensors.keys()], ['__proto__', '10', 'a']);
  assert.equal(read.metadata.get('5'), '2');
  assert.equal(new DataView(first.buffer).getUint32(0, true) % 8, 0);
});

test('a file of other writers: no checksum, no metadata, other order, padding', () => {
  const header =
    '{"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}, "a":{"data_offsets":[0,4],"shape":[],' +
    '"dtype":"F32"}}      ';
  const bytes = file(header, new Uint8Array(Float32Array.of(1, 2, 3).buffer));
  const { tensors, checked } = decode(bytes);
  assert.equal(checked, false);
  assert.deepEqual([...tensors.get('b').data], [2, 3]);
  assert.deepEqual(tensors.get('a').shape, []);
  assert.equal(decode(file('{}')).tensors.size, 0);
  refuses(bytes, 'E_CHECKSUM', /no checksum/, { requireChecksum: true });
});

test('M01: every truncation', () => {
  assert.ok(good.length > 3400 && good.length < 4500);
  for (let size = 0; size < good.length; size++) {
    refuses(good.subarray(0, size), 'E_FORMAT', /cut short|bytes, at least 10/);
  }
});

test('M02: every flipped bit', () => {
  const codes = new Map();
  const bytes = good.slice();
  for (let bit = 0; bit < good.length * 8; bit++) {
    bytes[bit >> 3] ^= 1 << (bit & 7);
    try {
      decode(bytes);
      assert.fail(`bit ${bit} went unnoticed`);
    } catch (error) {
      assert.ok(error instanceof TabgradError, `bit ${bit}: ${error}`);
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
    }
    bytes[bit >> 3] ^= 1 << (bit & 7);
  }
  for (const code of codes.keys()) {
    assert.match(code, /^E_(FORMAT|CHECKSUM|LIMIT|DUPLICATE|VERSION)$/);
  }
});

test('M03: files of other kinds are named', () => {
  const starts = {
    'an HTML page': '<!DOCTYPE html><html lang="en"><title>404</title>',
    'a Git LFS pointer': 'version https://git-lfs.github.com/spec/v1\n',
    'a zip archive': 'PK\x03\x04 and the rest',
    'a GGUF file': 'GGUF\x03\0\0\0\0\0\0\0',
    'an HDF5 file': '\x89HDF\r\n\x1a\n....',
    'a gzip file': '\x1f\x8b\x08\0\0\0\0\0\0\0\0',
    'a Python pickle': '\x80\x02ctorch and more',
    'a byte order mark': '\xef\xbb\xbf{"a":1}   ',
    'a JSON file': '{"modelTopology":{}}',
  };
  for (const [name, start] of Object.entries(starts)) {
    refuses(
      Uint8Array.from(start, (c) => c.charCodeAt(0)),
      'E_FORMAT',
      new RegExp(name),
    );
  }
  refuses(good.toReversed(), 'E_FORMAT');
});

test('M04: versions', () => {
  for (const version of ['0', '2', '65535', '']) {
    const text = JSON.stringify({
      __metadata__: { 'tabgrad.sha256': '0'.repeat(64), 'tabgrad.version': version },
    });
    const bytes = file(text);
    const digest = createHash('sha256').update(bytes).digest('hex');
    const signed = file(text.replace('0'.repeat(64), digest));
    refuses(signed, 'E_VERSION', new RegExp(`"${version}", expected "1"`));
  }
});

test('M05: header lengths', () => {
  for (const length of [
    0,
    1,
    3,
    60,
    2n ** 31n - 1n,
    2n ** 32n - 1n,
    2n ** 53n + 1n,
    2n ** 64n - 1n,
  ]) {
    refuses(
      file('{}', new Uint8Array(0), { length }),
      'E_FORMAT',
      /state a header of|Bad JSON|end/,
    );
  }
  const start = performance.now();
  refuses(file(' '.repeat(MAX_HEADER_BYTES + 1)), 'E_LIMIT', /16777217 bytes, at most 16777216/);
  assert.ok(performance.now() - start < 500);
});

test('M06: very many tensors', () => {
  const entries = Array.from(
    { length: 100_002 },
    (_, i) => `"t${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`,
  );
  refuses(file(`{${entries.join(',')}}`), 'E_LIMIT', /100001 keys/);
  const tensor = { dtype: 'U8', shape: [0], data: new Uint8Array(0) };
  const many = Array.from({ length: 100_001 }, (_, i) => ({ ...tensor, name: `t${i}` }));
  assert.throws(() => encode({ tensors: many }), { code: 'E_LIMIT' });
  assert.equal(decode(encode({ tensors: many.slice(0, 1000) })).tensors.size, 1000);
});

test('M07, M15: offsets', () => {
  refuses(one({ data_offsets: [0, 8] }), 'E_FORMAT', /has 4 bytes, its offsets 0 to 8/);
  refuses(one({ data_offsets: [4, 0] }), 'E_FORMAT');
  refuses(one({ data_offsets: [-4, 0] }), 'E_FORMAT');
  refuses(one({ data_offsets: [4, 8] }, 8), 'E_FORMAT', /starts at 4, expected 0/);
  refuses(one({ shape: [2], data_offsets: [0, 8] }), 'E_FORMAT', /have 8 bytes, the file holds 4/);
  refuses(one({ data_offsets: [0] }), 'E_FORMAT');
  refuses(one({ data_offsets: [0, 4, 8] }), 'E_FORMAT');
  refuses(one({ data_offsets: ['0', '4'] }), 'E_FORMAT');
  const two = (/** @type {number[]} */ b) => {
    const f32 = { dtype: 'F32', shape: [1] };
    return file(
      { a: { ...f32, data_offsets: [0, 4] }, b: { ...f32, data_offsets: b } },
      new Uint8Array(12),
    );
  };
  refuses(two([2, 6]), 'E_FORMAT', /starts at 2, expected 4/);
  refuses(two([0, 4]), 'E_FORMAT', /starts at 0, expected 4/);
  refuses(two([8, 12]), 'E_FORMAT', /starts at 8, expected 4/);
  refuses(two([4, 8]), 'E_FORMAT', /holds 12.*followed by other data/);
});

test('M08 to M13: sizes that wrap', () => {
  const huge = [
    [65536, 65536],
    [2 ** 27, 2 ** 27],
    [2 ** 16, 2 ** 16, 2 ** 16, 2 ** 16],
    [2 ** 29],
    [2 ** 31],
    [2 ** 32],
    [2 ** 32 + 1],
    [2 ** 53],
    [2 ** 31, 0],
    Array(8).fill(2 ** 31 - 1),
  ];
  for (const shape of huge) {
    refuses(one({ shape }), 'E_LIMIT', /more than 2147483647|at most 2147483647/);
  }
  for (const digits of ['9223372036854775807', '18446744073709551615', '18446744073709551616']) {
    refuses(file(`{"a":{"dtype":"F32","shape":[${digits},2],"data_offsets":[0,4]}}`), 'E_LIMIT');
    refuses(file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,${digits}]}}`), 'E_LIMIT');
  }
});

test('M12: text', () => {
  const entry = ':{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  const data = new Uint8Array(4);
  const withName = (/** @type {number[]} */ bytes) =>
    file(`{"${'?'.repeat(bytes.length)}"${entry}`, data).map((byte, i) =>
      i >= 10 && i < 10 + bytes.length ? bytes[i - 10] : byte,
    );
  refuses(withName([0xff, 0xfe]), 'E_FORMAT', /UTF-8/);
  refuses(withName([0xc0, 0x80]), 'E_FORMAT', /UTF-8/);
  refuses(withName([0xed, 0xa0, 0x80]), 'E_FORMAT', /UTF-8/);
  refuses(withName([0x61, 0x00, 0x62]), 'E_FORMAT', /Bad JSON/);
  refuses(file(`{"a\\u0000b"${entry}`, data), 'E_FORMAT', /NUL/);
  refuses(file(`{"\\ud800"${entry}`, data), 'E_FORMAT', /surrogate/);
  assert.ok(decode(file(`{"\\ud83d\\ude00 \\"\\/\\n"${entry}`, data)).tensors.has('😀 "/\n'));
});

test('M14, M16, M17: ranks and dimensions', () => {
  assert.deepEqual(decode(one({ shape: [] })).tensors.get('a').shape, []);
  assert.equal(decode(one({ shape: Array(8).fill(1) })).tensors.size, 1);
  for (const rank of [9, 255, 70_000])
    refuses(one({ shape: Array(rank).fill(1) }), 'E_LIMIT', /at most 8/);
  const zero = file({ a: { dtype: 'F32', shape: [3, 0], data_offsets: [0, 0] } });
  assert.equal(decode(zero).tensors.get('a').data.length, 0);
  for (const dim of ['-1', '1.5', '"3"', '1e400', 'true', 'null', '[1]', '-0', '{}']) {
    refuses(
      file(`{"a":{"dtype":"F32","shape":[${dim}],"data_offsets":[0,4]}}`),
      'E_FORMAT|E_LIMIT',
    );
  }
  refuses(one({ shape: '1' }), 'E_FORMAT');
  refuses(one({ shape: { length: 1 } }), 'E_FORMAT');
});

test('M18: duplicates', () => {
  const entry = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
  refuses(file(`{"a":${entry},"a":${entry}}`), 'E_DUPLICATE', /"a" occurs twice/);
  refuses(file(`{"a":${entry},"\\u0061":${entry}}`), 'E_DUPLICATE');
  refuses(file(`{"a":{"dtype":"F32","dtype":"F32","shape":[1]}}`), 'E_DUPLICATE', /"dtype"/);
  refuses(file('{"__metadata__":{},"__metadata__":{}}'), 'E_DUPLICATE');
});

test('fields', () => {
  refuses(one({ dtype: 'F7' }), 'E_FORMAT', /unknown dtype "F7"/);
  refuses(one({ dtype: 4 }), 'E_FORMAT');
  refuses(one({ dtype: '__proto__' }), 'E_FORMAT');
  refuses(one({ extra: 1 }), 'E_FORMAT', /expected the fields/);
  refuses(file('{"a":{"dtype":"F32","shape":[1]}}'), 'E_FORMAT');
  refuses(file('{"a":5}'), 'E_FORMAT');
  refuses(file('{"__metadata__":[]}'), 'E_FORMAT');
  refuses(file('{"__metadata__":{"a":1}}'), 'E_FORMAT', /not a string/);
  refuses(file('{"__metadata__":{"a":{}}}'), 'E_FORMAT', /not a string/);
  refuses(file(' {}'), 'E_FORMAT', /byte 8 is 32/);
  refuses(file('[]'), 'E_FORMAT');
  refuses('text', 'E_TYPE');
});

test('J02: names that would pollute are names', () => {
  const entry = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
  const { tensors } = decode(file(`{"__proto__":${entry}}`, new Uint8Array(4)));
  assert.deepEqual([...tensors.keys()], ['__proto__']);
  const { metadata } = decode(file('{"__metadata__":{"__proto__":"x","constructor":"y"}}'));
  assert.deepEqual(
    [...metadata],
    [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ],
  );
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
});

test('M21: trailing bytes', () => {
  const longer = new Uint8Array(good.length + 1);
  longer.set(good);
  refuses(longer, 'E_CHECKSUM|E_FORMAT');
  refuses(one({}, 5), 'E_FORMAT', /followed by other data/);
});

test('M22: nesting, long numbers, long files', () => {
  refuses(file(`{"a":${'['.repeat(100_000)}`), 'E_LIMIT', /deeper than 3/);
  refuses(file(`{"a":${'{"a":'.repeat(100_000)}`), 'E_LIMIT', /deeper than 3/);
  refuses(file(`{"a":${'1'.repeat(1_000_000)}}`), 'E_LIMIT', /number of 1000000/);
  refuses(file(`{"a":"${'x'.repeat(1_000_000)}"}`), 'E_FORMAT');
});

test('checksum: hidden, moved, upper case', () => {
  const text = new TextDecoder().decode(good.subarray(8, 200));
  const at = 8 + text.indexOf('tabgrad.sha256');
  const renamed = good.slice();
  renamed[at] = 0x54;
  refuses(renamed, 'E_CHECKSUM', /no checksum/);
  const moved = file({ __metadata__: { a: '', 'tabgrad.sha256': '0'.repeat(64) } });
  refuses(moved, 'E_CHECKSUM', /not the first/);
  const upper = good.slice();
  const digit = upper.findIndex(
    (/** @type {number} */ byte, /** @type {number} */ i) =>
      i > at + 17 && byte >= 0x61 && byte <= 0x66,
  );
  upper[digit] -= 0x20;
  refuses(upper, 'E_CHECKSUM', /damaged/);
});

test('encode refuses what cannot be written', () => {
  const f32 = { name: 'a', dtype: 'F32', shape: [2], data: new Float32Array(2) };
  const cases = [
    [[{ ...f32, shape: [3] }], 'E_SHAPE'],
    [[{ ...f32, shape: [-2] }], 'E_SHAPE'],
    [[{ ...f32, shape: [1.5] }], 'E_SHAPE'],
    [[{ ...f32, shape: 2 }], 'E_SHAPE'],
    [[{ ...f32, shape: Array(9).fill(1) }], 'E_LIMIT'],
    [[{ ...f32, shape: [65536, 65536] }], 'E_LIMIT'],
    [[f32, f32], 'E_DUPLICATE'],
    [[{ ...f32, dtype: 'F64' }], 'E_TYPE'],
    [[{ ...f32, dtype: 'X' }], 'E_TYPE'],
    [[{ ...f32, data: [1, 2] }], 'E_TYPE'],
    [[{ ...f32, name: '__metadata__' }], 'E_TYPE'],
    [[{ ...f32, name: 'a\0' }], 'E_TYPE'],
    [[{ ...f32, name: '\ud800' }], 'E_TYPE'],
    [[{ ...f32, name: 5 }], 'E_TYPE'],
  ];
  for (const [tensors, code] of cases) assert.throws(() => encode({ tensors }), { code });
  for (const metadata of [{ a: 1 }, { 'tabgrad.x': 'y' }, { '\ud800': 'y' }]) {
    assert.throws(() => encode({ tensors: [f32], metadata }), { code: 'E_TYPE' });
  }
  const large = { tensors: [], metadata: { a: 'x'.repeat(MAX_HEADER_BYTES) } };
  assert.throws(() => encode(large), { code: 'E_LIMIT' });
});

test('strict JSON agrees with JSON.parse on good and bad text', () => {
  /** @type {(value: any) => any} */
  const plain = (value) => {
    if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [k, plain(v)]));
    return Array.isArray(value) ? value.map(plain) : value;
  };
  const texts = [
    '{}',
    '[]',
    ' [ 1 , -2.5e-3 , 0, 1E5 ] ',
    '"\\u00e9\\\\\\b\\f\\t\\r"',
    'true',
    'null',
    'false',
    '{"a":{"b":[{}]},"":""}',
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1e',
    'NaN',
    'Infinity',
    'undefined',
    '',
    ' ',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '"\t"',
    '"\\x41"',
    '"\\u12g4"',
    '"',
    '"\\',
    '[',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '[1 2]',
    '1 2',
    'truex',
    'tru',
    '\ufeff{}',
    '// x\n1',
    '[1,,2]',
    '"\u2028"',
    '1e400',
    '-0',
    '\v1',
  ];
  for (const text of texts) {
    let wanted;
    try {
      wanted = { value: JSON.parse(text) };
    } catch {
      assert.throws(() => parseJson(text), { code: 'E_FORMAT', message: /character \d+/ }, text);
      continue;
    }
    assert.deepEqual(plain(parseJson(text)), wanted.value, text);
  }
});

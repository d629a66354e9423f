/** Writes 8-bit RGB pictures as PNG, with the filter chosen row by row. */

import { deflateSync } from 'node:zlib';
import { crc32 } from '../lib/data/crc32.js';

const CHANNELS = 3;

/**
 * @param {Uint8Array} data [height, width, 3]
 * @param {number} width
 * @param {number} height
 * @returns {Buffer}
 */
export function encodeRgbPng(data, width, height) {
  const stride = width * CHANNELS;
  const rows = [];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * stride, (y + 1) * stride);
    const above = y === 0 ? new Uint8Array(stride) : data.subarray((y - 1) * stride, y * stride);
    rows.push(bestFiltered(row, above));
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows), { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/**
 * The row under the filter whose residuals are smallest in sum, the customary heuristic.
 *
 * @param {Uint8Array} row
 * @param {Uint8Array} above
 */
function bestFiltered(row, above) {
  let best = Buffer.alloc(0);
  let least = Infinity;
  for (let filter = 0; filter <= 4; filter++) {
    const out = Buffer.alloc(row.length + 1);
    out[0] = filter;
    let sum = 0;
    for (let i = 0; i < row.length; i++) {
      const left = i < CHANNELS ? 0 : row[i - CHANNELS];
      const corner = i < CHANNELS ? 0 : above[i - CHANNELS];
      const residual = (row[i] - predict(filter, left, above[i], corner)) & 255;
      out[i + 1] = residual;
      sum += residual < 128 ? residual : 256 - residual;
    }
    if (sum < least) {
      least = sum;
      best = out;
    }
  }
  return best;
}

/**
 * @param {number} filter
 * @param {number} left
 * @param {number} above
 * @param {number} corner
 */
function predict(filter, left, above, corner) {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/**
 * @param {string} type
 * @param {Uint8Array} body
 */
function chunk(type, body) {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, 'latin1');
  out.set(body, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}

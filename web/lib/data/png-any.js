/**
 * Reads every kind of PNG, with the same pixels on every machine: browsers give a picture back only through a
 * canvas, to which some add noise, and apply colour profiles. Alpha is left out, profiles and gamma are not
 * applied, of 16 bits the upper 8 are kept (all as TensorFlow's `decode_png` does); of an animation it is the
 * still picture. Never unpacks more bytes than the header states.
 */

import { ImageError } from '../errors.js';
import { MAX_PIXELS, readImageHeader } from './image-header.js';
import { inflate, readChunks, unfilter } from './png-parts.js';

/** Channels of a colour type, and depths it may have. @type {Record<number, [channels: number, depths: number[]]>} */
const KINDS = {
  0: [1, [1, 2, 4, 8, 16]],
  2: [3, [8, 16]],
  3: [1, [1, 2, 4, 8]],
  4: [2, [8, 16]],
  6: [4, [8, 16]],
};

/** First column and row, steps of columns and rows of the seven pictures of an interlaced one. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];
const WHOLE = [[0, 0, 1, 1]];

/**
 * @param {Uint8Array} bytes a whole PNG file
 * @param {object} options
 * @param {string} options.name for messages
 * @param {number} [options.maxPixels]
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<import('./decode-image.js').Picture>} of 1 channel (grey) or 3 (RGB)
 * @throws {ImageError} damaged or cut short
 * @throws {LimitError} more than `maxPixels`, found before anything is unpacked
 */
export async function decodePng(bytes, { name, maxPixels = MAX_PIXELS, signal }) {
  readImageHeader(bytes, name, maxPixels);
  const { header, palette, compressed } = readChunks(bytes, name, (header) => {
    const { colour, depth } = header;
    if (KINDS[colour]?.[1].includes(depth)) return;
    throw new ImageError(`${name}: no PNG has colour type ${colour} at ${depth} bits.`);
  });
  const { width, height, depth, colour } = header;
  // In an RGB picture a palette is only a suggestion.
  const colours = colour === 3 ? palette : undefined;
  if (colour === 3 && !colours) throw new ImageError(`${name}: the palette is missing.`);
  const [stored] = KINDS[colour];
  const passes = (header.interlace ? ADAM7 : WHOLE)
    .map(([left, top, across, down]) => ({
      ...{ left, top, across, down },
      wide: Math.ceil((width - left) / across),
      high: Math.ceil((height - top) / down),
    }))
    .filter(({ wide, high }) => wide > 0 && high > 0);
  const strideOf = (/** @type {number} */ wide) => Math.ceil((wide * stored * depth) / 8);
  const total = passes.reduce((sum, { wide, high }) => sum + high * (strideOf(wide) + 1), 0);
  const raw = await inflate(compressed, total, name, signal);

  const channels = colour === 0 || colour === 4 ? 1 : 3;
  const data = new Uint8Array(width * height * channels);
  const distance = Math.max(1, (stored * depth) / 8);
  let from = 0;
  for (const { left, top, across, down, wide, high } of passes) {
    const stride = strideOf(wide);
    const rows = new Uint8Array(high * stride);
    for (let y = 0; y < high; y++, from += stride + 1) {
      const row = raw.subarray(from + 1, from + 1 + stride);
      unfilter(raw[from], row, rows, y, stride, name, distance);
      const samples = samplesOf(rows.subarray(y * stride, (y + 1) * stride), depth, wide * stored);
      for (let x = 0; x < wide; x++) {
        const to = ((top + y * down) * width + left + x * across) * channels;
        if (colours) paint(data, to, colours, samples[x], name);
        else for (let c = 0; c < channels; c++) data[to + c] = samples[x * stored + c];
      }
    }
  }
  // Few levels of grey become 0 … 255.
  const factor = depth < 8 && !colours ? 255 / (2 ** depth - 1) : 1;
  if (factor !== 1) for (let i = 0; i < data.length; i++) data[i] *= factor;
  return { width, height, channels, data };
}

/**
 * The numbers of a row, of 16 bits the upper byte.
 *
 * @param {Uint8Array} row
 * @param {number} depth bits of each
 * @param {number} count
 * @returns {Uint8Array}
 */
function samplesOf(row, depth, count) {
  if (depth === 8) return row;
  if (depth === 16) return Uint8Array.from({ length: count }, (_, i) => row[2 * i]);
  const mask = 2 ** depth - 1;
  return Uint8Array.from({ length: count }, (_, i) => {
    const bit = i * depth;
    return (row[bit >> 3] >> (8 - depth - (bit & 7))) & mask;
  });
}

/**
 * @param {Uint8Array} data
 * @param {number} to
 * @param {Uint8Array} colours
 * @param {number} index
 * @param {string} name
 */
function paint(data, to, colours, index, name) {
  if (index * 3 + 3 > colours.length) {
    throw new ImageError(
      `${name}: a pixel has colour ${index} of a palette of ${Math.floor(colours.length / 3)}.`,
    );
  }
  for (let c = 0; c < 3; c++) data[to + c] = colours[index * 3 + c];
}

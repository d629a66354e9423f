/**
 * A strict reader of the one kind of PNG that data comes in here: 8-bit RGB, not interlaced.
 *
 * Why not the browser's decoder: its pixels come back only through a canvas, and browsers that
 * resist fingerprinting (Brave, Firefox with that setting, Tor) add noise to what a canvas returns.
 * Training data must be exact. The same code then serves Node, and inflating is the platform's.
 * Pictures that people choose themselves are read by `png-any.js` and the browser.
 */

import { ImageError, LimitError } from '../errors.js';
import { inflate, readChunks, unfilter } from './png-parts.js';

const CHANNELS = 3;
/** Ten thousand 32 x 32 images in one picture: the largest that the data sets here need. */
const MAX_PIXELS = 1024 * 10000;

/**
 * @param {Uint8Array} bytes a whole PNG file
 * @param {object} [options]
 * @param {string} [options.name] file name, for messages
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<{ width: number, height: number, data: Uint8Array }>} data [height, width, 3]
 * @throws {ImageError} not a PNG, damaged, or of another kind
 * @throws {LimitError} more than 10,240,000 pixels; found before anything is inflated
 * @throws {AbortedError} the signal fired
 */
export async function decodeRgbPng(bytes, { name = 'PNG', signal } = {}) {
  const parts = readChunks(bytes, name, (header) => checkHeader(header, name));
  const { width, height } = parts.header;
  if (parts.palette) throw new ImageError(`${name}: it has a palette, expected plain RGB.`);
  const stride = width * CHANNELS;
  const raw = await inflate(parts.compressed, height * (stride + 1), name, signal);
  const data = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const from = y * (stride + 1);
    unfilter(raw[from], raw.subarray(from + 1, from + 1 + stride), data, y, stride, name, CHANNELS);
  }
  return { width, height, data };
}

/**
 * @param {import('./png-parts.js').PngHeader} header
 * @param {string} name
 */
function checkHeader({ width, height, depth, colour, interlace }, name) {
  if (depth !== 8 || colour !== 2 || interlace !== 0) {
    throw new ImageError(
      `${name}: bit depth ${depth}, colour type ${colour}, interlace ${interlace}; ` +
        'expected 8, 2 (RGB), 0.',
    );
  }
  // Both factors are below 2^32 and the limit below 2^24: a product rounded above 2^53 is still over.
  if (width === 0 || height === 0 || width * height > MAX_PIXELS) {
    throw new LimitError(`${name}: ${width} x ${height} pixels, expected 1 to ${MAX_PIXELS}.`);
  }
}

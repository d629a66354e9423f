/** Picture files of any kind as pixels. */

import { decodeOther } from '#image-platform';
import { readImageHeader } from './image-header.js';
import { orientationOf, turnUpright } from './orientation.js';
import { decodePng } from './png-any.js';

/**
 * @typedef {object} Picture
 * @property {number} width
 * @property {number} height
 * @property {number} channels
 * @property {Uint8Array} data [height, width, channels]
 */

/**
 * @param {Uint8Array} bytes a whole file
 * @param {object} options
 * @param {string} options.name for messages
 * @param {number} options.channels 3: RGB; 1: grey, by 0.299 R + 0.587 G + 0.114 B
 * @param {boolean} [options.applyExifOrientation] of JPEG, default false
 * @param {number} [options.maxPixels]
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<Picture>}
 * @throws {ImageError} {LimitError} naming the file
 */
export async function decodeImage(
  bytes,
  { name, channels, applyExifOrientation, maxPixels, signal },
) {
  const header = readImageHeader(bytes, name, maxPixels);
  const picture =
    header.type === 'png'
      ? await decodePng(bytes, { name, maxPixels, signal })
      : await decodeOther(bytes, header, name);
  const turn = applyExifOrientation && header.type === 'jpeg' ? orientationOf(bytes) : 1;
  return turnUpright(withChannels(picture, channels), turn);
}

/**
 * @param {Picture} picture
 * @param {number} channels 1 or 3
 * @returns {Picture}
 */
function withChannels(picture, channels) {
  const { width, height, data, channels: had } = picture;
  if (had === channels) return picture;
  const pixels = width * height;
  const out = new Uint8Array(pixels * channels);
  for (let i = 0, from = 0, to = 0; i < pixels; i++, from += had, to += channels) {
    if (channels === 1) {
      out[to] = (299 * data[from] + 587 * data[from + 1] + 114 * data[from + 2] + 500) / 1000;
    } else {
      out[to] = data[from];
      out[to + 1] = data[had === 1 ? from : from + 1];
      out[to + 2] = data[had === 1 ? from : from + 2];
    }
  }
  return { width, height, channels, data: out };
}

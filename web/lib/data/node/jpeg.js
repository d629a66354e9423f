/** JPEG in Node, by libjpeg-turbo as WebAssembly: the library, and so the pixels, of Chromium, TensorFlow and PyTorch. */

import { ImageError } from '../../errors.js';

/** @type {Promise<import('#libjpeg-turbo').JPEGDecoder> | null} */
let starting = null;

/**
 * @param {Uint8Array} bytes a whole file, whose header was read
 * @param {string} name
 * @returns {Promise<import('../decode-image.js').Picture>}
 * @throws {ImageError} a file that is damaged, even where something could be made of it
 */
export async function decodeJpeg(bytes, name) {
  starting ??= startDecoder();
  const decoder = await starting;
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const { width, height, componentCount } = decoder.getFrameInfo();
    return { width, height, channels: componentCount, data: decoder.getDecodedBuffer().slice() };
  } catch (cause) {
    // What it held of the file would stay: its memory goes, and the next file begins anew.
    starting = null;
    throw new ImageError(`${name}: the JPEG file is damaged.`, { cause });
  }
}

async function startDecoder() {
  // A file of the package @cornerstonejs/codec-libjpeg-turbo-8bit, which the build puts into dist/.
  const { default: start } = await import('#libjpeg-turbo');
  const { JPEGDecoder } = await start();
  return new JPEGDecoder();
}

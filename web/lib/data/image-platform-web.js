/** What reading pictures needs of a browser: its decoder. The twin of node/image-platform.js. */

import { ImageError } from '../errors.js';

/**
 * A picture that is not a PNG, by the browser's own decoder: no rotation by EXIF, no colour profile, alpha left
 * out without being multiplied in.
 *
 * @param {Uint8Array} bytes a whole file, whose header was read
 * @param {import('./image-header.js').ImageHeader} header
 * @param {string} name
 * @returns {Promise<import('./decode-image.js').Picture>}
 * @throws {ImageError}
 */
export async function decodeOther(bytes, { type }, name) {
  const parts = type === 'jpeg' ? pictureSegments(bytes) : [bytes];
  const blob = new Blob(/** @type {Uint8Array<ArrayBuffer>[]} */ (parts), {
    type: `image/${type}`,
  });
  /** @type {ImageBitmap} */
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, {
      // Some browsers know the older word for "as stored" alone.
      imageOrientation: /** @type {ImageOrientation} */ ('none'),
      colorSpaceConversion: 'none',
      premultiplyAlpha: 'none',
    });
  } catch (cause) {
    throw new ImageError(`${name}: this browser cannot read the ${type} file.`, { cause });
  }
  try {
    const { width, height } = bitmap;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new ImageError(`${name}: this browser has no canvas in a worker.`);
    context.drawImage(bitmap, 0, 0);
    const { buffer } = context.getImageData(0, 0, width, height).data;
    return { width, height, channels: 4, data: new Uint8Array(buffer) };
  } finally {
    bitmap.close();
  }
}

/**
 * A JPEG file without its notes (EXIF with its orientation, colour profiles): browsers differ in what they make
 * of them, whatever they are told. APP0 and APP14 say how the colours are coded.
 *
 * @param {Uint8Array} bytes whose markers were checked
 */
function pictureSegments(bytes) {
  const parts = [bytes.subarray(0, 2)];
  for (let at = 2; ;) {
    const start = at;
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at++];
    if (marker === 0xda) return [...parts, bytes.subarray(start)];
    const note = marker > 0xe0 && marker <= 0xef && marker !== 0xee;
    if (marker !== 1 && !(marker >= 0xd0 && marker <= 0xd8)) at += bytes[at] * 256 + bytes[at + 1];
    if (!note) parts.push(bytes.subarray(start, at));
  }
}

/** Only Node has paths: a file as bytes that are read where they are wanted. @returns {Promise<undefined>} */
export async function openFile() {
  return undefined;
}

/** Only Node has folders by path. @returns {Promise<undefined>} */
export async function listFolder() {
  return undefined;
}

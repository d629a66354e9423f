/**
 * A picture of the person, made into what the network sees: its middle square in few pixels; or, as photos of a folder
 * are, all of it, resized by the library.
 */
import { datasets } from 'tabgrad';
import { PHOTO_OPTIONS } from './folder-source.js';

/** Largest file read, so that a mistaken drop of a film does not fill the memory. */
const MOST_BYTES = 50_000_000;
const PREVIEW = 224;

/** @typedef {import('./image-store.js').Picture} Picture */

/** An error with a code, in the manner of the library. */
class PictureError extends Error {
  code = 'E_IMAGE';
}

/**
 * @param {Blob} file
 * @param {{ side: number, asPhoto: boolean }} view side: of the square that the network sees
 * @returns {Promise<{ seen: Picture, preview: ImageBitmap }>} the network's view, and the original made small
 */
export async function readOwnImage(file, { side, asPhoto }) {
  if (file.size > MOST_BYTES) {
    throw new PictureError(`The file has ${file.size} bytes; at most ${MOST_BYTES} are read.`);
  }
  const full = await createImageBitmap(file).catch((cause) => {
    throw new PictureError('The file is not a picture that this browser can read.', { cause });
  });
  if (asPhoto) {
    const shrink = PREVIEW / Math.max(full.width, full.height);
    const [seen, preview] = await Promise.all([
      resized(file, side),
      createImageBitmap(full, {
        resizeWidth: Math.max(1, Math.round(full.width * shrink)),
        resizeHeight: Math.max(1, Math.round(full.height * shrink)),
        resizeQuality: 'high',
      }),
    ]);
    full.close();
    return { seen, preview };
  }
  const middle = Math.min(full.width, full.height);
  const [left, top] = [(full.width - middle) >> 1, (full.height - middle) >> 1];
  /** @param {number} size */
  const square = (size) =>
    createImageBitmap(full, left, top, middle, middle, {
      resizeWidth: size,
      resizeHeight: size,
      resizeQuality: 'high',
    });
  const [small, preview] = await Promise.all([square(side), square(PREVIEW)]);
  full.close();
  return { seen: { pixels: rgbOf(small, side), width: side, height: side }, preview };
}

/**
 * As the folder's photos were, to the bit.
 * @param {Blob} file
 * @param {number} side
 * @returns {Promise<Picture>}
 */
async function resized(file, side) {
  const one = await datasets.imageFolder(
    { 'picture.png': file },
    { ...PHOTO_OPTIONS, imageSize: [side, side], labels: null },
  );
  const { x } = await one.read();
  await one.dispose();
  return { pixels: /** @type {Uint8Array} */ (x), width: side, height: side };
}

/** @param {ImageBitmap} bitmap @param {number} side */
function rgbOf(bitmap, side) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = side;
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext('2d', { willReadFrequently: true })
  );
  // Transparent pictures get a white ground, as they have on most pages.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, side, side);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, side, side);
  const pixels = new Uint8Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    for (let c = 0; c < 3; c++) pixels[i * 3 + c] = data[i * 4 + c];
  }
  return pixels;
}

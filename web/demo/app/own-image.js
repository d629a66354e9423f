/** A picture of the person, made into what the network sees: its middle square in few pixels. */

/** Largest file read, so that a mistaken drop of a film does not fill the memory. */
const MOST_BYTES = 50_000_000;

/** An error with a code, in the manner of the library. */
class PictureError extends Error {
  code = 'E_IMAGE';
}

/**
 * @param {Blob} file
 * @param {number} side of the square that the network sees
 * @returns {Promise<{ seen: import('./image-store.js').Picture, preview: ImageBitmap }>} the network's view and a small
 *   square of the original
 */
export async function readOwnImage(file, side) {
  if (file.size > MOST_BYTES) {
    throw new PictureError(`The file has ${file.size} bytes; at most ${MOST_BYTES} are read.`);
  }
  const full = await createImageBitmap(file).catch((cause) => {
    throw new PictureError('The file is not a picture that this browser can read.', { cause });
  });
  const middle = Math.min(full.width, full.height);
  const [left, top] = [(full.width - middle) >> 1, (full.height - middle) >> 1];
  /** @param {number} size */
  const square = (size) =>
    createImageBitmap(full, left, top, middle, middle, {
      resizeWidth: size,
      resizeHeight: size,
      resizeQuality: 'high',
    });
  const [small, preview] = await Promise.all([square(side), square(224)]);
  full.close();
  return { seen: { pixels: rgbOf(small, side), width: side, height: side }, preview };
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

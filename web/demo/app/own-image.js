/** A picture of the person, made into what the network sees: 32 x 32 pixels from its middle. */

export const SIDE = 32;

/** Largest file read, so that a mistaken drop of a film does not fill the memory. */
const MOST_BYTES = 50_000_000;

/** An error with a code, in the manner of the library. */
class PictureError extends Error {
  code = 'E_IMAGE';
}

/**
 * @param {Blob} file
 * @returns {Promise<{ pixels: Uint8Array, preview: ImageBitmap }>} the network's view and a small
 *   square of the original
 */
export async function readOwnImage(file) {
  if (file.size > MOST_BYTES) {
    throw new PictureError(`The file has ${file.size} bytes; at most ${MOST_BYTES} are read.`);
  }
  const full = await createImageBitmap(file).catch((cause) => {
    throw new PictureError('The file is not a picture that this browser can read.', { cause });
  });
  const side = Math.min(full.width, full.height);
  const [left, top] = [(full.width - side) >> 1, (full.height - side) >> 1];
  /** @param {number} size */
  const square = (size) =>
    createImageBitmap(full, left, top, side, side, {
      resizeWidth: size,
      resizeHeight: size,
      resizeQuality: 'high',
    });
  const [small, preview] = await Promise.all([square(SIDE), square(224)]);
  full.close();
  return { pixels: rgbOf(small), preview };
}

/** @param {ImageBitmap} bitmap */
function rgbOf(bitmap) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext('2d', { willReadFrequently: true })
  );
  // Transparent pictures get a white ground, as they have on most pages.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, SIDE, SIDE);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  const pixels = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < SIDE * SIDE; i++) {
    for (let c = 0; c < 3; c++) pixels[i * 3 + c] = data[i * 4 + c];
  }
  return pixels;
}

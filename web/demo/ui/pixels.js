/** Draws 32 x 32 RGB images onto small canvases; the style sheet enlarges them without blurring. */

const SIDE = 32;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} pixels 32 x 32 x RGB
 */
export function drawImage(canvas, pixels) {
  canvas.width = canvas.height = SIDE;
  drawAt(canvas, pixels, 0, 0);
}

/**
 * Several images side by side on one canvas, `columns` in a row.
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array[]} images
 * @param {number} columns
 */
export function drawSheet(canvas, images, columns) {
  canvas.width = columns * SIDE;
  canvas.height = Math.ceil(images.length / columns) * SIDE;
  images.forEach((pixels, i) =>
    drawAt(canvas, pixels, (i % columns) * SIDE, Math.floor(i / columns) * SIDE),
  );
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} pixels
 * @param {number} x
 * @param {number} y
 */
function drawAt(canvas, pixels, x, y) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const image = context.createImageData(SIDE, SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) {
    for (let c = 0; c < 3; c++) image.data[i * 4 + c] = pixels[i * 3 + c];
    image.data[i * 4 + 3] = 255;
  }
  context.putImageData(image, x, y);
}

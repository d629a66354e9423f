/** Draws RGB images onto canvases of their size; the style sheet enlarges small ones without blurring. */

/** @typedef {import('../app/image-store.js').Picture} Picture */

/** From this width on they look better made smaller smoothly. */
const SMOOTH_FROM = 64;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 */
export function drawImage(canvas, picture) {
  drawSheet(canvas, [picture], 1);
}

/**
 * Several images side by side on one canvas, `columns` in a row.
 * @param {HTMLCanvasElement} canvas
 * @param {Picture[]} pictures of one size
 * @param {number} columns
 */
export function drawSheet(canvas, pictures, columns) {
  const { width = 0, height = 0 } = pictures[0] ?? {};
  canvas.width = columns * width;
  canvas.height = Math.ceil(pictures.length / columns) * height;
  canvas.classList.toggle('smooth', width >= SMOOTH_FROM);
  pictures.forEach((picture, i) =>
    drawAt(canvas, picture, (i % columns) * width, Math.floor(i / columns) * height),
  );
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 * @param {number} x
 * @param {number} y
 */
function drawAt(canvas, { pixels, width, height }, x, y) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[i * 4 + c] = pixels[i * 3 + c];
    image.data[i * 4 + 3] = 255;
  }
  context.putImageData(image, x, y);
}

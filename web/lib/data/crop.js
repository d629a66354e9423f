/** The part of a picture that has a wanted shape. */

/** @typedef {import('./decode-image.js').Picture} Picture */

/**
 * The largest centred window of a shape, as Keras's `smart_resize` cuts it, so that resizing stretches nothing.
 *
 * @param {Picture} picture
 * @param {readonly [height: number, width: number]} shape
 * @returns {Picture}
 */
export function cropToShape(picture, [tall, broad]) {
  const { data, channels } = picture;
  const fits = (
    /** @type {number} */ most,
    /** @type {number} */ other,
    /** @type {number} */ a,
    /** @type {number} */ b,
  ) =>
    // A picture a thousand times as wide as high still has one row.
    Math.max(1, Math.min(most, Math.floor((other * a) / b)));
  const height = fits(picture.height, picture.width, tall, broad);
  const width = fits(picture.width, picture.height, broad, tall);
  if (height === picture.height && width === picture.width) return picture;
  const top = Math.floor((picture.height - height) / 2);
  const left = Math.floor((picture.width - width) / 2);
  const out = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * channels;
    out.set(data.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, channels, data: out };
}

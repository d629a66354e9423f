/** How a camera was held, which it notes in the file instead of turning the picture: EXIF 2.3, tag Orientation. */

/** @typedef {import('./decode-image.js').Picture} Picture */

const ORIENTATION = 0x0112;
const SHORT = 3;
/** Bytes of an entry of a directory. */
const ENTRY = 12;

/**
 * @param {Uint8Array} jpeg whose markers were checked
 * @returns {number} 1 … 8; 1, upright, where nothing is said or what is said makes no sense
 */
export function orientationOf(jpeg) {
  for (let at = 2; at + 4 <= jpeg.length;) {
    while (jpeg[at] === 0xff) at++;
    const marker = jpeg[at++];
    // EXIF stands before the picture.
    if (marker === 0xda || marker === 0xd9) return 1;
    if (marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    const length = jpeg[at] * 256 + jpeg[at + 1];
    const body = jpeg.subarray(at + 2, at + length);
    if (marker === 0xe1 && isExif(body)) return orientationInTiff(body.subarray(6));
    at += length;
  }
  return 1;
}

/** @param {Uint8Array} body */
const isExif = (body) => [0x45, 0x78, 0x69, 0x66, 0, 0].every((byte, i) => body[i] === byte);

/** @param {Uint8Array} tiff @returns {number} */
function orientationInTiff(tiff) {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  const little = tiff[0] === 0x49;
  try {
    const directory = view.getUint32(4, little);
    const entries = view.getUint16(directory, little);
    for (let i = 0; i < entries; i++) {
      const at = directory + 2 + i * ENTRY;
      if (view.getUint16(at, little) !== ORIENTATION) continue;
      const value = view.getUint16(at + 8, little);
      return view.getUint16(at + 2, little) === SHORT && value >= 1 && value <= 8 ? value : 1;
    }
  } catch {
    // An offset that points beyond the note.
  }
  return 1;
}

/**
 * @param {Picture} picture
 * @param {number} orientation 1 … 8
 * @returns {Picture} as the camera saw it
 */
export function turnUpright(picture, orientation) {
  if (orientation === 1) return picture;
  const { width, height, channels, data } = picture;
  const turned = orientation > 4;
  const [outWidth, outHeight] = turned ? [height, width] : [width, height];
  // EXIF names the edges at which the stored picture's first row and first column are to be seen.
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const out = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      const [across, down] = turned ? [y, x] : [x, y];
      const column = fromRight ? width - 1 - across : across;
      const row = fromBottom ? height - 1 - down : down;
      const from = (row * width + column) * channels;
      for (let c = 0; c < channels; c++) out[to++] = data[from + c];
    }
  }
  return { width: outWidth, height: outHeight, channels, data: out };
}

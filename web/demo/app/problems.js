/** Turns anything thrown into a code, a message and a next step for the person. */

/** @type {Readonly<Record<string, string>>} */
const HINTS = Object.freeze({
  E_LOAD: 'A file of the page could not be loaded. Check the connection and reload the page.',
  E_UNSUPPORTED: 'This browser lacks something the engine needs. A current browser has it.',
  E_OOM: 'The tab ran out of memory. Close other tabs or reload the page.',
  E_NON_FINITE: 'Training became unstable. Lower the learning rate, then press Reset.',
  E_CHECKSUM: 'The file is not the official CIFAR-10, or its download was damaged.',
  E_GZIP: 'The archive is damaged or cut off. Download it again.',
  E_ZIP: 'The archive is damaged or cut off. Make or download it again.',
  E_TAR: 'The archive is damaged or cut off. Download it again.',
  E_FORMAT: 'The file is damaged or is not what this box takes.',
  E_MODEL_MISMATCH: 'Choose the network that the weights were trained with.',
  E_IMAGE: 'The file could not be read as a picture. PNG, JPEG and WebP work everywhere.',
  E_HYPERPARAM: 'Check the numbers under Settings.',
  E_WORKER: 'The engine stopped. Reload the page.',
});

/**
 * @param {unknown} error
 * @returns {import('./state.js').Problem}
 */
export function problemOf(error) {
  const known = /** @type {{ code?: unknown, message?: unknown }} */ (
    error && typeof error === 'object' ? error : { message: String(error) }
  );
  const code = typeof known.code === 'string' ? known.code : 'E_PAGE';
  return {
    code,
    message: String(known.message ?? 'Something went wrong.'),
    hint: HINTS[code] ?? '',
  };
}

/**
 * Whether the person asked for it: an abort is no problem to report.
 * @param {unknown} error
 */
export function isAbort(error) {
  return error instanceof Error && error.name === 'AbortError';
}

/**
 * The two response headers that make a page cross-origin isolated. Without isolation browsers keep
 * SharedArrayBuffer back, and with it the engine's threads; it then works on one thread.
 */

/** @type {Record<string, string>} */
export const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/**
 * What a development server sends: nothing when `npm start -- --no-isolation` asked for a page as most hosts serve it.
 * @type {Record<string, string>}
 */
export const headers = process.env.TABGRAD_NO_ISOLATION ? {} : isolationHeaders;

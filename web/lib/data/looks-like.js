/**
 * Recognises what a file really is from its first bytes, so that an error can say "this is an HTML
 * page" (the usual 404 saved as data) instead of "bad magic".
 */

/** @type {[prefix: string, description: string][]} */
const TEXT_PREFIXES = [
  ['version https://git-lfs', 'a Git LFS pointer (run "git lfs pull")'],
  ['PK\x03\x04', 'a zip archive (PyTorch .pt files are zip archives)'],
  ['\x1f\x8b', 'a gzip file'],
  ['\x89PNG', 'a PNG picture'],
  ['\xff\xd8\xff', 'a JPEG picture'],
  ['\x89HDF', 'an HDF5 file (Keras .h5)'],
  ['GGUF', 'a GGUF file'],
  ['BZh', 'a bzip2 file'],
  ['\xfd7zXZ', 'an xz file'],
  ['\x80\x02', 'a Python pickle'],
  ['\x80\x03', 'a Python pickle'],
  ['\x80\x04', 'a Python pickle'],
  ['\xef\xbb\xbf', 'text with a byte order mark'],
  ['{', 'a JSON file'],
];

/**
 * @param {Uint8Array} bytes the start of the file; 64 bytes are enough
 * @returns {string} such as `an HTML page`, or an empty string when nothing is recognised
 */
export function looksLike(bytes) {
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  for (const [prefix, description] of TEXT_PREFIXES) {
    if (start.startsWith(prefix)) return description;
  }
  if (/^\s*<(!doctype|html|head|body|\?xml|svg)/i.test(start)) return 'an HTML page';
  return '';
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} ` It looks like …` to end a message with, or an empty string
 */
export function looksLikeHint(bytes) {
  const description = looksLike(bytes);
  return description && ` It looks like ${description}.`;
}

/**
 * The checksum that a safetensors file of this library carries inside itself.
 *
 * The metadata entry `tabgrad.sha256` is the SHA-256 of the whole file with that entry's 64 digits
 * read as zeros. It is the first entry of the header, so its place is fixed. A second entry,
 * `tabgrad.version`, tells a reader that the file must have a checksum: one damaged key cannot
 * hide both. This rule is the same in every version.
 */

import { ChecksumError } from '../errors.js';
import { Sha256 } from '../data/sha256.js';

export const CHECKSUM_KEY = 'tabgrad.sha256';
export const VERSION_KEY = 'tabgrad.version';

const DIGITS = 64;
const ZEROS = new TextEncoder().encode('0'.repeat(DIGITS));
const PREFIX = new TextEncoder().encode(`{"__metadata__":{"${CHECKSUM_KEY}":"`);
/** Where the digits start: behind the header's length and what stands before them. */
const PLACE = 8 + PREFIX.length;

/** @param {Uint8Array} file */
function checksumOf(file) {
  return new Sha256()
    .update(file.subarray(0, PLACE))
    .update(ZEROS)
    .update(file.subarray(PLACE + DIGITS))
    .hex();
}

/**
 * Writes the checksum into its place.
 * @param {Uint8Array} file begins as every file of `encode`
 */
export function fillChecksum(file) {
  file.set(new TextEncoder().encode(checksumOf(file)), PLACE);
}

/**
 * @param {Uint8Array} file
 * @param {Map<string, string>} metadata of that file
 * @param {boolean} required
 * @returns {boolean} false for a file without a checksum, when none is required
 * @throws {ChecksumError}
 */
export function verifyChecksum(file, metadata, required) {
  const stated = metadata.get(CHECKSUM_KEY);
  if (stated === undefined) {
    if (!required && !metadata.has(VERSION_KEY)) return false;
    throw new ChecksumError(`The file has no checksum (metadata entry ${CHECKSUM_KEY}).`);
  }
  if (PREFIX.some((byte, i) => file[8 + i] !== byte)) {
    throw new ChecksumError(`The metadata entry ${CHECKSUM_KEY} is not the first of the header.`);
  }
  const found = checksumOf(file);
  if (found === stated) return true;
  throw new ChecksumError(
    `The file is damaged: its SHA-256 is ${found}, it states ${stated.slice(0, DIGITS)}.`,
  );
}

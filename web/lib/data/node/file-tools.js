import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @param {(bytes: number) => void} [onBytes] called with the size of each piece
 * @returns {Promise<string>} SHA-256, 64 lower-case hexadecimal digits
 */
export async function hashFile(path, signal, onBytes) {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { signal, highWaterMark: 1 << 20 })) {
    hash.update(bytes);
    onBytes?.(bytes.length);
  }
  return hash.digest('hex');
}

/**
 * Writes a file that appears whole or not at all, also to other processes.
 *
 * @param {string} path
 * @param {Uint8Array | string} content
 */
export async function writeAtomically(path, content) {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Opens files for the loaders in Node. Browsers have no paths, so this is passed in, not imported. */

import { open } from 'node:fs/promises';
import { IoError, MissingError } from '../../errors.js';
import { reportedAs } from '../byte-source.js';

/** Read size: large enough to be limited by the disk, small enough to answer an abort at once. */
const READ_BYTES = 256 * 1024;

/**
 * @param {string | URL} path path or `file:` URL
 * @returns {Promise<import('../byte-source.js').OpenBytes>} a stream whose handle is closed at its
 *   end, on failure and on cancel
 * @throws {MissingError} there is no such file
 * @throws {IoError} it cannot be read
 */
export async function openPath(path) {
  const target = typeof path === 'string' && /^file:/i.test(path) ? new URL(path) : path;
  try {
    const file = await open(target, 'r');
    const stats = await file.stat();
    if (!stats.isFile()) {
      await file.close();
      throw new IoError(`${path} is not a file.`);
    }
    const stream = new ReadableStream(
      {
        async pull(controller) {
          const buffer = new Uint8Array(READ_BYTES);
          const { bytesRead } = await file.read(buffer).catch(async (error) => {
            await file.close();
            throw error;
          });
          if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
          await file.close();
          controller.close();
        },
        cancel: () => file.close(),
      },
      { highWaterMark: 0 },
    );
    return { stream: reportedAs(stream, (cause) => ioError(path, cause)), size: stats.size };
  } catch (cause) {
    throw ioError(path, cause);
  }
}

/**
 * @param {string | URL} path
 * @param {unknown} cause
 */
function ioError(path, cause) {
  if (cause instanceof IoError) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  if (code === 'ENOENT') return new MissingError(`There is no file ${path}.`, { cause });
  return new IoError(`Could not read ${path}: ${code}.`, { cause });
}

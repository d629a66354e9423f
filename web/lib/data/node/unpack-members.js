import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DuplicateError, MissingError } from '../../errors.js';
import { readTar } from '../tar-members.js';

/** Most bytes an archive may unpack to: six files of 30.73 MB, and room for what is beside them. */
const MAX_UNPACKED = 200_000_000;

/**
 * Writes the named members of an archive to a folder, and requires that all are there once. No
 * name out of the archive becomes a path.
 *
 * @param {import('../byte-source.js').OpenBytes} archive
 * @param {string} folder
 * @param {string[]} names
 * @param {object} options
 * @param {AbortSignal} [options.signal]
 * @param {(bytes: number) => void} [options.onBytes] called with the packed bytes read so far
 * @param {(name: string, size: number) => void} [options.checkMember] throws to refuse a member
 */
export async function unpackMembers({ stream }, folder, names, { signal, onBytes, checkMember }) {
  const done = new Set();
  let descriptor = -1;
  try {
    await readTar(stream, {
      maxBytes: MAX_UNPACKED,
      signal,
      onBytes,
      onMember(member) {
        const name = names.find((wanted) => wanted === member.name);
        if (!name || !member.regular) return undefined;
        if (done.has(name)) throw new DuplicateError(`The archive holds ${name} twice.`);
        checkMember?.(name, member.size);
        done.add(name);
        descriptor = openSync(join(folder, name), 'wx');
        return {
          push(bytes) {
            // writeSync may write less than asked when the disk is nearly full.
            for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
          },
          end() {
            closeSync(descriptor);
            descriptor = -1;
          },
        };
      },
    });
  } finally {
    if (descriptor >= 0) closeSync(descriptor);
  }
  const missing = names.filter((name) => !done.has(name));
  if (missing.length > 0) throw new MissingError(`The archive lacks ${missing.join(', ')}.`);
}

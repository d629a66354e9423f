/** What is worth knowing of a folder before one trains on it: files left out, pictures that are there twice. */
import { cleaningReport } from 'tabgrad/data';

/**
 * @typedef {object} FolderReport
 * @property {number} count pictures read
 * @property {boolean} heldBack whether there was no test folder
 * @property {{ file: string, message: string }[]} unreadable
 * @property {Pair[]} twice
 * @property {Pair[]} nearly
 *
 * @typedef {{ file: string, of: string, sameClass: boolean }} Pair a picture, and one before it
 */

/**
 * @param {import('./folder-source.js').Part[]} parts
 * @param {import('./folder-source.js').Read} read
 * @returns {Promise<FolderReport>}
 */
export async function reportOn(parts, { onWork, signal }) {
  /** @type {FolderReport} */
  const report = { count: 0, heldBack: parts.length === 1, unreadable: [], twice: [], nearly: [] };
  for (const { folder, data } of parts) {
    onWork('Looking for pictures that are there twice', 0, 0);
    const { count, unreadable, duplicates, nearDuplicates } = await cleaningReport(data, {
      signal,
    });
    /** @param {string | undefined} file */
    const path = (file) => (folder ? `${folder}/${file}` : `${file}`);
    /** @param {{ file?: string, ofFile?: string, sameLabel: boolean }} found @returns {Pair} */
    const pair = ({ file, ofFile, sameLabel }) => ({
      file: path(file),
      of: path(ofFile),
      sameClass: sameLabel,
    });
    report.count += count;
    report.unreadable.push(
      // The library's message begins with the name of the file.
      ...unreadable.map(({ file, message }) => ({
        file: path(file),
        message: message.replace(`${file}: `, ''),
      })),
    );
    report.twice.push(...duplicates.map(pair));
    report.nearly.push(...nearDuplicates.map(pair));
  }
  return report;
}

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
 * @typedef {{ file?: string, ofFile?: string, sameLabel: boolean }} Found
 */

/**
 * @param {import('./folder-source.js').Part[]} parts
 * @param {import('./folder-source.js').Read} read
 * @returns {Promise<FolderReport>}
 */
export async function reportOn(parts, { onWork, signal }) {
  /** @type {FolderReport} */
  const report = { count: 0, heldBack: parts.length === 1, unreadable: [], twice: [], nearly: [] };
  for (const [number, { folder, data }] of parts.entries()) {
    onWork('Looking for pictures that are there twice', 0, 0);
    // What is tested with must not have been trained on: told once, of the second part.
    const first = number > 0 ? parts[0] : undefined;
    const { count, unreadable, duplicates, nearDuplicates, leaks, nearLeaks } =
      await cleaningReport(data, { against: first?.data, signal });
    /** @param {string | undefined} file */
    const path = (file, below = folder) => (below ? `${below}/${file}` : `${file}`);
    /** @param {string | undefined} other @returns {(found: Found) => Pair} */
    const pairIn =
      (other) =>
      ({ file, ofFile, sameLabel }) => ({
        file: path(file),
        of: path(ofFile, other),
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
    const [within, across] = [pairIn(folder), pairIn(first?.folder)];
    report.twice.push(...duplicates.map(within), ...leaks.map(across));
    report.nearly.push(...nearDuplicates.map(within), ...nearLeaks.map(across));
  }
  return report;
}

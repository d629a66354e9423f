/**
 * Installing Debian packages, when this user may; else saying which ones are missing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { UserError, findProgram, run } from './run-command.mjs';

/** How long apt waits for another apt to finish, in seconds. */
const LOCK_TIMEOUT = '300';

/**
 * The version of Debian this is: 12, 13 …, or undefined on anything else.
 * @returns {number | undefined}
 */
export function debianVersion() {
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    if (!/^ID=debian$/m.test(text)) return undefined;
    const match = /^VERSION_ID="?(\d+)"?$/m.exec(text);
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The words to put before a command so that it runs as root, or undefined when it cannot.
 * @returns {Promise<string[] | undefined>}
 */
async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  if (!findProgram('sudo')) return undefined;
  try {
    await run('sudo', ['-n', 'true']);
    return ['sudo', '-n'];
  } catch {
    return undefined;
  }
}

/**
 * @typedef {{ name: string, file: string }} DebianPackage
 *   file: a file the package installs; its presence says that the package is there. Cheaper than
 *   asking dpkg, and a program built by hand in the same place counts as well.
 */

/**
 * Make sure that Debian packages are installed.
 * @param {DebianPackage[]} packages
 * @param {{ why: string, onProgress?: (text: string) => void }} options why: ends the sentence "… needed to …"
 */
export async function ensurePackages(packages, { why, onProgress }) {
  const missing = packages.filter(({ file }) => !existsSync(file)).map(({ name }) => name);
  if (missing.length === 0) return;
  const list = missing.join(' ');
  const advice = `${list} needed to ${why}: please install ${missing.length === 1 ? 'it' : 'them'}`;
  if (!findProgram('apt-get')) throw new UserError(`${advice} with this system's package manager.`);
  const prefix = await rootPrefix();
  if (!prefix) throw new UserError(`${advice} with: sudo apt-get install ${list}`);

  const apt = (/** @type {string[]} */ ...args) => {
    const [program, ...rest] = [
      ...prefix,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      '-q',
      '-o',
      `DPkg::Lock::Timeout=${LOCK_TIMEOUT}`,
      ...args,
    ];
    return run(/** @type {string} */ (program), rest, { what: `apt-get ${args[0]}` });
  };
  const install = () => apt('install', '-y', '--no-install-recommends', ...missing);
  onProgress?.(`installing ${list} (apt-get)`);
  try {
    await install();
  } catch {
    // Usually the package lists are empty or older than the archive: renew them, then try once more.
    onProgress?.('renewing the package lists (apt-get update)');
    await apt('update');
    onProgress?.(`installing ${list} (apt-get)`);
    await install();
  }
}

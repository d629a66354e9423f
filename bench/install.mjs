/** The peers' packages: of npm into a cache folder outside the checkout, of Debian by apt when this user may. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePackages } from '../wasm-build/apt.mjs';
import { cacheFolder } from '../wasm-build/cache.mjs';
import { run } from '../wasm-build/run-command.mjs';

/** Written last, so that an interrupted installation is made again. */
const DONE = 'installed';

/** @param {Record<string, string>} npm @returns {string} the same for the same packages and versions */
export function peersFolder(npm) {
  const list = JSON.stringify(Object.entries(npm).sort());
  return cacheFolder('bench-peers', createHash('sha256').update(list).digest('hex').slice(0, 12));
}

/**
 * @param {import('./contestants.mjs').Peer} peer
 * @param {(text: string) => void} onProgress
 * @returns {Promise<string | undefined>} why it is not available
 */
export async function install({ name, npm, debian }, onProgress) {
  try {
    if (npm) await installPackages(name, npm, onProgress);
    if (debian) await ensurePackages(debian, { why: `compare with ${name}`, onProgress });
    return undefined;
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
    return `left out: ${line}`;
  }
}

/**
 * @param {string} name
 * @param {Record<string, string>} npm
 * @param {(text: string) => void} onProgress
 */
async function installPackages(name, npm, onProgress) {
  const folder = peersFolder(npm);
  if (existsSync(join(folder, DONE))) return;
  onProgress(`installing ${name} (npm)`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const manifest = { private: true, dependencies: npm };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', ...options], { cwd: folder, what: `npm install of ${name}` });
  await writeFile(join(folder, DONE), '');
}

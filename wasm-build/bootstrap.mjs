/**
 * From a fresh clone to everything built: the steps that `npm start` and `npm test` share.
 * Only Node's own modules are imported here before the packages are there.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withProgress } from './progress.mjs';
import { UserError, run } from './run-command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = 20;

/** Stop with one sentence on a Node that lacks what the library uses. */
export function requireNode() {
  const version = process.versions.node;
  if (Number.parseInt(version, 10) < OLDEST_NODE) {
    throw new UserError(
      `Node ${OLDEST_NODE} or newer is needed; this is ${version}. Please install a newer Node.`,
    );
  }
}

/** The npm packages of the lock file, installed when they are missing or the lock is newer. */
export async function ensurePackagesOfLock() {
  const installed = join(ROOT, 'node_modules/.package-lock.json');
  const lock = join(ROOT, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  await withProgress('packages', async (report) => {
    report('installing npm packages');
    // No install scripts: none of the packages needs one, and none gets to run one.
    await run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
      cwd: ROOT,
      what: 'npm ci',
    });
  });
}

/** CIFAR-10 in the cache folder. */
export async function ensureData() {
  const { ensureCifar10 } = await import('../web/lib/data/node/fetch-cifar10.mjs');
  return withProgress('CIFAR-10', (report) =>
    ensureCifar10({
      onProgress({ phase, loaded, total }) {
        const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
        const of = total ? ` of ${megabytes(total)}` : '';
        report(
          `${phase} ${megabytes(loaded)}${of} MB`,
          total ? Math.min(loaded / total, 1) : undefined,
        );
      },
    }),
  );
}

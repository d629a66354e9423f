/**
 * Where downloads live: outside the checkout, so that a fresh clone finds them again
 * and no build product can be committed by accident.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder for one kind of cached thing; the caller makes it when it is needed.
 * @param {...string} parts names below the cache folder
 * @returns {string}
 */
export function cacheFolder(...parts) {
  const { TABGRAD_CACHE, XDG_CACHE_HOME } = process.env;
  const root =
    TABGRAD_CACHE ||
    (XDG_CACHE_HOME ? join(XDG_CACHE_HOME, 'tabgrad') : join(homedir(), '.cache', 'tabgrad'));
  return join(root, ...parts);
}

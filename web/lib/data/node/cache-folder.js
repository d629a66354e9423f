import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where downloaded data stays between runs: `$TABGRAD_CACHE`, else `$XDG_CACHE_HOME/tabgrad`, else
 * `~/.cache/tabgrad`. The published library cannot share this with the build scripts, which are
 * not part of it.
 *
 * @param {string} name the folder below it
 * @returns {string} absolute path; nothing is created
 */
export function cacheFolder(name) {
  const { TABGRAD_CACHE, XDG_CACHE_HOME } = process.env;
  const root = TABGRAD_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'tabgrad');
  return join(root, name);
}

import { isFetchable } from './byte-source.js';

/**
 * The file of a name in a folder: below a URL, or in Node below a path.
 *
 * @param {string | URL} base with or without a slash at its end; a URL's query is kept
 * @param {string} name
 * @returns {string | URL}
 */
export function inside(base, name) {
  if (typeof base === 'string' && !isFetchable(base) && !/^file:/i.test(base)) {
    return `${base.replace(/[/\\]+$/, '')}/${name}`;
  }
  const url = new URL(base, globalThis.location?.href);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  url.pathname += name;
  return url;
}

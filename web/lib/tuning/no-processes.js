/** The twin of node/processes.js for pages, which have no processes; `#processes` in package.json chooses. */

import { UnsupportedError } from '../errors.js';

/**
 * @param {string | URL} _module
 * @param {number} _count
 * @returns {import('./trial.js').Runner}
 */
export function openProcesses(_module, _count) {
  throw new UnsupportedError('A page has no processes: give train as a function.', {
    field: 'train',
  });
}

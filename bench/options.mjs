/** What `npm run bench` can be told. */

import { parseArgs } from 'node:util';
import { UserError } from '../wasm-build/run-command.mjs';

/**
 * @typedef {object} Options
 * @property {boolean} quick
 * @property {import('./works.mjs').Work[]} works
 * @property {boolean} kernels whether the kernels have their table
 * @property {string[]} peers
 * @property {number} chunks
 * @property {number} seconds of a chunk
 * @property {string | undefined} write the file of the report
 */

const KERNELS = 'kernels';
export const DEFAULT_FILE = 'bench/RESULTS.md';

/**
 * @param {string[]} args
 * @param {{ works: import('./works.mjs').Work[], peers: string[] }} known
 * @returns {Options}
 */
export function readOptions(args, known) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      peers: { type: 'string' },
      chunks: { type: 'string' },
      seconds: { type: 'string' },
      write: { type: 'string' },
    },
  });
  const { quick } = values;
  const ids = [...known.works.map(({ id }) => id), KERNELS];
  const only = values.only === undefined ? undefined : list('--only', values.only, ids);
  const chosen = known.works.filter(({ id, quick: inQuick }) =>
    only ? only.includes(id) : inQuick || !quick,
  );
  const whole = !quick && only === undefined && values.peers === undefined;
  return {
    quick,
    works: chosen,
    kernels: only ? only.includes(KERNELS) : !quick,
    peers: values.peers === undefined ? known.peers : list('--peers', values.peers, known.peers),
    chunks: positive('--chunks', values.chunks ?? (quick ? '3' : '5'), true),
    seconds: positive('--seconds', values.seconds ?? (quick ? '0.5' : '1')),
    // A part must not take the place of the whole.
    write: values.write ?? (whole ? DEFAULT_FILE : undefined),
  };
}

/**
 * Names, or beginnings of names: seed-cnn stands for all works of that network.
 *
 * @param {string} option @param {string} value @param {string[]} known
 */
function list(option, value, known) {
  return value.split(',').flatMap((name) => {
    const found = known.includes(name) ? [name] : known.filter((item) => item.startsWith(name));
    if (name === '' || found.length === 0)
      throw new UserError(`${option} knows ${known.join(', ')}; found "${name}".`);
    return found;
  });
}

/** @param {string} option @param {string} value @param {boolean} [whole] */
function positive(option, value, whole = false) {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number) || (whole && !Number.isInteger(number)))
    throw new UserError(
      `${option} takes a positive ${whole ? 'whole ' : ''}number; found "${value}".`,
    );
  return number;
}

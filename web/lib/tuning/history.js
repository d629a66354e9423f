/**
 * What a search has done, as JSON lines: the first says which search it is, every other is a trial that ended. Lines stand
 * in the order in which trials ended; `docs/formats.md` has the fields.
 */

import { DuplicateError, FormatError, VersionError } from '../errors.js';

/**
 * @typedef {object} SearchHead
 * @property {'search'} tabgrad
 * @property {number} version
 * @property {string} strategy
 * @property {number} seed
 * @property {string} objective
 * @property {'min' | 'max'} mode
 * @property {Record<string, unknown>} settings of the strategy
 * @property {import('./space.js').Space} space
 *
 * @typedef {object} Run a trial that ended
 * @property {number} trial its number, from 0, in the order in which the strategy asked
 * @property {import('./space.js').Configuration} config
 * @property {number} budget
 * @property {number} seed what the trial was given to train with
 * @property {'done' | 'failed'} status
 * @property {number | null} score the objective; null where the trial failed
 * @property {Record<string, number>} logs what `train` returned
 * @property {Record<string, number>[]} reports what it reported on the way
 * @property {number} seconds
 * @property {{ name: string, code: string | null, message: string }} [error] of a trial that failed
 * @property {number} [origin] the first trial of this configuration, in halving
 * @property {number} [bracket] of Hyperband, from 0
 * @property {number} [rung] of halving, from 0
 * @property {number} [parent] the trial that evolution changed
 */

const VERSION = 1;

/**
 * @param {string} text
 * @returns {{ head: SearchHead | null, runs: Run[] }} runs in the order of the lines; head null for an empty text
 * @throws {FormatError} {VersionError} {DuplicateError} naming the line
 */
export function parseHistory(text) {
  if (typeof text !== 'string') throw new FormatError('A history of searches must be a text.');
  const lines = text.split('\n');
  const [head, ...runs] = lines.flatMap((line, index) =>
    line.trim() === '' ? [] : [readLine(line, index + 1)],
  );
  if (!head) return { head: null, runs: [] };
  if (head.value.tabgrad !== 'search') {
    throw new FormatError(`Line ${head.number} of the history is not the head of a search.`);
  }
  if (head.value.version !== VERSION) {
    throw new VersionError(
      `The history has version ${head.value.version}, this library reads ${VERSION}.`,
    );
  }
  const known = new Set();
  for (const { value, number } of runs) {
    const { trial, config, status, score } = value;
    const scored = status === 'done' ? Number.isFinite(score) : status === 'failed';
    if (!Number.isSafeInteger(trial) || trial < 0 || typeof config !== 'object' || !scored) {
      throw new FormatError(`Line ${number} of the history is not a trial.`);
    }
    if (known.has(trial)) {
      throw new DuplicateError(`Line ${number} of the history has trial ${trial} again.`);
    }
    known.add(trial);
  }
  return { head: head.value, runs: runs.map(({ value }) => value) };
}

/** @param {string} line @param {number} number @returns {{ value: any, number: number }} */
function readLine(line, number) {
  let value;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new FormatError(`Line ${number} of the history is not JSON.`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return { value, number };
  throw new FormatError(`Line ${number} of the history is not an object.`);
}

/**
 * @param {Omit<SearchHead, 'tabgrad' | 'version'>} facts
 * @returns {SearchHead}
 */
export function makeHead(facts) {
  return JSON.parse(JSON.stringify({ tabgrad: 'search', version: VERSION, ...facts }));
}

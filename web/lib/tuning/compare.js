/** Runs side by side: which was best, and which parameters made the difference. */

import { EmptyError, InputTypeError } from '../errors.js';
import { describe, needWhole, readOptions } from '../options.js';
import { growth } from '../better.js';
import { table } from '../summary.js';
import { parseHistory } from './history.js';
import { ranked } from './rank.js';

/**
 * @typedef {import('./history.js').Run} Run
 *
 * @typedef {object} Comparison
 * @property {Run | null} best of the largest budget
 * @property {Run[]} ranking all runs: those of larger budgets first, of the same budget the best first, failed ones last
 * @property {Record<string, number>} importance of each parameter that varies, 0 … 1: which share of the variance of the
 *   scores its values explain, alone, beyond chance (ε²; numbers by their quarters), among the runs of the budget that most
 *   runs have. Names inside of others have dots
 * @property {string} table as text, the best first
 */

/** Numbers of more values than this are compared by quarters. */
const GROUPS = 4;

/**
 * @param {readonly Run[] | string} runs what a search gave, or a history's lines
 * @param {{ mode?: 'auto' | 'min' | 'max', objective?: string, top?: number }} [options] mode and objective as in the search;
 *   default what a history's head says, else 'auto' and 'score'; top: rows of the table, default 10
 * @returns {Comparison}
 * @throws {InputTypeError} {FormatError} {EmptyError} {ConfigError}
 */
export function compareRuns(runs, options) {
  const where = { what: 'compareRuns' };
  const given = readOptions(options, ['mode', 'objective', 'top'], where);
  const { head, runs: all } =
    typeof runs === 'string'
      ? parseHistory(runs)
      : { head: null, runs: Array.from(readRuns(runs)) };
  const objective = given.objective ?? head?.objective ?? 'score';
  const sign = growth(objective, given.mode ?? head?.mode ?? 'auto', where);
  const top = needWhole(given.top ?? 10, 'top', where, 1);
  if (all.length === 0) throw new EmptyError('compareRuns: there are no runs.', { field: 'runs' });
  const place = new Map(ranked(all, sign).map((run, index) => [run, index]));
  const order = (/** @type {Run} */ run) => /** @type {number} */ (place.get(run));
  const failed = (/** @type {Run} */ run) => Number(run.status === 'failed');
  const ranking = [...all].sort(
    (a, b) => failed(a) - failed(b) || b.budget - a.budget || order(a) - order(b),
  );
  const [best] = ranking;
  const done = ranking.filter(({ status }) => status === 'done');
  return {
    best: best.status === 'done' ? best : null,
    ranking,
    importance: importanceOf(mostCommonBudget(done)),
    table: tableOf(ranking.slice(0, top), objective),
  };
}

/** @param {any} runs @returns {Iterable<Run>} */
function readRuns(runs) {
  if (Array.isArray(runs) && runs.every((run) => typeof run?.config === 'object')) return runs;
  throw new InputTypeError(
    `compareRuns: runs must be what a search gave, or a text, found ${describe(runs)}.`,
    { field: 'runs' },
  );
}

/** @param {Run[]} runs @returns {Run[]} those of one budget, the largest of the most common */
function mostCommonBudget(runs) {
  /** @type {Map<number, Run[]>} */
  const byBudget = new Map();
  for (const run of runs) byBudget.set(run.budget, [...(byBudget.get(run.budget) ?? []), run]);
  const groups = [...byBudget].sort(([a, x], [b, y]) => y.length - x.length || b - a);
  return groups[0]?.[1] ?? [];
}

/**
 * Values by their names; those of spaces inside with dots, lists as their text and their length.
 *
 * @param {unknown} config
 * @param {string} [prefix]
 * @returns {[name: string, value: unknown][]}
 */
function flatten(config, prefix = '') {
  return Object.entries(/** @type {object} */ (config)).flatMap(([name, value]) => {
    const own = `${prefix}${name}`;
    if (Array.isArray(value)) {
      return /** @type {[string, unknown][]} */ ([
        [own, value],
        [`${own}.length`, value.length],
      ]);
    }
    const inside = typeof value === 'object' && value !== null;
    return inside ? flatten(value, `${own}.`) : [[own, value]];
  });
}

/** @param {Run[]} runs @returns {Record<string, number>} */
function importanceOf(runs) {
  /** @type {Map<string, { value: unknown, score: number }[]>} */
  const columns = new Map();
  for (const { config, score } of runs) {
    for (const [name, value] of flatten(config)) {
      columns.set(name, [...(columns.get(name) ?? []), { value, score: Number(score) }]);
    }
  }
  const shares = [...columns].flatMap(([name, column]) => {
    const groups = groupsOf(column);
    return groups.length > 1 ? [[name, explained(groups)]] : [];
  });
  return Object.fromEntries(shares);
}

/**
 * @param {{ value: unknown, score: number }[]} column
 * @returns {number[][]} the scores of each value, of many numbers those of each quarter
 */
function groupsOf(column) {
  /** @type {Map<string, number[]>} */
  const groups = new Map();
  const put = (/** @type {string} */ key, /** @type {number} */ score) =>
    groups.set(key, [...(groups.get(key) ?? []), score]);
  const texts = column.map(({ value }) => JSON.stringify(value));
  const numeric = column.every(({ value }) => typeof value === 'number');
  if (numeric && new Set(texts).size > GROUPS) {
    const sorted = [...column].sort((a, b) => Number(a.value) - Number(b.value));
    sorted.forEach(({ score }, i) => put(String(Math.floor((GROUPS * i) / sorted.length)), score));
  } else column.forEach(({ score }, i) => put(texts[i], score));
  return [...groups.values()];
}

/**
 * Kelley's ε²: the share of the variance that lies between groups, less what chance would put there.
 *
 * @param {number[][]} groups
 * @returns {number} 0 … 1
 */
function explained(groups) {
  const mean = (/** @type {number[]} */ list) => list.reduce((sum, x) => sum + x, 0) / list.length;
  const spread = (/** @type {number[]} */ list) => {
    const middle = mean(list);
    return list.reduce((sum, x) => sum + (x - middle) ** 2, 0);
  };
  const all = groups.flat();
  const total = spread(all);
  const within = groups.reduce((sum, group) => sum + spread(group), 0);
  const free = all.length - groups.length;
  if (free <= 0 || total === 0) return 0;
  const chance = ((groups.length - 1) * within) / free;
  return Math.max(0, (total - within - chance) / total);
}

/** @param {Run[]} runs @param {string} objective */
function tableOf(runs, objective) {
  const names = [...new Set(runs.flatMap(({ config }) => flatten(config).map(([name]) => name)))];
  const shown = names.filter((name) => !name.endsWith('.length'));
  const rows = runs.map((run) => {
    const values = new Map(flatten(run.config));
    return [
      String(run.trial),
      run.score === null ? 'failed' : short(run.score),
      String(run.budget),
      `${run.seconds} s`,
      ...shown.map((name) => (values.has(name) ? short(values.get(name)) : '')),
    ];
  });
  return table([['trial', objective, 'budget', 'time', ...shown], ...rows]).join('\n');
}

/** @param {unknown} value */
function short(value) {
  if (typeof value === 'number') return String(Number(value.toPrecision(4)));
  return typeof value === 'string' ? value : JSON.stringify(value);
}

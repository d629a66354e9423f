/** Results of works as tables of Markdown. */

import { median, ratio, spread } from './statistics.mjs';

/**
 * @typedef {import('./works.mjs').Work} Work
 * @typedef {import('./measure-work.mjs').Result} Result
 * @typedef {{ work: Work, results: Result[] }} Measured
 */

const OURS = 'tabgrad';
const NONE = '–';

/** @param {string[]} header @param {(string | number)[][]} rows @returns {string} */
export function markdownTable(header, rows) {
  const lines = [header, header.map(() => '---'), ...rows];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

/** @param {Measured} measured @returns {string} */
export function workTable({ work, results }) {
  const header = [
    ...['who', 'where', 'threads', work.mode === 'gemm' ? 'products/s' : 'images/s', 'spread'],
    ...['GFLOP/s', 'of the peak', 'tabgrad in Node / it', 'tabgrad in Chromium / it'],
  ];
  const rows = results.map((result) => {
    const { name, label, place, threads, rates, failure } = result;
    const where = { node: 'Node', page: 'Chromium', python: 'native' }[place];
    const before = [label, where, threads];
    if (rates.length === 0) return [...before, failure ?? 'not measured', '', '', '', '', ''];
    const speed = median(rates);
    const gflops = (speed * work.flop) / 1e9;
    const peak = peakOf(results, place, threads);
    return [
      ...before,
      failure === undefined ? figure(speed) : `${figure(speed)}, then: ${failure}`,
      percent(spread(rates)),
      gflops.toFixed(1),
      peak === undefined ? NONE : percent(gflops / peak),
      name === OURS ? NONE : ratioCell(ours(results, 'node', threads), result),
      name === OURS ? NONE : ratioCell(ours(results, 'page', threads), result),
    ];
  });
  return markdownTable(header, rows);
}

/** Where somebody is faster than tabgrad in Chromium or in Node, on as many threads. @param {Measured[]} all @returns {string[]} */
export function losses(all) {
  return all.flatMap(({ work, results }) =>
    results.flatMap((result) => {
      if (result.name === OURS || result.rates.length === 0) return [];
      return places(results, result.threads).flatMap(({ where, own }) => {
        const found = ratio(own.rates, result.rates);
        if (!found || found.median >= 1) return [];
        const cell = ratioCell(own, result);
        return [`${work.title}, ${result.threads}T, ${where}: ${cell} of ${result.label}`];
      });
    }),
  );
}

/** Rounds whose ratios are further apart than this say nothing. */
const STEADY = 1.5;

/** Ratios that are to be reached, beside those that are. @param {Measured[]} all @returns {string} '' when there are none */
export function targetTable(all) {
  const rows = all.flatMap(({ work, results }) =>
    (work.targets ?? []).flatMap(({ of = OURS, against, floor, goal, threads = 2 }) =>
      places(results, threads, of).flatMap(({ where, place, own }) => {
        const theirs = opponent(work, results, against, place, threads);
        if (!theirs) return [];
        const found = ratio(own.rates, theirs.rates);
        const name = Array.isArray(against) ? `best of ${against.join(', ')}` : against;
        const cells = found
          ? [show(found), verdict(found, floor, goal)]
          : [NONE, theirs.failure ?? 'not measured'];
        return [
          [
            work.title,
            name,
            `${of === OURS ? '' : `${of}, `}${threads}T ${where}`,
            floor,
            goal,
            ...cells,
          ],
        ];
      }),
    ),
  );
  if (rows.length === 0) return '';
  return markdownTable(['work', 'against', 'tabgrad', 'floor', 'goal', 'ratio', ''], rows);
}

/** @param {import('./statistics.mjs').Ratio} ratio @param {number} floor @param {number} goal */
function verdict({ median, least, most }, floor, goal) {
  if (most > STEADY * least) return 'unsteady';
  return median >= goal ? 'goal met' : median >= floor ? 'floor met' : 'below';
}

/**
 * Whom a target names: the fastest of them, unless one of them failed.
 *
 * @param {Work} work @param {Result[]} results @param {string | string[]} against
 * @param {import('./contestants.mjs').Place} place @param {number} threads
 * @returns {Pick<Result, 'rates' | 'failure'> | undefined} nothing when one of them took no part
 */
function opponent(work, results, against, place, threads) {
  if (against === 'peak') {
    const peaks = ours(results, place, threads)?.peaks ?? [];
    return { rates: peaks.map((peak) => (1e9 * peak) / work.flop) };
  }
  if (against === 'one thread') return ours(results, place, 1);
  if (against === 'float') return ours(results, place, threads);
  const named = [against]
    .flat()
    .map((name) =>
      fastest(results.filter((result) => result.name === name && result.threads === threads)),
    );
  if (named.includes(undefined)) return undefined;
  const present = /** @type {Result[]} */ (named);
  return present.find(({ rates }) => rates.length === 0) ?? fastest(present);
}

/** @param {Result[]} results @returns {Result | undefined} */
function fastest(results) {
  const speed = (/** @type {Result} */ { rates }) => (rates.length ? median(rates) : 0);
  return [...results].sort((a, b) => speed(b) - speed(a))[0];
}

/** @param {Result[]} results @param {number} threads @param {string} [label] */
function places(results, threads, label = OURS) {
  return /** @type {const} */ (['node', 'page']).flatMap((place) => {
    const own = ours(results, place, threads, label);
    return own?.rates.length ? [{ place, where: place === 'node' ? 'Node' : 'Chromium', own }] : [];
  });
}

/**
 * @param {Result[]} results @param {import('./contestants.mjs').Place} place @param {number} threads
 * @param {string} [label]
 */
function ours(results, place, threads, label = OURS) {
  return results.find(
    (result) => result.label === label && result.place === place && result.threads === threads,
  );
}

/**
 * The peak kernel runs in our own engine; what is native is held against the one in Node.
 *
 * @param {Result[]} results @param {import('./contestants.mjs').Place} place @param {number} threads
 */
function peakOf(results, place, threads) {
  const own = ours(results, place === 'page' ? 'page' : 'node', threads);
  return own?.peaks.length ? median(own.peaks) : undefined;
}

/** @param {Result | undefined} own @param {Result} theirs */
function ratioCell(own, theirs) {
  const found = own && ratio(own.rates, theirs.rates);
  return found ? show(found) : NONE;
}

/** @param {import('./statistics.mjs').Ratio} ratio */
function show({ median, least, most }) {
  return `${cut(median)} (${cut(least)} to ${cut(most)})`;
}

/** Three digits, never rounded up. @param {number} value */
function cut(value) {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return (Math.floor(value * 10 ** digits + 1e-9) / 10 ** digits).toFixed(digits);
}

/** @param {number} speed */
function figure(speed) {
  return speed < 100 ? cut(speed) : Math.floor(speed);
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(100 * share)} %`;
}

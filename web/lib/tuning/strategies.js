/** How a search goes on from what it has seen. */

import { ConfigError } from '../errors.js';
import { needWhole, readOptions } from '../options.js';
import { COMMON, runSearch } from './search.js';
import { mutate } from './space.js';

/**
 * @typedef {import('./history.js').Run} Run
 * @typedef {import('./search.js').Search} Search
 * @typedef {import('./search.js').SearchOptions} SearchOptions
 * @typedef {import('./search.js').SearchResult} SearchResult
 * @typedef {import('./space.js').Space} Space
 * @typedef {import('./trial.js').Train} Train
 * @typedef {Train | string | URL} TrainOrModule a function, or in Node the path or URL of a module that exports `train`
 */

/**
 * Trials of configurations that are drawn independently. A search that is called again with more trials goes on.
 *
 * Source: Bergstra, Bengio 2012, "Random search for hyper-parameter optimization".
 *
 * @param {TrainOrModule} train
 * @param {Space} space
 * @param {SearchOptions & { trials?: number, budget?: number }} [options] trials default 10; budget of each, default 1
 * @returns {Promise<SearchResult>}
 * @throws {ConfigError} {FormatError} {StateError} before anything runs
 * @throws {AbortedError} the signal fired; the history keeps what ended
 * @throws {IoError} the history cannot be written
 */
export async function randomSearch(train, space, options) {
  const where = { what: 'randomSearch' };
  const names = /** @type {const} */ ([...COMMON, 'trials', 'budget']);
  const { trials = 10, budget = 1, ...common } = readOptions(options, names, where);
  needWhole(trials, 'trials', where, 1);
  needWhole(budget, 'budget', where, 1);
  const settings = { budget };
  return runSearch({ where, train, space, options: common, settings, total: trials }, (search) => {
    const wanted = Array.from({ length: trials }, (_, trial) => ({
      config: search.draw(trial),
      budget,
    }));
    return search.evaluate(wanted);
  });
}

/**
 * Many configurations with a small budget; the best of them, one in `factor`, go on with `factor` times as much, and so
 * on. A trial of the next rung may go on from the checkpoint of the last: `origin` names it, `spent` is what it had.
 *
 * Source: Jamieson, Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization".
 *
 * @param {TrainOrModule} train
 * @param {Space} space
 * @param {SearchOptions & { minBudget?: number, maxBudget: number, factor?: number, configurations?: number }} options
 *   whole budgets: of the first rung (at least; default 1) and of the last; factor default 3; configurations of the first
 *   rung, default as many as leave one for the last
 * @returns {Promise<SearchResult>}
 * @throws as `randomSearch`
 */
export async function successiveHalving(train, space, options) {
  const where = { what: 'successiveHalving' };
  const names = /** @type {const} */ ([
    ...COMMON,
    'minBudget',
    'maxBudget',
    'factor',
    'configurations',
  ]);
  const {
    minBudget = 1,
    maxBudget,
    factor = 3,
    configurations,
    ...common
  } = readOptions(options, names, where);
  const rungs = countRungs({ minBudget, maxBudget, factor }, where);
  const count = needWhole(configurations ?? factor ** (rungs - 1), 'configurations', where, 1);
  const bracket = { configurations: count, rungs, maxBudget, factor };
  const settings = { minBudget, maxBudget, factor, configurations: count };
  const total = trialsOf(bracket);
  return runSearch({ where, train, space, options: common, settings, total }, (search) =>
    halve(search, bracket, {}),
  );
}

/**
 * Successive halving several times, with fewer configurations and a larger first budget each time, since how early a
 * trial tells what it is worth is not known.
 *
 * Source: Li et al. 2018, "Hyperband: a novel bandit-based approach to hyperparameter optimization".
 *
 * @param {TrainOrModule} train
 * @param {Space} space
 * @param {SearchOptions & { minBudget?: number, maxBudget: number, factor?: number }} options as in `successiveHalving`
 * @returns {Promise<SearchResult>}
 * @throws as `randomSearch`
 */
export async function hyperband(train, space, options) {
  const where = { what: 'hyperband' };
  const names = /** @type {const} */ ([...COMMON, 'minBudget', 'maxBudget', 'factor']);
  const { minBudget = 1, maxBudget, factor = 3, ...common } = readOptions(options, names, where);
  const most = countRungs({ minBudget, maxBudget, factor }, where);
  const brackets = Array.from({ length: most }, (_, index) => {
    const rungs = most - index;
    const configurations = Math.ceil((most / rungs) * factor ** (rungs - 1));
    return { configurations, rungs, maxBudget, factor };
  });
  const settings = { minBudget, maxBudget, factor };
  const total = brackets.reduce((sum, bracket) => sum + trialsOf(bracket), 0);
  return runSearch({ where, train, space, options: common, settings, total }, async (search) => {
    for (const [index, bracket] of brackets.entries()) {
      await halve(search, bracket, { bracket: index });
    }
  });
}

/**
 * @typedef {{ configurations: number, rungs: number, maxBudget: number, factor: number }} Bracket
 */

/**
 * @param {{ minBudget: unknown, maxBudget: unknown, factor: unknown }} options
 * @param {import('../options.js').Where} where
 * @returns {number}
 */
function countRungs({ minBudget, maxBudget, factor }, where) {
  const least = needWhole(minBudget, 'minBudget', where, 1);
  const most = needWhole(maxBudget, 'maxBudget', where, 1);
  const times = needWhole(factor, 'factor', where, 2);
  if (least > most) {
    throw new ConfigError(
      `${where.what}: minBudget is ${least}, above maxBudget, which is ${most}.`,
      { field: 'minBudget' },
    );
  }
  let rungs = 1;
  while (least * times ** rungs <= most) rungs++;
  return rungs;
}

/** How many configurations each rung has. @param {Bracket} bracket */
function sizesOf({ configurations, rungs, factor }) {
  const sizes = Array.from({ length: rungs }, (_, rung) =>
    Math.floor(configurations / factor ** rung),
  );
  return sizes.filter((size) => size > 0);
}

/** @param {Bracket} bracket */
function trialsOf(bracket) {
  return sizesOf(bracket).reduce((sum, size) => sum + size, 0);
}

/**
 * @param {Search} search
 * @param {Bracket} bracket
 * @param {Partial<Run>} tag
 */
async function halve(search, bracket, tag) {
  const { rungs, maxBudget, factor } = bracket;
  const first = search.next;
  const sizes = sizesOf(bracket);
  /** @type {import('./search.js').Wanted[]} */
  let wanted = Array.from({ length: sizes[0] }, (_, index) => ({
    config: search.draw(first + index),
    budget: 0,
    origin: first + index,
  }));
  for (const [rung, size] of sizes.entries()) {
    const budget = Math.round(maxBudget / factor ** (rungs - 1 - rung));
    const jobs = wanted.slice(0, size).map((job) => ({
      ...job,
      budget,
      spent: job.budget,
      tag: { ...tag, rung, origin: job.origin },
    }));
    const runs = await search.evaluate(jobs);
    wanted = search.ranked(runs).map((run) => jobs[runs.indexOf(run)]);
  }
}

/**
 * A population of configurations: a sample of it is drawn, the best of the sample is copied with one thing changed, and
 * the oldest of the population goes. For spaces of choices and lists, small architectures above all.
 *
 * Source: Real et al. 2019, "Regularized evolution for image classifier architecture search".
 *
 * @param {TrainOrModule} train
 * @param {Space} space
 * @param {SearchOptions & { trials?: number, population?: number, sample?: number, children?: number, budget?: number }} [options]
 *   trials in all, default 100; population default 20; sample default 5; children that are bred from the same population,
 *   default 1: as many can run at once; budget of each trial, default 1
 * @returns {Promise<SearchResult>}
 * @throws as `randomSearch`
 */
export async function regularizedEvolution(train, space, options) {
  const where = { what: 'regularizedEvolution' };
  const names = /** @type {const} */ ([
    ...COMMON,
    'trials',
    'population',
    'sample',
    'children',
    'budget',
  ]);
  const {
    trials = 100,
    population: size = 20,
    sample = 5,
    children = 1,
    budget = 1,
    ...common
  } = readOptions(options, names, where);
  const settings = { population: size, sample, children, budget };
  for (const [field, value] of Object.entries({ trials, ...settings })) {
    needWhole(value, field, where, 1);
  }
  if (sample > size) {
    throw new ConfigError(
      `regularizedEvolution: sample is ${sample}, the population only ${size}.`,
      { field: 'sample' },
    );
  }
  const task = { where, train, space, options: common, settings, total: trials };
  return runSearch(task, async (search) => {
    const wanted = Array.from({ length: Math.min(size, trials) }, (_, trial) => ({
      config: search.draw(trial),
      budget,
    }));
    let population = await search.evaluate(wanted);
    while (search.next < trials) {
      const count = Math.min(children, trials - search.next);
      const bred = Array.from({ length: count }, (_, index) => {
        const random = search.random(search.next + index);
        const drawn = random.choose(size, sample).map((at) => population[at]);
        const [parent] = search.ranked(drawn);
        const config = mutate(search.space, parent.config, random);
        return { config, budget, tag: { parent: parent.trial } };
      });
      population = [...population, ...(await search.evaluate(bred))].slice(-size);
    }
  });
}

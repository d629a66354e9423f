/**
 * What all strategies share: trials are numbered in the order in which a strategy asks for them, what the history has is
 * not run again, the rest is run by as many runners as there are, and every trial that ends becomes a line.
 */

import { hardwareConcurrency, readFile, writeFile } from '#platform';
import { openProcesses } from '#processes';
import { growth } from '../better.js';
import {
  ConfigError,
  IoError,
  StateError,
  abortedError,
  throwIfAborted,
  toWire,
} from '../errors.js';
import { bothGiven, needFunction, needSignal, needWhole, wrongType } from '../options.js';
import { Random } from '../random.js';
import { makeHead, parseHistory } from './history.js';
import { ranked } from './rank.js';
import { checkSpace, draw } from './space.js';
import { readScore, runHere } from './trial.js';

/**
 * @typedef {import('./history.js').Run} Run
 * @typedef {import('./history.js').SearchHead} SearchHead
 * @typedef {import('./space.js').Space} Space
 * @typedef {import('./space.js').Configuration} Configuration
 * @typedef {import('./trial.js').Train} Train
 *
 * @typedef {object} SearchOptions what all strategies take
 * @property {string} [objective] which number of what `train` returns is searched for; default 'score'
 * @property {'auto' | 'min' | 'max'} [mode] default 'auto': by the objective's name, as callbacks do
 * @property {number} [seed] of configurations and of the trials' own seeds; default 0
 * @property {string} [filename] in Node: the history, read first if it exists and written anew after each trial
 * @property {string} [history] anywhere: the lines of earlier calls
 * @property {(line: string) => unknown} [onLine] anywhere: receives each new line of the history, without its end
 * @property {number} [processes] in Node, where `train` is a module: how many trials run at once; default 1
 * @property {AbortSignal} [signal] ends the search with E_ABORTED; trials that ended are in the history
 * @property {(run: Run, progress: { done: number, total: number }) => unknown} [onTrial] after each trial that ran now
 * @property {(logs: Record<string, number>, trial: number) => void} [onReport] what trials report
 *
 * @typedef {object} SearchResult
 * @property {Run | null} best of the largest budget that trials reached; null where all of them failed
 * @property {Run[]} runs in the order of their numbers
 *
 * @typedef {object} Wanted a trial that a strategy asks for
 * @property {Configuration} config
 * @property {number} budget
 * @property {number} [origin] the configuration's first trial, default this one
 * @property {number} [spent] budget of its last trial, default 0
 * @property {Partial<Run>} [tag] what its line has besides
 */

export const COMMON = /** @type {const} */ ([
  'objective',
  'mode',
  'seed',
  'filename',
  'history',
  'onLine',
  'processes',
  'signal',
  'onTrial',
  'onReport',
]);

/** Streams of the seed. */
const CONFIGURATIONS = 0;
const TRAINING = 1;
const STRATEGY = 2;

export class Search {
  #where;
  #options;
  #runner;
  #total;
  /** Ends trials in flight: the program's signal, or an error that is not a trial's. */
  #control = new AbortController();
  /** @type {Map<number, Run>} */
  #known = new Map();
  #next = 0;
  #text = '';
  #writing = Promise.resolve();

  /**
   * @param {import('../options.js').Where} where
   * @param {ReturnType<typeof readCommon>} options
   * @param {import('./trial.js').Runner} runner
   * @param {Space} space
   * @param {number} total trials
   */
  constructor(where, options, runner, space, total) {
    this.#where = where;
    this.#options = options;
    this.#runner = runner;
    this.#total = total;
    this.space = space;
  }

  /** The number of the next trial. */
  get next() {
    return this.#next;
  }

  /** A configuration for a trial. @param {number} trial @returns {Configuration} */
  draw(trial) {
    return draw(this.space, new Random(this.#options.seed, CONFIGURATIONS, trial));
  }

  /** Random numbers of the strategy for a trial. @param {number} trial */
  random(trial) {
    return new Random(this.#options.seed, STRATEGY, trial);
  }

  /** The best first. @param {readonly Run[]} runs */
  ranked(runs) {
    return ranked(runs, this.#options.sign);
  }

  /**
   * Reads what was done before.
   *
   * @param {SearchHead} head
   * @throws {ConfigError} it belongs to another search, naming what differs
   */
  async resume(head) {
    const { filename, history } = this.#options;
    this.#text = filename ? await readText(filename) : (history ?? '');
    const { head: before, runs } = parseHistory(this.#text);
    if (!before) return this.#write(head);
    for (const [key, wanted] of Object.entries(head)) {
      const found = JSON.stringify(before[/** @type {keyof SearchHead} */ (key)]);
      if (found === JSON.stringify(wanted)) continue;
      throw new ConfigError(
        `${this.#where.what}: the history is of another search: its ${key} is ${found?.slice(0, 120)}, not ${JSON.stringify(wanted).slice(0, 120)}.`,
        { field: filename ? 'filename' : 'history' },
      );
    }
    for (const run of runs) this.#known.set(run.trial, run);
    if (this.#text && !this.#text.endsWith('\n')) this.#text += '\n';
  }

  /**
   * Runs trials, or finds them in the history.
   *
   * @param {readonly Wanted[]} wanted
   * @returns {Promise<Run[]>} in their order
   */
  async evaluate(wanted) {
    const jobs = wanted.map((job, index) => this.#jobOf(job, this.#next + index));
    this.#next += jobs.length;
    const runs = jobs.map((job) => this.#recall(job));
    let at = 0;
    const lane = async () => {
      for (; at < jobs.length;) {
        const index = at++;
        if (!runs[index]) runs[index] = await this.#run(jobs[index]);
      }
    };
    const lanes = Array.from({ length: this.#runner.slots }, () =>
      lane().catch((error) => this.#control.abort(error)),
    );
    await Promise.all(lanes);
    // The first failure is the reason; what others became of it does not matter.
    if (this.#control.signal.aborted) throw this.#control.signal.reason;
    return /** @type {Run[]} */ (runs);
  }

  /** @returns {Promise<SearchResult>} */
  async result() {
    const runs = [...this.#known.values()]
      .filter(({ trial }) => trial < this.#next)
      .sort((a, b) => a.trial - b.trial);
    const budget = Math.max(...runs.map((run) => (run.status === 'done' ? run.budget : -Infinity)));
    const [best] = this.ranked(runs.filter((run) => run.budget === budget));
    return { best: best?.status === 'done' ? best : null, runs };
  }

  /** Makes the program's signal end the search. @returns {() => void} what undoes that */
  listen() {
    const { signal } = this.#options;
    if (!signal) return () => {};
    const abort = () => this.#control.abort(abortedError(signal, this.#where.what));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    return () => signal.removeEventListener('abort', abort);
  }

  /**
   * @param {Wanted} wanted
   * @param {number} trial
   * @returns {import('./trial.js').Job}
   */
  #jobOf(wanted, trial) {
    const { config, budget, origin = trial, spent = 0, tag = {} } = wanted;
    const { seed, threads } = this.#options;
    const own = new Random(seed, TRAINING, origin).below(2 ** 32);
    return { trial, config, budget, origin, spent, tag, seed: own, threads };
  }

  /**
   * @param {import('./trial.js').Job} job
   * @returns {Run | undefined}
   * @throws {StateError} the history has another trial under this number
   */
  #recall({ trial, config, budget }) {
    const run = this.#known.get(trial);
    if (!run) return undefined;
    if (run.budget === budget && JSON.stringify(run.config) === JSON.stringify(config)) return run;
    throw new StateError(
      `${this.#where.what}: trial ${trial} of the history has another configuration or budget than this search gives it: ` +
        `${JSON.stringify(run.config).slice(0, 120)}, ${run.budget}.`,
      { field: 'history' },
    );
  }

  /** @param {import('./trial.js').Job} job @returns {Promise<Run>} */
  async #run(job) {
    const { signal } = this.#control;
    throwIfAborted(signal, this.#where.what);
    const { objective, onReport, onTrial } = this.#options;
    const { trial, config, budget, seed, tag } = job;
    /** @type {Record<string, number>[]} */
    const reports = [];
    const hear = (/** @type {Record<string, number>} */ logs) => {
      reports.push(logs);
      onReport?.(logs, trial);
    };
    const start = performance.now();
    /** @type {Pick<Run, 'status' | 'score' | 'logs' | 'error'>} */
    let outcome;
    try {
      const logs = await this.#runner.run(job, hear, signal);
      outcome = { status: 'done', score: readScore(logs, objective), logs };
    } catch (error) {
      if (signal.aborted) throw error;
      const { name, code, message } = toWire(error);
      outcome = { status: 'failed', score: null, logs: {}, error: { name, code, message } };
    }
    const seconds = Math.round(performance.now() - start) / 1000;
    const line = { trial, config, budget, seed, ...tag, ...outcome, reports, seconds };
    /** As it will be read again. @type {Run} */
    const run = JSON.parse(JSON.stringify(line));
    this.#known.set(trial, run);
    await this.#write(run);
    await onTrial?.(run, { done: this.#known.size, total: this.#total });
    return run;
  }

  /** @param {object} value a line; one is written at a time */
  #write(value) {
    this.#writing = this.#writing.then(async () => {
      const { filename, onLine } = this.#options;
      const line = JSON.stringify(value);
      this.#text += `${line}\n`;
      if (filename) await writeFile(filename, new TextEncoder().encode(this.#text));
      await onLine?.(line);
    });
    return this.#writing;
  }
}

/**
 * @param {string} filename
 * @returns {Promise<string>} '' where there is no such file
 */
async function readText(filename) {
  try {
    return new TextDecoder().decode(await readFile(filename));
  } catch (error) {
    if (error instanceof IoError && /** @type {any} */ (error.cause)?.code === 'ENOENT') return '';
    throw error;
  }
}

/**
 * @param {Partial<Record<typeof COMMON[number], any>>} options
 * @param {import('../options.js').Where} where
 */
function readCommon(options, where) {
  const { objective = 'score', mode = 'auto', filename, history, onLine } = options;
  if (typeof objective !== 'string') throw wrongType(objective, 'objective', 'a name', where);
  if (filename !== undefined && history !== undefined) {
    throw bothGiven('filename', 'history', where);
  }
  for (const [field, value] of Object.entries({ filename, history })) {
    if (value !== undefined && typeof value !== 'string') {
      throw wrongType(value, field, 'a text', where);
    }
  }
  const processes = needWhole(options.processes ?? 1, 'processes', where, 1);
  const optional = (/** @type {'onLine' | 'onTrial' | 'onReport'} */ field) =>
    options[field] === undefined ? undefined : needFunction(options[field], field, where);
  return {
    objective,
    sign: growth(objective, mode, where),
    seed: needWhole(options.seed ?? 0, 'seed', where),
    filename: /** @type {string | undefined} */ (filename),
    history: /** @type {string | undefined} */ (history),
    onLine: onLine && optional('onLine'),
    onTrial: optional('onTrial'),
    onReport: optional('onReport'),
    signal: needSignal(options.signal, 'signal', where),
    processes,
    /** What a trial may use without taking from the others. */
    threads: Math.max(1, Math.floor(hardwareConcurrency() / processes)),
  };
}

/**
 * @param {unknown} train
 * @param {unknown} given of `processes`
 * @param {number} processes
 * @param {import('../options.js').Where} where
 * @returns {import('./trial.js').Runner}
 */
function openRunner(train, given, processes, where) {
  if (typeof train === 'string' || train instanceof URL) return openProcesses(train, processes);
  const run = needFunction(train, 'train', where);
  if (given === undefined || processes === 1) return runHere(run);
  throw new ConfigError(
    `${where.what}: processes is ${processes}; a function cannot leave this process: give train as the path of a module.`,
    { field: 'processes' },
  );
}

/**
 * A whole search.
 *
 * @param {object} what
 * @param {import('../options.js').Where} what.where
 * @param {unknown} what.train
 * @param {unknown} what.space
 * @param {Partial<Record<typeof COMMON[number], any>>} what.options those of `COMMON`
 * @param {Record<string, unknown>} what.settings of the strategy: what its choices depend on
 * @param {number} what.total trials
 * @param {(search: Search) => Promise<unknown>} strategy
 * @returns {Promise<SearchResult>}
 */
export async function runSearch({ where, train, space, options, settings, total }, strategy) {
  const checked = checkSpace(space, where);
  const common = readCommon(options, where);
  throwIfAborted(common.signal, where.what);
  const runner = openRunner(train, options.processes, common.processes, where);
  const search = new Search(where, common, runner, checked, total);
  const unlisten = search.listen();
  try {
    const { objective, seed, sign } = common;
    const mode = sign > 0 ? 'max' : 'min';
    const strategyName = where.what;
    await search.resume(
      makeHead({ strategy: strategyName, seed, objective, mode, settings, space: checked }),
    );
    await strategy(search);
    return await search.result();
  } finally {
    unlisten();
    await runner.close();
  }
}

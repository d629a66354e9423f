/**
 * Search for hyper-parameters and small architectures: a space of configurations, a function that trains one and gives a
 * number, and a strategy. Searches keep a history, go on where they stopped, and in Node run trials in several processes.
 * `docs/tuning.md` has examples.
 */

export { compareRuns } from './tuning/compare.js';
export { parseHistory } from './tuning/history.js';
export { choice, int, list, logUniform, uniform } from './tuning/space.js';
export {
  hyperband,
  randomSearch,
  regularizedEvolution,
  successiveHalving,
} from './tuning/strategies.js';

/**
 * @typedef {import('./tuning/compare.js').Comparison} Comparison
 * @typedef {import('./tuning/history.js').Run} Run
 * @typedef {import('./tuning/search.js').SearchOptions} SearchOptions
 * @typedef {import('./tuning/search.js').SearchResult} SearchResult
 * @typedef {import('./tuning/space.js').Space} Space
 * @typedef {import('./tuning/trial.js').Train} Train
 * @typedef {import('./tuning/trial.js').TrialContext} TrialContext
 */

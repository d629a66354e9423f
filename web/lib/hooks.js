/** What `fit` and `evaluate` call of the objects in `callbacks`. */

/**
 * @typedef {import('./fit.js').Logs} Logs
 * @typedef {import('./fit.js').Progress} Progress
 * @typedef {import('./fit.js').History} History
 *
 * @typedef {object} Hooks methods of an object of `callbacks`, each may be async. There is none before
 *   a batch: steps run in the worker, a slice at a time
 * @property {(model: import('./model.js').Model) => unknown} [setModel] called first
 * @property {() => unknown} [onTrainBegin]
 * @property {(epoch: number) => unknown} [onEpochBegin] has returned before the epoch's first step
 * @property {(batch: number, logs: Logs, progress: Progress) => unknown} [onTrainBatchEnd] as
 *   `onBatchEnd` of `Callbacks`
 * @property {() => unknown} [onTestBegin] before a validation or `evaluate`
 * @property {(logs: Logs) => unknown} [onTestEnd] after it, with its loss and metrics
 * @property {(epoch: number, logs: Logs, progress: Progress) => unknown} [onEpochEnd] has returned
 *   before the next epoch begins
 * @property {(history: History) => unknown} [onTrainEnd] not called when `fit` rejects
 * @property {(error: unknown) => unknown} [onTrainError] called instead, with the reason; abort too
 * @property {(error: unknown) => boolean} [takesError] whether an error is an ordinary end of training:
 *   `fit` then resolves, with `stopped` and `error` in its history
 */

export const HOOKS = /** @type {const} */ ([
  'setModel',
  'onTrainBegin',
  'onEpochBegin',
  'onTrainBatchEnd',
  'onTestBegin',
  'onTestEnd',
  'onEpochEnd',
  'onTrainEnd',
  'onTrainError',
  'takesError',
]);

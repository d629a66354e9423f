/**
 * Callbacks for `fit({ callbacks: […] })`, with the names and defaults of Keras 3.
 *
 * A callback is an object with any of the methods of `Hooks`; each may be async and is awaited
 * before training goes further than its events may lag (`yieldEvery`). Whatever one throws ends the
 * training with that error; weights are then those of the last whole step.
 */

import { readFile, writeFile } from '#platform';
import { growth } from './better.js';
import { Callback } from './callback.js';
import { ConfigError, IoError, NonFiniteError } from './errors.js';
import { HOOKS } from './hooks.js';
import { readPruneOptions, readSparsity } from './prune-options.js';
import {
  bothGiven,
  describe,
  needBoolean,
  needFunction,
  needNumber,
  needWhole,
  readOptions,
  wrongType,
} from './options.js';

export { Callback };
export { tensorBoard } from './tensorboard/callback.js';
export { EventFile } from './tensorboard/event-file.js';

/**
 * @typedef {import('./fit.js').Logs} Logs means of the epoch so far, or of the whole epoch; what a
 *   callback adds goes to the next ones and into the history
 * @typedef {import('./fit.js').Progress} Progress
 * @typedef {import('./hooks.js').Hooks} Hooks
 */

/** The value that a callback watches. */
class Monitor {
  #what;
  #name;
  #delta;
  #sign;

  /**
   * @param {string} what
   * @param {{ monitor?: unknown, mode?: unknown, minDelta?: unknown }} options
   */
  constructor(what, { monitor = 'valLoss', mode = 'auto', minDelta = 0 }) {
    const where = { what };
    if (typeof monitor !== 'string') throw wrongType(monitor, 'monitor', 'a name', where);
    this.#what = what;
    this.#name = monitor;
    this.#sign = growth(monitor, mode, where);
    this.#delta = Math.abs(needNumber(minDelta, 'minDelta', where));
  }

  /** @param {Logs} logs @returns {number} */
  read(logs) {
    const value = logs[this.#name];
    if (typeof value === 'number') return value;
    throw new ConfigError(
      `${this.#what}: monitor ${describe(this.#name)} is not reported, only ${Object.keys(logs).join(', ')}.`,
      { field: 'monitor' },
    );
  }

  /** @param {number} value @param {number | undefined} best */
  improves(value, best) {
    return best === undefined || this.#sign * (value - best) > this.#delta;
  }
}

/**
 * Ends training when a value has not improved for `patience` epochs.
 *
 * @param {object} [options]
 * @param {string} [options.monitor] default 'valLoss'
 * @param {number} [options.minDelta] smaller changes are no improvement; default 0
 * @param {number} [options.patience] default 0
 * @param {'auto' | 'min' | 'max'} [options.mode] default 'auto': by the name
 * @param {number} [options.baseline] improvements count only beyond it
 * @param {boolean} [options.restoreBestWeights] puts the weights of the best epoch back, however
 *   training ends: all epochs, a stop, an abort, an error. Optimizer state stays. Default false
 * @param {number} [options.startFromEpoch] epochs before are not looked at; default 0
 * @returns {Callback & { readonly stoppedEpoch: number | null, readonly bestEpoch: number | null,
 *   readonly best: number | undefined }}
 * @throws {ConfigError}
 */
export function earlyStopping(options) {
  return new EarlyStopping(options);
}

class EarlyStopping extends Callback {
  #monitor;
  #patience;
  #baseline;
  #restores;
  #from;
  #wait = 0;
  /** @type {import('./tensors.js').WeightTensor[] | null} */
  #weights = null;
  /** @type {number | undefined} */
  best = undefined;
  /** @type {number | null} */
  bestEpoch = null;
  /** The epoch that training was ended after. @type {number | null} */
  stoppedEpoch = null;

  /** @param {unknown} options */
  constructor(options) {
    super();
    const where = { what: 'earlyStopping' };
    const names = /** @type {const} */ ([
      'monitor',
      'minDelta',
      'patience',
      'mode',
      'baseline',
      'restoreBestWeights',
      'startFromEpoch',
    ]);
    const given = readOptions(options, names, where);
    this.#monitor = new Monitor(where.what, given);
    this.#patience = needWhole(given.patience ?? 0, 'patience', where);
    const { baseline } = given;
    this.#baseline = baseline === undefined ? undefined : needNumber(baseline, 'baseline', where);
    this.#restores = needBoolean(given.restoreBestWeights ?? false, 'restoreBestWeights', where);
    this.#from = needWhole(given.startFromEpoch ?? 0, 'startFromEpoch', where);
  }

  onTrainBegin() {
    this.#wait = 0;
    this.#weights = null;
    this.best = undefined;
    this.bestEpoch = null;
    this.stoppedEpoch = null;
  }

  /** @param {number} epoch @param {Logs} logs */
  async onEpochEnd(epoch, logs) {
    const value = this.#monitor.read(logs);
    if (epoch < this.#from) return;
    this.#wait++;
    if (this.#monitor.improves(value, this.best)) {
      this.best = value;
      this.bestEpoch = epoch;
      if (this.#restores) this.#weights = await this.model.getWeights();
      if (this.#monitor.improves(value, this.#baseline)) this.#wait = 0;
    } else if (this.#wait >= this.#patience) {
      this.stoppedEpoch = epoch;
      this.model.stopTraining();
    }
  }

  onTrainEnd() {
    return this.#restore();
  }

  onTrainError() {
    return this.#restore();
  }

  async #restore() {
    if (this.#weights) await this.model.setWeights(this.#weights);
    this.#weights = null;
  }
}

/**
 * Prunes more and more (Zhu and Gupta 2017, arXiv:1710.01878): from `beginEpoch` to `endEpoch` the sparsity goes from
 * `initialSparsity` to `finalSparsity`, s = final + (initial − final) · (1 − t)^power with t from 0 to 1, fast at
 * first; afterwards training goes on with what is left. Weights are chosen at the beginning of an epoch, so a seed
 * gives the same bits for any `yieldEvery`. Logs and history have `sparsity`.
 *
 * @param {object} options
 * @param {number} options.finalSparsity from 0 to below 1
 * @param {number} [options.initialSparsity] default 0
 * @param {number} [options.beginEpoch] default 0
 * @param {number} options.endEpoch the first epoch with `finalSparsity`
 * @param {number} [options.frequency] epochs from one pruning to the next, default 1
 * @param {number} [options.power] default 3
 * @param {'global' | 'layer'} [options.scope] as `model.prune` takes it
 * @param {string | readonly string[]} [options.layers] as `model.prune` takes it
 * @returns {Callback}
 * @throws {ConfigError} {InputTypeError}
 */
export function gradualPruning(options) {
  return new GradualPruning(options);
}

class GradualPruning extends Callback {
  #initial;
  #final;
  #begin;
  #end;
  #frequency;
  #power;
  #rest;
  /** Of the last pruning. @type {number | undefined} */
  #asked;
  #sparsity = 0;

  /** @param {unknown} options */
  constructor(options) {
    super();
    const where = { what: 'gradualPruning' };
    const names = /** @type {const} */ ([
      'finalSparsity',
      'initialSparsity',
      'beginEpoch',
      'endEpoch',
      'frequency',
      'power',
      'scope',
      'layers',
    ]);
    const given = readOptions(options, names, where);
    this.#final = readSparsity(given.finalSparsity, 'finalSparsity', where);
    this.#initial = readSparsity(given.initialSparsity ?? 0, 'initialSparsity', where);
    this.#begin = needWhole(given.beginEpoch ?? 0, 'beginEpoch', where);
    this.#end = needWhole(given.endEpoch, 'endEpoch', where, this.#begin);
    this.#frequency = needWhole(given.frequency ?? 1, 'frequency', where, 1);
    this.#power = needNumber(given.power ?? 3, 'power', where);
    if (!(this.#power > 0)) throw wrongType(this.#power, 'power', 'above 0', where);
    const { scope, layers } = readPruneOptions({ ...pick(given), sparsity: 0 });
    this.#rest = { scope, ...(layers && { layers }) };
  }

  /** @param {number} epoch */
  async onEpochBegin(epoch) {
    const due = epoch >= this.#end || (epoch - this.#begin) % this.#frequency === 0;
    if (epoch < this.#begin || !due) return;
    const length = this.#end - this.#begin;
    const t = length > 0 ? Math.min((epoch - this.#begin) / length, 1) : 1;
    const sparsity = this.#final + (this.#initial - this.#final) * (1 - t) ** this.#power;
    // What is pruned already stays so, and need not be looked for again.
    if (epoch > this.#end && sparsity === this.#asked) return;
    this.#asked = sparsity;
    this.#sparsity = (await this.model.prune({ sparsity, ...this.#rest })).sparsity;
  }

  /** @param {number} _epoch @param {Logs} logs */
  onEpochEnd(_epoch, logs) {
    logs.sparsity = this.#sparsity;
  }
}

/** Those of two options that are given. @param {{ scope?: unknown, layers?: unknown }} options */
function pick({ scope, layers }) {
  return { ...(scope !== undefined && { scope }), ...(layers !== undefined && { layers }) };
}

/**
 * Multiplies the learning rate by `factor` when a value has not improved for `patience` epochs, and
 * reports `learningRate` (of the epoch's last step) in logs and history. The first reduction ends a
 * schedule.
 *
 * @param {object} [options]
 * @param {string} [options.monitor] default 'valLoss'
 * @param {number} [options.factor] 0 < factor < 1, default 0.1
 * @param {number} [options.patience] default 10
 * @param {'auto' | 'min' | 'max'} [options.mode] default 'auto': by the name
 * @param {number} [options.minDelta] default 1e-4
 * @param {number} [options.cooldown] epochs after a reduction that do not count; default 0
 * @param {number} [options.minLR] default 0
 * @returns {Callback}
 * @throws {ConfigError}
 */
export function reduceLROnPlateau(options) {
  return new ReduceLROnPlateau(options);
}

class ReduceLROnPlateau extends Callback {
  #monitor;
  #factor;
  #patience;
  #cooldown;
  #least;
  #wait = 0;
  #cooling = 0;
  /** @type {number | undefined} */
  #best;

  /** @param {unknown} options */
  constructor(options) {
    super();
    const where = { what: 'reduceLROnPlateau' };
    const names = /** @type {const} */ ([
      'monitor',
      'factor',
      'patience',
      'mode',
      'minDelta',
      'cooldown',
      'minLR',
    ]);
    const given = readOptions(options, names, where);
    this.#monitor = new Monitor(where.what, { ...given, minDelta: given.minDelta ?? 1e-4 });
    this.#factor = needNumber(given.factor ?? 0.1, 'factor', where);
    if (!(this.#factor > 0 && this.#factor < 1)) {
      throw wrongType(this.#factor, 'factor', 'above 0 and below 1', where);
    }
    this.#patience = needWhole(given.patience ?? 10, 'patience', where);
    this.#cooldown = needWhole(given.cooldown ?? 0, 'cooldown', where);
    this.#least = needNumber(given.minLR ?? 0, 'minLR', where);
  }

  onTrainBegin() {
    this.#wait = 0;
    this.#cooling = 0;
    this.#best = undefined;
  }

  /** @param {number} _epoch @param {Logs} logs */
  async onEpochEnd(_epoch, logs) {
    const rate = await this.model.getLearningRate();
    logs.learningRate = rate;
    const value = this.#monitor.read(logs);
    if (this.#cooling > 0) {
      this.#cooling--;
      this.#wait = 0;
    }
    if (this.#monitor.improves(value, this.#best)) {
      this.#best = value;
      this.#wait = 0;
      return;
    }
    if (this.#cooling > 0 || ++this.#wait < this.#patience || rate <= this.#least) return;
    await this.model.setLearningRate(Math.max(rate * this.#factor, this.#least));
    this.#cooling = this.#cooldown;
    this.#wait = 0;
  }
}

/**
 * Sets the learning rate of each epoch, and reports it as `learningRate` in logs and history.
 *
 * @param {(epoch: number, learningRate: number) => number | Promise<number>} schedule gets the epoch
 *   from 0 and the rate until now; may be async
 * @returns {Callback}
 * @throws {ConfigError}
 */
export function learningRateScheduler(schedule) {
  const where = { what: 'learningRateScheduler' };
  const rateOf = needFunction(schedule, 'schedule', where);
  return new (class extends Callback {
    /** @param {number} epoch */
    async onEpochBegin(epoch) {
      const rate = await rateOf(epoch, await this.model.getLearningRate());
      await this.model.setLearningRate(needNumber(rate, 'schedule', where));
    }

    /** @param {number} _epoch @param {Logs} logs */
    async onEpochEnd(_epoch, logs) {
      logs.learningRate = await this.model.getLearningRate();
    }
  })();
}

/**
 * Makes a loss, gradient or activation that is not finite (E_NON_FINITE) an ordinary end: `fit`
 * resolves with `stopped: true` and, as `error`, what names the layer and the step. Weights are those
 * of the last finite step, with this callback and without.
 *
 * @returns {Callback}
 */
export function terminateOnNaN() {
  return new (class extends Callback {
    /** @param {unknown} error */
    takesError(error) {
      return error instanceof NonFiniteError;
    }
  })();
}

/**
 * Saves the model while it trains.
 *
 * @param {object} options
 * @param {string | ((bytes: Uint8Array, at: { epoch: number, batch?: number, logs: Logs }) => unknown)} options.filepath
 *   in Node a path, in which `{epoch}` (from 1), `{valLoss}` and the other logs stand for their
 *   values, with `{epoch:3}` of 3 digits and `{valLoss:3}` to 3 decimals; anywhere a function that
 *   receives the file's bytes
 * @param {string} [options.monitor] default 'valLoss'; of use with saveBestOnly
 * @param {boolean} [options.saveBestOnly] default false
 * @param {boolean} [options.saveWeightsOnly] without optimizer state; default false
 * @param {'auto' | 'min' | 'max'} [options.mode] default 'auto': by the name
 * @param {'epoch' | number} [options.saveFreq] default 'epoch': after each. A number counts batches:
 *   what is saved is then the last whole step, up to a slice later (`yieldEvery: 0`: the very step)
 * @param {number} [options.initialValueThreshold] what the best must beat
 * @returns {Callback}
 * @throws {ConfigError}
 */
export function modelCheckpoint(options) {
  return new ModelCheckpoint(options);
}

class ModelCheckpoint extends Callback {
  #target;
  #monitor;
  #bestOnly;
  #includeOptimizer;
  #everyBatches;
  #best;
  #batches = 0;

  /** @param {unknown} options */
  constructor(options) {
    super();
    const where = { what: 'modelCheckpoint' };
    const names = /** @type {const} */ ([
      'filepath',
      'monitor',
      'saveBestOnly',
      'saveWeightsOnly',
      'mode',
      'saveFreq',
      'initialValueThreshold',
    ]);
    const given = readOptions(options, names, where);
    const { filepath, initialValueThreshold: best, saveFreq = 'epoch' } = given;
    if (typeof filepath !== 'string' && typeof filepath !== 'function') {
      throw wrongType(filepath, 'filepath', 'a path or a function', where);
    }
    this.#target = filepath;
    this.#bestOnly = needBoolean(given.saveBestOnly ?? false, 'saveBestOnly', where);
    this.#monitor = this.#bestOnly ? new Monitor(where.what, given) : null;
    this.#includeOptimizer = !needBoolean(given.saveWeightsOnly ?? false, 'saveWeightsOnly', where);
    this.#everyBatches = saveFreq === 'epoch' ? null : needWhole(saveFreq, 'saveFreq', where, 1);
    this.#best = best === undefined ? undefined : needNumber(best, 'initialValueThreshold', where);
  }

  /** @param {number} batch @param {Logs} logs @param {Progress} progress */
  async onTrainBatchEnd(batch, logs, { epoch }) {
    if (!this.#everyBatches || ++this.#batches % this.#everyBatches) return;
    await this.#save({ epoch, batch, logs });
  }

  /** @param {number} epoch @param {Logs} logs */
  async onEpochEnd(epoch, logs) {
    if (!this.#everyBatches) await this.#save({ epoch, logs });
  }

  /** @param {{ epoch: number, batch?: number, logs: Logs }} at */
  async #save(at) {
    if (this.#monitor) {
      const value = this.#monitor.read(at.logs);
      if (!this.#monitor.improves(value, this.#best)) return;
      this.#best = value;
    }
    const path = typeof this.#target === 'string' ? fillIn(this.#target, at) : undefined;
    const bytes = await this.model.save(path, { includeOptimizer: this.#includeOptimizer });
    if (typeof this.#target === 'function') await this.#target(bytes, at);
  }
}

/**
 * @param {string} path
 * @param {{ epoch: number, batch?: number, logs: Logs }} at
 */
function fillIn(path, { epoch, batch = 0, logs }) {
  /** @type {Record<string, unknown>} */
  const whole = { epoch: epoch + 1, batch: batch + 1 };
  return path.replace(/\{(\w+)(?::(\d))?\}/g, (all, name, digits = '') => {
    if (Object.hasOwn(whole, name)) return String(whole[name]).padStart(Number(digits), '0');
    const value = Object.hasOwn(logs, name) ? logs[name] : undefined;
    if (typeof value === 'number') return digits ? value.toFixed(Number(digits)) : String(value);
    throw new ConfigError(
      `modelCheckpoint: filepath has ${all}, reported are ${Object.keys(logs).join(', ')}.`,
      { field: 'filepath' },
    );
  });
}

/**
 * Writes a line for each epoch: its number and all logs, in the order of their names. The names are
 * those of the first epoch; a value that is missing later is `NA`.
 *
 * @param {object} options
 * @param {string} [options.filename] in Node: the file is written anew after each epoch
 * @param {(line: string) => unknown} [options.onLine] receives each line, the head first
 * @param {string} [options.separator] default ','
 * @param {boolean} [options.append] keeps what the file has and writes no second head, nor any to
 *   onLine; default false
 * @returns {Callback}
 * @throws {ConfigError} {IoError}
 */
export function csvLogger(options) {
  return new CsvLogger(options);
}

class CsvLogger extends Callback {
  #filename;
  #onLine;
  #separator;
  #append;
  #text = '';
  /** @type {string[] | null} */
  #names = null;

  /** @param {unknown} options */
  constructor(options) {
    super();
    const where = { what: 'csvLogger' };
    const names = /** @type {const} */ (['filename', 'onLine', 'separator', 'append']);
    const { filename, onLine, separator = ',', append } = readOptions(options, names, where);
    if (filename !== undefined && onLine !== undefined) {
      throw bothGiven('filename', 'onLine', where);
    }
    if (onLine === undefined && typeof filename !== 'string') {
      throw wrongType(filename, 'filename', 'a path', where);
    }
    if (typeof separator !== 'string') throw wrongType(separator, 'separator', 'a text', where);
    this.#filename = filename;
    this.#onLine = onLine && needFunction(onLine, 'onLine', where);
    this.#separator = separator;
    this.#append = needBoolean(append ?? false, 'append', where);
  }

  async onTrainBegin() {
    this.#text = '';
    this.#names = null;
    if (!this.#append || !this.#filename) return;
    this.#text = new TextDecoder().decode(await readFile(this.#filename).catch(emptyIfMissing));
    if (this.#text && !this.#text.endsWith('\n')) this.#text += '\n';
    const [head = ''] = this.#text.split('\n', 1);
    if (head) this.#names = head.split(this.#separator).slice(1);
  }

  /** @param {number} epoch @param {Logs} logs */
  async onEpochEnd(epoch, logs) {
    if (!this.#names) {
      this.#names = Object.keys(logs).sort();
      if (!this.#append || this.#filename) await this.#line(['epoch', ...this.#names]);
    }
    const values = this.#names.map((name) => (Object.hasOwn(logs, name) ? logs[name] : 'NA'));
    await this.#line([epoch, ...values]);
    if (!this.#filename) return;
    await writeFile(this.#filename, new TextEncoder().encode(this.#text));
  }

  /** @param {unknown[]} cells */
  async #line(cells) {
    const line = cells.join(this.#separator);
    if (this.#onLine) await this.#onLine(line);
    else this.#text += `${line}\n`;
  }
}

/** @param {any} error */
function emptyIfMissing(error) {
  if (error instanceof IoError && /** @type {any} */ (error.cause)?.code === 'ENOENT') {
    return new Uint8Array(0);
  }
  throw error;
}

/**
 * Keeps the logs of epochs, also of a training that was aborted or failed.
 *
 * @returns {Callback & { readonly epoch: number[], readonly history: Record<string, number[]> }}
 */
export function history() {
  return new HistoryCallback();
}

class HistoryCallback extends Callback {
  /** @type {number[]} */
  epoch = [];
  /** @type {Record<string, number[]>} */
  history = {};

  onTrainBegin() {
    this.epoch = [];
    this.history = {};
  }

  /** @param {number} epoch @param {Logs} logs */
  onEpochEnd(epoch, logs) {
    this.epoch.push(epoch);
    for (const [name, value] of Object.entries(logs)) {
      if (typeof value === 'number') (this.history[name] ??= []).push(value);
    }
  }
}

/**
 * A callback of functions, whose names are checked.
 *
 * @param {Hooks} functions
 * @returns {Callback}
 * @throws {ConfigError}
 */
export function lambdaCallback(functions) {
  const where = { what: 'lambdaCallback' };
  const callback = new Callback();
  for (const [name, value] of Object.entries(readOptions(functions, HOOKS, where))) {
    Object.defineProperty(callback, name, { value: needFunction(value, name, where) });
  }
  return callback;
}

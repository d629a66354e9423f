/** A model's learning-rate schedule in the worker: loaded with the first that a program compiles. */

import { InternalError, StateError } from './errors.js';
import { rateAt, readSchedule } from './schedules.js';

/**
 * @typedef {{ type: 'rates', first: number, count: number }} RatesEvent asks the program's thread for
 *   the rates of steps, which it answers with a note
 */

/** Rates of a function that are asked for at once: half a megabyte. */
const MOST_AHEAD = 65_536;

export class ScheduledRate {
  /** Values of the program's function, from step #first on. */
  #ahead = new Float64Array(0);
  #first = 0;

  /** @param {unknown} schedule @throws {HyperparameterError} {ConfigError} */
  constructor(schedule) {
    this.schedule = readSchedule(schedule);
  }

  /** Whether the rates are a function's of the program. */
  get isFunction() {
    return this.schedule.type === 'function';
  }

  /**
   * Makes the rates of the next steps known. A function of the program cannot come here, so its
   * values do, ahead of the steps.
   *
   * @param {import('./task.js').Task} task
   * @param {number} first step of the optimizer
   * @param {number} count steps that may follow
   * @returns {Promise<number>} steps whose rates are known; 0 when the task was stopped
   */
  async prepare(task, first, count) {
    if (!this.isFunction) return count;
    const known = this.#first + this.#ahead.length - first;
    if (first >= this.#first && known > 0) return Math.min(known, count);
    task.emit({ type: 'rates', first, count: Math.min(count, MOST_AHEAD) });
    await task.ready(0);
    if (task.stopped) return 0;
    this.#first = first;
    this.#ahead = task.rates;
    if (this.#ahead.length === 0) throw new InternalError('No learning rates came.');
    return this.#ahead.length;
  }

  /** @param {number} step */
  at(step) {
    if (!this.isFunction) return rateAt(this.schedule, step);
    const rate = this.#ahead[step - this.#first];
    if (rate === undefined) throw new StateError(`The learning rate of step ${step} is not known.`);
    return rate;
  }
}

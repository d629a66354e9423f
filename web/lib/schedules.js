/**
 * Learning rates that change with the step: `optimizers.adam({ learningRate: cosineDecay({ … }) })`.
 *
 * A schedule is plain data with a name, so that the worker computes the rate of every single step by
 * the formulas here, and a checkpoint keeps it. Steps count the updates of the optimizer from 0, and
 * go on counting through later calls of `fit`, a load and a resume. Formulas and defaults are those of
 * Keras 3, oneCycle's of PyTorch; all in double precision. Outside of what they describe (after
 * `decaySteps`) rates stay at the last value, where the formula does not say otherwise.
 */

import { HyperparameterError } from './errors.js';
import { describe, readOptions, unknownName } from './options.js';

/**
 * @typedef {{ readonly type: string, readonly [option: string]: any }} Schedule from a function of
 *   this file
 * @typedef {(value: unknown) => boolean} Check
 * @typedef {object} Kind
 * @property {Record<string, readonly [what: string, check: Check, fallback?: unknown]>} options an
 *   option without a fallback must be given
 * @property {(options: any, step: number) => number} rate
 * @property {(options: any) => string | undefined} [problem] what a check of one option cannot see
 */

/** Schedules inside schedules that a file may ask for. */
const MAX_DEPTH = 8;

const isNumber = (/** @type {unknown} */ value) => Number.isFinite(value);
const isRate = (/** @type {unknown} */ value) => isNumber(value) && Number(value) >= 0;
const isPositive = (/** @type {unknown} */ value) => isNumber(value) && Number(value) > 0;
const isFlag = (/** @type {unknown} */ value) => typeof value === 'boolean';

const RATE = /** @type {const} */ (['a finite number from 0', isRate]);
const STEPS = /** @type {const} */ (['a finite number above 0', isPositive]);
const FLAG = /** @type {const} */ (['true or false', isFlag, false]);
const SHARE = /** @type {const} */ ([
  'a number from 0 to 1',
  (/** @type {unknown} */ value) => isRate(value) && Number(value) <= 1,
]);

/** @param {number} fraction of the way from `from` to `to`, along half a cosine wave */
const cosine = (/** @type {number} */ from, /** @type {number} */ to, fraction) =>
  to + ((from - to) / 2) * (1 + Math.cos(Math.PI * fraction));

/** @type {Map<string, Kind>} */
const KINDS = new Map(
  /** @type {[string, Kind][]} */ ([
    [
      'exponentialDecay',
      {
        options: { initialLearningRate: RATE, decaySteps: STEPS, decayRate: RATE, staircase: FLAG },
        rate: (o, step) => o.initialLearningRate * o.decayRate ** passed(o, step),
      },
    ],
    [
      'inverseTimeDecay',
      {
        options: { initialLearningRate: RATE, decaySteps: STEPS, decayRate: RATE, staircase: FLAG },
        rate: (o, step) => o.initialLearningRate / (1 + o.decayRate * passed(o, step)),
      },
    ],
    [
      'piecewiseConstantDecay',
      {
        options: {
          boundaries: ['an array of rising numbers', isRising],
          values: ['an array of finite numbers from 0', (list) => isList(list, isRate)],
        },
        problem: ({ boundaries, values }) =>
          values.length === boundaries.length + 1
            ? undefined
            : `values must have one number more than the ${boundaries.length} boundaries, found ${values.length}`,
        rate: ({ boundaries, values }, step) => {
          const at = boundaries.findIndex((/** @type {number} */ boundary) => step <= boundary);
          return values.at(at);
        },
      },
    ],
    [
      'polynomialDecay',
      {
        options: {
          initialLearningRate: RATE,
          decaySteps: STEPS,
          endLearningRate: [...RATE, 0.0001],
          power: [...STEPS, 1],
          cycle: FLAG,
        },
        rate: ({ initialLearningRate, decaySteps, endLearningRate, power, cycle }, step) => {
          const span = cycle ? decaySteps * Math.max(Math.ceil(step / decaySteps), 1) : decaySteps;
          const left = 1 - Math.min(step / span, 1);
          return (initialLearningRate - endLearningRate) * left ** power + endLearningRate;
        },
      },
    ],
    [
      'cosineDecay',
      {
        options: {
          initialLearningRate: RATE,
          decaySteps: STEPS,
          alpha: [...SHARE, 0],
          warmupTarget: [RATE[0], (value) => value === null || isRate(value), null],
          warmupSteps: [...RATE, 0],
        },
        rate: ({ initialLearningRate: initial, decaySteps, alpha, ...warmup }, step) => {
          const { warmupTarget: target, warmupSteps } = warmup;
          if (target === null) return cosine(initial, alpha * initial, share(step, decaySteps));
          if (step < warmupSteps) return initial + (target - initial) * (step / warmupSteps);
          return cosine(target, alpha * target, share(step - warmupSteps, decaySteps));
        },
      },
    ],
    [
      'cosineDecayRestarts',
      {
        options: {
          initialLearningRate: RATE,
          firstDecaySteps: STEPS,
          tMul: ['a finite number from 1', (value) => isNumber(value) && Number(value) >= 1, 2],
          mMul: [...RATE, 1],
          alpha: [...SHARE, 0],
        },
        rate: ({ initialLearningRate, firstDecaySteps, tMul, mMul, alpha }, step) => {
          const [restarts, fraction] = restartAt(step / firstDecaySteps, tMul);
          const wave = mMul ** restarts * cosine(1, 0, fraction);
          return initialLearningRate * ((1 - alpha) * wave + alpha);
        },
      },
    ],
    [
      'oneCycle',
      {
        options: {
          maxLearningRate: RATE,
          totalSteps: STEPS,
          pctStart: [...SHARE, 0.3],
          annealStrategy: [
            "'cos' or 'linear'",
            (value) => value === 'cos' || value === 'linear',
            'cos',
          ],
          divFactor: [...STEPS, 25],
          finalDivFactor: [...STEPS, 1e4],
          threePhase: FLAG,
        },
        rate: oneCycleRate,
      },
    ],
    [
      'linearWarmup',
      {
        options: {
          warmupSteps: RATE,
          initialLearningRate: [...RATE, 0],
          after: [
            'a finite number from 0 or a schedule',
            (value) => isRate(value) || typeof value === 'object',
          ],
        },
        rate: ({ warmupSteps, initialLearningRate: initial, after }, step) => {
          if (step >= warmupSteps) return rateOrScheduled(after, step - warmupSteps);
          return initial + (rateOrScheduled(after, 0) - initial) * (step / warmupSteps);
        },
      },
    ],
  ]),
);

/**
 * The rate of a step.
 *
 * @param {Schedule} schedule
 * @param {number} step updates done before it
 * @returns {number}
 */
export function rateAt(schedule, step) {
  return /** @type {Kind} */ (KINDS.get(schedule.type)).rate(schedule, step);
}

/** @param {number | Schedule} value @param {number} step */
function rateOrScheduled(value, step) {
  return typeof value === 'number' ? value : rateAt(value, step);
}

/** @param {{ decaySteps: number, staircase: boolean }} options @param {number} step */
function passed({ decaySteps, staircase }, step) {
  return staircase ? Math.floor(step / decaySteps) : step / decaySteps;
}

/** @param {number} step @param {number} steps */
function share(step, steps) {
  return Math.min(step / steps, 1);
}

/**
 * Which period a time lies in, and where; period i is `growth` ** i long.
 *
 * @param {number} time
 * @param {number} growth
 * @returns {[restarts: number, fraction: number]}
 */
function restartAt(time, growth) {
  if (growth === 1) return [Math.floor(time), time - Math.floor(time)];
  const start = (/** @type {number} */ i) => (growth ** i - 1) / (growth - 1);
  let i = Math.floor(Math.log1p(time * (growth - 1)) / Math.log(growth));
  // The logarithm may round to the wrong side of a restart.
  if (start(i) > time) i--;
  else if (start(i + 1) <= time) i++;
  return [i, (time - start(i)) / growth ** i];
}

/** @param {Record<string, any>} options @param {number} step */
function oneCycleRate(options, step) {
  const { maxLearningRate: top, totalSteps, pctStart, annealStrategy, threePhase } = options;
  const first = top / options.divFactor;
  const last = first / options.finalDivFactor;
  const rise = pctStart * totalSteps - 1;
  const phases = threePhase
    ? [
        [rise, first, top],
        [2 * rise, top, first],
        [totalSteps - 1, first, last],
      ]
    : [
        [rise, first, top],
        [totalSteps - 1, top, last],
      ];
  let start = 0;
  for (const [end, from, to] of phases) {
    if (step <= end) {
      const fraction = end > start ? (step - start) / (end - start) : 1;
      return annealStrategy === 'cos' ? cosine(from, to, fraction) : from + (to - from) * fraction;
    }
    start = end;
  }
  return last;
}

/** @param {unknown} list @param {Check} check */
function isList(list, check) {
  return Array.isArray(list) && list.length > 0 && list.every(check);
}

/** @param {unknown} list */
function isRising(list) {
  return (
    isList(list, isNumber) &&
    /** @type {number[]} */ (list).every((value, i, all) => i === 0 || value > all[i - 1])
  );
}

/**
 * A schedule out of a message or a file, checked as its builder checks it.
 *
 * @param {unknown} value
 * @returns {Schedule} also `{ type: 'function' }`, which stands for a function of the program
 * @throws {HyperparameterError} {ConfigError}
 */
export function readSchedule(value, depth = 0) {
  const { type, ...options } = /** @type {any} */ (value);
  if (type === 'function') return Object.freeze({ type });
  return make(type, options, depth);
}

/**
 * @param {string} type
 * @param {unknown} options
 * @returns {Schedule}
 */
function make(type, options, depth = 0) {
  const what = `schedules.${type}`;
  const kind = KINDS.get(type);
  if (!kind)
    throw unknownName(String(type), [...KINDS.keys()], 'schedule', { what: 'learningRate' });
  const given = readOptions(options, Object.keys(kind.options), { what });
  /** @type {{ type: string, [option: string]: unknown }} */
  const schedule = { type };
  for (const [field, [wanted, check, fallback]] of Object.entries(kind.options)) {
    const value = given[field] ?? fallback;
    if (!check(value)) {
      const found = value === undefined ? 'none' : describe(value);
      throw new HyperparameterError(`${what}: ${field} must be ${wanted}, found ${found}.`, {
        field,
      });
    }
    schedule[field] = Array.isArray(value) ? Object.freeze([...value]) : value;
  }
  const problem = kind.problem?.(schedule);
  if (problem) throw new HyperparameterError(`${what}: ${problem}.`, { field: 'values' });
  if (typeof schedule.after === 'object') {
    if (depth === MAX_DEPTH)
      throw new HyperparameterError(`${what}: more than ${MAX_DEPTH} schedules in each other.`, {
        field: 'after',
      });
    schedule.after = readSchedule(schedule.after, depth + 1);
  }
  return Object.freeze(schedule);
}

/**
 * initialLearningRate · decayRate ^ (step / decaySteps); `staircase` (default false) takes the whole
 * part of the exponent.
 *
 * @param {{ initialLearningRate: number, decaySteps: number, decayRate: number, staircase?: boolean }} options
 * @throws {HyperparameterError} naming option and value; so do the others
 */
export const exponentialDecay = (options) => make('exponentialDecay', options);

/**
 * initialLearningRate / (1 + decayRate · step / decaySteps); `staircase` (default false) takes the
 * whole part of step / decaySteps.
 *
 * @param {{ initialLearningRate: number, decaySteps: number, decayRate: number, staircase?: boolean }} options
 */
export const inverseTimeDecay = (options) => make('inverseTimeDecay', options);

/**
 * values[0] up to and including step boundaries[0], values[1] up to boundaries[1], …, and the last
 * value afterwards: one value more than boundaries.
 *
 * @param {{ boundaries: readonly number[], values: readonly number[] }} options
 */
export const piecewiseConstantDecay = (options) => make('piecewiseConstantDecay', options);

/**
 * (initial − end) · (1 − step / decaySteps) ^ power + end, and `endLearningRate` (default 1e-4) after
 * decaySteps. With `cycle` (default false) decaySteps grows to its next multiple instead. `power`
 * default 1.
 *
 * @param {{ initialLearningRate: number, decaySteps: number, endLearningRate?: number, power?: number, cycle?: boolean }} options
 */
export const polynomialDecay = (options) => make('polynomialDecay', options);

/**
 * Half a cosine wave from initialLearningRate down to alpha (default 0) times it within decaySteps
 * (Loshchilov and Hutter, 2016). With `warmupTarget` the rate first rises in a line from
 * initialLearningRate to it within `warmupSteps` (default 0), and the wave starts from there.
 *
 * @param {{ initialLearningRate: number, decaySteps: number, alpha?: number, warmupTarget?: number | null, warmupSteps?: number }} options
 */
export const cosineDecay = (options) => make('cosineDecay', options);

/**
 * Cosine waves one after another (SGDR, Loshchilov and Hutter, 2016): each `tMul` (default 2, at
 * least 1) times as long as the last, from `mMul` (default 1) times its height, to alpha (default 0).
 *
 * @param {{ initialLearningRate: number, firstDecaySteps: number, tMul?: number, mMul?: number, alpha?: number }} options
 */
export const cosineDecayRestarts = (options) => make('cosineDecayRestarts', options);

/**
 * PyTorch's OneCycleLR (Smith and Topin, 2017), the rate alone, momentum is left: from
 * maxLearningRate / divFactor (default 25) up to it within the share pctStart (default 0.3) of
 * totalSteps, then down to the first rate / finalDivFactor (default 1e4), where it stays. `threePhase`
 * (default false) first mirrors the rise. annealStrategy default 'cos'.
 *
 * @param {{ maxLearningRate: number, totalSteps: number, pctStart?: number, annealStrategy?: 'cos' | 'linear',
 *   divFactor?: number, finalDivFactor?: number, threePhase?: boolean }} options
 */
export const oneCycle = (options) => make('oneCycle', options);

/**
 * A line from `initialLearningRate` (default 0) to the first rate of `after` within warmupSteps; then
 * `after` from its step 0.
 *
 * @param {{ warmupSteps: number, after: number | Schedule, initialLearningRate?: number }} options
 */
export const linearWarmup = (options) => make('linearWarmup', options);

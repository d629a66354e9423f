/**
 * What a list of augmentations says: plain data with names, checked here for types and names and by
 * the engine for ranges. `augment.js` makes such data, `fit` and checkpoints carry it, and the
 * worker turns it into the engine's rows of numbers.
 */

import { ConfigError } from './errors.js';
import { Augmentation, Fill } from './ffi.js';
import { describe, needBoolean, needNumber, needOneOf, readOptions, wrongType } from './options.js';

/**
 * @typedef {import('./options.js').Where} Where
 * @typedef {{ readonly type: string, readonly [option: string]: any }} AugmentationConfig
 * @typedef {(value: any, field: string, where: Where) => any} Reader
 * @typedef {object} Kind
 * @property {Record<string, readonly [read: Reader, fallback?: unknown]>} options one without a
 *   fallback must be given
 * @property {(own: any) => number[]} row its numbers, as tg_augmentation tells them
 * @property {(own: any) => string | undefined} [problem] what a look at one option cannot see
 */

/** Numbers of the engine's rows, the kind among them. */
const ROW = 8;
const FILL_MODES = /** @type {const} */ (['constant', 'nearest', 'reflect', 'wrap', 'mirror']);
const INTERPOLATIONS = /** @type {const} */ (['bilinear', 'nearest']);

/** @type {Reader} */
const number = (value, field, where) => {
  // NaN would tell the engine that nothing was given.
  if (Number.isFinite(needNumber(value, field, where))) return value;
  throw wrongType(value, field, 'a finite number', where);
};

/** @param {boolean} signed one number f stands for -f to f, else for f twice @returns {Reader} */
const pair = (signed) => (value, field, where) => {
  if (!Array.isArray(value)) {
    const size = Math.abs(number(value, field, where));
    return Object.freeze(signed ? [size === 0 ? 0 : -size, size] : [value, value]);
  }
  if (value.length !== 2) throw wrongType(value, field, 'a number or two', where);
  return Object.freeze(Array.from(value, (one) => number(one, field, where)));
};

/** What may be null. @param {Reader} read @returns {Reader} */
const nullable = (read) => (value, field, where) =>
  value === null ? null : read(value, field, where);

/** @param {readonly string[]} names @returns {Reader} */
const oneOf = (names) => (value, field, where) => needOneOf(value, names, field, where);

const RANGE = pair(true);
const TWICE = pair(false);
/** Of all that move; null: as the others of the list, or as the list's default. */
const FILL = Object.freeze({
  fillMode: /** @type {const} */ ([nullable(oneOf(FILL_MODES)), null]),
  fillValue: /** @type {const} */ ([nullable(number), null]),
});
const MOVED = Object.freeze({
  ...FILL,
  interpolation: /** @type {const} */ ([nullable(oneOf(INTERPOLATIONS)), null]),
});
const VALUE_RANGE = /** @type {const} */ ([nullable(TWICE), null]);

/** @param {readonly number[] | null} range of values */
const ends = (range) => range ?? [NaN, NaN];

/** @type {Map<string, Kind>} */
const KINDS = new Map(
  /** @type {[string, Kind][]} */ ([
    [
      'randomFlip',
      {
        options: {
          mode: [
            oneOf(['horizontal', 'vertical', 'horizontalAndVertical']),
            'horizontalAndVertical',
          ],
          alternate: [needBoolean, false],
        },
        row: ({ mode, alternate }) => [
          Augmentation.FLIP,
          Number(mode !== 'vertical'),
          Number(mode !== 'horizontal'),
          Number(alternate),
        ],
      },
    ],
    [
      'randomCrop',
      {
        options: {
          height: [nullable(number), null],
          width: [nullable(number), null],
          padding: [TWICE, 0],
          ...FILL,
        },
        row: ({ height, width, padding }) => [
          Augmentation.CROP,
          height ?? 0,
          width ?? 0,
          ...padding,
        ],
        problem: ({ height, width }) => {
          if (height === 0 || width === 0) return 'height and width must be at least 1, found 0';
          return undefined;
        },
      },
    ],
    [
      'randomRotation',
      {
        options: { factor: [RANGE], ...MOVED },
        row: ({ factor }) => [Augmentation.ROTATION, ...factor],
      },
    ],
    [
      'randomTranslation',
      {
        options: { heightFactor: [RANGE], widthFactor: [RANGE], ...MOVED },
        row: ({ heightFactor, widthFactor }) => [
          Augmentation.TRANSLATION,
          ...heightFactor,
          ...widthFactor,
        ],
      },
    ],
    [
      'randomShear',
      {
        options: { xFactor: [RANGE, 0], yFactor: [RANGE, 0], degrees: [RANGE, 0], ...MOVED },
        row: ({ xFactor, yFactor, degrees }) => [
          Augmentation.SHEAR,
          ...xFactor,
          ...yFactor,
          ...degrees,
        ],
        problem: ({ xFactor, yFactor, degrees }) => {
          const given = (/** @type {number[]} */ range) => range.some((end) => end !== 0);
          if (!given(degrees) || !(given(xFactor) || given(yFactor))) return undefined;
          return 'degrees are given instead of xFactor and yFactor, not beside them';
        },
      },
    ],
    [
      'randomZoom',
      {
        options: { heightFactor: [RANGE], widthFactor: [nullable(RANGE), null], ...MOVED },
        row: ({ heightFactor, widthFactor }) => [
          Augmentation.ZOOM,
          ...heightFactor,
          ...(widthFactor ?? [0, 0]),
          Number(widthFactor === null),
        ],
      },
    ],
    [
      'randomBrightness',
      {
        options: { factor: [RANGE], valueRange: VALUE_RANGE },
        row: ({ factor, valueRange }) => [Augmentation.BRIGHTNESS, ...factor, ...ends(valueRange)],
      },
    ],
    [
      'randomContrast',
      {
        options: { factor: [TWICE], valueRange: VALUE_RANGE },
        row: ({ factor, valueRange }) => [Augmentation.CONTRAST, ...factor, ...ends(valueRange)],
      },
    ],
    [
      'cutout',
      {
        options: { size: [TWICE], count: [number, 1], fillValue: [nullable(number), null] },
        row: ({ size, count, fillValue }) => [
          Augmentation.CUTOUT,
          ...size,
          count,
          fillValue ?? NaN,
        ],
      },
    ],
    [
      'mixup',
      { options: { alpha: [number, 0.2] }, row: ({ alpha }) => [Augmentation.MIXUP, alpha] },
    ],
  ]),
);

/** Those whose pictures Keras reflects where the program says nothing; beside them only crops pad. */
const REFLECTING = ['randomRotation', 'randomTranslation', 'randomShear', 'randomZoom'];

/**
 * @param {unknown} value an augmentation as plain data
 * @returns {AugmentationConfig} with every option
 * @throws {ConfigError} {InputTypeError}
 */
export function readAugmentation(value) {
  const { type, ...given } = Object(value);
  const kind = KINDS.get(type);
  if (!kind) {
    const what = typeof type === 'string' ? describe(type) : describe(value);
    throw new ConfigError(
      `augment: an augmentation is one of ${[...KINDS.keys()].join(', ')}, found ${what}.`,
      { field: 'augment' },
    );
  }
  return makeAugmentation(type, given);
}

/**
 * @param {string} type
 * @param {unknown} options
 * @returns {AugmentationConfig}
 */
export function makeAugmentation(type, options) {
  const where = { what: `augment.${type}` };
  const { options: known, problem } = /** @type {Kind} */ (KINDS.get(type));
  const given = readOptions(options, Object.keys(known), where);
  /** @type {Record<string, unknown>} */
  const own = { type };
  for (const [name, [read, fallback]] of Object.entries(known)) {
    const value = given[name] ?? fallback;
    if (value === undefined) {
      throw new ConfigError(`${where.what}: ${name} is missing.`, { field: name });
    }
    own[name] = read(value, name, where);
  }
  const found = problem?.(own);
  if (found) throw new ConfigError(`${where.what}: ${found}.`);
  return Object.freeze(/** @type {AugmentationConfig} */ (own));
}

/**
 * @param {readonly unknown[]} list
 * @returns {AugmentationConfig[]}
 * @throws {ConfigError} also for what does not go together
 */
export function readAugmentations(list) {
  const all = list.map(readAugmentation);
  fillOf(all);
  common(all, 'valueRange');
  if (all.filter(({ type }) => type === 'mixup').length > 1) {
    throw new ConfigError('augment: a list has one mixup at most.', { field: 'augment' });
  }
  return all;
}

/**
 * What all of a list that have the option share; null: none says it.
 *
 * @param {readonly AugmentationConfig[]} list
 * @param {string} name
 */
function common(list, name) {
  const given = list.filter((one) => one.type !== 'cutout' && (one[name] ?? null) !== null);
  for (const { type, [name]: value } of given.slice(1)) {
    if (String(value) === String(given[0][name])) continue;
    throw new ConfigError(
      `augment: a list has one ${name}, ${given[0].type} has ${describeValue(given[0][name])} and ${type} ` +
        `${describeValue(value)}.`,
      { field: name },
    );
  }
  return given.length > 0 ? given[0][name] : null;
}

/** @param {unknown} value */
const describeValue = (value) => (Array.isArray(value) ? `[${value.join(', ')}]` : describe(value));

/** What lies beyond the pictures. @param {readonly AugmentationConfig[]} list */
function fillOf(list) {
  const reflects = list.some(({ type }) => REFLECTING.includes(type));
  return {
    mode: common(list, 'fillMode') ?? (reflects ? 'reflect' : 'constant'),
    value: common(list, 'fillValue') ?? 0,
    interpolation: common(list, 'interpolation') ?? 'bilinear',
  };
}

/**
 * The engine's rows.
 *
 * @param {readonly AugmentationConfig[]} list as `readAugmentations` gives it
 * @returns {Float64Array}
 */
export function augmentationNumbers(list) {
  if (list.length === 0) return new Float64Array(0);
  const { mode, value, interpolation } = fillOf(list);
  const modes = [Fill.CONSTANT, Fill.NEAREST, Fill.REFLECT, Fill.WRAP, Fill.MIRROR];
  const fill = modes[FILL_MODES.indexOf(mode)];
  const rows = [
    // First, so that entries of the program keep their places, which drawing goes by.
    ...list.map((own) => /** @type {Kind} */ (KINDS.get(own.type)).row(own)),
    [Augmentation.FILL, fill, value, Number(interpolation === 'nearest')],
  ];
  const valueRange = common(list, 'valueRange');
  return Float64Array.from(
    rows.flatMap((row) => {
      const whole = [...row, ...Array(ROW - row.length).fill(0)];
      const colors = row[0] === Augmentation.BRIGHTNESS || row[0] === Augmentation.CONTRAST;
      if (colors && valueRange) whole.splice(3, 2, ...valueRange);
      return whole;
    }),
  );
}

/**
 * Height and width of what comes out.
 *
 * @param {readonly AugmentationConfig[]} list
 * @param {readonly [height: number, width: number]} size
 * @returns {[height: number, width: number]}
 */
export function augmentedSize(list, [height, width]) {
  for (const own of list) {
    if (own.type !== 'randomCrop') continue;
    height = own.height ?? height;
    width = own.width ?? width;
  }
  return [height, width];
}

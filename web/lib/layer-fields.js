/**
 * What the options of layers are read by, and what a family of layers is: one file holds the options of its layers,
 * the engine's operators they become, and their builders.
 */

import { ACTIVATION_NAMES } from './activations.js';
import { ConfigError, LimitError, ShapeError } from './errors.js';
import { needBoolean, needNumber, needOneOf, wrongType } from './options.js';

/** Longest layer name in bytes; the engine's limit. */
const MAX_NAME_BYTES = 255;

/**
 * @typedef {(value: unknown, field: string, where: import('./options.js').Where) => any} Reader
 * @typedef {object} Field
 * @property {Reader} read
 * @property {boolean} [required]
 * @property {unknown} [standard] default value; undefined leaves the option out
 *
 * @typedef {object} Step one node of the engine; the last one of a layer has the layer's name, if it has none itself
 * @property {string} op
 * @property {[string, number][]} [attributes]
 * @property {number[]} [reads] 0, 1 …: the layer's inputs; -1: the step before. Without it the step before, the first
 *   step the first input
 * @property {string} [name] in the layer, where its weights are to be told apart
 * @property {number} [like] the input of the layer that has as many features as this node's output
 * @property {boolean} [activated] the layer's activation is in it
 *
 * @typedef {object} Family
 * @property {[string, Record<string, Field>][]} types layer type → its options
 * @property {[string, (layer: import('./layers.js').Layer, inputs: number) => Step[]][]} steps layer type → nodes
 *
 * @typedef {(type: string, options: unknown) =>
 *   import('./layers.js').Layer & import('./layers.js').Applicable} Make
 */

/** @type {Reader} */
export const pair = (value, field, where) => {
  if (typeof value === 'number') return [value, value];
  if (!Array.isArray(value) || value.length !== 2) {
    throw wrongType(value, field, 'a number or [height, width]', where);
  }
  return [needNumber(value[0], field, where), needNumber(value[1], field, where)];
};

/** @type {Reader} */
export const activationName = (value, field, where) =>
  value === null ? 'linear' : needOneOf(value, ACTIVATION_NAMES, field, where);

/** @type {Reader} */
export const inputShape = (value, field, where) => {
  if (!Array.isArray(value)) {
    throw wrongType(value, field, '[height, width, channels] or [features]', where);
  }
  if (value.length < 1 || value.length > 3) {
    throw new ShapeError(
      `${where.what}: inputShape must have 1 to 3 dimensions ([features], [steps, channels] or ` +
        `[height, width, channels], without the batch), found ${value.length}.`,
      { layer: where.layer, field },
    );
  }
  return Array.from(value, (size) => needNumber(size, field, where));
};

/** @type {Reader} */
export const layerName = (value, field, where) => {
  if (typeof value !== 'string' || value === '') {
    throw wrongType(value, field, 'a string that is not empty', where);
  }
  if (value.length > MAX_NAME_BYTES) throw longName(value.length, where.what);
  const bytes = new TextEncoder().encode(value);
  if (bytes.length > MAX_NAME_BYTES) throw longName(bytes.length, where.what);
  // A lone surrogate becomes U+FFFD in UTF-8, and NUL would end the name in C.
  if (
    value.includes('\0') ||
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) !== value
  ) {
    throw new ConfigError(`${where.what}: name must not hold NUL or half a surrogate pair.`, {
      field,
    });
  }
  return value;
};

/** The axis of channels, for layers that know the last one alone; the engine knows which that is. */
export const LAST_AXIS = { axis: { read: needNumber, standard: -1 } };

/** @param {import('./layers.js').Layer} layer @returns {[string, number][]} */
export const lastAxis = ({ axis }) => (axis === -1 ? [] : [['axis', axis]]);

export const COMMON = {
  inputShape: { read: inputShape },
  name: { read: layerName },
  trainable: { read: needBoolean },
};

/**
 * @param {number} found
 * @param {string} what
 */
function longName(found, what) {
  return new LimitError(
    `${what}: name must have at most ${MAX_NAME_BYTES} bytes, found ${found} or more.`,
    { field: 'name' },
  );
}

/** Parts of a data set for training, validation and test, and for cross-validation; all share its memory. */

import { ConfigError, EmptyError } from '../errors.js';
import { describe, needBoolean, needNumber, needWhole, readOptions } from '../options.js';
import { classesOf } from './classes-of.js';
import { Random } from './random.js';

/**
 * @typedef {import('../dataset.js').Dataset} Dataset
 * @typedef {SplitOptions & { [part: string]: number | boolean | undefined }} Shares
 *
 * @typedef {object} SplitOptions shares of any names, with a sum of at most 1, and
 * @property {number} [train] default 0.8 where no shares are given
 * @property {number} [validation] default 0.1 where no shares are given
 * @property {number} [test] default 0.1 where no shares are given
 * @property {boolean} [stratified] each part has the classes in the shares of the whole; default false
 * @property {number} [seed] default 0: the same seed gives the same parts on every machine
 *
 * @typedef {object} KFoldOptions
 * @property {number} [k] parts, at least 2; default 5
 * @property {boolean} [stratified] default false
 * @property {number} [seed] default 0
 *
 * @typedef {object} Fold
 * @property {Dataset} train
 * @property {Dataset} validation
 * @property {number[]} trainIndices of the samples in the whole
 * @property {number[]} validationIndices
 */

/**
 * Divides the samples at random. Sizes are the shares rounded by largest remainder, so that shares with a sum of 1
 * leave no sample out; with `stratified` this holds for every class. Samples of a part keep their order.
 *
 * @param {Dataset} data
 * @param {Shares} [options]
 * @returns {Promise<Record<string, Dataset>>} parts by their names
 * @throws {ConfigError} shares that are no numbers above 0 or make more than 1; stratified without classes
 * @throws {EmptyError} a part would have no sample
 */
export async function splitDataset(data, options) {
  const where = { what: 'split' };
  const names = options && typeof options === 'object' ? Object.keys(options) : [];
  const { stratified = false, seed = 0, ...given } = readOptions(options, names, where);
  needBoolean(stratified, 'stratified', where);
  needWhole(seed, 'seed', where);
  const shares = Object.keys(given).length > 0 ? given : { train: 0.8, validation: 0.1, test: 0.1 };
  const entries = Object.entries(shares);
  for (const [name, share] of entries) {
    if (needNumber(share, name, where) > 0 && share <= 1) continue;
    throw new ConfigError(
      `split: ${name} must be above 0 and at most 1, found ${describe(share)}.`,
      {
        field: name,
      },
    );
  }
  const sum = entries.reduce((total, [, share]) => total + share, 0);
  if (sum > 1 + 1e-9) {
    throw new ConfigError(`split: the shares make ${sum}, more than 1.`, { field: entries[0][0] });
  }
  const random = new Random(seed);
  /** @type {number[][]} */
  const parts = entries.map(() => []);
  for (const group of await groupsOf(data, stratified, where.what)) {
    random.shuffle(group);
    let at = 0;
    sizesOf(
      group.length,
      entries.map(([, share]) => share),
    ).forEach((size, part) => {
      for (const end = at + size; at < end; at++) parts[part].push(group[at]);
    });
  }
  entries.forEach(([name, share], part) => {
    if (parts[part].length > 0) return;
    throw new EmptyError(`split: ${name} ${share} of ${data.count} samples is none.`, {
      field: name,
    });
  });
  const made = await subsets(data, parts);
  return Object.fromEntries(entries.map(([name], part) => [name, made[part]]));
}

/**
 * Cross-validation: k pairs of a part and the rest; each sample is in one `validation` of the k.
 *
 * @param {Dataset} data
 * @param {KFoldOptions} [options]
 * @returns {Promise<Fold[]>} dispose of the data sets when they are used
 * @throws {ConfigError} {EmptyError} fewer samples than k
 */
export async function kFold(data, options) {
  const where = { what: 'kFold' };
  const names = /** @type {const} */ (['k', 'stratified', 'seed']);
  const { k = 5, stratified = false, seed = 0 } = readOptions(options, names, where);
  needWhole(k, 'k', where, 2);
  needBoolean(stratified, 'stratified', where);
  const parts = await foldIndices(data, { k, stratified, seed: needWhole(seed, 'seed', where) });
  const rest = parts.map((_, own) => parts.filter((_part, other) => other !== own).flat());
  const made = await subsets(data, [...rest, ...parts]);
  return parts.map((part, fold) => ({
    train: made[fold],
    validation: made[k + fold],
    trainIndices: rest[fold].sort((a, b) => a - b),
    validationIndices: part.sort((a, b) => a - b),
  }));
}

/**
 * @param {Dataset} data
 * @param {{ k: number, stratified: boolean, seed: number }} options
 * @returns {Promise<number[][]>} k parts whose sizes differ by one at most, as do those of a class in them
 */
export async function foldIndices(data, { k, stratified, seed }) {
  if (data.count < k) {
    throw new EmptyError(`kFold: ${data.count} samples cannot make ${k} parts.`, { field: 'k' });
  }
  const random = new Random(seed);
  /** @type {number[][]} */
  const parts = Array.from({ length: k }, () => []);
  // Dealt out as cards are, going on where the last class ended.
  let next = 0;
  for (const group of await groupsOf(data, stratified, 'kFold')) {
    for (const sample of random.shuffle(group)) parts[next++ % k].push(sample);
  }
  return parts;
}

/**
 * @param {Dataset} data
 * @param {boolean} stratified
 * @param {string} what
 * @returns {Promise<number[][]>} samples of each class, or all in one
 */
async function groupsOf(data, stratified, what) {
  if (!stratified) return [Array.from({ length: data.count }, (_, sample) => sample)];
  const { classes, count } = await classesOf(data, what);
  /** @type {number[][]} */
  const groups = Array.from({ length: count }, () => []);
  classes.forEach((label, sample) => groups[label].push(sample));
  return groups;
}

/**
 * @param {Dataset} data
 * @param {number[][]} parts sorted on the way
 * @returns {Promise<Dataset[]>} all, or none is left in memory
 */
async function subsets(data, parts) {
  /** @type {Dataset[]} */
  const made = [];
  try {
    for (const part of parts) made.push(await data.subset(part.sort((a, b) => a - b)));
    return made;
  } catch (error) {
    for (const dataset of made) await dataset.dispose();
    throw error;
  }
}

/**
 * Whole numbers nearest to shares of a count: those with the largest remainders are rounded up.
 *
 * @param {number} count
 * @param {number[]} shares
 */
function sizesOf(count, shares) {
  const exact = shares.map((share) => share * count);
  const sizes = exact.map((size) => Math.floor(size + 1e-9));
  const total = Math.round(exact.reduce((sum, size) => sum + size, 0));
  const order = exact
    .map((size, part) => ({ part, remainder: size - sizes[part] }))
    .sort((a, b) => b.remainder - a.remainder);
  let left = total - sizes.reduce((sum, size) => sum + size, 0);
  for (const { part } of order) if (left-- > 0) sizes[part]++;
  return sizes;
}

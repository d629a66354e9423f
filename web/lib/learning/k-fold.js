/** Folds for cross-validation. */

import { LimitError, ShapeError } from '../errors.js';
import { needWhole, readOptions } from '../options.js';
import { Random } from '../random.js';

/**
 * @typedef {object} Fold numbers of samples, in ascending order
 * @property {Int32Array<ArrayBuffer>} train
 * @property {Int32Array<ArrayBuffer>} validation
 */

/**
 * Samples in so many parts of equal size (±1), each of which is the validation data of one fold and training data of the
 * others (scikit-learn KFold and StratifiedKFold, shuffled).
 *
 * @param {number} count samples
 * @param {{ folds?: number, labels?: ArrayLike<number>, seed?: number }} [options] folds 2 … count, default 5; labels: a
 *   class for each sample, of which then every fold has its share (±1); seed decides what goes where, default 0
 * @returns {Fold[]}
 * @throws {ConfigError} {ShapeError} {LimitError} naming the option
 */
export function kFold(count, options) {
  const where = { what: 'kFold' };
  const own = readOptions(options, ['folds', 'labels', 'seed'], where);
  const total = needWhole(count, 'count', where, 1);
  const folds = needWhole(own.folds ?? 5, 'folds', where, 2);
  const random = new Random(needWhole(own.seed ?? 0, 'seed', where));
  const { labels } = own;
  if (folds > total) {
    throw new LimitError(`kFold: ${folds} folds need as many samples, found ${total}.`, {
      field: 'folds',
    });
  }
  if (labels !== undefined && labels.length !== total) {
    throw new ShapeError(`kFold: labels has ${labels.length} numbers for ${total} samples.`, {
      field: 'labels',
    });
  }
  const order = random.choose(total, total);
  // Class by class, dealt out in turn.
  if (labels) order.sort((a, b) => labels[a] - labels[b]);
  const foldOf = new Int32Array(total);
  order.forEach((sample, turn) => (foldOf[sample] = turn % folds));
  const chosen = (/** @type {(fold: number) => boolean} */ wanted) =>
    Int32Array.from(Array.from(foldOf.keys()).filter((sample) => wanted(foldOf[sample])));
  return Array.from({ length: folds }, (_, fold) => ({
    train: chosen((own) => own !== fold),
    validation: chosen((own) => own === fold),
  }));
}

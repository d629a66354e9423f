/**
 * The training curves: means over bins of batches. When there are too many bins, neighbours are
 * merged, so that drawing costs the same after an hour as after a minute.
 */

const LARGEST_FIRST_BIN = 8;
const FIRST_BINS_OF_EPOCH = 8;
/** Batches that the figures beside the curves tell of. */
const LATEST = 24;
const MOST_BINS = 360;

/** @typedef {{ x: number, loss: number, accuracy: number, batches: number }} Bin */
/** @typedef {{ x: number, loss: number, accuracy: number }} Point */

export class CurveLog {
  #binSize = LARGEST_FIRST_BIN;
  /** @type {Bin[]} */
  #bins = [];
  /** @type {Bin | null} */
  #open = null;
  /** @type {Point[]} */
  #validation = [];

  /** Where an epoch has few batches, a curve begins with fewer in a bin. @param {number} batches of an epoch */
  expect(batches) {
    if (this.#bins.length > 0 || this.#open) return;
    const size = Math.floor(batches / FIRST_BINS_OF_EPOCH);
    this.#binSize = Math.min(Math.max(size, 1), LARGEST_FIRST_BIN);
  }

  /**
   * @param {number} x position in epochs
   * @param {number} loss
   * @param {number} accuracy 0 … 1
   */
  addBatch(x, loss, accuracy) {
    this.#open ??= { x, loss: 0, accuracy: 0, batches: 0 };
    this.#open.x = x;
    this.#open.loss += loss;
    this.#open.accuracy += accuracy;
    if (++this.#open.batches < this.#binSize) return;
    this.#bins.push(this.#open);
    this.#open = null;
    if (this.#bins.length >= MOST_BINS) this.#mergeNeighbours();
  }

  /** @param {Point} point */
  addValidation(point) {
    this.#validation.push(point);
  }

  /** Mean over the latest batches, about a second's worth: steady enough to read. */
  latest() {
    let [loss, accuracy, batches] = [0, 0, 0];
    const bins = this.#open ? [...this.#bins, this.#open] : this.#bins;
    for (let i = bins.length - 1; i >= 0 && batches < LATEST; i--) {
      const bin = bins[i];
      loss += bin.loss;
      accuracy += bin.accuracy;
      batches += bin.batches;
    }
    return batches ? { loss: loss / batches, accuracy: accuracy / batches } : null;
  }

  /**
   * Columns for the chart: x, training, validation. The two have their own x; where one has no
   * value there is a null, which the chart spans.
   * @param {'loss' | 'accuracy'} what
   * @returns {[number[], (number | null)[], (number | null)[]]}
   */
  columns(what) {
    const bins = this.#open ? [...this.#bins, this.#open] : this.#bins;
    const rows = [
      ...bins.map((bin) => ({ x: bin.x, train: bin[what] / bin.batches, validation: null })),
      ...this.#validation.map((point) => ({ x: point.x, train: null, validation: point[what] })),
    ].sort((a, b) => a.x - b.x);
    return [rows.map((r) => r.x), rows.map((r) => r.train), rows.map((r) => r.validation)];
  }

  #mergeNeighbours() {
    /** @type {Bin[]} */
    const merged = [];
    for (let i = 0; i < this.#bins.length; i += 2) {
      const [a, b] = [this.#bins[i], this.#bins[i + 1]];
      merged.push(
        b
          ? {
              x: b.x,
              loss: a.loss + b.loss,
              accuracy: a.accuracy + b.accuracy,
              batches: a.batches + b.batches,
            }
          : a,
      );
    }
    this.#bins = merged;
    this.#binSize *= 2;
  }
}

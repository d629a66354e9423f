/**
 * The images there are, and those of them that a preset learns from: fewer, with other labels, or
 * with another normalisation. What was made for a preset is freed when the next one has its own.
 */
import { copyOf } from './copy-images.js';

/**
 * @typedef {import('./data-source.js').Images} Images
 *
 * @typedef {object} Use of images by a preset
 * @property {'cifar' | 'folder'} source
 * @property {string} [title]
 * @property {import('./copy-images.js').Change} [copy] labels or normalisation unlike those of the source
 * @property {readonly string[]} [classNames] where labels are
 *
 * @typedef {(label: string, done: number, total: number) => void} OnWork
 */

export class ImageSets {
  /** @type {Images | null} */
  cifar = null;
  /** @type {Images | null} */
  folder = null;
  /** @type {import('tabgrad').Dataset[]} */
  #made = [];

  /**
   * @param {Use} use
   * @param {number | null} limit most images of each part; null: all
   * @param {OnWork} onWork called only where it takes time
   * @param {AbortSignal} signal
   * @returns {Promise<Images | null>} null: there are none yet
   */
  async choose(use, limit, onWork, signal) {
    const whole = this[use.source];
    /** @type {import('tabgrad').Dataset[]} */
    const made = [];
    /** @param {import('tabgrad').Dataset} part */
    const fewer = async (part) => {
      if (limit === null || limit >= part.count) return part;
      const view = await part.subset(spread(limit, part.count));
      made.push(view);
      return view;
    };
    try {
      let images = whole && {
        ...whole,
        title: whole.kind === 'folder' ? whole.title : (use.title ?? whole.title),
      };
      if (images) {
        images = { ...images, train: await fewer(images.train), test: await fewer(images.test) };
      }
      if (images && use.copy) {
        const { train, test, classNames } = images;
        const { copy } = use;
        const total = train.count + test.count;
        /** @param {number} before */
        const tell = (before) => (/** @type {number} */ done) =>
          onWork(copy.label, before + done, total);
        const copies = { train: await copyOf(train, copy, tell(0), signal), test };
        made.push(copies.train);
        copies.test = await copyOf(test, copy, tell(train.count), signal);
        made.push(copies.test);
        images = { ...images, ...copies, classNames: use.classNames ?? classNames };
      }
      await this.#keep(made);
      return images;
    } catch (error) {
      await Promise.all(made.map((part) => part.dispose()));
      throw error;
    }
  }

  /** @param {import('tabgrad').Dataset[]} made */
  async #keep(made) {
    const before = this.#made;
    this.#made = made;
    await Promise.all(before.map((part) => part.dispose()));
  }
}

/**
 * Evenly spread, since the images of a folder lie class after class.
 * @param {number} wanted
 * @param {number} count
 */
function spread(wanted, count) {
  return Uint32Array.from({ length: wanted }, (_, i) => Math.floor((i * count) / wanted));
}

/** Images of a data set by number. They lie in the engine's memory; blocks are fetched when shown. */

const BLOCK = 250;
const IMAGE_BYTES = 32 * 32 * 3;

export class ImageStore {
  /** @type {import('tabgrad').Dataset} */
  #dataset;
  /** @type {Map<number, Promise<{ x: Uint8Array, y: ArrayLike<number> }>>} */
  #blocks = new Map();

  /** @param {import('tabgrad').Dataset} dataset */
  constructor(dataset) {
    this.#dataset = dataset;
  }

  get count() {
    return this.#dataset.count;
  }

  /**
   * One image, height x width x RGB, and its label.
   * @param {number} index
   */
  async image(index) {
    const { x, y } = await this.#block(Math.floor(index / BLOCK));
    const start = (index % BLOCK) * IMAGE_BYTES;
    return { pixels: x.subarray(start, start + IMAGE_BYTES), label: Number(y[index % BLOCK]) };
  }

  /**
   * Up to `perClass` images of each class, from block `from` on, for the overview.
   * @param {number} classes
   * @param {number} perClass
   * @param {number} from
   */
  async ofEachClass(classes, perClass, from) {
    /** @type {Uint8Array[][]} */
    const found = Array.from({ length: classes }, () => []);
    const blocks = Math.ceil(this.count / BLOCK);
    for (let i = 0; i < blocks && found.some((list) => list.length < perClass); i++) {
      const { x, y } = await this.#block((from + i) % blocks);
      for (let k = 0; k < y.length; k++) {
        const list = found[Number(y[k])];
        if (list.length < perClass) list.push(x.subarray(k * IMAGE_BYTES, (k + 1) * IMAGE_BYTES));
      }
    }
    return found;
  }

  /** @param {number} number */
  #block(number) {
    let block = this.#blocks.get(number);
    if (!block) {
      const first = number * BLOCK;
      const count = Math.min(BLOCK, this.count - first);
      block = /** @type {Promise<{ x: Uint8Array, y: ArrayLike<number> }>} */ (
        this.#dataset.read(first, count)
      );
      this.#blocks.set(number, block);
      // A failed read must not be remembered: the next look tries again.
      block.catch(() => this.#blocks.delete(number));
    }
    return block;
  }
}

/** Images of a data set by number. They lie in the engine's memory; blocks are fetched when shown. */

/** 250 images of CIFAR-10, five of 224 x 224. */
const BLOCK_BYTES = 768_000;
/** Blocks that are remembered. */
const MOST_BLOCKS = 64;

/** @typedef {{ pixels: Uint8Array, width: number, height: number }} Picture pixels: height x width x RGB */

export class ImageStore {
  #dataset;
  #size;
  #perBlock;
  /** @type {Map<number, Promise<Uint8Array>>} the last used is the last */
  #blocks = new Map();
  /** @type {Promise<Int32Array> | undefined} */
  #labels;

  /** @param {import('tabgrad').Dataset} dataset of RGB images with classes as labels */
  constructor(dataset) {
    this.#dataset = dataset;
    const [height, width, channels] = dataset.shape;
    this.#size = { width, height, bytes: height * width * channels };
    this.#perBlock = Math.max(1, Math.floor(BLOCK_BYTES / this.#size.bytes));
  }

  /** The class of every image. */
  labels() {
    this.#labels ??= this.#dataset.readLabels();
    return this.#labels;
  }

  /** How many there are of each class. @param {number} classes */
  async countByClass(classes) {
    const counts = new Array(classes).fill(0);
    for (const label of await this.labels()) counts[label]++;
    return counts;
  }

  /**
   * @param {number} index
   * @returns {Promise<Picture>}
   */
  async picture(index) {
    const block = await this.#block(Math.floor(index / this.#perBlock));
    const { width, height, bytes } = this.#size;
    const start = (index % this.#perBlock) * bytes;
    return { width, height, pixels: block.subarray(start, start + bytes) };
  }

  /**
   * Up to `perClass` images of each class for the overview; every round has others, as long as there are.
   * @param {number} classes
   * @param {number} perClass
   * @param {number} round
   * @returns {Promise<Picture[][]>}
   */
  async ofEachClass(classes, perClass, round) {
    /** @type {number[][]} */
    const members = Array.from({ length: classes }, () => []);
    (await this.labels()).forEach((label, index) => members[label].push(index));
    return Promise.all(
      members.map((list) => {
        const wanted = Math.min(perClass, list.length);
        const from = list.length > perClass ? round * perClass : 0;
        return Promise.all(
          Array.from({ length: wanted }, (_, i) => this.picture(list[(from + i) % list.length])),
        );
      }),
    );
  }

  /** @param {number} number */
  #block(number) {
    const first = number * this.#perBlock;
    const count = Math.min(this.#perBlock, this.#dataset.count - first);
    const block =
      this.#blocks.get(number) ??
      this.#dataset.read(first, count).then(({ x }) => /** @type {Uint8Array} */ (x));
    this.#blocks.delete(number);
    this.#blocks.set(number, block);
    if (this.#blocks.size > MOST_BLOCKS) {
      const [oldest] = this.#blocks.keys();
      this.#blocks.delete(oldest);
    }
    // A failed read must not be remembered: the next look tries again.
    block.catch(() => this.#blocks.delete(number));
    return block;
  }
}

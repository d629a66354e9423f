/**
 * Random numbers of a seed, the same on every machine: xoshiro128** of D. Blackman and S. Vigna (2018), its state
 * filled by splitmix32. For orders and draws on the program's side; the engine has generators of its own.
 */
export class Random {
  #state = new Uint32Array(4);

  /** @param {number} seed a whole number from 0 @param {number} [stream] another sequence of the same seed */
  constructor(seed, stream = 0) {
    let mixed = (seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85ebca6b);
    mixed ^= Math.imul(stream + 1, 0xc2b2ae35);
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) | 0;
      let z = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      this.#state[i] = z ^ (z >>> 15);
    }
  }

  /** @returns {number} 0 … 2^32 − 1 */
  next() {
    const s = this.#state;
    const product = Math.imul(s[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /**
   * @param {number} end at most 2^32
   * @returns {number} 0 … end − 1, each as likely
   */
  below(end) {
    // Draws beyond the last whole multiple of `end` would favour small numbers.
    const limit = 2 ** 32 - (2 ** 32 % end);
    for (;;) {
      const value = this.next();
      if (value < limit) return value % end;
    }
  }

  /**
   * @template {{ [index: number]: any, length: number }} List
   * @param {List} list changed in place (Fisher and Yates)
   * @returns {List}
   */
  shuffle(list) {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = list[i];
      list[i] = list[j];
      list[j] = held;
    }
    return list;
  }
}

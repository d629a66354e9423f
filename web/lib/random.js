/**
 * Random numbers of the program's side. A stream depends on its seed and path alone, so the n-th trial or sample draws
 * the same however many others there were before it.
 *
 * Source: sfc32 of Chris Doty-Humphrey's PractRand.
 */

export class Random {
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #c = 0xb7e15162;
  #counter = 1;

  /**
   * @param {number} seed a whole number from 0
   * @param {...number} path whole numbers from 0: which of the seed's streams
   */
  constructor(seed, ...path) {
    for (const number of [seed, ...path]) {
      this.#absorb(number >>> 0);
      this.#absorb(Math.floor(number / 2 ** 32));
    }
  }

  /** @param {number} word */
  #absorb(word) {
    this.#a ^= word;
    for (let round = 0; round < 12; round++) this.#step();
  }

  /** 32 random bits. */
  #step() {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 to below 1, of 53 bits. */
  next() {
    return ((this.#step() >>> 5) * 2 ** 26 + (this.#step() >>> 6)) / 2 ** 53;
  }

  /** A whole number from 0 to below `limit`. @param {number} limit */
  below(limit) {
    return Math.floor(this.next() * limit);
  }

  /** Of the standard normal distribution (Box and Muller 1958). */
  normal() {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  /**
   * Some of the numbers from 0 to below `limit`, each at most once, in random order (Fisher and Yates).
   *
   * @param {number} limit
   * @param {number} count at most `limit`
   */
  choose(limit, count) {
    const numbers = Array.from({ length: limit }, (_, index) => index);
    for (let i = 0; i < count; i++) {
      const j = i + this.below(limit - i);
      [numbers[i], numbers[j]] = [numbers[j], numbers[i]];
    }
    return numbers.slice(0, count);
  }
}

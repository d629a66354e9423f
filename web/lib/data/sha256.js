/**
 * Incremental SHA-256 (FIPS 180-4), synchronous.
 *
 * Why not the platform's: `crypto.subtle.digest` takes a whole file at once (30.7 MB held per data
 * file), is asynchronous (a weights file is encoded in one call), and does not exist on a plain
 * http page of a local network. One implementation then serves browsers and Node alike.
 */

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K = new Uint32Array(64);
/** First 32 bits of the fractional parts of the square roots of the first 8 primes. */
const INITIAL = new Uint32Array(8);

for (let candidate = 2, found = 0; found < 64; candidate++) {
  let prime = true;
  for (let d = 2; d * d <= candidate; d++) if (candidate % d === 0) prime = false;
  if (!prime) continue;
  // Doubles carry 52 fraction bits, the roots are below 2^5: 32 bits of fraction are exact
  // (a test compares with another implementation).
  if (found < 8) INITIAL[found] = (candidate ** 0.5 % 1) * 2 ** 32;
  K[found++] = (Math.cbrt(candidate) % 1) * 2 ** 32;
}

export class Sha256 {
  #state = Int32Array.from(INITIAL);
  #schedule = new Int32Array(64);
  #block = new Uint8Array(64);
  #held = 0;
  #length = 0;

  /**
   * @param {Uint8Array} bytes the next bytes of the message; not kept
   * @returns {this}
   */
  update(bytes) {
    this.#length += bytes.length;
    let offset = 0;
    if (this.#held > 0) {
      const taken = Math.min(64 - this.#held, bytes.length);
      this.#block.set(bytes.subarray(0, taken), this.#held);
      this.#held += taken;
      offset = taken;
      if (this.#held < 64) return this;
      this.#compress(this.#block, 0);
      this.#held = 0;
    }
    for (; offset + 64 <= bytes.length; offset += 64) this.#compress(bytes, offset);
    if (offset < bytes.length) {
      this.#block.set(bytes.subarray(offset));
      this.#held = bytes.length - offset;
    }
    return this;
  }

  /**
   * Ends the message; the object is of no use afterwards.
   * @returns {string} 64 lower-case hexadecimal digits
   */
  hex() {
    const bits = this.#length * 8;
    const padding = new Uint8Array((this.#held < 56 ? 56 : 120) - this.#held + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits >>> 0);
    this.update(padding);
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at offset of one 64-byte block
   */
  #compress(bytes, at) {
    const w = this.#schedule;
    for (let i = 0; i < 16; i++, at += 4) {
      w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    const state = this.#state;
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    let f = state[5];
    let g = state[6];
    let h = state[7];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} 64 lower-case hexadecimal digits
 */
export function sha256Hex(bytes) {
  return new Sha256().update(bytes).hex();
}

#include "kernels/philox.h"

#include "rng.h"

/* Words that are drawn at once, and counters that give them. */
enum { AT_ONCE = 32, COUNTERS = AT_ONCE / 4 };

#ifdef TG_DOUBLE

static void draw(uint32_t words[AT_ONCE], const tg_draw *d, uint32_t block) {
  for (uint32_t i = 0; i < COUNTERS; i++)
    tg_philox(words + 4 * i, d->key, block + i, d->stream, (uint32_t)d->step, (uint32_t)(d->step >> 32));
}

#else

TG_INLINE v128_t word(uint32_t x) { return wasm_i32x4_splat((int32_t)x); }

/* Of the products of a and b, 64 bits each, the lower and the upper words. */
#define MULTIPLY(low, high, a, b)                                                                \
  do {                                                                                           \
    v128_t first = wasm_u64x2_extmul_low_u32x4(a, b), last = wasm_u64x2_extmul_high_u32x4(a, b); \
    low = wasm_i32x4_shuffle(first, last, 0, 2, 4, 6);                                           \
    high = wasm_i32x4_shuffle(first, last, 1, 3, 5, 7);                                          \
  } while (0)

#define FOUR(x) x, x, x, x

/* A vector holds one word of four counters; two such groups keep more of the processor busy than one. */
static void draw(uint32_t words[AT_ONCE], const tg_draw *d, uint32_t block) {
  static const uint32_t table[] = {FOUR(0xD2511F53u), FOUR(0xCD9E8D57u), FOUR(0x9E3779B9u), FOUR(0xBB67AE85u)};
  const uint32_t *constants = table;
  v128_t k0 = word((uint32_t)d->key), k1 = word((uint32_t)(d->key >> 32));
  v128_t c0[2], c1[2], c2[2], c3[2];
  for (uint32_t g = 0; g < 2; g++) {
    c0[g] = wasm_i32x4_add(word(block + 4 * g), wasm_i32x4_const(0, 1, 2, 3));
    c1[g] = word(d->stream);
    c2[g] = word((uint32_t)d->step);
    c3[g] = word((uint32_t)(d->step >> 32));
  }
  for (int round = 0; round < 10; round++) {
    /* Read in every round: if it knew the multipliers, the compiler would widen them once, and the engine multiply all
     * 64 bits, three products for one. */
    __asm__("" : "+r"(constants));
    const v128_t m0 = wasm_v128_load(constants), m1 = wasm_v128_load(constants + 4);
    for (int g = 0; g < 2; g++) {
      v128_t low0, high0, low1, high1;
      MULTIPLY(low0, high0, c0[g], m0);
      MULTIPLY(low1, high1, c2[g], m1);
      c0[g] = wasm_v128_xor(high1, wasm_v128_xor(c1[g], k0));
      c2[g] = wasm_v128_xor(high0, wasm_v128_xor(c3[g], k1));
      c1[g] = low1;
      c3[g] = low0;
    }
    k0 = wasm_i32x4_add(k0, wasm_v128_load(constants + 8));
    k1 = wasm_i32x4_add(k1, wasm_v128_load(constants + 12));
  }
  for (int g = 0; g < 2; g++, words += 16) {
    tg_v4_transpose(&c0[g], &c1[g], &c2[g], &c3[g]);
    wasm_v128_store(words, c0[g]);
    wasm_v128_store(words + 4, c1[g]);
    wasm_v128_store(words + 8, c2[g]);
    wasm_v128_store(words + 12, c3[g]);
  }
}

#endif

size_t tg_draw_words(uint32_t room[TG_WORDS + 4], const uint32_t **words, const tg_draw *d, uint64_t first, size_t n) {
  const uint32_t skipped = first % 4, block = (uint32_t)(first / 4);
  if (n > TG_WORDS - skipped) n = TG_WORDS - skipped;
  for (uint32_t at = 0; at < skipped + n; at += AT_ONCE) draw(room + at, d, block + at / 4);
  *words = room + skipped;
  return n;
}

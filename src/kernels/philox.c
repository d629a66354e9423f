#include "kernels/philox.h"

#include "rng.h"

/* Words of a group, four counters that are drawn together. */
enum { GROUP = 16 };

#ifdef TG_DOUBLE

static void draw(uint32_t *words, const uint32_t *end, const tg_draw *d, uint32_t block) {
  for (; words < end; words += 4, block++)
    tg_philox(words, d->key, block, d->stream, (uint32_t)d->step, (uint32_t)(d->step >> 32));
}

#else

TG_INLINE v128_t word(uint32_t x) { return wasm_i32x4_splat((int32_t)x); }

/* Of the products of a and b, 64 bits each, the lower and the upper words. The lower ones are multiplied once more: in
 * V8 on x86 a widening product is two shuffles and a product, and of shuffles there are too many. */
#define MULTIPLY(low, high, a, b)                                                                \
  do {                                                                                           \
    v128_t first = wasm_u64x2_extmul_low_u32x4(a, b), last = wasm_u64x2_extmul_high_u32x4(a, b); \
    low = wasm_i32x4_mul(a, b);                                                                  \
    high = wasm_i32x4_shuffle(first, last, 1, 3, 5, 7);                                          \
  } while (0)

#define FOUR(x) x, x, x, x

/* The words of counters block, block + 1 …, groups up to `end`. A vector holds one word of a group's counters. A round
 * is a chain of instructions that wait for each other: all groups take it in turn, from memory, before the next. */
static void draw(uint32_t *words, const uint32_t *end, const tg_draw *d, uint32_t block) {
  static const uint32_t table[] = {FOUR(0xD2511F53u), FOUR(0xCD9E8D57u)};
  const uint32_t *multipliers = table;
  v128_t counters = wasm_i32x4_add(word(block), wasm_i32x4_const(0, 1, 2, 3));
  for (uint32_t *c = words; c < end; c += GROUP) {
    wasm_v128_store(c, counters);
    wasm_v128_store(c + 4, word(d->stream));
    wasm_v128_store(c + 8, word((uint32_t)d->step));
    wasm_v128_store(c + 12, word((uint32_t)(d->step >> 32)));
    counters = wasm_i32x4_add(counters, word(4));
  }
  v128_t k0 = word((uint32_t)d->key), k1 = word((uint32_t)(d->key >> 32));
  for (int round = 0; round < 10; round++) {
    for (uint32_t *c = words; c < end; c += GROUP) {
      /* Read every time: if it knew the multipliers, the compiler would widen them once, and the engine multiply all
       * 64 bits, three products for one. */
      __asm__("" : "+r"(multipliers));
      const v128_t m0 = wasm_v128_load(multipliers), m1 = wasm_v128_load(multipliers + 4);
      const v128_t c0 = wasm_v128_load(c), c2 = wasm_v128_load(c + 8);
      v128_t low0, high0, low1, high1;
      MULTIPLY(low0, high0, c0, m0);
      MULTIPLY(low1, high1, c2, m1);
      wasm_v128_store(c, wasm_v128_xor(high1, wasm_v128_xor(wasm_v128_load(c + 4), k0)));
      wasm_v128_store(c + 4, low1);
      wasm_v128_store(c + 8, wasm_v128_xor(high0, wasm_v128_xor(wasm_v128_load(c + 12), k1)));
      wasm_v128_store(c + 12, low0);
    }
    k0 = wasm_i32x4_add(k0, word(0x9E3779B9u));
    k1 = wasm_i32x4_add(k1, word(0xBB67AE85u));
  }
  for (uint32_t *c = words; c < end; c += GROUP) {
    v128_t c0 = wasm_v128_load(c), c1 = wasm_v128_load(c + 4), c2 = wasm_v128_load(c + 8), c3 = wasm_v128_load(c + 12);
    tg_v4_transpose(&c0, &c1, &c2, &c3);
    wasm_v128_store(c, c0);
    wasm_v128_store(c + 4, c1);
    wasm_v128_store(c + 8, c2);
    wasm_v128_store(c + 12, c3);
  }
}

#endif

size_t tg_draw_words(uint32_t room[TG_WORDS + 4], const uint32_t **words, const tg_draw *d, uint64_t first, size_t n) {
  const uint32_t skipped = first % 4, block = (uint32_t)(first / 4);
  if (n > TG_WORDS - skipped) n = TG_WORDS - skipped;
  draw(room, room + (skipped + n + GROUP - 1) / GROUP * GROUP, d, block);
  *words = room + skipped;
  return n;
}

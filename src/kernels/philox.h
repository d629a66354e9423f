/* Philox4x32-10 (rng.h) for kernels that draw a word for every element: words in bulk, and what is made of four. */
#ifndef TG_KERNELS_PHILOX_H
#define TG_KERNELS_PHILOX_H

#include "kernels/simd.h"

/* What words are drawn from: word i % 4 of the key at counter (i / 4, stream, step, step >> 32) belongs to element i.
 */
typedef struct {
  uint64_t key, step;
  uint32_t stream;
} tg_draw;

enum { TG_WORDS = 128 };

/*
 * The words of elements first … first+n-1 of an array, as many of them as there is room for; returns how many, and in
 * *words where they begin in `room`. As many more may be read as fill up sixteen.
 */
size_t tg_draw_words(uint32_t room[TG_WORDS + 4], const uint32_t **words, const tg_draw *draw, uint64_t first,
                     size_t n);

#ifdef TG_DOUBLE

/* Of four words, those that are at least `least`. */
TG_INLINE tg_mask tg_words_from(const uint32_t *words, uint32_t least) {
  return (tg_mask){-(words[0] >= least), -(words[1] >= least), -(words[2] >= least), -(words[3] >= least)};
}

/* Four words as odd multiples of 2^-24 between -1 and 1, exact in float. */
TG_INLINE tg_v4 tg_words_uniform(const uint32_t *words) {
  tg_v4 x;
  for (int i = 0; i < 4; i++) x[i] = (double)((int32_t)(words[i] >> 8) * 2 - 16777215) * 5.9604644775390625e-8;
  return x;
}

#else

TG_INLINE tg_mask tg_words_from(const uint32_t *words, uint32_t least) {
  return wasm_u32x4_ge(wasm_v128_load(words), wasm_i32x4_splat((int32_t)least));
}

TG_INLINE tg_v4 tg_words_uniform(const uint32_t *words) {
  v128_t twice = wasm_i32x4_shl(wasm_u32x4_shr(wasm_v128_load(words), 8), 1);
  return tg_v4_mul(wasm_f32x4_convert_i32x4(wasm_i32x4_sub(twice, wasm_i32x4_splat(16777215))),
                   tg_v4_splat(5.9604644775390625e-8f));
}

#endif

#endif

#include "kernels/lean.h"

#include <string.h>

#include "kernels/simd.h"

TG_INLINE tg_v4 load(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }

/* ---- pruned weights ---- */

/* Lanes of four bits. */
static const tg_real LANES[16][4] = {{0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}, {1, 0, 1, 0},
                                     {0, 1, 1, 0}, {1, 1, 1, 0}, {0, 0, 0, 1}, {1, 0, 0, 1}, {0, 1, 0, 1}, {1, 1, 0, 1},
                                     {0, 0, 1, 1}, {1, 0, 1, 1}, {0, 1, 1, 1}, {1, 1, 1, 1}};

void tg_keep_masked(tg_real *x, const uint8_t *mask, size_t n) {
  for (size_t i = 0; i < n; i += 4) {
    const tg_v4 lanes = tg_v4_load(LANES[mask[i / 8] >> (i & 4) & 15]);
    tg_v4_store_part(x + i, tg_v4_keep(tg_v4_lt(tg_v4_zero(), lanes), load(x + i, n - i)), n - i);
  }
}

/* ---- 16 bits ---- */

static uint16_t to_bfloat16(tg_real x) {
  const float value = (float)x;
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (value != value) return (uint16_t)(bits >> 16 | 0x40); /* a NaN of low bits alone must stay one */
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static tg_real from_bfloat16(uint16_t x) {
  const uint32_t bits = (uint32_t)x << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return (tg_real)value;
}

void tg_store_bfloat16(uint16_t *to, const tg_real *from, size_t n) {
  size_t i = 0;
#ifndef TG_DOUBLE
  const v128_t half = wasm_i32x4_splat(0x7fff), one = wasm_i32x4_splat(1), quiet = wasm_i32x4_splat(0x400000);
  for (; i + 8 <= n; i += 8) {
    v128_t halves[2];
    for (int h = 0; h < 2; h++) {
      const v128_t x = wasm_v128_load(from + i + 4 * h), odd = wasm_v128_and(wasm_u32x4_shr(x, 16), one);
      const v128_t rounded = wasm_i32x4_add(wasm_i32x4_add(x, half), odd);
      halves[h] = wasm_u32x4_shr(wasm_v128_bitselect(wasm_v128_or(x, quiet), rounded, wasm_f32x4_ne(x, x)), 16);
    }
    wasm_v128_store(to + i, wasm_u16x8_narrow_i32x4(halves[0], halves[1]));
  }
#endif
  for (; i < n; i++) to[i] = to_bfloat16(from[i]);
}

void tg_load_bfloat16(tg_real *to, const uint16_t *from, size_t n) {
  size_t i = 0;
#ifndef TG_DOUBLE
  for (; i + 8 <= n; i += 8) {
    const v128_t x = wasm_v128_load(from + i);
    wasm_v128_store(to + i, wasm_i32x4_shl(wasm_u32x4_extend_low_u16x8(x), 16));
    wasm_v128_store(to + i + 4, wasm_i32x4_shl(wasm_u32x4_extend_high_u16x8(x), 16));
  }
#endif
  for (; i < n; i++) to[i] = from_bfloat16(from[i]);
}

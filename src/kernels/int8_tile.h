/*
 * What the 8-bit kernels share: vectors of 16- and 32-bit integers, the micro-kernel, and the way back to bytes.
 * Floats are 32-bit in every build, also where tg_real is double.
 */
#ifndef TG_KERNELS_INT8_TILE_H
#define TG_KERNELS_INT8_TILE_H

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#else
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
#endif

#include "kernels/gemm_tile.h"
#include "kernels/int8.h"

/* Four rows x eight columns of 32-bit sums; columns 0…3 and 4…7 of each row. */
typedef struct {
  v128_t r0c0, r0c4, r1c0, r1c4, r2c0, r2c4, r3c0, r3c4;
} tg_int8_tile;

/* A whole number -127…127 as it is; what is none becomes 0, so that sums stay within their bounds. */
TG_INLINE int16_t tg_int8_weight(tg_real w) { return w > -128 && w < 128 ? (int16_t)w : 0; }

/* Bytes 0…7 at p, less the zero point, as eight 16-bit numbers. */
TG_INLINE v128_t tg_int8_load(const uint8_t *p, v128_t zero) { return wasm_i16x8_sub(wasm_u16x8_load8x8(p), zero); }

/* The sum of A (4 rows at a[0…3], each `pairs` contiguous pairs) @ B (pairs, 8, 2). */
TG_INLINE tg_int8_tile tg_int8_tile_rows(tg_int8_tile t, const int16_t *const a[4], const int16_t *b, size_t pairs) {
  const int16_t *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  TG_NO_UNROLL
  for (; pairs; pairs--) {
    v128_t b0 = wasm_v128_load(b), b4 = wasm_v128_load(b + 8);
    v128_t v = wasm_v128_load32_splat(a0);
    t.r0c0 = wasm_i32x4_add(t.r0c0, wasm_i32x4_dot_i16x8(b0, v));
    t.r0c4 = wasm_i32x4_add(t.r0c4, wasm_i32x4_dot_i16x8(b4, v));
    v = wasm_v128_load32_splat(a1);
    t.r1c0 = wasm_i32x4_add(t.r1c0, wasm_i32x4_dot_i16x8(b0, v));
    t.r1c4 = wasm_i32x4_add(t.r1c4, wasm_i32x4_dot_i16x8(b4, v));
    v = wasm_v128_load32_splat(a2);
    t.r2c0 = wasm_i32x4_add(t.r2c0, wasm_i32x4_dot_i16x8(b0, v));
    t.r2c4 = wasm_i32x4_add(t.r2c4, wasm_i32x4_dot_i16x8(b4, v));
    v = wasm_v128_load32_splat(a3);
    t.r3c0 = wasm_i32x4_add(t.r3c0, wasm_i32x4_dot_i16x8(b0, v));
    t.r3c4 = wasm_i32x4_add(t.r3c4, wasm_i32x4_dot_i16x8(b4, v));
    a0 += 2, a1 += 2, a2 += 2, a3 += 2;
    b += 16;
  }
  return t;
}

TG_INLINE tg_int8_tile tg_int8_tile_zero(void) {
  v128_t zero = wasm_i32x4_splat(0);
  return (tg_int8_tile){zero, zero, zero, zero, zero, zero, zero, zero};
}

/* Four numbers cut to 0…255 and rounded, halves to even, as 32-bit integers. Adding 1.5 * 2^23 makes the last bit of
 * the mantissa the units, so that the addition rounds and the low byte is the result. A NaN becomes 0. */
TG_INLINE v128_t tg_int8_round(v128_t v) {
  v = wasm_f32x4_pmin(wasm_f32x4_splat(255), wasm_f32x4_pmax(wasm_f32x4_splat(0), v));
  return wasm_v128_and(wasm_f32x4_add(v, wasm_f32x4_splat(12582912)), wasm_i32x4_splat(255));
}

/* The same of 8 numbers, in the low 8 bytes. */
TG_INLINE v128_t tg_int8_bytes(v128_t low, v128_t high) {
  v128_t words = wasm_i16x8_narrow_i32x4(tg_int8_round(low), tg_int8_round(high));
  return wasm_u8x16_narrow_i16x8(words, words);
}

/* Writes the first n bytes of v. */
TG_INLINE void tg_int8_store_part(uint8_t *p, v128_t v, size_t n) {
  uint8_t bytes[16];
  wasm_v128_store(bytes, v);
  for (size_t i = 0; i < n; i++) p[i] = bytes[i];
}

/* Writes the first n (1…8) of the low 8 bytes of v. */
TG_INLINE void tg_int8_store(uint8_t *p, v128_t v, size_t n) {
  if (n >= 8) {
    wasm_v128_store64_lane(p, v, 0);
  } else {
    tg_int8_store_part(p, v, n);
  }
}

/* v * factor + offset, rounded twice in every build. */
TG_INLINE v128_t tg_int8_scale(v128_t v, v128_t factor, v128_t offset) {
  return wasm_f32x4_add(wasm_f32x4_mul(v, factor), offset);
}

#endif

/*
 * The vector helpers: four lanes of tg_real. Every kernel is written with these alone, so one body serves three
 * targets: WebAssembly SIMD, native float (the same intrinsics through SIMDe, for sanitizers) and native double (the
 * compiler's vector extension, for finite differences).
 *
 * No helper reassociates, and in the plain build none fuses: with contraction off, lane for lane the results are the
 * same bits in every engine. Only tg_v4_madd differs in the relaxed build.
 */
#ifndef TG_KERNELS_SIMD_H
#define TG_KERNELS_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "real.h"

#define TG_INLINE static inline __attribute__((always_inline))

/* Before a loop that does enough a turn: repeated by the compiler it would be larger and no faster. */
#ifdef __clang__
#define TG_NOT_UNROLLED _Pragma("clang loop unroll(disable)")
#else
#define TG_NOT_UNROLLED
#endif

#ifdef TG_DOUBLE

/* Vectors of 32 bytes passed between functions: all of ours are inlined, so the calling convention does not matter. */
#pragma GCC diagnostic ignored "-Wpsabi"

typedef double tg_v4 __attribute__((vector_size(32)));
typedef int64_t tg_mask __attribute__((vector_size(32)));
typedef double tg_v4_memory __attribute__((vector_size(32), aligned(8), may_alias));

TG_INLINE tg_v4 tg_v4_load(const tg_real *p) { return *(const tg_v4_memory *)p; }
TG_INLINE void tg_v4_store(tg_real *p, tg_v4 v) { *(tg_v4_memory *)p = v; }
TG_INLINE tg_v4 tg_v4_splat(tg_real x) { return (tg_v4){x, x, x, x}; }
TG_INLINE tg_v4 tg_v4_load_splat(const tg_real *p) { return tg_v4_splat(*p); }
TG_INLINE tg_v4 tg_v4_load_from(const tg_real *p, const size_t at[4]) {
  return (tg_v4){p[at[0]], p[at[1]], p[at[2]], p[at[3]]};
}
TG_INLINE void tg_v4_store_to(tg_real *p, const size_t at[4], tg_v4 v) {
  for (int i = 0; i < 4; i++) p[at[i]] = v[i];
}
TG_INLINE tg_v4 tg_v4_load_u8(const uint8_t *p) { return (tg_v4){p[0], p[1], p[2], p[3]}; }
TG_INLINE void tg_v4_store_u8(uint8_t *p, tg_v4 v) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)v[i];
}
TG_INLINE tg_v4 tg_v4_add(tg_v4 a, tg_v4 b) { return a + b; }
TG_INLINE tg_v4 tg_v4_sub(tg_v4 a, tg_v4 b) { return a - b; }
TG_INLINE tg_v4 tg_v4_mul(tg_v4 a, tg_v4 b) { return a * b; }
TG_INLINE tg_v4 tg_v4_div(tg_v4 a, tg_v4 b) { return a / b; }
TG_INLINE tg_v4 tg_v4_madd(tg_v4 a, tg_v4 b, tg_v4 c) { return a * b + c; }
TG_INLINE tg_v4 tg_v4_sqrt(tg_v4 a) { return (tg_v4){sqrt(a[0]), sqrt(a[1]), sqrt(a[2]), sqrt(a[3])}; }
TG_INLINE tg_v4 tg_v4_round(tg_v4 a) { return (tg_v4){rint(a[0]), rint(a[1]), rint(a[2]), rint(a[3])}; }
TG_INLINE tg_v4 tg_v4_abs(tg_v4 a) { return (tg_v4){fabs(a[0]), fabs(a[1]), fabs(a[2]), fabs(a[3])}; }
TG_INLINE tg_mask tg_v4_lt(tg_v4 a, tg_v4 b) { return a < b; }
TG_INLINE tg_mask tg_v4_le(tg_v4 a, tg_v4 b) { return a <= b; }
TG_INLINE tg_mask tg_v4_eq(tg_v4 a, tg_v4 b) { return a == b; }
TG_INLINE tg_mask tg_v4_ne(tg_v4 a, tg_v4 b) { return a != b; }
TG_INLINE tg_mask tg_mask_and(tg_mask a, tg_mask b) { return a & b; }
TG_INLINE tg_mask tg_mask_or(tg_mask a, tg_mask b) { return a | b; }
TG_INLINE tg_mask tg_mask_and_not(tg_mask a, tg_mask b) { return a & ~b; }
TG_INLINE int tg_mask_any(tg_mask a) { return (a[0] | a[1] | a[2] | a[3]) != 0; }
TG_INLINE tg_v4 tg_v4_select(tg_mask m, tg_v4 a, tg_v4 b) { return (tg_v4)((m & (tg_mask)a) | (~m & (tg_mask)b)); }
TG_INLINE tg_v4 tg_v4_keep(tg_mask m, tg_v4 a) { return (tg_v4)(m & (tg_mask)a); }
TG_INLINE tg_real tg_v4_lane0(tg_v4 a) { return a[0]; }
TG_INLINE tg_real tg_v4_sum(tg_v4 a) { return (a[0] + a[2]) + (a[1] + a[3]); }
TG_INLINE void tg_v4_transpose(tg_v4 *a, tg_v4 *b, tg_v4 *c, tg_v4 *d) {
  tg_v4 r0 = *a, r1 = *b, r2 = *c, r3 = *d;
  *a = (tg_v4){r0[0], r1[0], r2[0], r3[0]};
  *b = (tg_v4){r0[1], r1[1], r2[1], r3[1]};
  *c = (tg_v4){r0[2], r1[2], r2[2], r3[2]};
  *d = (tg_v4){r0[3], r1[3], r2[3], r3[3]};
}
TG_INLINE tg_mask tg_count_splat(uint32_t n) { return (tg_mask){n, n, n, n}; }
TG_INLINE tg_mask tg_count_keep(tg_mask m, tg_mask n) { return m & n; }
TG_INLINE tg_mask tg_count_on(tg_mask m, tg_mask n) { return (m & n) + 1; }
TG_INLINE tg_mask tg_count_sub(tg_mask a, tg_mask b) { return a - b; }
TG_INLINE tg_v4 tg_count_real(tg_mask n) { return __builtin_convertvector(n, tg_v4); }
TG_INLINE void tg_count_store_u8(uint8_t *p, tg_mask n) { tg_v4_store_u8(p, tg_count_real(n)); }
TG_INLINE void tg_count_store_u8x4(uint8_t *p, const tg_mask n[4]) {
  for (int i = 0; i < 4; i++) tg_count_store_u8(p + 4 * i, n[i]);
}

#else /* float */

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#else
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
#endif

typedef v128_t tg_v4;
typedef v128_t tg_mask; /* each lane all ones or all zeros */

TG_INLINE tg_v4 tg_v4_load(const tg_real *p) { return wasm_v128_load(p); }
TG_INLINE void tg_v4_store(tg_real *p, tg_v4 v) { wasm_v128_store(p, v); }
TG_INLINE tg_v4 tg_v4_splat(tg_real x) { return wasm_f32x4_splat(x); }
TG_INLINE tg_v4 tg_v4_load_splat(const tg_real *p) { return wasm_v128_load32_splat(p); }
/* Four reals from four places, and to them. */
TG_INLINE tg_v4 tg_v4_load_from(const tg_real *p, const size_t at[4]) {
  tg_v4 v = wasm_v128_load32_lane(p + at[1], wasm_v128_load32_splat(p + at[0]), 1);
  return wasm_v128_load32_lane(p + at[3], wasm_v128_load32_lane(p + at[2], v, 2), 3);
}
TG_INLINE void tg_v4_store_to(tg_real *p, const size_t at[4], tg_v4 v) {
  wasm_v128_store32_lane(p + at[0], v, 0);
  wasm_v128_store32_lane(p + at[1], v, 1);
  wasm_v128_store32_lane(p + at[2], v, 2);
  wasm_v128_store32_lane(p + at[3], v, 3);
}
/* Four bytes to four reals. */
TG_INLINE tg_v4 tg_v4_load_u8(const uint8_t *p) {
  v128_t bytes = wasm_v128_load32_zero(p);
  return wasm_f32x4_convert_i32x4(wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(bytes)));
}
/* Four whole numbers 0…255 to four bytes. */
TG_INLINE void tg_count_store_u8(uint8_t *p, tg_mask n) {
  v128_t halves = wasm_u16x8_narrow_i32x4(n, n);
  wasm_v128_store32_lane(p, wasm_u8x16_narrow_i16x8(halves, halves), 0);
}
/* Four times four. */
TG_INLINE void tg_count_store_u8x4(uint8_t *p, const tg_mask n[4]) {
  v128_t first = wasm_u16x8_narrow_i32x4(n[0], n[1]), second = wasm_u16x8_narrow_i32x4(n[2], n[3]);
  wasm_v128_store(p, wasm_u8x16_narrow_i16x8(first, second));
}
/* Four whole reals 0…255 to four bytes: behind 2^23 a real is its own lowest bits. */
TG_INLINE void tg_v4_store_u8(uint8_t *p, tg_v4 v) {
  tg_count_store_u8(p, wasm_v128_and(wasm_f32x4_add(v, wasm_f32x4_splat(8388608)), wasm_i32x4_splat(255)));
}
TG_INLINE tg_v4 tg_v4_add(tg_v4 a, tg_v4 b) { return wasm_f32x4_add(a, b); }
TG_INLINE tg_v4 tg_v4_sub(tg_v4 a, tg_v4 b) { return wasm_f32x4_sub(a, b); }
TG_INLINE tg_v4 tg_v4_mul(tg_v4 a, tg_v4 b) { return wasm_f32x4_mul(a, b); }
TG_INLINE tg_v4 tg_v4_div(tg_v4 a, tg_v4 b) { return wasm_f32x4_div(a, b); }
/* a * b + c: fused where the engine likes it in the relaxed build, rounded twice everywhere else. */
TG_INLINE tg_v4 tg_v4_madd(tg_v4 a, tg_v4 b, tg_v4 c) {
#if defined(TG_RELAXED) && defined(__wasm_relaxed_simd__)
  return wasm_f32x4_relaxed_madd(a, b, c);
#elif defined(TG_RELAXED)
  /* SIMDe's fused instruction has another name and another order of arguments from one release to the next. */
  tg_real x[4], y[4], z[4];
  tg_v4_store(x, a);
  tg_v4_store(y, b);
  tg_v4_store(z, c);
  for (int i = 0; i < 4; i++) z[i] = fmaf(x[i], y[i], z[i]);
  return tg_v4_load(z);
#else
  return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
#endif
}
TG_INLINE tg_v4 tg_v4_sqrt(tg_v4 a) { return wasm_f32x4_sqrt(a); }
/* To the nearest whole number, halves to the even one. */
TG_INLINE tg_v4 tg_v4_round(tg_v4 a) { return wasm_f32x4_nearest(a); }
TG_INLINE tg_v4 tg_v4_abs(tg_v4 a) { return wasm_f32x4_abs(a); }
TG_INLINE tg_mask tg_v4_lt(tg_v4 a, tg_v4 b) { return wasm_f32x4_lt(a, b); }
TG_INLINE tg_mask tg_v4_le(tg_v4 a, tg_v4 b) { return wasm_f32x4_le(a, b); }
TG_INLINE tg_mask tg_v4_eq(tg_v4 a, tg_v4 b) { return wasm_f32x4_eq(a, b); }
TG_INLINE tg_mask tg_v4_ne(tg_v4 a, tg_v4 b) { return wasm_f32x4_ne(a, b); }
TG_INLINE tg_mask tg_mask_and(tg_mask a, tg_mask b) { return wasm_v128_and(a, b); }
TG_INLINE tg_mask tg_mask_or(tg_mask a, tg_mask b) { return wasm_v128_or(a, b); }
TG_INLINE tg_mask tg_mask_and_not(tg_mask a, tg_mask b) { return wasm_v128_andnot(a, b); }
TG_INLINE int tg_mask_any(tg_mask a) { return wasm_v128_any_true(a) != 0; }
/* a where m, else b. */
TG_INLINE tg_v4 tg_v4_select(tg_mask m, tg_v4 a, tg_v4 b) { return wasm_v128_bitselect(a, b, m); }
/* a where m, else +0. As the smaller of two whole numbers: of a mask's "and" the compiler makes a selection, and that
 * is three instructions on x86. */
TG_INLINE tg_v4 tg_v4_keep(tg_mask m, tg_v4 a) { return wasm_u32x4_min(m, a); }
/* Whole numbers, which masks have room for. */
TG_INLINE tg_mask tg_count_splat(uint32_t n) { return wasm_i32x4_splat((int32_t)n); }
TG_INLINE tg_mask tg_count_keep(tg_mask m, tg_mask n) { return tg_v4_keep(m, n); }
/* n + 1 where m, else 1. */
TG_INLINE tg_mask tg_count_on(tg_mask m, tg_mask n) { return wasm_i32x4_add(tg_v4_keep(m, n), wasm_i32x4_splat(1)); }
TG_INLINE tg_mask tg_count_sub(tg_mask a, tg_mask b) { return wasm_i32x4_sub(a, b); }
TG_INLINE tg_v4 tg_count_real(tg_mask n) { return wasm_f32x4_convert_i32x4(n); }
TG_INLINE tg_real tg_v4_lane0(tg_v4 a) { return wasm_f32x4_extract_lane(a, 0); }
/* (0 + 2) + (1 + 3), in this order. */
TG_INLINE tg_real tg_v4_sum(tg_v4 a) {
  return (wasm_f32x4_extract_lane(a, 0) + wasm_f32x4_extract_lane(a, 2)) +
         (wasm_f32x4_extract_lane(a, 1) + wasm_f32x4_extract_lane(a, 3));
}
/* Four rows of a 4x4 matrix become its four columns. */
TG_INLINE void tg_v4_transpose(tg_v4 *a, tg_v4 *b, tg_v4 *c, tg_v4 *d) {
  v128_t ab01 = wasm_i32x4_shuffle(*a, *b, 0, 4, 1, 5), ab23 = wasm_i32x4_shuffle(*a, *b, 2, 6, 3, 7);
  v128_t cd01 = wasm_i32x4_shuffle(*c, *d, 0, 4, 1, 5), cd23 = wasm_i32x4_shuffle(*c, *d, 2, 6, 3, 7);
  *a = wasm_i32x4_shuffle(ab01, cd01, 0, 1, 4, 5);
  *b = wasm_i32x4_shuffle(ab01, cd01, 2, 3, 6, 7);
  *c = wasm_i32x4_shuffle(ab23, cd23, 0, 1, 4, 5);
  *d = wasm_i32x4_shuffle(ab23, cd23, 2, 3, 6, 7);
}

#endif

TG_INLINE tg_v4 tg_v4_zero(void) { return tg_v4_splat(0); }

/*
 * The larger and the smaller of two. WebAssembly's min and max take several instructions on x86 (their rules for NaN
 * and -0); pmin and pmax take one. They are the comparisons written out here, so a NaN in `a` stays and a NaN in `b`
 * is dropped: put what may be NaN first.
 */
#if defined(TG_DOUBLE)
TG_INLINE tg_v4 tg_v4_max(tg_v4 a, tg_v4 b) { return tg_v4_select(tg_v4_lt(a, b), b, a); }
TG_INLINE tg_v4 tg_v4_min(tg_v4 a, tg_v4 b) { return tg_v4_select(tg_v4_lt(b, a), b, a); }
#else
TG_INLINE tg_v4 tg_v4_max(tg_v4 a, tg_v4 b) { return wasm_f32x4_pmax(a, b); } /* a < b ? b : a */
TG_INLINE tg_v4 tg_v4_min(tg_v4 a, tg_v4 b) { return wasm_f32x4_pmin(a, b); } /* b < a ? b : a */
#endif

/* The largest lane. */
TG_INLINE tg_real tg_v4_largest(tg_v4 a) {
  tg_v4 b = a, c = a, d = a;
  tg_v4_transpose(&a, &b, &c, &d);
  return tg_v4_lane0(tg_v4_max(tg_v4_max(a, b), tg_v4_max(c, d)));
}

/* The first n (0…4) lanes from memory, the others `fill`; nothing past p[n - 1] is read. Lane by lane in registers:
 * what goes through an array of four arrives late, and slows down whole loops. */
TG_INLINE tg_v4 tg_v4_load_part(const tg_real *p, size_t n, tg_real fill) {
  if (n >= 4) return tg_v4_load(p);
  tg_v4 v = tg_v4_splat(fill);
#ifdef TG_DOUBLE
  for (size_t i = 0; i < n; i++) v[i] = p[i];
#else
  if (n == 1) v = wasm_v128_load32_lane(p, v, 0);
  if (n >= 2) v = wasm_v128_load64_lane(p, v, 0);
  if (n == 3) v = wasm_v128_load32_lane(p + 2, v, 2);
#endif
  return v;
}

/* Writes the first n (0…4) lanes and nothing past them. */
TG_INLINE void tg_v4_store_part(tg_real *p, tg_v4 v, size_t n) {
  if (n >= 4) {
    tg_v4_store(p, v);
    return;
  }
#ifdef TG_DOUBLE
  for (size_t i = 0; i < n; i++) p[i] = v[i];
#else
  if (n == 1) wasm_v128_store32_lane(p, v, 0);
  if (n >= 2) wasm_v128_store64_lane(p, v, 0);
  if (n == 3) wasm_v128_store32_lane(p + 2, v, 2);
#endif
}

/* y (n) = x (n). */
TG_INLINE void tg_copy(tg_real *y, const tg_real *x, size_t n) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) tg_v4_store(y + i, tg_v4_load(x + i));
  for (; i < n; i++) y[i] = x[i];
}

/* y (n) = 0. */
TG_INLINE void tg_clear(tg_real *y, size_t n) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) tg_v4_store(y + i, tg_v4_zero());
  for (; i < n; i++) y[i] = 0;
}

#endif

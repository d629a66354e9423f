/*
 * The small matrices of Winograd's minimal filtering, applied along one line of a tile, four channels at a time.
 * F(4x4, 3x3) on the points 0, ±a, ±b, ∞; in the names of Lavin & Gray (2016)
 *   Y = A' [(G g G') * (B' d B)] A          d a tile of x, g a filter, Y a tile of y
 * and since that is linear in d and in g, the gradients are its transposes, exactly:
 *   dd = B [(G g G') * (A dY A')] B',   dg = G' [(A dY A') * (B' d B)] G.
 */
#ifndef TG_KERNELS_WINOGRAD_TRANSFORM_H
#define TG_KERNELS_WINOGRAD_TRANSFORM_H

#include "kernels/gemm_tile.h"

/* Outputs and inputs along a side of a tile, and the products of one. */
enum { TG_WINOGRAD_M = 4, TG_WINOGRAD_N = 6, TG_WINOGRAD_POSITIONS = 36 };

/* What one line goes through: values after it from values before. */
enum {
  TG_WINOGRAD_BT, /* 6 from 6 */
  TG_WINOGRAD_B,  /* 6 from 6 */
  TG_WINOGRAD_G,  /* 6 from 3 */
  TG_WINOGRAD_GT, /* 3 from 6 */
  TG_WINOGRAD_A,  /* 6 from 4 */
  TG_WINOGRAD_AT  /* 4 from 6 */
};

/* The usual ±1, ±2 have entries up to 8 beside 1/24, and four times the error of these (docs/kernels.md); these are
 * also short binary fractions, so that only G is rounded. */
#define TG_WINOGRAD_POINT_A 0.75
#define TG_WINOGRAD_POINT_B 1.5

/* c * x + y */
TG_INLINE tg_v4 tg_winograd_add(double c, tg_v4 x, tg_v4 y) { return tg_v4_madd(tg_v4_splat((tg_real)c), x, y); }
TG_INLINE tg_v4 tg_winograd_scale(double c, tg_v4 x) { return tg_v4_mul(tg_v4_splat((tg_real)c), x); }

/* One line; `what` is a constant of the caller, so that only its case remains. */
TG_INLINE void tg_winograd_line(int what, tg_v4 *to, const tg_v4 *v) {
  const double a = TG_WINOGRAD_POINT_A, b = TG_WINOGRAD_POINT_B;
  const double aa = a * a, bb = b * b, product = aa * bb, sum = aa + bb;
  const double norm_a = 2 * aa * (aa - bb), norm_b = 2 * bb * (bb - aa);
  switch (what) {
    case TG_WINOGRAD_BT: {
      tg_v4 even_a = tg_winograd_add(-bb, v[2], v[4]), odd_a = tg_winograd_add(-bb, v[1], v[3]);
      tg_v4 even_b = tg_winograd_add(-aa, v[2], v[4]), odd_b = tg_winograd_add(-aa, v[1], v[3]);
      to[0] = tg_winograd_add(product, v[0], tg_winograd_add(-sum, v[2], v[4]));
      to[1] = tg_winograd_add(a, odd_a, even_a);
      to[2] = tg_winograd_add(-a, odd_a, even_a);
      to[3] = tg_winograd_add(b, odd_b, even_b);
      to[4] = tg_winograd_add(-b, odd_b, even_b);
      to[5] = tg_winograd_add(product, v[1], tg_winograd_add(-sum, v[3], v[5]));
      break;
    }
    case TG_WINOGRAD_B: {
      tg_v4 even_a = tg_v4_add(v[1], v[2]), odd_a = tg_winograd_scale(a, tg_v4_sub(v[1], v[2]));
      tg_v4 even_b = tg_v4_add(v[3], v[4]), odd_b = tg_winograd_scale(b, tg_v4_sub(v[3], v[4]));
      to[0] = tg_winograd_scale(product, v[0]);
      to[1] = tg_winograd_add(product, v[5], tg_winograd_add(-bb, odd_a, tg_winograd_scale(-aa, odd_b)));
      to[2] = tg_winograd_add(-sum, v[0], tg_winograd_add(-bb, even_a, tg_winograd_scale(-aa, even_b)));
      to[3] = tg_winograd_add(-sum, v[5], tg_v4_add(odd_a, odd_b));
      to[4] = tg_v4_add(v[0], tg_v4_add(even_a, even_b));
      to[5] = v[5];
      break;
    }
    case TG_WINOGRAD_G: {
      tg_v4 even_a = tg_winograd_scale(1 / norm_a, tg_winograd_add(aa, v[2], v[0]));
      tg_v4 even_b = tg_winograd_scale(1 / norm_b, tg_winograd_add(bb, v[2], v[0]));
      to[0] = tg_winograd_scale(1 / product, v[0]);
      to[1] = tg_winograd_add(a / norm_a, v[1], even_a);
      to[2] = tg_winograd_add(-a / norm_a, v[1], even_a);
      to[3] = tg_winograd_add(b / norm_b, v[1], even_b);
      to[4] = tg_winograd_add(-b / norm_b, v[1], even_b);
      to[5] = v[2];
      break;
    }
    case TG_WINOGRAD_GT: {
      tg_v4 even_a = tg_winograd_scale(1 / norm_a, tg_v4_add(v[1], v[2]));
      tg_v4 even_b = tg_winograd_scale(1 / norm_b, tg_v4_add(v[3], v[4]));
      tg_v4 odd_a = tg_v4_sub(v[1], v[2]), odd_b = tg_v4_sub(v[3], v[4]);
      to[0] = tg_winograd_add(1 / product, v[0], tg_v4_add(even_a, even_b));
      to[1] = tg_winograd_add(a / norm_a, odd_a, tg_winograd_scale(b / norm_b, odd_b));
      to[2] = tg_v4_add(v[5], tg_winograd_add(aa, even_a, tg_winograd_scale(bb, even_b)));
      break;
    }
    case TG_WINOGRAD_A: {
      tg_v4 even_a = tg_winograd_add(aa, v[2], v[0]), odd_a = tg_winograd_add(aa, v[3], v[1]);
      tg_v4 even_b = tg_winograd_add(bb, v[2], v[0]), odd_b = tg_winograd_add(bb, v[3], v[1]);
      to[0] = v[0];
      to[1] = tg_winograd_add(a, odd_a, even_a);
      to[2] = tg_winograd_add(-a, odd_a, even_a);
      to[3] = tg_winograd_add(b, odd_b, even_b);
      to[4] = tg_winograd_add(-b, odd_b, even_b);
      to[5] = v[3];
      break;
    }
    default: { /* TG_WINOGRAD_AT */
      tg_v4 even_a = tg_v4_add(v[1], v[2]), odd_a = tg_winograd_scale(a, tg_v4_sub(v[1], v[2]));
      tg_v4 even_b = tg_v4_add(v[3], v[4]), odd_b = tg_winograd_scale(b, tg_v4_sub(v[3], v[4]));
      to[0] = tg_v4_add(v[0], tg_v4_add(even_a, even_b));
      to[1] = tg_v4_add(odd_a, odd_b);
      to[2] = tg_winograd_add(aa, even_a, tg_winograd_scale(bb, even_b));
      to[3] = tg_v4_add(v[5], tg_winograd_add(aa, odd_a, tg_winograd_scale(bb, odd_b)));
    }
  }
}

/* Reals in a line before and after. */
TG_INLINE uint32_t tg_winograd_from(int what) {
  return what == TG_WINOGRAD_G ? 3 : what == TG_WINOGRAD_A ? TG_WINOGRAD_M : TG_WINOGRAD_N;
}
TG_INLINE uint32_t tg_winograd_to(int what) {
  return what == TG_WINOGRAD_GT ? 3 : what == TG_WINOGRAD_AT ? TG_WINOGRAD_M : TG_WINOGRAD_N;
}

/* The second half of the transform of a tile: rows (to, from) in `half`, each becoming a row of `to` (to, to). The
 * first half has done the columns. */
TG_INLINE void tg_winograd_rows(int what, tg_v4 *to, const tg_v4 *half) {
  const uint32_t wide = tg_winograd_from(what), out = tg_winograd_to(what);
  TG_NO_UNROLL
  for (uint32_t i = 0; i < out; i++) tg_winograd_line(what, to + i * out, half + i * wide);
}

/* to (to, to) = the transform of tile (from, from). */
TG_INLINE void tg_winograd_tile(int what, tg_v4 *to, const tg_v4 *tile) {
  const uint32_t wide = tg_winograd_from(what), out = tg_winograd_to(what);
  tg_v4 half[36], column[6], line[6];
  TG_NO_UNROLL
  for (uint32_t j = 0; j < wide; j++) {
    for (uint32_t i = 0; i < wide; i++) column[i] = tile[i * wide + j];
    tg_winograd_line(what, line, column);
    for (uint32_t i = 0; i < out; i++) half[i * wide + j] = line[i];
  }
  tg_winograd_rows(what, to, half);
}

#endif

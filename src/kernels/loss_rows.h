/* What the loss kernels share: reading rows whose length is no multiple of four, and Keras's clip of probabilities. */
#ifndef TG_KERNELS_LOSS_ROWS_H
#define TG_KERNELS_LOSS_ROWS_H

#include "kernels/math.h"

#define TG_PROBABILITY_EPSILON ((tg_real)1e-7)

/* Four numbers of which `left` are there, the others `fill`. */
TG_INLINE tg_v4 tg_row_load(const tg_real *p, size_t left, tg_real fill) {
  return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, fill);
}

/* v with the lanes from `left` on set to 0. */
TG_INLINE tg_v4 tg_row_keep(tg_v4 v, size_t left) {
  if (left >= 4) return v;
  tg_real lanes[4];
  tg_v4_store(lanes, v);
  return tg_v4_load_part(lanes, left, 0);
}

/* The largest of a row. A NaN is dropped unless it comes first; it comes back where the row's exponentials are added.
 */
static inline tg_real tg_row_max(const tg_real *x, size_t n) {
  tg_v4 best = tg_v4_splat(x[0]);
  for (size_t j = 0; j < n; j += 4) best = tg_v4_max(best, tg_row_load(x + j, n - j, x[0]));
  return tg_v4_largest(best);
}

/* y (n) = exp(x - max) unless NULL; returns the sum. Lanes behind the row start at -inf and add 0. */
static inline tg_real tg_row_exp(tg_real *y, const tg_real *x, tg_real max, size_t n) {
  const tg_v4 shift = tg_v4_splat(max);
  tg_v4 sum = tg_v4_zero();
  for (size_t j = 0; j < n; j += 4) {
    tg_v4 e = tg_v4_exp(tg_v4_sub(tg_row_load(x + j, n - j, -INFINITY), shift));
    sum = tg_v4_add(sum, e);
    if (y) tg_v4_store_part(y + j, e, n - j);
  }
  return tg_v4_sum(sum);
}

static inline void tg_row_scale(tg_real *y, tg_real factor, size_t n) {
  const tg_v4 f = tg_v4_splat(factor);
  for (size_t j = 0; j < n; j += 4) tg_v4_store_part(y + j, tg_v4_mul(tg_row_load(y + j, n - j, 0), f), n - j);
}

static inline tg_real tg_row_sum(const tg_real *x, size_t n) {
  tg_v4 sum = tg_v4_zero();
  for (size_t j = 0; j < n; j += 4) sum = tg_v4_add(sum, tg_row_load(x + j, n - j, 0));
  return tg_v4_sum(sum);
}

static inline tg_real tg_row_dot(const tg_real *a, const tg_real *b, size_t n) {
  tg_v4 dot = tg_v4_zero();
  for (size_t j = 0; j < n; j += 4) dot = tg_v4_madd(tg_row_load(a + j, n - j, 0), tg_row_load(b + j, n - j, 0), dot);
  return tg_v4_sum(dot);
}

#endif

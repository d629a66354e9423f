#include "kernels/softmax.h"

#include "kernels/loss_rows.h"

/* Reals that are worked on at once, and how long a row may be to be taken with others. */
enum { BLOCK = 1024, SHORT = BLOCK / 4 };

void tg_exponentials(tg_real *y, const tg_real *x, size_t n) {
  enum { AT_ONCE = 16 };
  tg_real last[AT_ONCE] = {0};
  for (size_t i = 0; i < n; i += AT_ONCE) {
    const int ends = n - i < AT_ONCE;
    if (ends) tg_copy(last, x + i, n - i);
    const tg_real *from = ends ? last : x + i;
    tg_real *to = ends ? last : y + i;
    tg_v4 v[4] = {tg_v4_load(from), tg_v4_load(from + 4), tg_v4_load(from + 8), tg_v4_load(from + 12)};
    tg_v4_exp_each(v, 4);
    for (int k = 0; k < 4; k++) tg_v4_store(to + 4 * k, v[k]);
    if (ends) tg_copy(y + i, last, n - i);
  }
}

/* log x of numbers from 1 on; NaN stays. */
static __attribute__((noinline)) tg_v4 log_of_sum(tg_v4 x) {
  tg_v4 log = x;
  tg_v4_log_normal_each(&log, 1);
  return tg_v4_add(log, tg_v4_sub(x, x));
}

/*
 * Short rows go by fours, a vector a column, so that no maximum, sum or division is of one row and no vector is half
 * empty: exponentials are taken of all columns of a block of rows.
 */

/* Where four rows of n begin. `left` of them are there: the last one stands for the missing. */
TG_INLINE void four_rows(size_t at[4], uint32_t left, uint32_t n) {
  for (uint32_t k = 0; k < 4; k++) at[k] = (size_t)(k < left ? k : left - 1) * n;
}

/* t (n, 4) = the rows of x, less the largest of each. */
TG_INLINE void take_rows(tg_real *t, const tg_real *x, const size_t at[4], size_t n) {
  tg_v4 max = tg_v4_splat(-INFINITY), v[4];
  size_t j = 0;
  TG_NOT_UNROLLED
  for (; j + 4 <= n; j += 4) {
    for (int k = 0; k < 4; k++) v[k] = tg_v4_load(x + at[k] + j);
    tg_v4_transpose(&v[0], &v[1], &v[2], &v[3]);
    for (int k = 0; k < 4; k++) tg_v4_store(t + 4 * j + 4 * k, v[k]);
    max = tg_v4_max(max, tg_v4_max(tg_v4_max(v[0], v[1]), tg_v4_max(v[2], v[3])));
  }
  TG_NOT_UNROLLED
  for (; j < n; j++) {
    const tg_v4 column = tg_v4_load_from(x + j, at);
    tg_v4_store(t + 4 * j, column);
    max = tg_v4_max(max, column);
  }
  TG_NOT_UNROLLED
  for (j = 0; j < 4 * n; j += 4) tg_v4_store(t + j, tg_v4_sub(tg_v4_load(t + j), max));
}

/* The rows of y = t (n, 4) * factor - less. */
TG_INLINE void give_rows(tg_real *y, const size_t at[4], const tg_real *t, tg_v4 factor, tg_v4 less, size_t n) {
  tg_v4 v[4];
  size_t j = 0;
  TG_NOT_UNROLLED
  for (; j + 4 <= n; j += 4) {
    for (int k = 0; k < 4; k++) v[k] = tg_v4_sub(tg_v4_mul(tg_v4_load(t + 4 * j + 4 * k), factor), less);
    tg_v4_transpose(&v[0], &v[1], &v[2], &v[3]);
    for (int k = 0; k < 4; k++) tg_v4_store(y + at[k] + j, v[k]);
  }
  TG_NOT_UNROLLED
  for (; j < n; j++) tg_v4_store_to(y + j, at, tg_v4_sub(tg_v4_mul(tg_v4_load(t + 4 * j), factor), less));
}

static void short_rows(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n, int logarithm) {
  tg_real t[2 * BLOCK], *const e = logarithm ? t + BLOCK : t;
  const uint32_t most = SHORT / n * 4;
  for (uint32_t some; rows; rows -= some, x += (size_t)some * n, y += (size_t)some * n) {
    some = rows < most ? rows : most;
    size_t at[4], end = 0;
    four_rows(at, 4, n);
    for (uint32_t row = 0; row < some; row += 4, end += 4 * n) {
      if (some - row < 4) four_rows(at, some - row, n);
      take_rows(t + end, x + (size_t)row * n, at, n);
    }
    tg_exponentials(e, t, end);
    four_rows(at, 4, n);
    end = 0;
    for (uint32_t row = 0; row < some; row += 4, end += 4 * n) {
      if (some - row < 4) four_rows(at, some - row, n);
      tg_v4 sum = tg_v4_zero(), factor = tg_v4_splat(1), less = tg_v4_zero();
      TG_NOT_UNROLLED
      for (size_t j = end; j < end + 4 * n; j += 4) sum = tg_v4_add(sum, tg_v4_load(e + j));
      if (logarithm) {
        less = log_of_sum(sum);
      } else {
        factor = tg_v4_div(factor, sum);
      }
      give_rows(y + (size_t)row * n, at, t + end, factor, less, n);
    }
  }
}

static void long_rows(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n, int logarithm) {
  tg_real room[BLOCK];
  for (; rows; rows--, x += n, y += n) {
    const tg_v4 max = tg_v4_splat(tg_row_max(x, n));
    for (size_t j = 0; j < n; j += 4) tg_v4_store_part(y + j, tg_v4_sub(tg_row_load(x + j, n - j, 0), max), n - j);
    tg_v4 sums = tg_v4_zero(), factor = tg_v4_splat(1), less = tg_v4_zero();
    for (size_t at = 0; at < n; at += BLOCK) {
      const size_t some = n - at < BLOCK ? n - at : BLOCK;
      tg_real *e = logarithm ? room : y + at;
      tg_exponentials(e, y + at, some);
      for (size_t j = 0; j < some; j += 4) sums = tg_v4_add(sums, tg_row_load(e + j, some - j, 0));
    }
    const tg_v4 sum = tg_v4_splat(tg_v4_sum(sums));
    if (logarithm) {
      less = log_of_sum(sum);
    } else {
      factor = tg_v4_div(factor, sum);
    }
    for (size_t j = 0; j < n; j += 4) {
      const tg_v4 v = tg_v4_mul(tg_row_load(y + j, n - j, 0), factor);
      tg_v4_store_part(y + j, tg_v4_sub(v, less), n - j);
    }
  }
}

void tg_softmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n) {
  /* y (rows, n), x (rows, n) */
  (n <= SHORT ? short_rows : long_rows)(y, x, rows, n, 0);
}

void tg_softmax_backward(tg_real *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n) {
  /* dx (rows, n), dy (rows, n), y (rows, n) */
  for (size_t row = 0; row < rows; row++, dx += n, dy += n, y += n) {
    const tg_v4 shift = tg_v4_splat(tg_row_dot(y, dy, n));
    for (size_t j = 0; j < n; j += 4) {
      tg_v4 d = tg_v4_mul(tg_row_load(y + j, n - j, 0), tg_v4_sub(tg_row_load(dy + j, n - j, 0), shift));
      tg_v4_store_part(dx + j, d, n - j);
    }
  }
}

void tg_log_softmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n) {
  /* y (rows, n), x (rows, n) */
  (n <= SHORT ? short_rows : long_rows)(y, x, rows, n, 1);
}

void tg_log_softmax_backward(tg_real *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n) {
  /* dx (rows, n), dy (rows, n), y (rows, n) */
  for (size_t row = 0; row < rows; row++, dx += n, dy += n, y += n) {
    const tg_v4 sum = tg_v4_splat(tg_row_sum(dy, n));
    for (size_t j = 0; j < n; j += 4) {
      tg_v4 share = tg_v4_mul(tg_v4_exp(tg_row_load(y + j, n - j, 0)), sum);
      tg_v4_store_part(dx + j, tg_v4_sub(tg_row_load(dy + j, n - j, 0), share), n - j);
    }
  }
}

void tg_hardmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n) {
  for (size_t row = 0; row < rows; row++, y += n, x += n) {
    const tg_real max = tg_row_max(x, n);
    size_t at = 0;
    while (at + 1 < n && !(x[at] >= max)) at++;
    tg_clear(y, n);
    y[at] = 1;
  }
}

void tg_hardmax_backward(tg_real *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n) {
  (void)dy, (void)y;
  tg_clear(dx, (size_t)rows * n);
}

#include "kernels/reduce.h"

#include "kernels/simd.h"

/* Rows added up before the partial sum joins the total: keeps rounding errors near those of pairwise summation, and a
 * chunk of 64 columns (16 KB) in the first-level cache while its columns are gone through. */
enum { ROWS_PER_CHUNK = 64 };

/* Sum of up to ROWS_PER_CHUNK rows, four columns (`left` of them valid) of x (rows, n). When y is given, x is a
 * gradient that first loses its elements where y is not positive. */
TG_INLINE tg_v4 sum_columns(tg_real *x, const tg_real *y, size_t rows, size_t n, size_t left) {
  tg_v4 sum = tg_v4_zero();
  for (; rows; rows--, x += n) {
    tg_v4 v = left >= 4 ? tg_v4_load(x) : tg_v4_load_part(x, left, 0);
    if (y) {
      tg_v4 output = left >= 4 ? tg_v4_load(y) : tg_v4_load_part(y, left, 0);
      v = tg_v4_keep(tg_v4_lt(tg_v4_zero(), output), v);
      tg_v4_store_part(x, v, left);
      y += n;
    }
    sum = tg_v4_add(sum, v);
  }
  return sum;
}

/* The same for sixteen columns, a cache line: four sums that do not wait for each other. */
TG_INLINE void add_sixteen_columns(tg_real *sum, tg_real *x, const tg_real *y, size_t rows, size_t n) {
  const tg_v4 zero = tg_v4_zero();
  tg_v4 sums[4] = {zero, zero, zero, zero};
  for (; rows; rows--, x += n) {
    for (size_t i = 0; i < 4; i++) {
      tg_v4 v = tg_v4_load(x + 4 * i);
      if (y) {
        v = tg_v4_keep(tg_v4_lt(zero, tg_v4_load(y + 4 * i)), v);
        tg_v4_store(x + 4 * i, v);
      }
      sums[i] = tg_v4_add(sums[i], v);
    }
    if (y) y += n;
  }
  for (size_t i = 0; i < 4; i++) tg_v4_store(sum + 4 * i, tg_v4_add(tg_v4_load(sum + 4 * i), sums[i]));
}

TG_INLINE void sum_chunks(tg_real *sum, tg_real *x, const tg_real *y, size_t rows, size_t n) {
  tg_clear(sum, n);
  for (size_t row = 0; row < rows; row += ROWS_PER_CHUNK) {
    const size_t count = rows - row < ROWS_PER_CHUNK ? rows - row : ROWS_PER_CHUNK;
    tg_real *x_rows = x + row * n;
    const tg_real *y_rows = y ? y + row * n : NULL;
    size_t j = 0;
    for (; j + 16 <= n; j += 16) add_sixteen_columns(sum + j, x_rows + j, y ? y_rows + j : NULL, count, n);
    for (; j + 4 <= n; j += 4) {
      tg_v4 part = sum_columns(x_rows + j, y ? y_rows + j : NULL, count, n, 4);
      tg_v4_store(sum + j, tg_v4_add(tg_v4_load(sum + j), part));
    }
    if (j < n) {
      tg_v4 part = sum_columns(x_rows + j, y ? y_rows + j : NULL, count, n, n - j);
      tg_v4_store_part(sum + j, tg_v4_add(tg_v4_load_part(sum + j, n - j, 0), part), n - j);
    }
  }
}

void tg_sum_rows(tg_real *sum, const tg_real *x, size_t rows, uint32_t n) {
  /* sum (n), x (rows, n); without y nothing is written to x */
  sum_chunks(sum, (tg_real *)x, NULL, rows, n);
}

void tg_relu_backward_sum_rows(tg_real *dy, tg_real *sum, const tg_real *y, size_t rows, uint32_t n) {
  /* dy (rows, n), sum (n), y (rows, n) */
  sum_chunks(sum, dy, y, rows, n);
}

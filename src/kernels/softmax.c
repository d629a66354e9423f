#include "kernels/softmax.h"

#include "kernels/loss_rows.h"

/* Reals that are worked on at once: rows as long as that are taken by themselves, shorter ones several at a time. */
enum { BLOCK = 1024 };

static uint32_t rows_at_once(uint32_t rows, uint32_t n) {
  const uint32_t fitting = n < BLOCK ? BLOCK / n : 1;
  return rows < fitting ? rows : fitting;
}

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

/* y (rows, n) = x less the largest of its row. */
static void shift_rows(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n) {
  for (; rows; rows--, y += n, x += n) {
    const tg_v4 max = tg_v4_splat(tg_row_max(x, n));
    for (size_t j = 0; j < n; j += 4) tg_v4_store_part(y + j, tg_v4_sub(tg_row_load(x + j, n - j, 0), max), n - j);
  }
}

void tg_softmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n) {
  /* y (rows, n), x (rows, n) */
  for (uint32_t some; rows; rows -= some, x += (size_t)some * n) {
    some = rows_at_once(rows, n);
    shift_rows(y, x, some, n);
    tg_exponentials(y, y, (size_t)some * n);
    for (uint32_t row = 0; row < some; row++, y += n) tg_row_scale(y, 1 / tg_row_sum(y, n), n);
  }
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

/* The sum of exp(x) over a row of any length, added up as tg_row_sum does; e (BLOCK) is overwritten. */
static tg_real sum_of_exponentials(tg_real *e, const tg_real *x, size_t n) {
  tg_v4 sum = tg_v4_zero();
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t some = n - at < BLOCK ? n - at : BLOCK;
    tg_exponentials(e, x + at, some);
    for (size_t j = 0; j < some; j += 4) sum = tg_v4_add(sum, tg_row_load(e + j, some - j, 0));
  }
  return tg_v4_sum(sum);
}

void tg_log_softmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n) {
  /* y (rows, n), x (rows, n) */
  tg_real e[BLOCK]; /* exponentials, then, row by row, their sums, then the sums' logarithms */
  for (uint32_t some; rows; rows -= some, x += (size_t)some * n) {
    some = rows_at_once(rows, n);
    shift_rows(y, x, some, n);
    if (n < BLOCK) tg_exponentials(e, y, (size_t)some * n);
    for (size_t row = 0; row < some; row++)
      e[row] = n < BLOCK ? tg_row_sum(e + row * n, n) : sum_of_exponentials(e, y, n);
    for (size_t row = 0; row < some; row += 4) tg_v4_store(e + row, tg_v4_log(tg_v4_load(e + row)));
    for (size_t row = 0; row < some; row++, y += n) {
      const tg_v4 log_sum = tg_v4_splat(e[row]);
      for (size_t j = 0; j < n; j += 4)
        tg_v4_store_part(y + j, tg_v4_sub(tg_row_load(y + j, n - j, 0), log_sum), n - j);
    }
  }
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

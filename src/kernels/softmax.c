#include "kernels/softmax.h"

#include "kernels/loss_rows.h"

void tg_softmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n) {
  /* y (rows, n), x (rows, n) */
  for (size_t row = 0; row < rows; row++) {
    tg_real sum = tg_row_exp(y + row * n, x + row * n, tg_row_max(x + row * n, n), n);
    tg_row_scale(y + row * n, 1 / sum, n);
  }
}

void tg_softmax_backward(tg_real *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n) {
  /* dx (rows, n), dy (rows, n), y (rows, n) */
  for (size_t row = 0; row < rows; row++, dx += n, dy += n, y += n) {
    tg_v4 dot = tg_v4_zero();
    for (size_t j = 0; j < n; j += 4) {
      dot = tg_v4_madd(tg_row_load(y + j, n - j, 0), tg_row_load(dy + j, n - j, 0), dot);
    }
    const tg_v4 shift = tg_v4_splat(tg_v4_sum(dot));
    for (size_t j = 0; j < n; j += 4) {
      tg_v4 d = tg_v4_mul(tg_row_load(y + j, n - j, 0), tg_v4_sub(tg_row_load(dy + j, n - j, 0), shift));
      tg_v4_store_part(dx + j, d, n - j);
    }
  }
}

void tg_log_softmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n) {
  /* y (rows, n), x (rows, n) */
  for (size_t row = 0; row < rows; row++, y += n, x += n) {
    tg_real max = tg_row_max(x, n);
    const tg_v4 m = tg_v4_splat(max), l = tg_v4_splat(tg_log(tg_row_exp(NULL, x, max, n)));
    for (size_t j = 0; j < n; j += 4)
      tg_v4_store_part(y + j, tg_v4_sub(tg_v4_sub(tg_row_load(x + j, n - j, 0), m), l), n - j);
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

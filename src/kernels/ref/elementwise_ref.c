#include <math.h>

#include "kernels/ref/ref.h"
#include "rng.h"

void tg_ref_relu(double *y, const tg_real *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i];
}

void tg_ref_relu_backward(double *dx, const tg_real *dy, const tg_real *y, size_t n) {
  for (size_t i = 0; i < n; i++) dx[i] = y[i] > 0 ? dy[i] : 0;
}

void tg_ref_add_arrays(double *y, const tg_real *a, const tg_real *b, size_t n, int relu) {
  for (size_t i = 0; i < n; i++) {
    y[i] = (double)a[i] + b[i];
    if (relu && y[i] < 0) y[i] = 0;
  }
}

void tg_ref_accumulate(double *sum, const tg_real *y, const tg_real *x, size_t n) {
  for (size_t i = 0; i < n; i++) sum[i] = (double)y[i] + x[i];
}

int tg_ref_all_finite(const tg_real *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) return 0;
  }
  return 1;
}

void tg_ref_dropout(double *y, const tg_real *x, size_t n, uint32_t first, uint32_t threshold, tg_real scale,
                    uint64_t key, uint32_t stream, uint64_t step) {
  for (size_t i = 0; i < n; i++) {
    uint32_t words[4];
    uint64_t at = (uint64_t)first + i;
    tg_philox(words, key, (uint32_t)(at / 4), stream, (uint32_t)step, (uint32_t)(step >> 32));
    y[i] = words[at % 4] >= threshold ? (double)x[i] * scale : 0;
  }
}

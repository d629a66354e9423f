#include <math.h>

#include "kernels/ref/ref.h"

void tg_ref_prelu(double *y, const tg_real *x, const tg_real *alpha, size_t rows, uint32_t n) {
  for (size_t i = 0; i < rows * n; i++) y[i] = x[i] > 0 ? (double)x[i] : (double)alpha[i % n] * x[i];
}

void tg_ref_prelu_backward(double *dx, double *sum, double *magnitude, const tg_real *dy, const tg_real *x,
                           const tg_real *alpha, size_t rows, uint32_t n) {
  for (uint32_t j = 0; j < n; j++) sum[j] = magnitude[j] = 0;
  for (size_t i = 0; i < rows * n; i++) {
    dx[i] = x[i] > 0 ? (double)dy[i] : (double)alpha[i % n] * dy[i];
    if (x[i] > 0) continue;
    sum[i % n] += (double)x[i] * dy[i];
    magnitude[i % n] += fabs((double)x[i] * dy[i]);
  }
}

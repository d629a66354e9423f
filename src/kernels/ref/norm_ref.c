#include <math.h>

#include "kernels/ref/ref.h"

void tg_ref_norm_statistics(double *mean, double *variance, const tg_real *x, size_t rows, uint32_t n) {
  for (uint32_t j = 0; j < n; j++) {
    double sum = 0, squares = 0;
    for (size_t r = 0; r < rows; r++) sum += x[r * n + j];
    mean[j] = sum / (double)rows;
    for (size_t r = 0; r < rows; r++) squares += (x[r * n + j] - mean[j]) * (x[r * n + j] - mean[j]);
    variance[j] = squares / (double)rows;
  }
}

void tg_ref_norm(double *y, const tg_real *x, const tg_real *mean, const tg_real *scale, const tg_real *shift,
                 size_t rows, uint32_t n, int relu) {
  for (size_t i = 0; i < rows * n; i++) {
    y[i] = ((double)x[i] - mean[i % n]) * scale[i % n] + shift[i % n];
    if (relu && y[i] < 0) y[i] = 0;
  }
}

void tg_ref_norm_backward_sums(double *sums, double *magnitude, const tg_real *dy, const tg_real *x,
                               const tg_real *mean, const tg_real *y, size_t rows, uint32_t n) {
  for (uint32_t j = 0; j < 2 * n; j++) sums[j] = magnitude[j] = 0;
  for (size_t i = 0; i < rows * n; i++) {
    if (y && y[i] <= 0) continue;
    double product = (double)dy[i] * ((double)x[i] - mean[i % n]);
    sums[i % n] += dy[i];
    magnitude[i % n] += fabs((double)dy[i]);
    sums[n + i % n] += product;
    magnitude[n + i % n] += fabs(product);
  }
}

void tg_ref_norm_backward(double *dx, const tg_real *dy, const tg_real *x, const tg_real *mean, const tg_real *scale,
                          const tg_real *slope, const tg_real *offset, const tg_real *y, size_t rows, uint32_t n) {
  for (size_t i = 0; i < rows * n; i++) {
    double d = y && y[i] <= 0 ? 0 : dy[i];
    dx[i] = d * scale[i % n] - ((double)x[i] - mean[i % n]) * slope[i % n] - offset[i % n];
  }
}

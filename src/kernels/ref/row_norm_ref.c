#include <math.h>

#include "kernels/ref/ref.h"

static void statistics(tg_row_norm_kind kind, const tg_real *x, double epsilon, uint32_t n, double *mean,
                       double *inverse) {
  double squares = 0;
  *mean = 0;
  for (uint32_t j = 0; j < n && kind == TG_LAYER_NORM; j++) *mean += (double)x[j] / n;
  for (uint32_t j = 0; j < n; j++) squares += (x[j] - *mean) * (x[j] - *mean);
  *inverse = 1 / sqrt(kind == TG_UNIT_NORM ? fmax(squares, epsilon) : squares / n + epsilon);
}

void tg_ref_row_norm(tg_row_norm_kind kind, double *y, const tg_real *x, const tg_real *gamma, const tg_real *beta,
                     double epsilon, size_t rows, uint32_t n) {
  for (size_t row = 0; row < rows; row++) {
    double mean, inverse;
    statistics(kind, x + row * n, epsilon, n, &mean, &inverse);
    for (uint32_t j = 0; j < n; j++)
      y[row * n + j] = (x[row * n + j] - mean) * inverse * (gamma ? gamma[j] : 1) + (beta ? beta[j] : 0);
  }
}

void tg_ref_row_norm_backward(tg_row_norm_kind kind, double *dx, double *sums, const tg_real *dy, const tg_real *x,
                              const tg_real *gamma, double epsilon, size_t rows, uint32_t n) {
  for (uint32_t j = 0; j < 2 * n; j++) sums[j] = 0;
  for (size_t row = 0; row < rows; row++, x += n, dy += n, dx += n) {
    double mean, inverse, plain = 0, weighted = 0;
    statistics(kind, x, epsilon, n, &mean, &inverse);
    for (uint32_t j = 0; j < n; j++) {
      double v = (x[j] - mean) * inverse, d = (double)dy[j] * (gamma ? gamma[j] : 1);
      sums[j] += dy[j] * v;
      sums[n + j] += dy[j];
      plain += d;
      weighted += d * v;
    }
    for (uint32_t j = 0; j < n; j++) {
      double v = (x[j] - mean) * inverse, d = (double)dy[j] * (gamma ? gamma[j] : 1);
      if (kind == TG_LAYER_NORM) dx[j] = inverse * (d - plain / n - v * weighted / n);
      if (kind == TG_RMS_NORM) dx[j] = inverse * (d - v * weighted / n);
      if (kind == TG_UNIT_NORM) dx[j] = inverse * (d - (inverse * inverse * epsilon >= 1 ? 0 : v * weighted));
    }
  }
}

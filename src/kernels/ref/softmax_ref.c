#include <math.h>

#include "kernels/ref/ref.h"

void tg_ref_softmax(double *y, const tg_real *x, uint32_t rows, uint32_t n) {
  for (size_t row = 0; row < rows; row++, x += n, y += n) {
    double max = x[0], sum = 0;
    for (size_t j = 1; j < n; j++) max = x[j] > max ? x[j] : max;
    for (size_t j = 0; j < n; j++) sum += exp(x[j] - max);
    for (size_t j = 0; j < n; j++) y[j] = exp(x[j] - max) / sum;
  }
}

void tg_ref_softmax_backward(double *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n) {
  for (size_t row = 0; row < rows; row++, dx += n, dy += n, y += n) {
    double dot = 0;
    for (size_t j = 0; j < n; j++) dot += (double)y[j] * dy[j];
    for (size_t j = 0; j < n; j++) dx[j] = y[j] * (dy[j] - dot);
  }
}

void tg_ref_log_softmax(double *y, const tg_real *x, uint32_t rows, uint32_t n) {
  for (size_t row = 0; row < rows; row++, x += n, y += n) {
    double max = x[0], sum = 0;
    for (size_t j = 1; j < n; j++) max = x[j] > max ? x[j] : max;
    for (size_t j = 0; j < n; j++) sum += exp(x[j] - max);
    for (size_t j = 0; j < n; j++) y[j] = x[j] - max - log(sum);
  }
}

void tg_ref_log_softmax_backward(double *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n) {
  for (size_t row = 0; row < rows; row++, dx += n, dy += n, y += n) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum += dy[j];
    for (size_t j = 0; j < n; j++) dx[j] = dy[j] - exp(y[j]) * sum;
  }
}
void tg_ref_hardmax(double *y, const tg_real *x, uint32_t rows, uint32_t n) {
  for (uint32_t row = 0; row < rows; row++) {
    uint32_t best = 0;
    for (uint32_t j = 0; j < n; j++) {
      y[row * n + j] = 0;
      if (x[row * n + j] > x[row * n + best]) best = j;
    }
    y[row * n + best] = 1;
  }
}

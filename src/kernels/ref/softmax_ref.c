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

double tg_ref_softmax_crossentropy(const double *x, const double *t, uint32_t n) {
  double max = x[0], sum = 0, loss = 0;
  for (size_t j = 1; j < n; j++) max = x[j] > max ? x[j] : max;
  for (size_t j = 0; j < n; j++) sum += exp(x[j] - max);
  for (size_t j = 0; j < n; j++) loss -= t[j] * (x[j] - max - log(sum));
  return loss;
}

static double clip(double p) { return fmin(fmax(p, 1e-7), 1 - 1e-7); }

double tg_ref_categorical_crossentropy(const double *x, const double *t, uint32_t n) {
  double sum = 0, loss = 0;
  for (size_t j = 0; j < n; j++) sum += x[j];
  for (size_t j = 0; j < n; j++) loss -= t[j] * log(clip(x[j] / sum));
  return loss;
}

double tg_ref_sigmoid_crossentropy(const double *x, const double *t, uint32_t n) {
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss += fmax(x[j], 0) - x[j] * t[j] + log1p(exp(-fabs(x[j])));
  return loss / n;
}

double tg_ref_binary_crossentropy(const double *x, const double *t, uint32_t n) {
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss -= t[j] * log(clip(x[j])) + (1 - t[j]) * log(1 - clip(x[j]));
  return loss / n;
}

double tg_ref_mean_squared_error(const double *x, const double *t, uint32_t n) {
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss += (x[j] - t[j]) * (x[j] - t[j]);
  return loss / n;
}

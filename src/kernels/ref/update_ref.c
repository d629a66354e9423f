#include <math.h>

#include "kernels/ref/ref.h"

void tg_ref_sgd_update(double *w, double *const *s, const tg_real *g, const double *k, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double step = k[0] * (double)g[i];
    if (s[0]) s[0][i] = k[1] * s[0][i] - step;
    w[i] += !s[0] ? -step : k[2] != 0 ? k[1] * s[0][i] - step : s[0][i];
  }
}

static void average(double *mean, double x, double take) { *mean += (x - *mean) * take; }

void tg_ref_adam_update(double *w, double *const *s, const tg_real *g, const double *k, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double x = (double)g[i];
    average(&s[0][i], x, k[1]);
    average(&s[1][i], x * x, k[2]);
    if (s[2]) s[2][i] = fmax(s[2][i], s[1][i]);
    w[i] -= k[0] * s[0][i] / (sqrt(s[s[2] ? 2 : 1][i]) + k[3]);
  }
}

void tg_ref_adamax_update(double *w, double *const *s, const tg_real *g, const double *k, size_t n) {
  for (size_t i = 0; i < n; i++) {
    average(&s[0][i], (double)g[i], k[1]);
    s[1][i] = fmax(k[2] * s[1][i], fabs((double)g[i]));
    w[i] -= k[0] * s[0][i] / (s[1][i] + k[3]);
  }
}

void tg_ref_nadam_update(double *w, double *const *s, const tg_real *g, const double *k, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double x = (double)g[i];
    average(&s[0][i], x, k[2]);
    average(&s[1][i], x * x, k[3]);
    w[i] -= (k[0] * s[0][i] + k[1] * x) / (sqrt(k[4] * s[1][i]) + k[5]);
  }
}

void tg_ref_adagrad_update(double *w, double *const *s, const tg_real *g, const double *k, size_t n) {
  for (size_t i = 0; i < n; i++) {
    s[0][i] += (double)g[i] * (double)g[i];
    w[i] -= k[0] * (double)g[i] / sqrt(s[0][i] + k[1]);
  }
}

void tg_ref_rmsprop_update(double *w, double *const *s, const tg_real *g, const double *k, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double x = (double)g[i];
    average(&s[0][i], x * x, k[1]);
    if (s[2]) average(&s[2][i], x, k[1]);
    double variance = s[0][i] - (s[2] ? s[2][i] * s[2][i] : 0);
    double step = k[0] * x / sqrt(fmax(variance, 0) + k[3]);
    if (s[1]) step = s[1][i] = k[2] * s[1][i] + step;
    w[i] -= step;
  }
}

void tg_ref_adadelta_update(double *w, double *const *s, const tg_real *g, const double *k, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double x = (double)g[i];
    average(&s[0][i], x * x, k[1]);
    double step = x * sqrt(s[1][i] + k[2]) / sqrt(s[0][i] + k[2]);
    average(&s[1][i], step * step, k[1]);
    w[i] -= k[0] * step;
  }
}

void tg_ref_lion_update(double *w, double *const *s, const tg_real *g, const double *k, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double direction = k[1] * s[0][i] + k[2] * (double)g[i];
    w[i] -= direction > 0 ? k[0] : direction < 0 ? -k[0] : 0;
    average(&s[0][i], (double)g[i], k[3]);
  }
}

void tg_ref_adafactor_columns(double *moments, const tg_real *g, size_t rows, size_t stride, size_t n, double take,
                              double epsilon) {
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t row = 0; row < rows; row++) sum += (double)g[row * stride + i] * (double)g[row * stride + i] + epsilon;
    average(&moments[i], sum / (double)rows, take);
  }
}

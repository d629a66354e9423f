#include <math.h>

#include "kernels/ref/ref.h"

double tg_ref_softmax_crossentropy(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double max = x[0], sum = 0, loss = 0;
  for (size_t j = 1; j < n; j++) max = x[j] > max ? x[j] : max;
  for (size_t j = 0; j < n; j++) sum += exp(x[j] - max);
  for (size_t j = 0; j < n; j++) loss -= t[j] * (x[j] - max - log(sum));
  return loss;
}

static double clip(double p) { return fmin(fmax(p, 1e-7), 1 - 1e-7); }

double tg_ref_categorical_crossentropy(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double sum = 0, loss = 0;
  for (size_t j = 0; j < n; j++) sum += x[j];
  for (size_t j = 0; j < n; j++) loss -= t[j] * log(clip(x[j] / sum));
  return loss;
}

double tg_ref_sigmoid_crossentropy(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss += fmax(x[j], 0) - x[j] * t[j] + log1p(exp(-fabs(x[j])));
  return loss / n;
}

double tg_ref_binary_crossentropy(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss -= t[j] * log(clip(x[j])) + (1 - t[j]) * log(1 - clip(x[j]));
  return loss / n;
}

double tg_ref_mean_squared_error(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss += (x[j] - t[j]) * (x[j] - t[j]);
  return loss / n;
}

static void softmax(double *p, const double *x, uint32_t n) {
  double max = x[0], sum = 0;
  for (size_t j = 1; j < n; j++) max = x[j] > max ? x[j] : max;
  for (size_t j = 0; j < n; j++) sum += exp(x[j] - max);
  for (size_t j = 0; j < n; j++) p[j] = exp(x[j] - max) / sum;
}

double tg_ref_categorical_focal(const double *x, const double *t, const double *options, uint32_t n) {
  double sum = 0, loss = 0;
  for (size_t j = 0; j < n; j++) sum += x[j];
  for (size_t j = 0; j < n; j++) {
    double p = clip(x[j] / sum);
    loss -= options[0] * pow(1 - p, options[1]) * t[j] * log(p);
  }
  return loss;
}

double tg_ref_softmax_focal(const double *x, const double *t, const double *options, uint32_t n) {
  double p[64], loss = 0;
  softmax(p, x, n);
  for (size_t j = 0; j < n; j++) loss -= options[0] * pow(1 - p[j], options[1]) * t[j] * log(p[j]);
  return loss;
}

double tg_ref_categorical_hinge(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double worst = -INFINITY, right = 0;
  for (size_t j = 0; j < n; j++) {
    worst = fmax(worst, (1 - t[j]) * x[j]);
    right += t[j] * x[j];
  }
  return fmax(0, 1 + worst - right);
}

double tg_ref_cosine_similarity(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double xx = 0, tt = 0, xt = 0;
  for (size_t j = 0; j < n; j++) {
    xx += x[j] * x[j];
    tt += t[j] * t[j];
    xt += x[j] * t[j];
  }
  return -xt / (fmax(sqrt(xx), 1e-7) * fmax(sqrt(tt), 1e-7));
}

double tg_ref_binary_focal(const double *x, const double *t, const double *options, uint32_t n) {
  double loss = 0;
  for (size_t j = 0; j < n; j++) {
    double p_t = t[j] * x[j] + (1 - t[j]) * (1 - x[j]);
    double one = -(t[j] * log(clip(x[j])) + (1 - t[j]) * log(1 - clip(x[j])));
    double balance = options[2] != 0 ? t[j] * options[0] + (1 - t[j]) * (1 - options[0]) : 1;
    loss += balance * pow(fmax(1 - p_t, 0), options[1]) * one;
  }
  return loss / n;
}

double tg_ref_sigmoid_focal(const double *x, const double *t, const double *options, uint32_t n) {
  double p[64];
  for (size_t j = 0; j < n; j++) p[j] = 1 / (1 + exp(-x[j]));
  return tg_ref_binary_focal(p, t, options, n);
}

double tg_ref_mean_absolute_error(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss += fabs(x[j] - t[j]);
  return loss / n;
}

double tg_ref_log_cosh(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss += log(cosh(x[j] - t[j]));
  return loss / n;
}

double tg_ref_huber(const double *x, const double *t, const double *options, uint32_t n) {
  const double delta = options[0];
  double loss = 0;
  for (size_t j = 0; j < n; j++) {
    double e = fabs(x[j] - t[j]);
    loss += e <= delta ? e * e / 2 : delta * e - delta * delta / 2;
  }
  return loss / n / (options[1] != 0 ? delta : 1);
}

double tg_ref_mean_squared_logarithmic_error(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss += pow(log(fmax(x[j], 1e-7) + 1) - log(fmax(t[j], 1e-7) + 1), 2);
  return loss / n;
}

double tg_ref_poisson(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss += x[j] - t[j] * log(x[j] + 1e-7);
  return loss / n;
}

double tg_ref_hinge(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss += fmax(0, 1 - t[j] * x[j]);
  return loss / n;
}

double tg_ref_squared_hinge(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double loss = 0;
  for (size_t j = 0; j < n; j++) loss += pow(fmax(0, 1 - t[j] * x[j]), 2);
  return loss / n;
}

double tg_ref_kl_divergence(const double *x, const double *t, const double *options, uint32_t n) {
  (void)options;
  double loss = 0;
  for (size_t j = 0; j < n; j++) {
    double p = fmin(fmax(x[j], 1e-7), 1), q = fmin(fmax(t[j], 1e-7), 1);
    loss += q * log(q / p);
  }
  return loss;
}

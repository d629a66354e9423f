#include <math.h>

#include "kernels/ref/ref.h"

double tg_ref_merge(tg_merge_kind kind, double a, double b, double factor) {
  switch (kind) {
    case TG_SUBTRACT:
      return a - b;
    case TG_MULTIPLY:
      return a * b;
    case TG_AVERAGE:
      return (a + b) * factor;
    case TG_MAXIMUM:
      return a < b || isnan(b) ? b : a;
    case TG_MINIMUM:
      return b < a || isnan(b) ? b : a;
    case TG_MERGES:
      break;
  }
  return NAN;
}

void tg_ref_merge_slopes(double slopes[2], tg_merge_kind kind, double a, double b, double factor) {
  const double left[TG_MERGES] = {1, b, factor, a >= b, a <= b}, right[TG_MERGES] = {-1, a, factor, a<b, a> b};
  slopes[0] = left[kind];
  slopes[1] = right[kind];
}

void tg_ref_dot_rows(double *y, double *magnitude, const tg_real *a, const tg_real *b, size_t rows, uint32_t n) {
  for (size_t i = 0; i < rows; i++) y[i] = magnitude[i] = 0;
  for (size_t i = 0; i < rows * n; i++) {
    y[i / n] += (double)a[i] * b[i];
    magnitude[i / n] += fabs((double)a[i] * b[i]);
  }
}

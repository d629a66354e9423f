#include <math.h>

#include "kernels/ref/ref.h"

double tg_ref_merge(tg_merge_kind kind, double a, double b, double factor) {
  switch (kind) {
    case TG_ADD:
      return a + b;
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
    case TG_DIVIDE:
      return a / b;
    case TG_POWER:
      return pow(a, b);
    case TG_MERGES:
      break;
  }
  return NAN;
}

void tg_ref_merge_slopes(double slopes[2], tg_merge_kind kind, double a, double b, double factor) {
  const double down = b == 0 ? 0 : b * pow(a, b - 1), up = a > 0 ? pow(a, b) * log(a) : 0;
  const double left[TG_MERGES] = {1, 1, b, factor, a >= b, a <= b, 1 / b, down};
  const double right[TG_MERGES] = {1, -1, a, factor, a<b, a> b, -a / (b * b), up};
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

#include <math.h>

#include "kernels/ref/ref.h"

void tg_ref_fake_quantize_columns(double *y, const tg_real *w, size_t rows, size_t columns) {
  for (size_t c = 0; c < columns; c++) {
    double largest = 0;
    for (size_t r = 0; r < rows; r++) largest = fmax(largest, fabs((double)w[r * columns + c]));
    const double scale = largest / 127 < 1e-35 ? 1 : largest / 127;
    for (size_t r = 0; r < rows; r++) y[r * columns + c] = rint((double)w[r * columns + c] / scale) * scale;
  }
}

void tg_ref_fake_quantize(double *y, double *slope, const tg_real *x, size_t n, double scale, double zero) {
  for (size_t i = 0; i < n; i++) {
    const double byte = rint((double)x[i] / scale + zero);
    slope[i] = byte >= 0 && byte <= 255;
    y[i] = (fmin(fmax(byte, 0), 255) - zero) * scale;
  }
}

/* The nearest number of eight significant bits, found by scaling: no bits of floats are looked at. */
double tg_ref_bfloat16(double x) {
  if (x == 0 || isnan(x) || isinf(x)) return x;
  int exponent;
  frexp(x, &exponent);
  const int unit = (exponent < -125 ? -125 : exponent) - 8;
  const double nearest = ldexp(rint(ldexp(x, -unit)), unit);
  return fabs(nearest) >= ldexp(1, 128) ? copysign(INFINITY, x) : nearest;
}

#include <math.h>

#include "kernels/ref/ref.h"

double tg_ref_penalty(double *g, const tg_real *w, double l1, double l2, size_t n) {
  double penalty = 0;
  for (size_t i = 0; i < n; i++) {
    const double x = w[i];
    penalty += l1 * fabs(x) + l2 * x * x;
    g[i] += l1 * ((x > 0) - (x < 0)) + 2 * l2 * x;
  }
  return penalty;
}

void tg_ref_constrain_norms(double *y, const tg_real *w, const uint32_t dims[4], uint32_t axes, double min, double max,
                            double rate) {
  const size_t size = (size_t)dims[0] * dims[1] * dims[2] * dims[3];
  for (size_t i = 0; i < size; i++) {
    double sum = 0;
    for (size_t j = 0; j < size; j++) {
      int same = 1; /* every dimension that is not summed over */
      size_t a = i, b = j;
      for (int d = 3; d >= 0; d--) {
        same &= axes >> d & 1 || a % dims[d] == b % dims[d];
        a /= dims[d];
        b /= dims[d];
      }
      if (same) sum += (double)w[j] * w[j];
    }
    const double length = sqrt(sum), target = rate * fmin(fmax(length, min), max) + (1 - rate) * length;
    y[i] = w[i] * (target / (1e-7 + length));
  }
}

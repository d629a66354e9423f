#include <math.h>

#include "kernels/ref/ref.h"

void tg_ref_sum_rows(double *sum, double *magnitude, const tg_real *x, size_t rows, uint32_t n) {
  /* sum (n), x (rows, n) */
  for (size_t j = 0; j < n; j++) {
    double total = 0, size = 0;
    for (size_t row = 0; row < rows; row++) {
      total += x[row * n + j];
      size += fabs((double)x[row * n + j]);
    }
    sum[j] = total;
    if (magnitude) magnitude[j] = size;
  }
}

#include "kernels/ref/ref.h"

void tg_ref_global_average_pool2d(double *y, double *magnitude, const tg_real *x, size_t cells, uint32_t channels) {
  tg_ref_sum_rows(y, magnitude, x, cells, channels);
  for (uint32_t c = 0; c < channels; c++) {
    y[c] /= (double)cells;
    magnitude[c] /= (double)cells;
  }
}

void tg_ref_global_average_pool2d_backward(double *dx, const tg_real *dy, size_t cells, uint32_t channels) {
  for (size_t i = 0; i < cells * channels; i++) dx[i] = (double)dy[i % channels] / (double)cells;
}

#include "kernels/ref/ref.h"

void tg_ref_gather_u8(double *y, const uint8_t *samples, const uint32_t *order, uint32_t n, size_t size,
                      uint32_t channels, const tg_real *scale, const tg_real *offset) {
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < size; j++) {
      y[i * size + j] = (double)samples[order[i] * size + j] * scale[j % channels] + offset[j % channels];
    }
  }
}

void tg_ref_gather_f32(double *y, const float *samples, const uint32_t *order, uint32_t n, size_t size,
                       uint32_t channels, const tg_real *scale, const tg_real *offset) {
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < size; j++) {
      double value = samples[order[i] * size + j];
      y[i * size + j] = scale ? value * scale[j % channels] + offset[j % channels] : value;
    }
  }
}

#include "kernels/global_pool2d.h"

#include "kernels/reduce.h"
#include "kernels/simd.h"

/* y (n) = x (n) * factor. */
TG_INLINE void scale(tg_real *y, const tg_real *x, tg_real factor, uint32_t n) {
  const tg_v4 factors = tg_v4_splat(factor);
  uint32_t i = 0;
  for (; i + 4 <= n; i += 4) tg_v4_store(y + i, tg_v4_mul(tg_v4_load(x + i), factors));
  for (; i < n; i++) y[i] = x[i] * factor;
}

void tg_global_average_pool2d(tg_real *y, const tg_real *x, size_t cells, uint32_t channels) {
  tg_sum_rows(y, x, cells, channels);
  scale(y, y, 1 / (tg_real)cells, channels);
}

void tg_global_average_pool2d_backward(tg_real *dx, const tg_real *dy, size_t cells, uint32_t channels) {
  scale(dx, dy, 1 / (tg_real)cells, channels);
  for (size_t cell = 1; cell < cells; cell++) tg_copy(dx + cell * channels, dx, channels);
}

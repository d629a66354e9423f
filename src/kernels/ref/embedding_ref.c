#include "kernels/ref/ref.h"

void tg_ref_embed(double *y, double *dtable, const tg_real *x, const tg_real *table, const tg_real *dy, size_t tokens,
                  uint32_t size, uint32_t n) {
  for (size_t i = 0; i < (size_t)size * n; i++) dtable[i] = 0;
  for (size_t i = 0; i < tokens * n; i++) {
    size_t row = (size_t)x[i / n];
    y[i] = table[row * n + i % n];
    dtable[row * n + i % n] += dy[i];
  }
}

#include "kernels/embedding.h"

#include "kernels/simd.h"

static int is_row(tg_real x, uint32_t size) { return x >= 0 && x < (tg_real)size; }

void tg_embed(tg_real *y, const tg_real *x, const tg_real *table, size_t tokens, uint32_t size, uint32_t n) {
  for (size_t t = 0; t < tokens; t++, y += n) {
    if (is_row(x[t], size))
      tg_copy(y, table + (size_t)x[t] * n, n);
    else
      tg_clear(y, n);
  }
}

void tg_embed_backward(tg_real *dtable, const tg_real *x, const tg_real *dy, size_t tokens, uint32_t size, uint32_t n,
                       uint32_t first, uint32_t end) {
  const size_t width = end - first;
  for (size_t row = 0; row < size; row++) tg_clear(dtable + row * n + first, width);
  for (size_t t = 0; t < tokens; t++) {
    if (!is_row(x[t], size)) continue;
    tg_real *sum = dtable + (size_t)x[t] * n + first;
    const tg_real *part = dy + t * n + first;
    size_t j = 0;
    for (; j + 4 <= width; j += 4) tg_v4_store(sum + j, tg_v4_add(tg_v4_load(sum + j), tg_v4_load(part + j)));
    for (; j < width; j++) sum[j] += part[j];
  }
}

#include "kernels/attention.h"

#include "kernels/loss_rows.h"
#include "kernels/softmax.h"

void tg_attention_weights(tg_real *p, uint32_t rows, uint32_t n, tg_real scale, int causal) {
  const tg_v4 factor = tg_v4_splat(scale);
  for (size_t row = 0; row < rows; row++, p += n) {
    const size_t seen = causal && row + 1 < n ? row + 1 : n;
    const tg_v4 shift = tg_v4_splat(tg_row_max(p, seen));
    for (size_t j = 0; j < seen; j += 4)
      tg_v4_store_part(p + j, tg_v4_mul(tg_v4_sub(tg_row_load(p + j, seen - j, 0), shift), factor), seen - j);
    tg_exponentials(p, p, seen);
    tg_row_scale(p, 1 / tg_row_sum(p, seen), seen);
    tg_clear(p + seen, n - seen);
  }
}

void tg_attention_weights_backward(tg_real *dp, const tg_real *p, uint32_t rows, uint32_t n, tg_real scale) {
  const tg_v4 factor = tg_v4_splat(scale);
  for (size_t row = 0; row < rows; row++, dp += n, p += n) {
    const tg_v4 mean = tg_v4_splat(tg_row_dot(p, dp, n));
    for (size_t j = 0; j < n; j += 4) {
      tg_v4 d = tg_v4_mul(tg_row_load(p + j, n - j, 0), tg_v4_sub(tg_row_load(dp + j, n - j, 0), mean));
      tg_v4_store_part(dp + j, tg_v4_mul(d, factor), n - j);
    }
  }
}

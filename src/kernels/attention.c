#include "kernels/attention.h"

#include "kernels/loss_rows.h"

/* p (n) = exp((p - shift) * factor), whose sum is returned; lanes behind the row start at -inf and add 0. */
static tg_real exponentials(tg_real *p, size_t n, tg_v4 shift, tg_v4 factor) {
  tg_v4 sum = tg_v4_zero(), v[4];
  size_t j = 0;
  for (; j + 16 <= n; j += 16) {
    for (size_t i = 0; i < 4; i++) v[i] = tg_v4_mul(tg_v4_sub(tg_v4_load(p + j + 4 * i), shift), factor);
    tg_v4_exp_each(v, 4);
    for (size_t i = 0; i < 4; i++) {
      tg_v4_store(p + j + 4 * i, v[i]);
      sum = tg_v4_add(sum, v[i]);
    }
  }
  for (; j < n; j += 4) {
    v[0] = tg_v4_exp(tg_v4_mul(tg_v4_sub(tg_row_load(p + j, n - j, -INFINITY), shift), factor));
    tg_v4_store_part(p + j, v[0], n - j);
    sum = tg_v4_add(sum, v[0]);
  }
  return tg_v4_sum(sum);
}

void tg_attention_weights(tg_real *p, uint32_t rows, uint32_t n, tg_real scale, int causal) {
  for (size_t row = 0; row < rows; row++, p += n) {
    const size_t seen = causal && row + 1 < n ? row + 1 : n;
    const tg_real sum = exponentials(p, seen, tg_v4_splat(tg_row_max(p, seen)), tg_v4_splat(scale));
    tg_row_scale(p, 1 / sum, seen);
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

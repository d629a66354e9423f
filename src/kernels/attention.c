#include "kernels/attention.h"

#include "kernels/math.h"

TG_INLINE tg_v4 load(const tg_real *p, size_t left, tg_real fill) {
  return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, fill);
}

/* The largest of a row; a NaN is dropped here and comes back in the sum. */
TG_INLINE tg_real row_max(const tg_real *x, size_t n) {
  tg_v4 best = tg_v4_splat(x[0]);
  for (size_t j = 0; j < n; j += 4) best = tg_v4_max(best, load(x + j, n - j, x[0]));
  tg_real lanes[4];
  tg_v4_store(lanes, best);
  tg_real largest = lanes[0];
  for (int i = 1; i < 4; i++) largest = largest < lanes[i] ? lanes[i] : largest;
  return largest;
}

void tg_attention_weights(tg_real *p, uint32_t rows, uint32_t n, tg_real scale, int causal) {
  const tg_v4 factor = tg_v4_splat(scale);
  for (size_t row = 0; row < rows; row++, p += n) {
    const size_t seen = causal && row + 1 < n ? row + 1 : n;
    const tg_v4 shift = tg_v4_splat(row_max(p, seen));
    tg_v4 sum = tg_v4_zero();
    for (size_t j = 0; j < seen; j += 4) {
      /* Lanes behind the row start at -inf and add 0. */
      tg_v4 e = tg_v4_exp(tg_v4_mul(tg_v4_sub(load(p + j, seen - j, -INFINITY), shift), factor));
      sum = tg_v4_add(sum, e);
      tg_v4_store_part(p + j, e, seen - j);
    }
    const tg_v4 share = tg_v4_splat(1 / tg_v4_sum(sum));
    for (size_t j = 0; j < seen; j += 4) tg_v4_store_part(p + j, tg_v4_mul(load(p + j, seen - j, 0), share), seen - j);
    tg_clear(p + seen, n - seen);
  }
}

void tg_attention_weights_backward(tg_real *dp, const tg_real *p, uint32_t rows, uint32_t n, tg_real scale) {
  const tg_v4 factor = tg_v4_splat(scale);
  for (size_t row = 0; row < rows; row++, dp += n, p += n) {
    tg_v4 dot = tg_v4_zero();
    for (size_t j = 0; j < n; j += 4) dot = tg_v4_madd(load(p + j, n - j, 0), load(dp + j, n - j, 0), dot);
    const tg_v4 mean = tg_v4_splat(tg_v4_sum(dot));
    for (size_t j = 0; j < n; j += 4) {
      tg_v4 d = tg_v4_mul(load(p + j, n - j, 0), tg_v4_sub(load(dp + j, n - j, 0), mean));
      tg_v4_store_part(dp + j, tg_v4_mul(d, factor), n - j);
    }
  }
}

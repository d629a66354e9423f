#include "kernels/prelu.h"

#include "kernels/simd.h"

TG_INLINE tg_v4 load4(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }

/* v where x is positive, else alpha * v. */
TG_INLINE tg_v4 bend4(tg_v4 v, tg_v4 x, tg_v4 alpha) {
  return tg_v4_select(tg_v4_lt(tg_v4_zero(), x), v, tg_v4_mul(alpha, v));
}

void tg_prelu(tg_real *y, const tg_real *x, const tg_real *alpha, size_t rows, uint32_t n) {
  for (; rows; rows--, x += n, y += n)
    for (uint32_t j = 0; j < n; j += 4) {
      const size_t left = n - j;
      tg_v4 v = load4(x + j, left);
      tg_v4_store_part(y + j, bend4(v, v, load4(alpha + j, left)), left);
    }
}

void tg_prelu_backward(tg_real *dx, tg_real *sum, const tg_real *dy, const tg_real *x, const tg_real *alpha,
                       size_t rows, uint32_t n) {
  tg_clear(sum, n);
  for (; rows; rows--, x += n, dy += n) {
    for (uint32_t j = 0; j < n; j += 4) {
      const size_t left = n - j;
      tg_v4 v = load4(x + j, left), d = load4(dy + j, left);
      tg_v4 low = tg_v4_min(v, tg_v4_zero());
      tg_v4_store_part(sum + j, tg_v4_add(load4(sum + j, left), tg_v4_mul(low, d)), left);
      if (dx) tg_v4_store_part(dx + j, bend4(d, v, load4(alpha + j, left)), left);
    }
    if (dx) dx += n;
  }
}

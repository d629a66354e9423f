#include "kernels/elementwise.h"

#include "kernels/simd.h"

/* One element is computed the same way wherever it stands: tails go through the same vectors as the rest, so splitting
 * an array over threads changes no bit, not even in the relaxed build. */

TG_INLINE tg_v4 relu4(tg_v4 x) { return tg_v4_max(x, tg_v4_zero()); } /* x < 0 ? 0 : x, so NaN stays */

void tg_relu(tg_real *y, const tg_real *x, size_t n) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) tg_v4_store(y + i, relu4(tg_v4_load(x + i)));
  if (i < n) tg_v4_store_part(y + i, relu4(tg_v4_load_part(x + i, n - i, 0)), n - i);
}

TG_INLINE tg_v4 relu_backward4(tg_v4 dy, tg_v4 y) { return tg_v4_keep(tg_v4_lt(tg_v4_zero(), y), dy); }

void tg_relu_backward(tg_real *dx, const tg_real *dy, const tg_real *y, size_t n) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) tg_v4_store(dx + i, relu_backward4(tg_v4_load(dy + i), tg_v4_load(y + i)));
  if (i < n) {
    size_t left = n - i;
    tg_v4 d = relu_backward4(tg_v4_load_part(dy + i, left, 0), tg_v4_load_part(y + i, left, 0));
    tg_v4_store_part(dx + i, d, left);
  }
}

TG_INLINE tg_v4 add4(tg_v4 a, tg_v4 b, int relu) {
  tg_v4 sum = tg_v4_add(a, b);
  return relu ? relu4(sum) : sum;
}

void tg_add_arrays(tg_real *y, const tg_real *a, const tg_real *b, size_t n, int relu) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) tg_v4_store(y + i, add4(tg_v4_load(a + i), tg_v4_load(b + i), relu));
  if (i < n) {
    size_t left = n - i;
    tg_v4 sum = add4(tg_v4_load_part(a + i, left, 0), tg_v4_load_part(b + i, left, 0), relu);
    tg_v4_store_part(y + i, sum, left);
  }
}

void tg_accumulate(tg_real *y, const tg_real *x, size_t n) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) tg_v4_store(y + i, tg_v4_add(tg_v4_load(y + i), tg_v4_load(x + i)));
  for (; i < n; i++) y[i] += x[i];
}

int tg_all_finite(const tg_real *x, size_t n) {
  /* x * 0 is 0 for a finite x, else NaN; a NaN stays in the sum. Four sums keep the additions from waiting. */
  const tg_v4 zero = tg_v4_zero();
  tg_v4 s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    s0 = tg_v4_add(s0, tg_v4_mul(tg_v4_load(x + i), zero));
    s1 = tg_v4_add(s1, tg_v4_mul(tg_v4_load(x + i + 4), zero));
    s2 = tg_v4_add(s2, tg_v4_mul(tg_v4_load(x + i + 8), zero));
    s3 = tg_v4_add(s3, tg_v4_mul(tg_v4_load(x + i + 12), zero));
  }
  for (; i < n; i += 4) s0 = tg_v4_add(s0, tg_v4_mul(tg_v4_load_part(x + i, n - i, 0), zero));
  tg_v4 sum = tg_v4_add(tg_v4_add(s0, s1), tg_v4_add(s2, s3));
  return !tg_mask_any(tg_v4_ne(sum, sum));
}

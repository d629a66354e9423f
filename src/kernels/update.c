#include "kernels/update.h"

#include "kernels/simd.h"

/*
 * x, or 0 where |x| < 1e-30. The moments of a weight without gradient decay into subnormal numbers, stay there (a tenth
 * of the smallest rounds to nothing), and make the pass three times slower. So small a moment moves no weight: Adam
 * divides it by at least epsilon and SGD adds it as it is, which is far below half a unit in the last place of any
 * weight.
 */
TG_INLINE tg_v4 flush_tiny(tg_v4 x) {
  return tg_v4_select(tg_v4_lt(tg_v4_abs(x), tg_v4_splat((tg_real)1e-30)), tg_v4_zero(), x); /* NaN stays */
}

void tg_sgd_update(tg_real *w, const tg_real *g, tg_real lr, size_t n) {
  const tg_v4 rate = tg_v4_splat(lr);
  for (size_t i = 0; i < n; i += 4) {
    const size_t left = n - i;
    tg_v4 wi, gi;
    if (left >= 4) {
      wi = tg_v4_load(w + i);
      gi = tg_v4_load(g + i);
    } else {
      wi = tg_v4_load_part(w + i, left, 0);
      gi = tg_v4_load_part(g + i, left, 0);
    }
    tg_v4_store_part(w + i, tg_v4_sub(wi, tg_v4_mul(rate, gi)), left);
  }
}

void tg_momentum_update(tg_real *w, tg_real *m, const tg_real *g, tg_real lr, tg_real momentum, int nesterov,
                        size_t n) {
  const tg_v4 rate = tg_v4_splat(lr), keep = tg_v4_splat(momentum);
  for (size_t i = 0; i < n; i += 4) {
    const size_t left = n - i;
    tg_v4 wi, mi, gi;
    if (left >= 4) {
      wi = tg_v4_load(w + i);
      mi = tg_v4_load(m + i);
      gi = tg_v4_load(g + i);
    } else {
      wi = tg_v4_load_part(w + i, left, 0);
      mi = tg_v4_load_part(m + i, left, 0);
      gi = tg_v4_load_part(g + i, left, 0);
    }
    tg_v4 step = tg_v4_mul(rate, gi);
    mi = flush_tiny(tg_v4_sub(tg_v4_mul(keep, mi), step));
    tg_v4 move = nesterov ? tg_v4_sub(tg_v4_mul(keep, mi), step) : mi;
    tg_v4_store_part(m + i, mi, left);
    tg_v4_store_part(w + i, tg_v4_add(wi, move), left);
  }
}

void tg_adam_update(tg_real *w, tg_real *m, tg_real *v, const tg_real *g, tg_real alpha, double beta1, double beta2,
                    tg_real epsilon, size_t n) {
  /* 1 - beta is taken in double: in float 1 - 0.999 is already off by 5e-5 of itself. */
  const tg_v4 take1 = tg_v4_splat((tg_real)(1 - beta1)), take2 = tg_v4_splat((tg_real)(1 - beta2));
  const tg_v4 rate = tg_v4_splat(alpha), small = tg_v4_splat(epsilon);
  for (size_t i = 0; i < n; i += 4) {
    const size_t left = n - i;
    tg_v4 wi, mi, vi, gi;
    if (left >= 4) {
      wi = tg_v4_load(w + i);
      mi = tg_v4_load(m + i);
      vi = tg_v4_load(v + i);
      gi = tg_v4_load(g + i);
    } else {
      wi = tg_v4_load_part(w + i, left, 0);
      mi = tg_v4_load_part(m + i, left, 0);
      vi = tg_v4_load_part(v + i, left, 0);
      gi = tg_v4_load_part(g + i, left, 0);
    }
    mi = flush_tiny(tg_v4_add(mi, tg_v4_mul(tg_v4_sub(gi, mi), take1)));
    vi = flush_tiny(tg_v4_add(vi, tg_v4_mul(tg_v4_sub(tg_v4_mul(gi, gi), vi), take2)));
    wi = tg_v4_sub(wi, tg_v4_div(tg_v4_mul(rate, mi), tg_v4_add(tg_v4_sqrt(vi), small)));
    tg_v4_store_part(m + i, mi, left);
    tg_v4_store_part(v + i, vi, left);
    tg_v4_store_part(w + i, wi, left);
  }
}

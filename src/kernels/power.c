/* Powers, from logarithms: four vectors at once, as in math.h. */
#include "kernels/math.h"
#include "kernels/merge.h"

/* Beyond this sum a real has no places after the point: adding and taking it away rounds to whole numbers. */
#define NO_PLACES (sizeof(tg_real) == 4 ? 12582912.0 : 6755399441055744.0)
#define SMALLEST_NORMAL (sizeof(tg_real) == 4 ? 1.17549435e-38 : 2.2250738585072014e-308)
#define LARGEST (sizeof(tg_real) == 4 ? 3.40282347e38 : 1.7976931348623157e308)

enum { VECTORS = 4, AT_ONCE = 4 * VECTORS, BLOCK = 16 * AT_ONCE };

TG_INLINE tg_v4 rounded(tg_v4 x) {
  const tg_v4 big = tg_v4_splat((tg_real)NO_PLACES);
  return tg_v4_select(tg_v4_lt(tg_v4_abs(x), big), tg_v4_sub(tg_v4_add(x, big), big), x);
}

/* l (n) = log |a|. */
static void logarithms(tg_real *l, const tg_real *a, size_t n) {
  const tg_v4 low = tg_v4_splat((tg_real)SMALLEST_NORMAL), high = tg_v4_splat((tg_real)LARGEST);
  for (size_t i = 0; i < n; i += AT_ONCE) {
    tg_v4 v[VECTORS];
    tg_mask rare = tg_v4_ne(low, low); /* 0, subnormal, infinite or NaN */
    for (int k = 0; k < VECTORS; k++) {
      v[k] = tg_v4_abs(tg_v4_load(a + i + 4 * k));
      rare = tg_mask_or(rare, tg_v4_ne(tg_v4_min(tg_v4_max(v[k], low), high), v[k]));
    }
    tg_v4_log_normal_each(v, VECTORS);
    for (int k = 0; k < VECTORS; k++) tg_v4_store(l + i + 4 * k, v[k]);
    if (!tg_mask_any(rare)) continue;
    for (size_t j = i; j < i + AT_ONCE; j += 4) tg_v4_store(l + j, tg_v4_log(tg_v4_abs(tg_v4_load(a + j))));
  }
}

/* a^b of numbers whose e^(b log |a|) is y. */
TG_INLINE tg_v4 finished(tg_v4 y, tg_v4 a, tg_v4 b) {
  const tg_v4 zero = tg_v4_zero(), half = tg_v4_mul(b, tg_v4_splat((tg_real)0.5));
  const tg_mask below = tg_v4_lt(a, zero);
  if (tg_mask_any(below)) {
    const tg_mask odd = tg_v4_ne(rounded(half), half);
    y = tg_v4_select(tg_mask_and(below, odd), tg_v4_sub(zero, y), y);
    y = tg_v4_select(tg_mask_and(below, tg_v4_ne(rounded(b), b)), tg_v4_splat((tg_real)NAN), y);
  }
  return tg_v4_select(tg_v4_eq(b, zero), tg_v4_splat(1), y);
}

/* n is at most BLOCK, a multiple of AT_ONCE. Two loops, since a processor looks ahead only so far: in one, exponentials
 * would wait for their logarithms. */
static __attribute__((noinline)) void powers(tg_power_part part, tg_real *to, const tg_real *dy, const tg_real *a,
                                             const tg_real *b, size_t n) {
  const tg_v4 zero = tg_v4_zero(), less = tg_v4_splat(part == TG_POWER_A);
  tg_real l[BLOCK];
  logarithms(l, a, n);
  for (size_t i = 0; i < n; i += AT_ONCE) {
    tg_v4 y[VECTORS];
    for (int k = 0; k < VECTORS; k++)
      y[k] = tg_v4_mul(tg_v4_sub(tg_v4_load(b + i + 4 * k), less), tg_v4_load(l + i + 4 * k));
    tg_v4_exp_each(y, VECTORS);
    for (int k = 0; k < VECTORS; k++) {
      const size_t at = i + 4 * (size_t)k;
      const tg_v4 base = tg_v4_load(a + at), exponent = tg_v4_load(b + at);
      tg_v4 v = finished(y[k], base, tg_v4_sub(exponent, less));
      if (part == TG_POWER_A) { /* even where a is 0, of b = 0 the slope is 0 */
        v = tg_v4_mul(tg_v4_load(dy + at), tg_v4_mul(exponent, v));
        v = tg_v4_select(tg_v4_eq(exponent, zero), zero, v);
      } else if (part == TG_POWER_B) {
        v = tg_v4_mul(tg_v4_load(dy + at), tg_v4_mul(v, tg_v4_load(l + at)));
        v = tg_v4_keep(tg_v4_lt(zero, base), v);
      }
      tg_v4_store(to + at, v);
    }
  }
}

void tg_merge_power(tg_power_part part, tg_real *to, const tg_real *dy, const tg_real *a, const tg_real *b, size_t n) {
  tg_real last[4][AT_ONCE] = {{0}};
  for (size_t i = 0, some; i < n; i += some) {
    some = n - i < BLOCK ? n - i : BLOCK;
    if (some >= AT_ONCE) {
      some -= some % AT_ONCE;
      powers(part, to + i, dy + i, a + i, b + i, some);
      continue;
    }
    tg_copy(last[0], a + i, some);
    tg_copy(last[1], b + i, some);
    tg_copy(last[2], dy + i, some);
    powers(part, last[3], last[2], last[0], last[1], AT_ONCE);
    tg_copy(to + i, last[3], some);
  }
}

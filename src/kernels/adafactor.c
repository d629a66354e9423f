#include "kernels/adafactor.h"

#include "kernels/simd.h"

TG_INLINE tg_v4 load(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 1); }

/* moments of four columns whose squares sum to `sum`; `left` of them are valid. */
TG_INLINE void join(tg_real *moments, tg_v4 sum, size_t left, tg_v4 one_row, tg_v4 epsilon, tg_v4 share) {
  tg_v4 mean = tg_v4_add(tg_v4_mul(sum, one_row), epsilon), m = load(moments, left);
  tg_v4_store_part(moments, tg_v4_add(m, tg_v4_mul(tg_v4_sub(mean, m), share)), left);
}

TG_INLINE tg_v4 add_square(tg_v4 sum, tg_v4 x) { return tg_v4_add(sum, tg_v4_mul(x, x)); }

void tg_adafactor_columns(tg_real *moments, const tg_real *g, size_t rows, size_t stride, size_t n, double take,
                          double epsilon) {
  const tg_v4 share = tg_v4_splat((tg_real)take), one_row = tg_v4_splat((tg_real)(1.0 / (double)rows));
  const tg_v4 small = tg_v4_splat((tg_real)epsilon), zero = tg_v4_zero();
  size_t i = 0;
  /* Sixteen columns at once: a whole cache line of each row. */
  for (; i + 16 <= n; i += 16) {
    tg_v4 s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    const tg_real *x = g + i;
    for (size_t row = 0; row < rows; row++, x += stride) {
      s0 = add_square(s0, tg_v4_load(x));
      s1 = add_square(s1, tg_v4_load(x + 4));
      s2 = add_square(s2, tg_v4_load(x + 8));
      s3 = add_square(s3, tg_v4_load(x + 12));
    }
    join(moments + i, s0, 4, one_row, small, share);
    join(moments + i + 4, s1, 4, one_row, small, share);
    join(moments + i + 8, s2, 4, one_row, small, share);
    join(moments + i + 12, s3, 4, one_row, small, share);
  }
  for (; i < n; i += 4) {
    tg_v4 sum = zero;
    for (size_t row = 0; row < rows; row++) sum = add_square(sum, load(g + row * stride + i, n - i));
    join(moments + i, sum, n - i, one_row, small, share);
  }
}

void tg_inverse_roots(tg_real *roots, const tg_real *moments, size_t n) {
  const tg_v4 one = tg_v4_splat(1);
  for (size_t i = 0; i < n; i += 4)
    tg_v4_store_part(roots + i, tg_v4_div(one, tg_v4_sqrt(load(moments + i, n - i))), n - i);
}

TG_INLINE tg_v4 step(const tg_real *g, const tg_real *roots, tg_v4 factor, size_t left) {
  return tg_v4_mul(tg_v4_mul(factor, load(g, left)), load(roots, left));
}

double tg_adafactor_squares(const tg_real *g, const tg_real *roots, double factor, size_t n) {
  const tg_v4 f = tg_v4_splat((tg_real)factor);
  tg_v4 even = tg_v4_zero(), odd = even;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    even = add_square(even, step(g + i, roots + i, f, 4));
    odd = add_square(odd, step(g + i + 4, roots + i + 4, f, 4));
  }
  tg_real rest = 0;
  for (; i < n; i++) {
    const tg_real u = (tg_real)factor * g[i] * roots[i];
    rest += u * u;
  }
  return (double)tg_v4_sum(tg_v4_add(even, odd)) + (double)rest;
}

void tg_adafactor_update(tg_real *w, const tg_real *g, const tg_real *roots, double factor, double rate, size_t n) {
  const tg_v4 f = tg_v4_splat((tg_real)factor), r = tg_v4_splat((tg_real)rate);
  for (size_t i = 0; i < n; i += 4) {
    const size_t left = n - i;
    tg_v4 u = step(g + i, roots + i, f, left);
    tg_v4_store_part(w + i, tg_v4_sub(load(w + i, left), tg_v4_mul(r, u)), left);
  }
}

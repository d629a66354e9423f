#include "kernels/adafactor.h"

#include "kernels/simd.h"

TG_INLINE tg_v4 load(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 1); }

/* moments of four columns whose squares sum to `sum`; `left` of them are valid. */
TG_INLINE void join(tg_real *moments, tg_v4 sum, size_t left, tg_v4 one_row, tg_v4 epsilon, tg_v4 share) {
  tg_v4 mean = tg_v4_add(tg_v4_mul(sum, one_row), epsilon), m = load(moments, left);
  tg_v4_store_part(moments, tg_v4_add(m, tg_v4_mul(tg_v4_sub(mean, m), share)), left);
}

TG_INLINE tg_v4 add_square(tg_v4 sum, tg_v4 x) { return tg_v4_add(sum, tg_v4_mul(x, x)); }

/* Columns whose sums stay in the first-level cache while rows go by, four at once: memory is read along the rows. */
enum { BLOCK = 256 };

static void add_four_rows(tg_real *sums, const tg_real *g, size_t stride, size_t n) {
  const tg_real *g1 = g + stride, *g2 = g1 + stride, *g3 = g2 + stride;
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    tg_v4 sum = add_square(tg_v4_load(sums + i), tg_v4_load(g + i));
    sum = add_square(sum, tg_v4_load(g1 + i));
    sum = add_square(sum, tg_v4_load(g2 + i));
    tg_v4_store(sums + i, add_square(sum, tg_v4_load(g3 + i)));
  }
  for (; i < n; i++) sums[i] = sums[i] + g[i] * g[i] + g1[i] * g1[i] + g2[i] * g2[i] + g3[i] * g3[i];
}

void tg_adafactor_columns(tg_real *moments, const tg_real *g, size_t rows, size_t stride, size_t n, double take,
                          double epsilon) {
  const tg_v4 share = tg_v4_splat((tg_real)take), one_row = tg_v4_splat((tg_real)(1.0 / (double)rows));
  const tg_v4 small = tg_v4_splat((tg_real)epsilon);
  for (size_t first = 0; first < n; first += BLOCK, moments += BLOCK, g += BLOCK) {
    const size_t columns = n - first < BLOCK ? n - first : BLOCK;
    tg_real sums[BLOCK];
    tg_clear(sums, BLOCK);
    size_t row = 0;
    for (; row + 4 <= rows; row += 4) add_four_rows(sums, g + row * stride, stride, columns);
    for (; row < rows; row++)
      for (size_t i = 0; i < columns; i++) sums[i] += g[row * stride + i] * g[row * stride + i];
    for (size_t i = 0; i < columns; i += 4) join(moments + i, tg_v4_load(sums + i), columns - i, one_row, small, share);
  }
}

void tg_inverse_roots(tg_real *roots, const tg_real *moments, size_t n) {
  const tg_v4 one = tg_v4_splat(1);
  for (size_t i = 0; i < n; i += 4)
    tg_v4_store_part(roots + i, tg_v4_div(one, tg_v4_sqrt(load(moments + i, n - i))), n - i);
}

/* Numbers whose squares are added as floats. */
enum { SQUARES_A_BLOCK = 256 };

static tg_real sum_block(const tg_real *g, const tg_real *roots, size_t n) {
  tg_v4 even = tg_v4_zero(), odd = even;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    even = add_square(even, tg_v4_mul(tg_v4_load(g + i), tg_v4_load(roots + i)));
    odd = add_square(odd, tg_v4_mul(tg_v4_load(g + i + 4), tg_v4_load(roots + i + 4)));
  }
  for (; i < n; i += 4)
    even = add_square(even, tg_v4_mul(tg_v4_load_part(g + i, n - i, 0), tg_v4_load_part(roots + i, n - i, 0)));
  return tg_v4_sum(tg_v4_add(even, odd));
}

double tg_adafactor_squares(const tg_real *g, const tg_real *roots, size_t n) {
  double sum = 0;
  for (; n > SQUARES_A_BLOCK; n -= SQUARES_A_BLOCK, g += SQUARES_A_BLOCK, roots += SQUARES_A_BLOCK)
    sum += (double)sum_block(g, roots, SQUARES_A_BLOCK);
  return sum + (double)sum_block(g, roots, n);
}

void tg_adafactor_update(tg_real *w, const tg_real *g, const tg_real *roots, double rate, size_t n) {
  const tg_v4 r = tg_v4_splat((tg_real)rate);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const tg_v4 a = tg_v4_mul(tg_v4_mul(r, tg_v4_load(g + i)), tg_v4_load(roots + i));
    const tg_v4 b = tg_v4_mul(tg_v4_mul(r, tg_v4_load(g + i + 4)), tg_v4_load(roots + i + 4));
    tg_v4_store(w + i, tg_v4_sub(tg_v4_load(w + i), a));
    tg_v4_store(w + i + 4, tg_v4_sub(tg_v4_load(w + i + 4), b));
  }
  for (; i < n; i++) w[i] -= (tg_real)rate * g[i] * roots[i];
}

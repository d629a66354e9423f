#include "kernels/row_norm.h"

#include "kernels/simd.h"

TG_INLINE tg_v4 load(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }
TG_INLINE tg_v4 load_or(const tg_real *p, uint32_t j, size_t left, tg_real missing) {
  return p ? load(p + j, left) : tg_v4_splat(missing);
}

/* The first `left` lanes of v, the others 0. */
TG_INLINE tg_v4 cut(tg_v4 v, size_t left) {
  if (left >= 4) return v;
  tg_real lanes[4];
  tg_v4_store(lanes, v);
  return tg_v4_load_part(lanes, left, 0);
}

/* Sum of the row, or of its squared distances from `center`: four sums, so that additions do not wait and rounding
 * errors stay small. */
TG_INLINE tg_real reduce_row(const tg_real *x, tg_v4 center, uint32_t n, int squares) {
  tg_v4 sums[4] = {tg_v4_zero(), tg_v4_zero(), tg_v4_zero(), tg_v4_zero()};
  uint32_t j = 0;
  for (; j + 16 <= n; j += 16)
    for (uint32_t k = 0; k < 4; k++) {
      tg_v4 v = tg_v4_sub(tg_v4_load(x + j + 4 * k), center);
      sums[k] = tg_v4_add(sums[k], squares ? tg_v4_mul(v, v) : v);
    }
  for (; j < n; j += 4) {
    tg_v4 v = cut(tg_v4_sub(load(x + j, n - j), center), n - j);
    sums[0] = tg_v4_add(sums[0], squares ? tg_v4_mul(v, v) : v);
  }
  return tg_v4_sum(tg_v4_add(tg_v4_add(sums[0], sums[1]), tg_v4_add(sums[2], sums[3])));
}

/* Numbers j … j + left - 1 of a row, up to four. */
TG_INLINE void normalise(tg_real *y, const tg_real *x, const tg_real *gamma, const tg_real *beta, tg_v4 center,
                         tg_v4 factor, uint32_t j, size_t left) {
  tg_v4 v = tg_v4_mul(tg_v4_sub(load(x + j, left), center), factor);
  v = tg_v4_add(tg_v4_mul(v, load_or(gamma, j, left, 1)), load_or(beta, j, left, 0));
  tg_v4_store_part(y + j, v, left);
}

void tg_row_norm(tg_row_norm_kind kind, tg_real *y, tg_real *mean, tg_real *inverse, const tg_real *x,
                 const tg_real *gamma, const tg_real *beta, tg_real epsilon, size_t rows, uint32_t n) {
  for (size_t row = 0; row < rows; row++, x += n, y += n) {
    if (kind == TG_LAYER_NORM) mean[row] = reduce_row(x, tg_v4_zero(), n, 0) / (tg_real)n;
    const tg_v4 center = kind == TG_LAYER_NORM ? tg_v4_splat(mean[row]) : tg_v4_zero();
    tg_real squares = reduce_row(x, center, n, 1);
    tg_real spread = kind == TG_UNIT_NORM ? (squares > epsilon || squares != squares ? squares : epsilon)
                                          : squares / (tg_real)n + epsilon;
    inverse[row] = 1 / tg_v4_lane0(tg_v4_sqrt(tg_v4_splat(spread)));
    const tg_v4 factor = tg_v4_splat(inverse[row]);
    uint32_t j = 0;
    for (; j + 4 <= n; j += 4) normalise(y, x, gamma, beta, center, factor, j, 4);
    if (j < n) normalise(y, x, gamma, beta, center, factor, j, n - j);
  }
}

/* The sums of one row's backward pass; `columns` (2, n) or NULL: those over rows. */
typedef struct {
  tg_v4 plain, weighted;
} row_sums;

TG_INLINE void add_sums(row_sums *s, tg_real *columns, const tg_real *dy, const tg_real *x, const tg_real *gamma,
                        tg_v4 center, tg_v4 factor, uint32_t n, uint32_t j, size_t left) {
  /* Lanes past the row hold a dy of 0. */
  tg_v4 d = load(dy + j, left), v = tg_v4_mul(tg_v4_sub(load(x + j, left), center), factor);
  tg_v4 product = tg_v4_mul(d, v), scale = load_or(gamma, j, left, 1);
  if (columns) {
    tg_real *plain = columns + n + j, *weighted = columns + j;
    tg_v4_store_part(weighted, tg_v4_add(load(weighted, left), product), left);
    tg_v4_store_part(plain, tg_v4_add(load(plain, left), d), left);
  }
  s->plain = tg_v4_add(s->plain, tg_v4_mul(d, scale));
  s->weighted = tg_v4_add(s->weighted, tg_v4_mul(product, scale));
}

TG_INLINE void normalise_backward(tg_real *dx, const tg_real *dy, const tg_real *x, const tg_real *gamma, tg_v4 center,
                                  tg_v4 factor, tg_v4 offset, tg_v4 slope, uint32_t j, size_t left) {
  tg_v4 d = tg_v4_mul(load(dy + j, left), load_or(gamma, j, left, 1));
  tg_v4 v = tg_v4_mul(tg_v4_sub(load(x + j, left), center), factor);
  tg_v4 own = tg_v4_sub(tg_v4_sub(d, offset), tg_v4_mul(v, slope));
  tg_v4_store_part(dx + j, tg_v4_mul(own, factor), left);
}

void tg_row_norm_backward(tg_row_norm_kind kind, tg_real *dx, tg_real *sums, const tg_real *dy, const tg_real *x,
                          const tg_real *mean, const tg_real *inverse, const tg_real *gamma, tg_real epsilon,
                          size_t rows, uint32_t n) {
  if (sums) tg_clear(sums, 2 * (size_t)n);
  /* A row that epsilon has lifted is divided by a constant. */
  const tg_real lifted = 1 / tg_v4_lane0(tg_v4_sqrt(tg_v4_splat(epsilon)));
  for (size_t row = 0; row < rows; row++, x += n, dy += n) {
    const tg_v4 center = kind == TG_LAYER_NORM ? tg_v4_splat(mean[row]) : tg_v4_zero();
    const tg_v4 factor = tg_v4_splat(inverse[row]);
    row_sums s = {tg_v4_zero(), tg_v4_zero()};
    uint32_t j = 0;
    for (; j + 4 <= n; j += 4) add_sums(&s, sums, dy, x, gamma, center, factor, n, j, 4);
    if (j < n) add_sums(&s, sums, dy, x, gamma, center, factor, n, j, n - j);
    if (!dx) continue;
    const tg_real share = kind == TG_UNIT_NORM ? 1 : 1 / (tg_real)n;
    const tg_v4 offset = tg_v4_splat(kind == TG_LAYER_NORM ? tg_v4_sum(s.plain) * share : 0);
    const tg_v4 slope = tg_v4_splat(kind == TG_UNIT_NORM && inverse[row] == lifted ? 0 : tg_v4_sum(s.weighted) * share);
    for (j = 0; j + 4 <= n; j += 4) normalise_backward(dx, dy, x, gamma, center, factor, offset, slope, j, 4);
    if (j < n) normalise_backward(dx, dy, x, gamma, center, factor, offset, slope, j, n - j);
    dx += n;
  }
}

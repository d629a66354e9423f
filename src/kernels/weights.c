#include "kernels/weights.h"

#include "kernels/simd.h"

TG_INLINE tg_v4 load(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }

/* Sums of sizes and squares, and the slopes of a penalty. */
typedef struct {
  tg_v4 l1, minus_l1, twice_l2, sizes, squares;
} penalty;

/* One vector: its slopes. Zeros, such as lanes behind the end, add nothing. */
TG_INLINE tg_v4 penalize(penalty *p, tg_v4 x) {
  const tg_v4 zero = tg_v4_zero();
  p->sizes = tg_v4_add(p->sizes, tg_v4_abs(x));
  p->squares = tg_v4_madd(x, x, p->squares);
  tg_v4 slope = tg_v4_select(tg_v4_lt(x, zero), p->minus_l1, tg_v4_keep(tg_v4_lt(zero, x), p->l1));
  return tg_v4_madd(p->twice_l2, x, slope);
}

double tg_penalty(tg_real *g, const tg_real *w, double l1, double l2, size_t n) {
  /* g (n) or NULL, w (n) */
  const tg_v4 zero = tg_v4_zero(), size = tg_v4_splat((tg_real)l1);
  penalty p = {size, tg_v4_sub(zero, size), tg_v4_splat((tg_real)(2 * l2)), zero, zero};
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    tg_v4 slope = penalize(&p, tg_v4_load(w + i));
    if (g) tg_v4_store(g + i, tg_v4_add(tg_v4_load(g + i), slope));
  }
  if (i < n) {
    tg_v4 slope = penalize(&p, load(w + i, n - i));
    if (g) tg_v4_store_part(g + i, tg_v4_add(load(g + i, n - i), slope), n - i);
  }
  return l1 * (double)tg_v4_sum(p.sizes) + l2 * (double)tg_v4_sum(p.squares);
}

void tg_constrain_positive(tg_real *w, size_t n) {
  for (size_t i = 0; i < n; i += 4) tg_v4_store_part(w + i, tg_v4_max(load(w + i, n - i), tg_v4_zero()), n - i);
}

/* What vectors of these squared lengths are multiplied by. */
TG_INLINE tg_v4 scale_of(tg_v4 square, tg_norm_range range) {
  tg_v4 length = tg_v4_sqrt(square), rate = tg_v4_splat(range.rate);
  tg_v4 target = tg_v4_min(tg_v4_max(length, tg_v4_splat(range.min)), tg_v4_splat(range.max));
  target = tg_v4_madd(rate, target, tg_v4_mul(tg_v4_sub(tg_v4_splat(1), rate), length));
  return tg_v4_div(target, tg_v4_add(length, tg_v4_splat((tg_real)1e-7)));
}

/* Columns that are taken along at a time. */
enum { COLUMNS = 64 };

typedef struct {
  size_t count[3], stride[3]; /* of the first three dimensions: how far to go, and how far apart */
} walk;

/* Adds up, or scales, `columns` columns of the rows of a walk. With `along` a row is one vector, else each column is.
 */
static void square_rows(tg_real *sums, const tg_real *w, const walk *rows, size_t columns, int along) {
  for (size_t i = 0; i < rows->count[0]; i++)
    for (size_t j = 0; j < rows->count[1]; j++)
      for (size_t k = 0; k < rows->count[2]; k++) {
        const tg_real *row = w + i * rows->stride[0] + j * rows->stride[1] + k * rows->stride[2];
        for (size_t c = 0; c < columns; c += 4) {
          tg_v4 x = load(row + c, columns - c);
          tg_real *sum = sums + (along ? 0 : c);
          tg_v4_store(sum, tg_v4_madd(x, x, tg_v4_load(sum)));
        }
      }
}

static void scale_rows(tg_real *w, const tg_real *scales, const walk *rows, size_t columns, int along) {
  for (size_t i = 0; i < rows->count[0]; i++)
    for (size_t j = 0; j < rows->count[1]; j++)
      for (size_t k = 0; k < rows->count[2]; k++) {
        tg_real *row = w + i * rows->stride[0] + j * rows->stride[1] + k * rows->stride[2];
        for (size_t c = 0; c < columns; c += 4) {
          tg_v4 scaled = tg_v4_mul(load(row + c, columns - c), tg_v4_load(scales + (along ? 0 : c)));
          tg_v4_store_part(row + c, scaled, columns - c);
        }
      }
}

static void constrain_group(tg_real *w, const walk *rows, size_t columns, int along, tg_norm_range range) {
  tg_real sums[COLUMNS] = {0};
  square_rows(sums, w, rows, columns, along);
  if (along) tg_v4_store(sums, tg_v4_splat(tg_v4_sum(tg_v4_load(sums))));
  for (size_t c = 0; c < (along ? 4 : columns); c += 4) tg_v4_store(sums + c, scale_of(tg_v4_load(sums + c), range));
  scale_rows(w, sums, rows, columns, along);
}

void tg_constrain_norms(tg_real *w, const uint32_t dims[4], uint32_t axes, uint32_t first, uint32_t end,
                        tg_norm_range range) {
  /* w (dims) */
  const int along = axes >> 3 & 1;
  walk groups, rows;
  size_t stride = dims[3];
  for (int d = 2; d >= 0; d--) {
    const int inside = axes >> d & 1;
    groups.count[d] = inside ? 1 : dims[d];
    rows.count[d] = inside ? dims[d] : 1;
    groups.stride[d] = rows.stride[d] = stride;
    stride *= dims[d];
  }
  for (size_t i = 0; i < groups.count[0]; i++)
    for (size_t j = 0; j < groups.count[1]; j++)
      for (size_t k = 0; k < groups.count[2]; k++) {
        tg_real *group = w + i * groups.stride[0] + j * groups.stride[1] + k * groups.stride[2];
        if (along) {
          constrain_group(group, &rows, dims[3], 1, range);
          continue;
        }
        for (size_t c = first; c < end; c += COLUMNS)
          constrain_group(group + c, &rows, end - c < COLUMNS ? end - c : COLUMNS, 0, range);
      }
}

static tg_real dot(const tg_real *a, const tg_real *b, size_t n) {
  tg_v4 sum = tg_v4_zero();
  for (size_t i = 0; i < n; i += 4) sum = tg_v4_madd(load(a + i, n - i), load(b + i, n - i), sum);
  return tg_v4_sum(sum);
}

void tg_orthogonalize(tg_real *q, size_t rows, size_t n) {
  /* q (rows, n) */
  for (size_t row = 0; row < rows; row++) {
    tg_real *x = q + row * n;
    for (int pass = 0; pass < 2; pass++) {
      for (size_t other = 0; other < row; other++) {
        const tg_real *y = q + other * n;
        const tg_v4 share = tg_v4_splat(-dot(x, y, n));
        for (size_t i = 0; i < n; i += 4)
          tg_v4_store_part(x + i, tg_v4_madd(share, load(y + i, n - i), load(x + i, n - i)), n - i);
      }
      const tg_v4 length = tg_v4_sqrt(tg_v4_splat(dot(x, x, n)));
      for (size_t i = 0; i < n; i += 4) tg_v4_store_part(x + i, tg_v4_div(load(x + i, n - i), length), n - i);
    }
  }
}

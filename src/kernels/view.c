#include "kernels/view.h"

#include "kernels/simd.h"

tg_view tg_view_make(const uint32_t *size, const size_t *stride, uint32_t rank) {
  tg_view v = {.rank = 0};
  for (uint32_t d = 0; d < rank; d++) {
    if (size[d] == 1) continue;
    if (v.rank && v.stride[v.rank - 1] == stride[d] * size[d]) {
      v.size[v.rank - 1] *= size[d];
      v.stride[v.rank - 1] = stride[d];
      continue;
    }
    v.size[v.rank] = size[d];
    v.stride[v.rank++] = stride[d];
  }
  if (!v.rank) v = (tg_view){1, {1}, {1}};
  return v;
}

int tg_view_is_plain(const tg_view *v) { return v->rank == 1 && v->stride[0] == 1; }

/* Where the next element is. */
typedef struct {
  uint32_t at[TG_VIEW_RANK];
  size_t offset;
} cursor;

static cursor seek(const tg_view *v, size_t element) {
  cursor c = {.offset = 0};
  for (uint32_t d = v->rank; d-- > 0; element /= v->size[d]) {
    c.at[d] = (uint32_t)(element % v->size[d]);
    c.offset += c.at[d] * v->stride[d];
  }
  return c;
}

/* Elements that are left on the last axis, n at most. */
static size_t run_length(const tg_view *v, const cursor *c, size_t n) {
  const size_t left = v->size[v->rank - 1] - c->at[v->rank - 1];
  return left < n ? left : n;
}

static void advance(const tg_view *v, cursor *c, size_t run) {
  uint32_t d = v->rank - 1;
  c->at[d] += (uint32_t)run;
  c->offset += run * v->stride[d];
  for (; d > 0 && c->at[d] == v->size[d]; d--) {
    c->offset += v->stride[d - 1] - v->size[d] * v->stride[d];
    c->at[d] = 0;
    c->at[d - 1]++;
  }
}

void tg_view_read(tg_real *to, const tg_real *from, const tg_view *v, size_t first, size_t n) {
  const int moves = v->stride[v->rank - 1] != 0;
  for (cursor c = seek(v, first); n;) {
    const size_t run = run_length(v, &c, n);
    const tg_real *x = from + c.offset;
    if (moves)
      tg_copy(to, x, run);
    else
      for (size_t i = 0; i < run; i += 4) tg_v4_store_part(to + i, tg_v4_load_splat(x), run - i);
    to += run;
    n -= run;
    advance(v, &c, run);
  }
}

/* ---- folds: what becomes of x, and how two are joined ---- */

#define JOIN(name) TG_INLINE tg_v4 name(tg_v4 sum, tg_v4 x)
JOIN(add) { return tg_v4_add(sum, x); }
JOIN(add_abs) { return tg_v4_add(sum, tg_v4_abs(x)); }
JOIN(add_square) { return tg_v4_add(sum, tg_v4_mul(x, x)); }
JOIN(times) { return tg_v4_mul(sum, x); }
/* The maximum and minimum of simd.h keep a NaN that comes first. */
JOIN(larger) { return tg_v4_select(tg_v4_ne(x, x), x, tg_v4_max(sum, x)); }
JOIN(smaller) { return tg_v4_select(tg_v4_ne(x, x), x, tg_v4_min(sum, x)); }

TG_INLINE tg_v4 load4(const tg_real *p, size_t left, tg_real fill) {
  return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, fill);
}

/* One run: side by side into n sums, or all of it into one. `merge` joins what is folded already. */
#define FOLD(name, join, merge, start)                                                                \
  static void name##_along(tg_real *to, const tg_real *x, size_t n) {                                 \
    for (size_t i = 0; i < n; i += 4)                                                                 \
      tg_v4_store_part(to + i, join(load4(to + i, n - i, start), load4(x + i, n - i, start)), n - i); \
  }                                                                                                   \
  static void name##_down(tg_real *to, const tg_real *x, size_t n) {                                  \
    tg_v4 sum = tg_v4_splat(start);                                                                   \
    for (size_t i = 0; i < n; i += 4) sum = join(sum, load4(x + i, n - i, start));                    \
    tg_real lanes[4];                                                                                 \
    tg_v4_store(lanes, sum);                                                                          \
    tg_v4 left = merge(merge(tg_v4_splat(lanes[0]), tg_v4_splat(lanes[2])),                           \
                       merge(tg_v4_splat(lanes[1]), tg_v4_splat(lanes[3])));                          \
    *to = tg_v4_lane0(merge(tg_v4_splat(*to), left));                                                 \
  }
FOLD(sum, add, add, 0)
FOLD(abs, add_abs, add, 0)
FOLD(square, add_square, add, 0)
FOLD(max, larger, larger, -INFINITY)
FOLD(min, smaller, smaller, INFINITY)
FOLD(product, times, times, 1)

static const struct {
  void (*along)(tg_real *to, const tg_real *x, size_t n);
  void (*down)(tg_real *to, const tg_real *x, size_t n);
  tg_real start;
} folds[TG_FOLDS] = {
    [TG_FOLD_SUM] = {sum_along, sum_down, 0},          [TG_FOLD_ABS] = {abs_along, abs_down, 0},
    [TG_FOLD_SQUARE] = {square_along, square_down, 0}, [TG_FOLD_MAX] = {max_along, max_down, -INFINITY},
    [TG_FOLD_MIN] = {min_along, min_down, INFINITY},   [TG_FOLD_PRODUCT] = {product_along, product_down, 1},
};

tg_real tg_fold_start(tg_fold_kind kind) { return folds[kind].start; }

void tg_view_fold(tg_fold_kind kind, tg_real *to, const tg_real *x, const tg_view *v, size_t first, size_t n) {
  const int moves = v->stride[v->rank - 1] != 0;
  for (cursor c = seek(v, first); n;) {
    const size_t run = run_length(v, &c, n);
    (moves ? folds[kind].along : folds[kind].down)(to + c.offset, x, run);
    x += run;
    n -= run;
    advance(v, &c, run);
  }
}

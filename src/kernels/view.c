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

tg_view_cursor tg_view_seek(const tg_view *v, size_t element) {
  tg_view_cursor c = {.offset = 0};
  for (uint32_t d = v->rank; d-- > 0; element /= v->size[d]) {
    c.at[d] = (uint32_t)(element % v->size[d]);
    c.offset += c.at[d] * v->stride[d];
  }
  return c;
}

/* `steps` along axis d, and on to the next turn of the axes before it where that is its end. */
static void advance(const tg_view *v, tg_view_cursor *c, uint32_t d, size_t steps) {
  c->at[d] += (uint32_t)steps;
  c->offset += steps * v->stride[d];
  for (; d > 0 && c->at[d] == v->size[d]; d--) {
    c->offset += v->stride[d - 1] - v->size[d] * v->stride[d];
    c->at[d] = 0;
    c->at[d - 1]++;
  }
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

tg_view_part tg_view_next(const tg_view *v, tg_view_cursor *c, size_t most) {
  const uint32_t last = v->rank - 1;
  tg_view_part part = {c->offset, 1, v->size[last], !tg_view_moves(v)};
  if (last && !c->at[last] && most >= part.n && v->stride[last - 1] == part.apart) {
    part.rows = least(v->size[last - 1] - c->at[last - 1], most / part.n);
    advance(v, c, last - 1, part.rows);
  } else {
    part.n = least(part.n - c->at[last], most);
    advance(v, c, last, part.n);
  }
  return part;
}

/* to (n) = the one number at x. */
static void spread(tg_real *to, const tg_real *x, size_t n) {
  for (size_t i = 0; i < n; i += 4) tg_v4_store_part(to + i, tg_v4_load_splat(x), n - i);
}

void tg_view_read(tg_real *to, const tg_real *from, const tg_view *v, size_t first, size_t n) {
  for (tg_view_cursor c = tg_view_seek(v, first); n;) {
    const tg_view_part part = tg_view_next(v, &c, n);
    const tg_real *x = from + part.offset;
    for (size_t row = 0; row < part.rows; row++, to += part.n, x += part.apart) {
      if (tg_view_moves(v))
        tg_copy(to, x, part.n);
      else
        spread(to, x, part.n);
    }
    n -= part.rows * part.n;
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

/* The last elements, when they fill no vector. */
static __attribute__((noinline)) tg_v4 load_few(const tg_real *p, size_t n, tg_real fill) {
  return tg_v4_load_part(p, n, fill);
}
static __attribute__((noinline)) void store_few(tg_real *p, tg_v4 v, size_t n) { tg_v4_store_part(p, v, n); }

/*
 * rows x n elements: row upon row into n results, or each row into a result of its own. `merge` joins what is folded
 * already. Several chains of operations at once, as each waits for itself: eight results, or four rows, of which the
 * last is taken more than once where fewer are left.
 */
#define FOLD(name, join, merge, start)                                                                                 \
  static void name##_upon(tg_real *to, const tg_real *x, size_t rows, size_t n) {                                      \
    size_t i = 0;                                                                                                      \
    for (; i + 8 <= n; i += 8) {                                                                                       \
      tg_v4 a = tg_v4_load(to + i), b = tg_v4_load(to + i + 4);                                                        \
      const tg_real *p = x + i;                                                                                        \
      for (size_t row = 0; row < rows; row++, p += n) {                                                                \
        a = join(a, tg_v4_load(p));                                                                                    \
        b = join(b, tg_v4_load(p + 4));                                                                                \
      }                                                                                                                \
      tg_v4_store(to + i, a);                                                                                          \
      tg_v4_store(to + i + 4, b);                                                                                      \
    }                                                                                                                  \
    for (; i < n; i += 4) {                                                                                            \
      tg_v4 sum = load_few(to + i, n - i, start);                                                                      \
      const tg_real *p = x + i;                                                                                        \
      for (size_t row = 0; row < rows; row++, p += n)                                                                  \
        sum = join(sum, n - i >= 4 ? tg_v4_load(p) : load_few(p, n - i, start));                                       \
      store_few(to + i, sum, n - i);                                                                                   \
    }                                                                                                                  \
  }                                                                                                                    \
  static void name##_apart(tg_real *to, const tg_real *x, size_t rows, size_t n) {                                     \
    for (size_t row = 0; row < rows; row += 4) {                                                                       \
      const size_t left = rows - row;                                                                                  \
      const tg_real *p = x + row * n, *q = left > 1 ? p + n : p, *r = left > 2 ? q + n : q, *s = left > 3 ? r + n : r; \
      tg_v4 a = tg_v4_splat(start), b = a, c = a, d = a;                                                               \
      size_t i = 0;                                                                                                    \
      for (; i + 4 <= n; i += 4) {                                                                                     \
        a = join(a, tg_v4_load(p + i));                                                                                \
        b = join(b, tg_v4_load(q + i));                                                                                \
        c = join(c, tg_v4_load(r + i));                                                                                \
        d = join(d, tg_v4_load(s + i));                                                                                \
      }                                                                                                                \
      if (i < n) {                                                                                                     \
        a = join(a, load_few(p + i, n - i, start));                                                                    \
        b = join(b, load_few(q + i, n - i, start));                                                                    \
        c = join(c, load_few(r + i, n - i, start));                                                                    \
        d = join(d, load_few(s + i, n - i, start));                                                                    \
      }                                                                                                                \
      tg_v4_transpose(&a, &b, &c, &d);                                                                                 \
      store_few(to + row, merge(load_few(to + row, left, start), merge(merge(a, c), merge(b, d))), left);              \
    }                                                                                                                  \
  }
FOLD(sum, add, add, 0)
FOLD(abs, add_abs, add, 0)
FOLD(square, add_square, add, 0)
FOLD(max, larger, larger, -INFINITY)
FOLD(min, smaller, smaller, INFINITY)
FOLD(product, times, times, 1)

typedef void fold_rows(tg_real *to, const tg_real *x, size_t rows, size_t n);

static const struct {
  fold_rows *upon, *apart;
  tg_real start;
} folds[TG_FOLDS] = {
    [TG_FOLD_SUM] = {sum_upon, sum_apart, 0},          [TG_FOLD_ABS] = {abs_upon, abs_apart, 0},
    [TG_FOLD_SQUARE] = {square_upon, square_apart, 0}, [TG_FOLD_MAX] = {max_upon, max_apart, -INFINITY},
    [TG_FOLD_MIN] = {min_upon, min_apart, INFINITY},   [TG_FOLD_PRODUCT] = {product_upon, product_apart, 1},
};

tg_real tg_fold_start(tg_fold_kind kind) { return folds[kind].start; }

/* A lone row, by quarters: four chains. */
static void fold_row(tg_fold_kind kind, tg_real *to, const tg_real *x, size_t n) {
  const tg_real start = folds[kind].start;
  tg_real quarters[4] = {start, start, start, start};
  folds[kind].apart(quarters, x, 4, n / 4);
  folds[kind].apart(to, x + n / 4 * 4, 1, n % 4);
  folds[kind == TG_FOLD_SQUARE ? TG_FOLD_SUM : kind].apart(to, quarters, 1, 4);
}

void tg_view_fold(tg_fold_kind kind, tg_real *to, const tg_real *x, const tg_view *v, size_t first, size_t n) {
  for (tg_view_cursor c = tg_view_seek(v, first); n;) {
    const tg_view_part part = tg_view_next(v, &c, n);
    tg_real *here = to + part.offset;
    if (tg_view_moves(v))
      folds[kind].upon(here, x, part.rows, part.n);
    else if (part.rows == 1 && part.n >= 64)
      fold_row(kind, here, x, part.n);
    else
      folds[kind].apart(here, x, part.rows, part.n);
    x += part.rows * part.n;
    n -= part.rows * part.n;
  }
}

#include "kernels/fold.h"

#include "kernels/simd.h"

void tg_fold(tg_fold_kind kind, tg_real *y, const tg_real *x, const tg_view *v, size_t in, size_t out, tg_real factor) {
  const tg_real start = tg_fold_start(kind);
  for (size_t i = 0; i < out; i++) y[i] = start;
  tg_view_fold(kind, y, x, v, 0, in);
  if (factor == 1) return;
  for (size_t i = 0; i < out; i++) y[i] *= factor;
}

static __attribute__((noinline)) tg_v4 load_few(const tg_real *p, size_t n) { return tg_v4_load_part(p, n, 1); }
static __attribute__((noinline)) void store_few(tg_real *p, tg_v4 v, size_t n) { tg_v4_store_part(p, v, n); }

TG_INLINE tg_v4 load4(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : load_few(p, left); }
TG_INLINE void store4(tg_real *p, tg_v4 v, size_t left) {
  if (left >= 4)
    tg_v4_store(p, v);
  else
    store_few(p, v, left);
}

/* A body for four elements at a time, and once more for what is left of n. */
#define EACH(n, body)              \
  {                                \
    size_t i = 0, left = 4;        \
    for (; i + 4 <= (n); i += 4) { \
      body                         \
    }                              \
    if (i < (n)) {                 \
      left = (n) - i;              \
      body                         \
    }                              \
  }
#define PUT(p, value) store4((p) + i, value, left)
#define EACH4(to, n, expression) EACH(n, { PUT(to, expression); })
#define AT(p) load4((p) + i, left)
/* The numbers that go with a row's elements: one for each, or the same for all. */
#define OF(p, same) (moves ? AT(p) : (same))

/* A row of dx. */
TG_INLINE void take_row(tg_fold_kind kind, tg_real *dx, const tg_real *x, const tg_real *share, const tg_real *other,
                        size_t n, int moves) {
  const tg_v4 zero = tg_v4_zero();
  const tg_v4 s = tg_v4_load_splat(share), o = tg_v4_load_splat(other);
#define S OF(share, s)
#define O OF(other, o)
  switch (kind) {
    case TG_FOLD_SUM:
      EACH4(dx, n, S)
      break;
    case TG_FOLD_SQUARE:
      EACH4(dx, n, tg_v4_mul(AT(x), S))
      break;
    case TG_FOLD_ABS:
      EACH4(dx, n, tg_v4_sub(tg_v4_keep(tg_v4_lt(zero, AT(x)), S), tg_v4_keep(tg_v4_lt(AT(x), zero), S)))
      break;
    default:
      EACH4(dx, n, tg_v4_keep(tg_v4_eq(AT(x), O), S))
  }
#undef S
#undef O
}

/* dx (in) of x and of what a result's elements share. */
static void take_shares(tg_fold_kind kind, tg_real *dx, const tg_real *x, const tg_real *share, const tg_real *other,
                        const tg_view *v, size_t in) {
  for (tg_view_cursor c = tg_view_seek(v, 0); in;) {
    const tg_view_part part = tg_view_next(v, &c, in);
    in -= part.rows * part.n;
    for (size_t row = 0; row < part.rows; row++, x += part.n, dx += part.n) {
      const size_t at = part.offset + row * part.apart;
      if (tg_view_moves(v))
        take_row(kind, dx, x, share + at, other + at, part.n, 1);
      else
        take_row(kind, dx, x, share + at, other + at, part.n, 0);
    }
  }
}

/* count (out) of the elements that are the largest, or the smallest: y. */
static void count_equals(tg_real *count, const tg_real *x, const tg_real *y, const tg_view *v, size_t in) {
  const tg_v4 one = tg_v4_splat(1);
  for (tg_view_cursor c = tg_view_seek(v, 0); in;) {
    const tg_view_part part = tg_view_next(v, &c, in);
    in -= part.rows * part.n;
    for (size_t row = 0; row < part.rows; row++, x += part.n) {
      const tg_real *own = y + part.offset + row * part.apart;
      tg_real *to = count + part.offset + row * part.apart;
      if (tg_view_moves(v)) {
        EACH4(to, part.n, tg_v4_add(AT(to), tg_v4_keep(tg_v4_eq(AT(x), AT(own)), one)))
        continue;
      }
      const tg_v4 same = tg_v4_load_splat(own);
      tg_v4 sum = tg_v4_zero();
      size_t i = 0;
      for (; i + 4 <= part.n; i += 4) sum = tg_v4_add(sum, tg_v4_keep(tg_v4_eq(tg_v4_load(x + i), same), one));
      *to += tg_v4_sum(sum);
      for (; i < part.n; i++) *to += x[i] == *own;
    }
  }
}

/* ---- products: those of all elements before each, times those of all behind, which asks for no zeros ---- */

/* dx (n) = start times the product of all x (n) but its own. Returns start times that of all. Two vectors at a time. */
static tg_real multiply_others(tg_real *dx, const tg_real *x, size_t n, tg_real start) {
  tg_v4 before = tg_v4_splat(1), p = before, q = before;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    tg_v4_store(dx + i, before);
    before = tg_v4_mul(before, tg_v4_mul(tg_v4_load(x + i), tg_v4_load(x + i + 4)));
  }
  const size_t left = n - i, more = left > 4 ? left - 4 : 0;
  if (left) {
    p = load_few(x + i, left);
    q = load_few(x + i + 4, more);
  }
  /* Each lane four times, and from that what the other lanes make. */
  const tg_v4 last = tg_v4_mul(p, q);
  tg_v4 a = tg_v4_mul(before, last), b = a, c = a, d = a;
  tg_v4_transpose(&a, &b, &c, &d);
  const tg_v4 ab = tg_v4_mul(a, b), cd = tg_v4_mul(c, d);
  const tg_real all = start * tg_v4_lane0(tg_v4_mul(ab, cd));
  a = tg_v4_mul(a, cd);
  b = tg_v4_mul(b, cd);
  c = tg_v4_mul(c, ab);
  d = tg_v4_mul(d, ab);
  tg_v4_transpose(&b, &a, &d, &c);
  tg_v4 after = tg_v4_mul(b, tg_v4_splat(start));
  if (left) {
    before = tg_v4_mul(before, after);
    store_few(dx + i, tg_v4_mul(before, q), left);
    store_few(dx + i + 4, tg_v4_mul(before, p), more);
    after = tg_v4_mul(after, last);
  }
  while (i > 0) {
    i -= 8;
    p = tg_v4_load(x + i);
    q = tg_v4_load(x + i + 4);
    before = tg_v4_mul(tg_v4_load(dx + i), after);
    tg_v4_store(dx + i, tg_v4_mul(before, q));
    tg_v4_store(dx + i + 4, tg_v4_mul(before, p));
    after = tg_v4_mul(after, tg_v4_mul(p, q));
  }
  return all;
}

/* dx (in) of dy (out); `before` and `after` (out) go along with the elements. */
static void share_product(tg_real *dx, const tg_real *dy, const tg_real *x, tg_real *before, tg_real *after,
                          const tg_view *v, size_t in, size_t out, tg_real factor) {
  const int moves = tg_view_moves(v);
  EACH4(before, out, tg_v4_mul(AT(dy), tg_v4_splat(factor)))
  tg_view_part part = {0};
  tg_view_cursor c = tg_view_seek(v, 0);
  size_t at = 0;
  while (at < in) {
    part = tg_view_next(v, &c, in - at);
    for (size_t row = 0; row < part.rows; row++, at += part.n) {
      tg_real *own = before + part.offset + row * part.apart;
      if (moves) {
        EACH(part.n, {
          const tg_v4 product = AT(own);
          PUT(own, tg_v4_mul(product, AT(x + at)));
          PUT(dx + at, product);
        })
      } else
        *own = multiply_others(dx + at, x + at, part.n, *own);
    }
  }
  if (in == (moves ? out : out * part.n)) return;
  /* All parts are of one size. */
  EACH4(after, out, tg_v4_splat(1))
  while (at > 0) {
    c = tg_view_seek(v, at - part.rows * part.n);
    part = tg_view_next(v, &c, in);
    for (size_t row = part.rows; row-- > 0;) {
      tg_real *own = after + part.offset + row * part.apart;
      at -= part.n;
      if (moves) {
        EACH(part.n, {
          const tg_v4 product = AT(own);
          PUT(own, tg_v4_mul(product, AT(x + at)));
          PUT(dx + at, tg_v4_mul(product, AT(dx + at)));
        })
      } else {
        const tg_v4 same = tg_v4_load_splat(own);
        EACH4(dx + at, part.n, tg_v4_mul(AT(dx + at), same))
        tg_view_fold(TG_FOLD_PRODUCT, after, x + at, v, at, part.n);
      }
    }
  }
}

void tg_fold_backward(tg_fold_kind kind, tg_real *dx, const tg_real *dy, const tg_real *x, const tg_real *y,
                      tg_real *scratch, const tg_view *v, size_t in, size_t out, tg_real factor) {
  /* What each element's gradient is made of, one number a result. */
  tg_real *share = scratch, *other = scratch + out;
  if (kind == TG_FOLD_PRODUCT) {
    share_product(dx, dy, x, share, other, v, in, out, factor);
    return;
  }
  const int extreme = kind == TG_FOLD_MAX || kind == TG_FOLD_MIN;
  const tg_v4 f = tg_v4_splat(kind == TG_FOLD_SQUARE ? 2 * factor : factor);
  if (extreme) {
    tg_clear(other, out);
    count_equals(other, x, y, v, in);
    EACH4(share, out, tg_v4_div(tg_v4_mul(AT(dy), f), AT(other)))
  } else
    EACH4(share, out, tg_v4_mul(AT(dy), f))
  take_shares(kind, dx, x, share, extreme ? y : other, v, in);
}

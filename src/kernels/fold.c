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

#define EACH4(to, n, expression)                                    \
  {                                                                 \
    size_t i = 0, left = 4;                                         \
    for (; i + 4 <= (n); i += 4) tg_v4_store((to) + i, expression); \
    if (i < (n)) {                                                  \
      left = (n) - i;                                               \
      store_few((to) + i, expression, left);                        \
    }                                                               \
  }
#define AT(p) load4((p) + i, left)
/* The numbers that go with a row's elements: one for each, or four times the same. */
#define OF(p) load4((p) + (i & mask), left)

/* dx (in) of x and of what a result's elements share. */
static void take_shares(tg_fold_kind kind, tg_real *dx, const tg_real *x, const tg_real *share, const tg_real *other,
                        const tg_view *v, size_t in) {
  const tg_v4 one = tg_v4_splat(1), zero = tg_v4_zero();
  const int moves = tg_view_moves(v);
  const size_t mask = moves ? SIZE_MAX : 0;
  tg_real same[2][4];
  for (tg_view_cursor c = tg_view_seek(v, 0); in;) {
    const tg_view_part part = tg_view_next(v, &c, in);
    in -= part.rows * part.n;
    for (size_t row = 0; row < part.rows; row++, x += part.n, dx += part.n) {
      const size_t at = part.offset + row * part.apart;
      tg_v4_store(same[0], tg_v4_load_splat(share + at));
      tg_v4_store(same[1], tg_v4_load_splat(other + at));
      const tg_real *s = moves ? share + at : same[0], *o = moves ? other + at : same[1];
      switch (kind) {
        case TG_FOLD_SUM:
          EACH4(dx, part.n, OF(s))
          break;
        case TG_FOLD_SQUARE:
          EACH4(dx, part.n, tg_v4_mul(AT(x), OF(s)))
          break;
        case TG_FOLD_ABS:
          EACH4(dx, part.n,
                tg_v4_sub(tg_v4_keep(tg_v4_lt(zero, AT(x)), OF(s)), tg_v4_keep(tg_v4_lt(AT(x), zero), OF(s))))
          break;
        case TG_FOLD_PRODUCT:
          EACH4(dx, part.n,
                tg_v4_select(tg_v4_eq(AT(x), zero), OF(o),
                             tg_v4_div(OF(s), tg_v4_select(tg_v4_eq(AT(x), zero), one, AT(x)))))
          break;
        default:
          EACH4(dx, part.n, tg_v4_keep(tg_v4_eq(AT(x), OF(o)), OF(s)))
      }
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

/* Elements whose marks are folded at once: in the first-level cache. */
enum { CHUNK = 1024 };

/* product (out) of the elements that are not 0, and the count (out) of those that are. */
static void fold_zeros(tg_real *product, tg_real *count, const tg_real *x, const tg_view *v, size_t in) {
  const tg_v4 one = tg_v4_splat(1), zero = tg_v4_zero();
  tg_real mark[CHUNK];
  for (size_t at = 0; at < in; at += CHUNK, x += CHUNK) {
    const size_t n = in - at < CHUNK ? in - at : CHUNK;
    EACH4(mark, n, tg_v4_select(tg_v4_eq(AT(x), zero), one, AT(x)))
    tg_view_fold(TG_FOLD_PRODUCT, product, mark, v, at, n);
    EACH4(mark, n, tg_v4_keep(tg_v4_eq(AT(x), zero), one))
    tg_view_fold(TG_FOLD_SUM, count, mark, v, at, n);
  }
}

void tg_fold_backward(tg_fold_kind kind, tg_real *dx, const tg_real *dy, const tg_real *x, const tg_real *y,
                      tg_real *scratch, const tg_view *v, size_t in, size_t out, tg_real factor) {
  /* What each element's gradient is made of, one number a result. */
  tg_real *share = scratch, *other = scratch + out;
  const int extreme = kind == TG_FOLD_MAX || kind == TG_FOLD_MIN, product = kind == TG_FOLD_PRODUCT;
  const tg_v4 f = tg_v4_splat(kind == TG_FOLD_SQUARE ? 2 * factor : factor);
  const tg_v4 one = tg_v4_splat(1);
  if (extreme || product) tg_clear(other, out);
  if (extreme) {
    count_equals(other, x, y, v, in);
    EACH4(share, out, tg_v4_div(tg_v4_mul(AT(dy), f), AT(other)))
  } else if (product) {
    /* The one that is 0 has all the others for its share; of two nothing is left. */
    EACH4(share, out, one)
    fold_zeros(share, other, x, v, in);
    for (size_t i = 0; i < out; i++) {
      const tg_real rest = dy[i] * factor * share[i], zeros = other[i];
      share[i] = zeros == 0 ? rest : 0;
      other[i] = zeros == 1 ? rest : 0;
    }
  } else
    EACH4(share, out, tg_v4_mul(AT(dy), f))
  take_shares(kind, dx, x, share, extreme ? y : other, v, in);
}

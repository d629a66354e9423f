#include "kernels/fold.h"

#include "kernels/simd.h"

void tg_fold(tg_fold_kind kind, tg_real *y, const tg_real *x, const tg_view *v, size_t in, size_t out, tg_real factor) {
  const tg_real start = tg_fold_start(kind);
  for (size_t i = 0; i < out; i++) y[i] = start;
  tg_view_fold(kind, y, x, v, 0, in);
  if (factor == 1) return;
  for (size_t i = 0; i < out; i++) y[i] *= factor;
}

/* Elements are gone through in chunks, so that what the view reads stays in the first-level cache. */
enum { CHUNK = 256 };

TG_INLINE tg_v4 load4(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 1); }

#define EACH4(to, n, expression) \
  for (size_t i = 0; i < (n); i += 4) tg_v4_store_part((to) + i, expression, (n) - i)
#define AT(p) load4((p) + i, n - i)

/* What is folded besides: how many elements are the largest; the product of those that are not 0, and how many are. */
static void count_shares(tg_fold_kind kind, tg_real *first, tg_real *second, const tg_real *x, const tg_real *y,
                         const tg_view *v, size_t in, size_t out) {
  const tg_v4 one = tg_v4_splat(1), zero = tg_v4_zero();
  const int product = kind == TG_FOLD_PRODUCT;
  tg_real room[CHUNK], mark[CHUNK];
  for (size_t i = 0; i < out; i++) {
    first[i] = 1;
    second[i] = 0;
  }
  for (size_t at = 0; at < in; at += CHUNK) {
    const size_t n = in - at < CHUNK ? in - at : CHUNK;
    const tg_real *part = x + at;
    if (product) {
      EACH4(room, n, tg_v4_select(tg_v4_eq(AT(part), zero), one, AT(part)));
      tg_view_fold(TG_FOLD_PRODUCT, first, room, v, at, n);
      EACH4(mark, n, tg_v4_keep(tg_v4_eq(AT(part), zero), one));
    } else {
      tg_view_read(room, y, v, at, n);
      EACH4(mark, n, tg_v4_keep(tg_v4_eq(AT(part), AT(room)), one));
    }
    tg_view_fold(TG_FOLD_SUM, second, mark, v, at, n);
  }
}

void tg_fold_backward(tg_fold_kind kind, tg_real *dx, const tg_real *dy, const tg_real *x, const tg_real *y,
                      tg_real *scratch, const tg_view *v, size_t in, size_t out, tg_real factor) {
  const tg_v4 one = tg_v4_splat(1), zero = tg_v4_zero();
  /* What each element's gradient is made of, one number a result. */
  tg_real *share = scratch, *other = scratch + out;
  const int extreme = kind == TG_FOLD_MAX || kind == TG_FOLD_MIN, product = kind == TG_FOLD_PRODUCT;
  if (extreme || product) count_shares(kind, share, other, x, y, v, in, out);
  for (size_t i = 0; i < out; i++) {
    const tg_real d = dy[i] * factor;
    if (product) {
      const tg_real rest = d * share[i], zeros = other[i];
      share[i] = zeros == 0 ? rest : 0;
      other[i] = zeros == 1 ? rest : 0;
    } else
      share[i] = extreme ? d / other[i] : kind == TG_FOLD_SQUARE ? 2 * d : d;
  }
  tg_real shares[CHUNK], others[CHUNK];
  for (size_t at = 0; at < in; at += CHUNK) {
    const size_t n = in - at < CHUNK ? in - at : CHUNK;
    const tg_real *part = x + at;
    tg_real *to = dx + at;
    tg_view_read(shares, share, v, at, n);
    if (kind == TG_FOLD_SUM)
      tg_copy(to, shares, n);
    else if (kind == TG_FOLD_SQUARE)
      EACH4(to, n, tg_v4_mul(AT(part), AT(shares)));
    else if (kind == TG_FOLD_ABS)
      EACH4(to, n,
            tg_v4_sub(tg_v4_keep(tg_v4_lt(zero, AT(part)), AT(shares)),
                      tg_v4_keep(tg_v4_lt(AT(part), zero), AT(shares))));
    else if (product) {
      tg_view_read(others, other, v, at, n);
      EACH4(to, n,
            tg_v4_select(tg_v4_eq(AT(part), zero), AT(others),
                         tg_v4_div(AT(shares), tg_v4_select(tg_v4_eq(AT(part), zero), one, AT(part)))));
    } else {
      tg_view_read(others, y, v, at, n);
      EACH4(to, n, tg_v4_keep(tg_v4_eq(AT(part), AT(others)), AT(shares)));
    }
  }
}

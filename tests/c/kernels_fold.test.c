/* Views of arrays under larger shapes, and reductions through them. */
#include "kernels/fold.h"
#include "kernels/ref/ref.h"
#include "test.h"

typedef struct {
  uint32_t rank, size[4];
  unsigned folded; /* bit d: axis d is repeated, or reduced */
} layout;

/* The view, and the elements it has and names. */
static tg_view view_of(const layout *l, size_t *in, size_t *out) {
  size_t stride[4] = {0};
  *in = *out = 1;
  for (uint32_t d = l->rank; d-- > 0;) {
    *in *= l->size[d];
    if (l->folded >> d & 1) continue;
    stride[d] = *out;
    *out *= l->size[d];
  }
  return tg_view_make(l->size, stride, l->rank);
}

static void test_read(const layout *l) {
  size_t in, out;
  const tg_view v = view_of(l, &in, &out);
  CHECK(tg_view_is_plain(&v) == (in == out));
  tg_real *from = test_filled(out, 0, 0), *to = test_reals(in, 0);
  for (size_t first = 0; first < in; first += 37)
    tg_view_read(to + first, from, &v, first, in - first < 37 ? in - first : 37);
  for (size_t i = 0; i < in; i++) CHECK(to[i] == from[tg_ref_view_offset(&v, i)]);
  test_free_blocks();
}

static void test_fold(tg_fold_kind kind, const layout *l, int whole) {
  size_t in, out;
  const tg_view v = view_of(l, &in, &out);
  const tg_real factor = kind == TG_FOLD_SUM ? (tg_real)0.25 : 1;
  tg_real *x = test_filled(in, 0, whole), *dy = test_filled(out, 0, 0), *y = test_reals(out, 0);
  tg_real *dx = test_reals(in, 0), *scratch = test_reals(2 * out, 0);
  /* Products of many that neither overflow nor vanish. */
  for (size_t i = 0; kind == TG_FOLD_PRODUCT && !whole && i < in; i++) x[i] = 1 + x[i] / 10;
  double *right = test_doubles(out), *magnitude = test_doubles(out), *gradient = test_doubles(in);
  tg_fold(kind, y, x, &v, in, out, factor);
  tg_fold_backward(kind, dx, dy, x, y, scratch, &v, in, out, factor);
  tg_ref_fold(kind, right, gradient, magnitude, x, dy, &v, in, out, (double)factor);
  const double n = (double)(in / out) + 3;
  for (size_t j = 0; j < out; j++) CHECK_CLOSE(y[j], right[j], test_gamma(n) * fabs(magnitude[j]));
  for (size_t i = 0; i < in; i++) CHECK_CLOSE(dx[i], gradient[i], test_gamma(n) * fabs(gradient[i]));
  test_free_blocks();
}

/* A NaN reaches its own result and no other. */
static void test_nan(tg_fold_kind kind, const layout *l) {
  size_t in, out;
  const tg_view v = view_of(l, &in, &out);
  for (size_t at = 0; at < in; at++) {
    tg_real *x = test_filled(in, 0, 0), *y = test_reals(out, 0);
    x[at] = (tg_real)NAN;
    tg_fold(kind, y, x, &v, in, out, 1);
    for (size_t j = 0; j < out; j++) CHECK(!isnan(y[j]) == (j != tg_ref_view_offset(&v, at)));
    test_free_blocks();
  }
}

int main(void) {
  static const uint32_t shapes[][5] = {{1, 9},          {1, 1},           {2, 5, 8},  {3, 4, 1, 7},  {3, 3, 5, 4},
                                       {4, 2, 3, 4, 5}, {4, 6, 1, 3, 17}, {2, 7, 70}, {3, 2, 6, 24}, {2, 67, 3}};
  for (unsigned k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    layout l = {.rank = shapes[k][0]};
    memcpy(l.size, shapes[k] + 1, sizeof l.size);
    for (l.folded = 0; l.folded < 1u << l.rank; l.folded++) {
      test_read(&l);
      for (int kind = 0; kind < TG_FOLDS; kind++) {
        test_fold((tg_fold_kind)kind, &l, 0);
        test_fold((tg_fold_kind)kind, &l, 1); /* equals, and zeros */
      }
    }
  }
  const layout large = {2, {700, 3}, 1}, long_rows = {2, {3, 2050}, 2};
  for (int kind = 0; kind < TG_FOLDS; kind++) {
    test_fold((tg_fold_kind)kind, &large, 0);
    test_fold((tg_fold_kind)kind, &long_rows, 0);
    for (unsigned folded = 0; folded < 4; folded++) {
      test_nan((tg_fold_kind)kind, &(layout){2, {9, 7}, folded});
      test_nan((tg_fold_kind)kind, &(layout){2, {5, 12}, folded});
    }
    test_nan((tg_fold_kind)kind, &(layout){1, {90}, 1});
  }
  return test_report();
}

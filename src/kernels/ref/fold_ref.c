#include <math.h>

#include "kernels/ref/ref.h"

size_t tg_ref_view_offset(const tg_view *v, size_t i) {
  size_t offset = 0;
  for (uint32_t d = v->rank; d-- > 0; i /= v->size[d]) offset += i % v->size[d] * v->stride[d];
  return offset;
}

static double joined(tg_fold_kind kind, double sum, double x) {
  switch (kind) {
    case TG_FOLD_SUM:
      return sum + x;
    case TG_FOLD_ABS:
      return sum + fabs(x);
    case TG_FOLD_SQUARE:
      return sum + x * x;
    case TG_FOLD_MAX:
      return isnan(x) || x > sum ? x : sum;
    case TG_FOLD_MIN:
      return isnan(x) || x < sum ? x : sum;
    case TG_FOLD_PRODUCT:
      return sum * x;
    case TG_FOLDS:
      break;
  }
  return NAN;
}

/* What x[i] adds to the result for a small step. */
static double slope(tg_fold_kind kind, const tg_real *x, const tg_view *v, size_t in, size_t i, double y) {
  double product = 1, equals = 0;
  for (size_t k = 0; k < in; k++) {
    if (tg_ref_view_offset(v, k) != tg_ref_view_offset(v, i)) continue;
    if (k != i) product *= (double)x[k];
    equals += (double)x[k] == y;
  }
  switch (kind) {
    case TG_FOLD_SUM:
      return 1;
    case TG_FOLD_ABS:
      return (x[i] > 0) - (x[i] < 0);
    case TG_FOLD_SQUARE:
      return 2 * (double)x[i];
    case TG_FOLD_PRODUCT:
      return product;
    default:
      return (double)x[i] == y ? 1 / equals : 0;
  }
}

void tg_ref_fold(tg_fold_kind kind, double *y, double *dx, double *magnitude, const tg_real *x, const tg_real *dy,
                 const tg_view *v, size_t in, size_t out, double factor) {
  const double starts[TG_FOLDS] = {0, 0, 0, -INFINITY, INFINITY, 1};
  for (size_t j = 0; j < out; j++) {
    y[j] = starts[kind];
    magnitude[j] = kind == TG_FOLD_PRODUCT;
  }
  for (size_t i = 0; i < in; i++) {
    const size_t j = tg_ref_view_offset(v, i);
    y[j] = joined(kind, y[j], x[i]);
    magnitude[j] = joined(kind == TG_FOLD_SUM ? TG_FOLD_ABS : kind, magnitude[j], fabs((double)x[i]));
  }
  for (size_t i = 0; i < in; i++) {
    const size_t j = tg_ref_view_offset(v, i);
    dx[i] = dy[j] * factor * slope(kind, x, v, in, i, y[j]);
  }
  for (size_t j = 0; j < out; j++) {
    y[j] *= factor;
    magnitude[j] *= factor;
  }
}

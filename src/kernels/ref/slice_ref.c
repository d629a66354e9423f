#include "kernels/ref/ref.h"

/* The cell of an axis of n cells that `cell` stands for; -1: none. */
static int64_t inside(int64_t cell, int64_t n, tg_outside outside) {
  if (outside == TG_OUTSIDE_CONSTANT) return cell < 0 || cell >= n ? -1 : cell;
  if (outside == TG_OUTSIDE_EDGE) return cell < 0 ? 0 : cell >= n ? n - 1 : cell;
  if (outside == TG_OUTSIDE_WRAP) {
    while (cell < 0) cell += n;
    while (cell >= n) cell -= n;
    return cell;
  }
  while (cell < 0 || cell >= n) cell = n == 1 ? 0 : cell < 0 ? -cell : 2 * (n - 1) - cell;
  return cell;
}

void tg_ref_slice(double *y, double *dx, const tg_real *x, const tg_real *dy, const tg_slice_shape *s) {
  size_t in = 1, out = 1;
  for (uint32_t d = 0; d < s->rank; d++) {
    in *= s->from[d];
    out *= s->to[d];
  }
  for (size_t i = 0; i < in; i++) dx[i] = 0;
  for (size_t i = 0; i < out; i++) {
    size_t rest = i;
    int64_t offset = 0, stride = 1;
    for (uint32_t d = s->rank; d-- > 0; rest /= s->to[d]) {
      const int64_t at = s->start[d] + (int64_t)(rest % s->to[d]) * s->step[d];
      const int64_t cell = inside(at, s->from[d], s->outside);
      offset = cell < 0 || offset < 0 ? -1 : offset + cell * stride;
      stride *= s->from[d];
    }
    y[i] = offset < 0 ? s->value : x[offset];
    if (offset >= 0) dx[offset] += dy[i];
  }
}

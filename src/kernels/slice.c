#include "kernels/slice.h"

#include "kernels/elementwise.h"
#include "kernels/simd.h"

/* The cell of axis d that cell i of the result is; -1: none. */
static int64_t source(const tg_slice_shape *s, uint32_t d, uint32_t i) {
  const int64_t n = s->from[d];
  int64_t cell = s->start[d] + i * s->step[d];
  if (cell >= 0 && cell < n) return cell;
  switch (s->outside) {
    case TG_OUTSIDE_EDGE:
      return cell < 0 ? 0 : n - 1;
    case TG_OUTSIDE_REFLECT: {
      const int64_t turn = 2 * (n - 1);
      if (!turn) return 0;
      cell = (cell % turn + turn) % turn;
      return cell < n ? cell : turn - cell;
    }
    case TG_OUTSIDE_WRAP:
      return (cell % n + n) % n;
    default:
      return -1;
  }
}

/* Where the line that row `row` of the result is starts; -1: nowhere. */
static int64_t line_of(const tg_slice_shape *s, uint32_t row) {
  int64_t offset = 0, stride = s->from[s->rank - 1];
  for (uint32_t d = s->rank - 1; d-- > 0; row /= s->to[d]) {
    const int64_t cell = source(s, d, row % s->to[d]);
    if (cell < 0) return -1;
    offset += cell * stride;
    stride *= s->from[d];
  }
  return offset;
}

/* Cells first…end-1 of a row lie inside the array. */
typedef struct {
  uint32_t first, end;
} inside;

static inside inside_of(const tg_slice_shape *s) {
  const uint32_t d = s->rank - 1, n = s->to[d];
  const int64_t start = s->start[d], step = s->step[d];
  inside in = {0, n};
  while (in.first < n && (start + in.first * step < 0 || start + in.first * step >= s->from[d])) in.first++;
  while (in.end > in.first && (start + (in.end - 1) * step < 0 || start + (in.end - 1) * step >= s->from[d])) in.end--;
  return in;
}

void tg_slice(tg_real *y, const tg_real *x, const tg_slice_shape *s, uint32_t row_first, uint32_t row_end) {
  const uint32_t last = s->rank - 1, n = s->to[last];
  const int64_t start = s->start[last], step = s->step[last];
  const inside in = inside_of(s);
  for (uint32_t row = row_first; row < row_end; row++, y += n) {
    const int64_t line = line_of(s, row);
    for (uint32_t i = 0; i < n; i++) {
      if (line >= 0 && i == in.first && in.end > in.first) {
        const tg_real *from = x + line + start + i * step;
        if (step == 1)
          tg_copy(y + i, from, in.end - i);
        else
          for (uint32_t k = 0; k < in.end - i; k++) y[i + k] = from[k * step];
        i = in.end - 1;
        continue;
      }
      const int64_t cell = line < 0 ? -1 : source(s, last, i);
      y[i] = cell < 0 ? s->value : x[line + cell];
    }
  }
}

void tg_slice_backward(tg_real *dx, const tg_real *dy, const tg_slice_shape *s) {
  const uint32_t last = s->rank - 1, n = s->to[last];
  const int64_t start = s->start[last], step = s->step[last];
  const inside in = inside_of(s);
  size_t size = 1;
  uint32_t rows = 1;
  for (uint32_t d = 0; d < s->rank; d++) {
    size *= s->from[d];
    if (d < last) rows *= s->to[d];
  }
  tg_clear(dx, size);
  for (uint32_t row = 0; row < rows; row++, dy += n) {
    const int64_t line = line_of(s, row);
    if (line < 0) continue;
    for (uint32_t i = 0; i < n; i++) {
      if (i == in.first && in.end > in.first) {
        tg_real *to = dx + line + start + i * step;
        if (step == 1)
          tg_accumulate(to, dy + i, in.end - i);
        else
          for (uint32_t k = 0; k < in.end - i; k++) to[k * step] += dy[i + k];
        i = in.end - 1;
        continue;
      }
      const int64_t cell = source(s, last, i);
      if (cell >= 0) dx[line + cell] += dy[i];
    }
  }
}

#include "kernels/copy.h"

#include "kernels/simd.h"

void tg_copy_rows(tg_real *to, size_t to_stride, const tg_real *from, size_t from_stride, size_t rows, size_t n) {
  for (; rows; rows--, to += to_stride, from += from_stride) tg_copy(to, from, n);
}

void tg_transpose(tg_real *to, size_t to_stride, const tg_real *from, size_t from_stride, size_t rows, size_t columns) {
  size_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    const tg_real *f = from + row * from_stride;
    tg_real *t = to + row;
    size_t column = 0;
    for (; column + 4 <= columns; column += 4, f += 4, t += 4 * to_stride) {
      tg_v4 a = tg_v4_load(f), b = tg_v4_load(f + from_stride);
      tg_v4 c = tg_v4_load(f + 2 * from_stride), d = tg_v4_load(f + 3 * from_stride);
      tg_v4_transpose(&a, &b, &c, &d);
      tg_v4_store(t, a);
      tg_v4_store(t + to_stride, b);
      tg_v4_store(t + 2 * to_stride, c);
      tg_v4_store(t + 3 * to_stride, d);
    }
    for (; column < columns; column++, f++, t += to_stride)
      for (size_t i = 0; i < 4; i++) t[i] = f[i * from_stride];
  }
  for (; row < rows; row++)
    for (size_t column = 0; column < columns; column++) to[column * to_stride + row] = from[row * from_stride + column];
}

static int64_t clip(int64_t value, int64_t limit) { return value < 0 ? 0 : value > limit ? limit : value; }

void tg_place_image(tg_real *to, uint32_t to_h, uint32_t to_w, const tg_real *from, uint32_t from_h, uint32_t from_w,
                    int64_t top, int64_t left, uint32_t channels) {
  const int64_t first = clip(left, to_w), end = clip(left + from_w, to_w);
  const size_t C = channels, row_size = to_w * C;
  for (int64_t row = 0; row < to_h; row++, to += row_size) {
    if (row < top || row >= top + from_h || first >= end) {
      tg_clear(to, row_size);
      continue;
    }
    const tg_real *cells = from + ((size_t)(row - top) * from_w + (size_t)(first - left)) * C;
    tg_clear(to, (size_t)first * C);
    tg_copy(to + (size_t)first * C, cells, (size_t)(end - first) * C);
    tg_clear(to + (size_t)end * C, row_size - (size_t)end * C);
  }
}

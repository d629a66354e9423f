#include "kernels/copy.h"

#include "kernels/simd.h"

void tg_copy_rows(tg_real *to, size_t to_stride, const tg_real *from, size_t from_stride, size_t rows, size_t n) {
  for (; rows; rows--, to += to_stride, from += from_stride) tg_copy(to, from, n);
}

static void transpose4(tg_real *to, size_t to_stride, const tg_real *from, size_t from_stride) {
  tg_v4 a = tg_v4_load(from), b = tg_v4_load(from + from_stride);
  tg_v4 c = tg_v4_load(from + 2 * from_stride), d = tg_v4_load(from + 3 * from_stride);
  tg_v4_transpose(&a, &b, &c, &d);
  tg_v4_store(to, a);
  tg_v4_store(to + to_stride, b);
  tg_v4_store(to + 2 * to_stride, c);
  tg_v4_store(to + 3 * to_stride, d);
}

/* Rows at a time: their cache lines are there for the next columns. */
enum { ROWS = 128 };

void tg_transpose(tg_real *to, size_t to_stride, const tg_real *from, size_t from_stride, size_t rows, size_t columns) {
  /* Lines that lie far apart fall out of the cache first: they are read or written to their end one after the other. */
  const int by_columns = to_stride > from_stride;
  const size_t wide = columns & ~(size_t)3;
  for (size_t first = 0; first < rows; first += ROWS) {
    const size_t left = rows - first, n = left < ROWS ? left : ROWS, high = n & ~(size_t)3;
    const size_t outer_end = by_columns ? wide : high, inner_end = by_columns ? high : wide;
    for (size_t outer = 0; outer < outer_end; outer += 4)
      for (size_t inner = 0; inner < inner_end; inner += 4) {
        const size_t row = first + (by_columns ? inner : outer), column = by_columns ? outer : inner;
        transpose4(to + column * to_stride + row, to_stride, from + row * from_stride + column, from_stride);
      }
    for (size_t row = first; row < first + n; row++)
      for (size_t column = row < first + high ? wide : 0; column < columns; column++)
        to[column * to_stride + row] = from[row * from_stride + column];
  }
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

#include "kernels/ref/ref.h"

void tg_ref_transpose(double *to, const tg_real *from, size_t rows, size_t columns) {
  for (size_t i = 0; i < rows * columns; i++) to[i % columns * rows + i / columns] = from[i];
}

void tg_ref_place_image(double *to, uint32_t to_h, uint32_t to_w, const tg_real *from, uint32_t from_h, uint32_t from_w,
                        int64_t top, int64_t left, uint32_t channels) {
  for (int64_t i = 0; i < to_h; i++)
    for (int64_t j = 0; j < to_w; j++)
      for (uint32_t c = 0; c < channels; c++) {
        int64_t row = i - top, column = j - left;
        int inside = row >= 0 && row < from_h && column >= 0 && column < from_w;
        to[(i * to_w + j) * channels + c] = inside ? from[(row * from_w + column) * channels + c] : 0;
      }
}

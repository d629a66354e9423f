/* Matrices that change their place or their order. */
#ifndef TG_KERNELS_COPY_H
#define TG_KERNELS_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* to (rows, n) = from (rows, n), rows `to_stride` and `from_stride` apart. */
void tg_copy_rows(tg_real *to, size_t to_stride, const tg_real *from, size_t from_stride, size_t rows, size_t n);
/* to (columns, rows) = from (rows, columns) transposed, rows `to_stride` and `from_stride` apart. */
void tg_transpose(tg_real *to, size_t to_stride, const tg_real *from, size_t from_stride, size_t rows, size_t columns);
/*
 * One NHWC image inside another: cell (i, j) of from (from_h, from_w, channels) becomes cell (i + top, j + left) of
 * to (to_h, to_w, channels), where there is one; other cells of `to` are 0. top and left may be negative.
 */
void tg_place_image(tg_real *to, uint32_t to_h, uint32_t to_w, const tg_real *from, uint32_t from_h, uint32_t from_w,
                    int64_t top, int64_t left, uint32_t channels);

#endif

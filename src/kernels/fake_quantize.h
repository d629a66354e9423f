/* Numbers rounded as 8-bit inference will round them. */
#ifndef TG_KERNELS_FAKE_QUANTIZE_H
#define TG_KERNELS_FAKE_QUANTIZE_H

#include <stddef.h>

#include "real.h"

/*
 * y (rows, columns) = w as whole numbers -127…127 times a scale a column, which is the column's largest size / 127
 * (1 where that is below 1e-35); halves go to the even number. Columns first…end-1 only.
 */
void tg_fake_quantize_columns(tg_real *y, const tg_real *w, size_t rows, size_t columns, size_t first, size_t end);

/* A value as a byte: x = scale * (q - zero), q in 0…255. */
typedef struct {
  tg_real scale, zero;
} tg_byte_scale;

/* y (n) = x (n) rounded to what a byte holds, as tg_int8_quantize rounds it; y may be x. */
void tg_fake_quantize(tg_real *y, const tg_real *x, size_t n, tg_byte_scale to);
/* dx (n) = dy where x is not cut, else 0: the straight-through estimator. dx may be dy. */
void tg_fake_quantize_backward(tg_real *dx, const tg_real *dy, const tg_real *x, size_t n, tg_byte_scale to);
/* out[0] and out[1]: the least and the largest of x (n), n > 0. */
void tg_find_range(tg_real out[2], const tg_real *x, size_t n);

#endif

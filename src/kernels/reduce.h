/* Sums over rows, in an order fixed by the shape: chunks of rows give partial sums, which are then added in order. */
#ifndef TG_KERNELS_REDUCE_H
#define TG_KERNELS_REDUCE_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* sum (n) = sum of the rows of x (rows, n). */
void tg_sum_rows(tg_real *sum, const tg_real *x, size_t rows, uint32_t n);
/* dy (rows, n) = dy where y > 0 else 0, in place, and sum (n) = sum of its rows: the backward of bias + ReLU in one
 * pass over memory. */
void tg_relu_backward_sum_rows(tg_real *dy, tg_real *sum, const tg_real *y, size_t rows, uint32_t n);

#endif

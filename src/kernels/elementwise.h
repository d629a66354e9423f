/* Loops over flat arrays of n elements. y and x, dx and dy may be the same array. */
#ifndef TG_KERNELS_ELEMENTWISE_H
#define TG_KERNELS_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

void tg_relu(tg_real *y, const tg_real *x, size_t n); /* NaN stays NaN */
/* dx = dy where y > 0, else 0. */
void tg_relu_backward(tg_real *dx, const tg_real *dy, const tg_real *y, size_t n);
/* y = a + b, then max(0, ·) when relu. */
void tg_add_arrays(tg_real *y, const tg_real *a, const tg_real *b, size_t n, int relu);
/* y += x. */
void tg_accumulate(tg_real *y, const tg_real *x, size_t n);
/* 1 when every element is finite. */
int tg_all_finite(const tg_real *x, size_t n);

/*
 * y[i] = keep(first + i) ? x[i] * scale : 0. Word (first + i) % 4 of Philox4x32-10 at counter
 * ((first + i) / 4, stream, step, step >> 32) decides: kept when the word >= threshold. The backward pass is the same
 * call on dy: the mask is drawn again, never stored.
 */
void tg_dropout(tg_real *y, const tg_real *x, size_t n, uint32_t first, uint32_t threshold, tg_real scale, uint64_t key,
                uint32_t stream, uint64_t step);

#endif

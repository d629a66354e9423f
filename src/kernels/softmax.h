/* Softmax over the rows of (rows, n) matrices. */
#ifndef TG_KERNELS_SOFTMAX_H
#define TG_KERNELS_SOFTMAX_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* y (n) = e^x, four vectors at once; y may be x. */
void tg_exponentials(tg_real *y, const tg_real *x, size_t n);

/* y = softmax(x) over each row; the row's maximum is subtracted first. y may be x. */
void tg_softmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n);
/* dx = y * (dy - sum(y * dy)). */
void tg_softmax_backward(tg_real *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n);
/* y = log softmax(x) over each row. y may be x. */
void tg_log_softmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n);
/* dx = dy - exp(y) * sum(dy). dx may be dy. */
void tg_log_softmax_backward(tg_real *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n);
/* y = 1 where the row's largest is, the first of equals, else 0. Its gradient is 0 everywhere. */
void tg_hardmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n);
void tg_hardmax_backward(tg_real *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n);

#endif

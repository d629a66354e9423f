/* The rectifier whose slope below zero is learned (He et al. 2015), over rows of n features with a slope each. */
#ifndef TG_KERNELS_PRELU_H
#define TG_KERNELS_PRELU_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* y (rows, n) = x > 0 ? x : alpha * x, alpha (n). y may be x. */
void tg_prelu(tg_real *y, const tg_real *x, const tg_real *alpha, size_t rows, uint32_t n);
/* dx (rows, n) = x > 0 ? dy : alpha * dy, unless NULL; sum (n) = of min(x, 0) * dy over the rows. dx may be dy. */
void tg_prelu_backward(tg_real *dx, tg_real *sum, const tg_real *dy, const tg_real *x, const tg_real *alpha,
                       size_t rows, uint32_t n);

#endif

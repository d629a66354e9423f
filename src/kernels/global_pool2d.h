/* Mean over all cells of one NHWC image, and its gradient. */
#ifndef TG_KERNELS_GLOBAL_POOL2D_H
#define TG_KERNELS_GLOBAL_POOL2D_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* y (channels) = mean of the rows of x (cells, channels). */
void tg_global_average_pool2d(tg_real *y, const tg_real *x, size_t cells, uint32_t channels);
/* dx (cells, channels): every row is dy (channels) / cells. */
void tg_global_average_pool2d_backward(tg_real *dx, const tg_real *dy, size_t cells, uint32_t channels);

#endif

/* The passes of a 3x3 convolution by Winograd's method, spread over threads: see kernels/winograd.h. */
#ifndef TG_OPS_CONV2D_WINOGRAD_H
#define TG_OPS_CONV2D_WINOGRAD_H

#include "../kernels/winograd.h"
#include "../op.h"

/* Tiles that a piece of the forward pass takes, when the cache holds `fit`: fewer when they would leave threads idle.
 */
uint32_t tg_conv2d_winograd_share(const tg_winograd *g, uint32_t fit, uint32_t samples, uint32_t threads);

/* Scratch reals of each pass for `samples` samples on `threads` threads. */
uint64_t tg_conv2d_winograd_forward_needs(const tg_winograd *g, uint32_t samples, const tg_pool *pool);
uint64_t tg_conv2d_winograd_filter_needs(const tg_winograd *g, uint32_t samples);
uint64_t tg_conv2d_winograd_input_needs(const tg_winograd *g, uint32_t samples, const tg_pool *pool);

void tg_conv2d_winograd_forward(const tg_run *run, const tg_buffers *buffers, const tg_real *bias,
                                const tg_winograd *g);
void tg_conv2d_winograd_filter_gradient(const tg_run *run, const tg_buffers *buffers, const tg_winograd *g);
void tg_conv2d_winograd_input_gradient(const tg_run *run, const tg_buffers *buffers, const tg_winograd *g);

#endif

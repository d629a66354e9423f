/* The passes of a convolution by implicit GEMM, spread over threads and groups: see kernels/conv2d.h. */
#ifndef TG_OPS_CONV2D_DIRECT_H
#define TG_OPS_CONV2D_DIRECT_H

#include "../kernels/conv2d.h"
#include "../op.h"

typedef struct {
  tg_conv2d_shape s; /* of one group */
  uint32_t groups;
  uint64_t macs; /* of all groups, forward, one sample */
} tg_convolution;

/* Rows of a tile: whole images when the batch gives each of `width` workers several, else strips of an image. macs are
 * those of an image. */
uint32_t tg_conv2d_tile_rows(uint32_t rows, uint32_t samples, uint32_t width, uint64_t macs);

/* Reals of packed weights, and of scratch for each pass. */
uint64_t tg_conv2d_direct_packed(const tg_convolution *c);
uint64_t tg_conv2d_direct_input_packed(const tg_convolution *c);
uint64_t tg_conv2d_direct_forward_needs(const tg_convolution *c, uint32_t threads);
uint64_t tg_conv2d_direct_input_needs(const tg_convolution *c, uint32_t threads);
uint64_t tg_conv2d_direct_filter_needs(const tg_convolution *c, uint32_t threads);

void tg_conv2d_direct_pack(tg_pool *pool, tg_real *packed, const tg_real *w, const tg_convolution *c);
void tg_conv2d_direct_input_pack(tg_pool *pool, tg_real *packed, const tg_real *w, const tg_convolution *c);
/* y = conv(x) + bias (or NULL), then max(0, ·) when relu. */
void tg_conv2d_direct_forward(const tg_run *run, tg_real *y, const tg_real *x, const tg_real *packed,
                              const tg_real *bias, tg_real *scratch, const tg_convolution *c, int relu);
/* dx from dy; a transposed convolution adds its bias (of in_c, one group) and ReLU. */
void tg_conv2d_direct_input_gradient(const tg_run *run, tg_real *dx, const tg_real *dy, const tg_real *packed,
                                     const tg_real *bias, tg_real *scratch, const tg_convolution *c, int relu);
void tg_conv2d_direct_filter_gradient(const tg_run *run, tg_real *dw, const tg_real *x, const tg_real *dy,
                                      tg_real *scratch, const tg_convolution *c);

#endif

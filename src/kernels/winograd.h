/*
 * 3x3 convolution with stride 1 by Winograd's minimal filtering (Lavin & Gray 2016): tiles of 4x4 outputs and the
 * 6x6 inputs under them become 36 independent products of matrices (tiles, in_c) @ (in_c, out_c): 36 multiplications
 * where the direct way takes 144.
 *
 * All three passes use the same tiles: those of y, counted over all images of the batch, and, for the gradients, the
 * transposed matrices (winograd_transform.h). An element's additions have an order that the shape alone decides: which
 * tiles share a block, and who computes it, changes no bit.
 *
 * Reads may run up to TG_OVERREAD_REALS past the last element of x, dy and packed; writes never do.
 */
#ifndef TG_KERNELS_WINOGRAD_H
#define TG_KERNELS_WINOGRAD_H

#include "kernels/conv2d.h"

typedef struct {
  tg_conv2d_shape s;
  uint32_t tiles_h, tiles_w; /* tiles of one image */
} tg_winograd;

/* 1 where the method applies: 3x3, stride 1. */
int tg_winograd_applies(const tg_conv2d_shape *s);
/* 1 where it also costs less than the direct way for so many samples, and then for more as well. By shape and samples
 * alone, so that the threads change no bit. */
int tg_winograd_pays(const tg_conv2d_shape *s, uint32_t samples);
/* More samples than these change the choice no further. */
enum { TG_WINOGRAD_MANY = 1024 };
tg_winograd tg_winograd_make(const tg_conv2d_shape *s);
/* Products take so many tiles at a time; what is missing is computed in vain. */
enum { TG_WINOGRAD_TOGETHER = 4 };
/* Tiles that are worked on together: what fits the second-level cache. A smaller block is always allowed. */
uint32_t tg_winograd_block(const tg_winograd *g);

/* packed (36, panels, in_c, 8) from w (3, 3, in_c, out_c); panels of output channels panel_first…panel_end-1, of
 * which there are tg_conv2d_panels. */
size_t tg_winograd_packed_size(const tg_winograd *g);
void tg_winograd_pack(tg_real *packed, const tg_real *w, const tg_winograd *g, uint32_t panel_first,
                      uint32_t panel_end);
/* The same for the gradient of the input: (36, panels, out_c, 8), panels of input channels. */
size_t tg_winograd_input_gradient_packed_size(const tg_winograd *g);
void tg_winograd_input_gradient_pack(tg_real *packed, const tg_real *w, const tg_winograd *g, uint32_t panel_first,
                                     uint32_t panel_end);

/* Reals of private scratch for blocks of `block` tiles, for either of the two passes below. */
size_t tg_winograd_scratch(const tg_winograd *g, uint32_t block);
/* y, tiles tile_first…tile_end-1 (at most `block`) of the batch = conv(x) + bias (or NULL), then max(0, ·) when relu.
 */
void tg_winograd_forward(tg_real *y, const tg_real *x, const tg_real *packed, const tg_real *bias, tg_real *scratch,
                         const tg_winograd *g, uint32_t tile_first, uint32_t tile_end, uint32_t block, int relu);
/* dx of whole images, since tiles overlap there; channels of panels panel_first…panel_end-1. */
void tg_winograd_input_gradient(tg_real *dx, const tg_real *dy, const tg_real *packed, tg_real *scratch,
                                const tg_winograd *g, uint32_t image_first, uint32_t image_end, uint32_t panel_first,
                                uint32_t panel_end, uint32_t block);

/* The gradient of the filter, in three steps for each chunk of tiles in order, then a last one:
 *   1. transform: any tiles of the chunk, by anyone
 *   2. add: products over the chunk's tiles; units (position, panel), by anyone
 *   3. finish: dw from the sums, rows of input channels, by anyone. */
typedef struct {
  tg_real *x, *dy, *sum;
  uint32_t chunk; /* tiles there is room for */
} tg_winograd_filter;
uint32_t tg_winograd_filter_chunk(const tg_winograd *g, uint64_t tiles);
size_t tg_winograd_filter_scratch(const tg_winograd *g, uint32_t chunk);
tg_winograd_filter tg_winograd_filter_make(tg_real *scratch, const tg_winograd *g, uint32_t chunk);
/* Tiles tile_first…tile_end-1 of the batch, into places tile - chunk_first. */
void tg_winograd_filter_transform(const tg_winograd_filter *f, const tg_real *x, const tg_real *dy,
                                  const tg_winograd *g, uint32_t chunk_first, uint32_t tile_first, uint32_t tile_end);
uint32_t tg_winograd_filter_units(const tg_winograd *g);
/* sum = (is_first ? 0 : sum) + the products over `count` tiles. */
void tg_winograd_filter_add(const tg_winograd_filter *f, const tg_winograd *g, uint32_t count, int is_first,
                            uint32_t unit_first, uint32_t unit_end);
/* dw (3, 3, in_c, out_c), input channels row_first…row_end-1. */
void tg_winograd_filter_finish(tg_real *dw, const tg_winograd_filter *f, const tg_winograd *g, uint32_t row_first,
                               uint32_t row_end);

#endif

/*
 * Depthwise convolution with kernels of 3x3 and strides of 1 or 2, one image at a time. A tile is seven rows of a
 * column of the result (with strides fewer), over all channels before the next column begins: so memory is read and
 * written number after number, which hardware does ahead while the tile computes. The columns of x that the next tile
 * sees again are kept in a ring, unless there are few of them, which the cache keeps; what is
 * outside of the image is zeros there.
 *
 * An element of the result is one chain: bias, or zero, then the rows of its window from top to bottom, each from left
 * to right. An element of the filter's gradient takes pixels in an order that shape and rows decide.
 */
#ifndef TG_KERNELS_DEPTHWISE_THREE_H
#define TG_KERNELS_DEPTHWISE_THREE_H

#include "kernels/depthwise.h"
#include "kernels/simd.h"

enum { TG_THREE = 3 };

/* What is read: `from` (height, width, channels), through windows whose first one begins pad_top rows and pad_left
 * columns outside. */
typedef struct {
  const tg_real *from;
  const tg_real *w;    /* (3, 3, channels) */
  const tg_real *bias; /* (channels), or NULL */
  size_t channels;
  uint32_t height, width, stride;
  int64_t pad_top, pad_left;
  uint32_t to_width; /* pixels of a row of the result */
  int relu;
  int flipped;      /* whether w is read from its end, for the gradient of the input */
  tg_real *scratch; /* TG_DEPTHWISE_SCRATCH */
} tg_three;

/* Every window of a gather and of the filter's gradient has a row and a column that is inside. */

/* Rows row_first…row_end-1 of to (…, to_width, channels) = the windows' products with w. */
void tg_three_gather(tg_real *to, const tg_three *t, uint32_t row_first, uint32_t row_end);
/* The same rows of the gradient of an input whose strides are 2: to[i] = sum over k of from[(i + pad - k) / 2] * w[k],
 * where that is whole. */
void tg_three_scatter(tg_real *to, const tg_three *t, uint32_t row_first, uint32_t row_end);
/* dw (3, 3, channels) += the windows' products with some of the rows row_first…row_end-1 of dy (…, to_width, channels);
 * returns the first row that is left to do. */
uint32_t tg_three_filter_gradient(tg_real *dw, const tg_three *t, const tg_real *dy, uint32_t row_first,
                                  uint32_t row_end);

#endif

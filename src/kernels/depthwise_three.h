/*
 * Depthwise convolution with kernels of three columns and at most three rows, one image at a time. Sixteen channels, a
 * cache line, of the rows that a row of the result sees are copied into a frame of zeros in the first-level cache. From
 * there a tile of seven or eight results takes four channels at once: a pixel is loaded once for the three columns that
 * it meets, and nothing is asked on the way. The gradient of the filter has its nine sums in registers.
 *
 * An element of the result is one chain: bias, or zero, then the rows of its window from top to bottom, each from left
 * to right. An element of the filter's gradient takes pixels in an order that shape and rows decide.
 */
#ifndef TG_KERNELS_DEPTHWISE_THREE_H
#define TG_KERNELS_DEPTHWISE_THREE_H

#include "kernels/simd.h"

enum { TG_THREE = 3 };

/* What is read: `from` (height, width, channels), through windows whose first one begins pad_top rows and pad_left
 * columns outside. */
typedef struct {
  const tg_real *from;
  const tg_real *w;    /* (kernel_h, 3, channels) */
  const tg_real *bias; /* (channels), or NULL */
  size_t channels;
  uint32_t height, width, kernel_h, stride_h, stride_w;
  int64_t pad_top, pad_left;
  uint32_t to_width; /* pixels of a row of the result */
  int relu;
  int flipped; /* whether w is read from its end, for the gradient of the input */
} tg_three;

/* Rows row_first…row_end-1 of to (…, to_width, channels) = the windows' products with w; stride_w is 1 or 2. */
void tg_three_gather(tg_real *to, const tg_three *t, uint32_t row_first, uint32_t row_end);
/* The same rows of the gradient of an input whose strides are 2, by a kernel of 3x3: to[i] = sum over k of from[(i +
 * pad - k) / 2] * w[k], where that is whole. */
void tg_three_scatter(tg_real *to, const tg_three *t, uint32_t row_first, uint32_t row_end);
/* dw (kernel_h, 3, channels) += the windows' products with rows row_first…row_end-1 of dy (…, to_width, channels). */
void tg_three_filter_gradient(tg_real *dw, const tg_three *t, const tg_real *dy, uint32_t row_first, uint32_t row_end);

#endif

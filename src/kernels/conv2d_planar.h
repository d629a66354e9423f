/*
 * Convolutions in groups of four filters or fewer, strides 1: half of a tile of 4 pixels x 8 filters would stay empty.
 * Channels are copied into planes with their padding, so that a vector is four neighbouring pixels of one channel and a
 * tile is 8 pixels x 4 filters. Forward and the gradient of the input add up in the order of conv2d_windows.c.
 */
#ifndef TG_KERNELS_CONV2D_PLANAR_H
#define TG_KERNELS_CONV2D_PLANAR_H

#include "kernels/conv2d_windows.h"

/* 1 where a pass whose results have so many channels goes by planes. */
TG_INLINE int tg_goes_by_planes(const tg_conv2d_shape *s, uint32_t channels) {
  return channels <= 4 && s->skip_in + s->skip_out > 0 && s->stride_h == 1 && s->stride_w == 1;
}

/* What is convolved: a window of an image (height, width, channels of `pixel`), and with which taps. */
typedef struct {
  const tg_real *image;
  tg_image_window window;
  uint32_t height, width, channels;
  size_t pixel;
  const tg_conv2d_shape *s; /* for the kernel and the dilation */
} tg_planar_conv;

/* Reals of scratch. */
size_t tg_planar_scratch(const tg_planar_conv *p);
/* y (pixels of the window, out_c <= 4 of out_pixel) from packed (K, 8), bias (out_c, or NULL). */
void tg_run_planar(tg_real *y, const tg_planar_conv *p, const tg_real *packed, const tg_real *bias, tg_real *scratch,
                   uint32_t out_c, size_t out_pixel, int relu);

/* As in conv2d.h; an element is the sum of four chains, pixels one, two, three and four of four. */
size_t tg_planar_filter_gradient_scratch(const tg_conv2d_shape *s);
void tg_planar_filter_gradient(tg_real *dw, const tg_real *x, const tg_real *dy, tg_real *scratch,
                               const tg_conv2d_shape *s, uint32_t images, uint32_t tile_first, uint32_t tile_end);

#endif

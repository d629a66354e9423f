/*
 * Convolutions in groups of four filters or fewer, strides 1: half of a tile of 4 pixels x 8 filters would stay empty.
 * Channels are copied into planes with their padding, so that a vector is four neighbouring pixels of one channel and a
 * tile is 8 pixels x 4 filters. Forward and the gradient of the input add up in the order of conv2d_windows.c.
 */
#ifndef TG_KERNELS_CONV2D_PLANAR_H
#define TG_KERNELS_CONV2D_PLANAR_H

#include "kernels/conv2d_windows.h"

/* 1 where a pass whose results have so many channels goes by planes. */
int tg_goes_by_planes(const tg_conv2d_shape *s, uint32_t channels);

/*
 * What they do is said in conv2d.h. An element of the filter's gradient is the sum of four chains, pixels one, two,
 * three and four of four. Behind pointers: Binaryen would put a function with one caller into that one, which is in the
 * engine's first file.
 */
typedef struct {
  size_t (*forward_scratch)(const tg_conv2d_shape *s, uint32_t rows);
  void (*forward)(tg_real *y, const tg_real *x, const tg_real *packed, const tg_real *bias, tg_real *scratch,
                  const tg_conv2d_shape *s, uint32_t image, uint32_t row_first, uint32_t row_end, int relu);
  size_t (*input_gradient_scratch)(const tg_conv2d_shape *s, uint32_t rows);
  void (*input_gradient)(tg_real *dx, const tg_real *dy, const tg_real *packed, tg_real *scratch,
                         const tg_conv2d_shape *s, uint32_t image, uint32_t row_first, uint32_t row_end);
  size_t (*filter_gradient_scratch)(const tg_conv2d_shape *s);
  void (*filter_gradient)(tg_real *dw, const tg_real *x, const tg_real *dy, tg_real *scratch, const tg_conv2d_shape *s,
                          uint32_t images, uint32_t tile_first, uint32_t tile_end);
} tg_planar_passes;

extern const tg_planar_passes tg_by_planes;

#endif

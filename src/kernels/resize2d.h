/* NHWC images made larger by whole factors, and the gradient of that. One call does one image. */
#ifndef TG_KERNELS_RESIZE2D_H
#define TG_KERNELS_RESIZE2D_H

#include <stdint.h>

#include "real.h"

typedef struct {
  uint32_t in_h, in_w, channels;
  uint32_t size_h, size_w; /* factors */
  int bilinear;            /* between the centres of cells, edges repeated; else each cell is repeated */
} tg_resize2d_shape;

/* y (in_h * size_h, in_w * size_w, channels) of x (in_h, in_w, channels). */
void tg_resize2d(tg_real *y, const tg_real *x, const tg_resize2d_shape *s);
/* dx of dy: every cell's weight in y, times dy, summed along each row of dy, and then row after row. */
void tg_resize2d_backward(tg_real *dx, const tg_real *dy, const tg_resize2d_shape *s);

#endif

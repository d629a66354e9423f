/*
 * Max and average pooling over NHWC images; one call does images image_first…image_end-1.
 * Padded cells take no part: the maximum ignores them and the average divides by the cells that exist (Keras), or, with
 * count_padding, by all of the window's (PyTorch).
 */
#ifndef TG_KERNELS_POOL2D_H
#define TG_KERNELS_POOL2D_H

#include <stdint.h>

#include "real.h"

typedef struct {
  uint32_t in_h, in_w, channels;
  uint32_t out_h, out_w;
  uint32_t pool_h, pool_w;
  uint32_t stride_h, stride_w;
  uint32_t pad_top, pad_left;
  /* No stride or padding: output i covers the cells floor(i in / out) … ceil((i + 1) in / out), of which there are at
   * most pool_h and pool_w. */
  int adaptive;
  uint32_t count_padding;
  int sum; /* sums in place of averages, forward */
} tg_pool2d_shape;

/* y (out_h, out_w, channels) from x (in_h, in_w, channels), both pointing at image 0. A NaN in a window is its maximum;
 * a window of padding alone gives -infinity. When `relu`, y = max(0, ·) of that.
 * Unless NULL, `winners` (tg_max_pool2d_winners reals, at image 0) receives which cell of each window goes into y: the
 * first, in row-major order, that holds the maximum (PyTorch, TensorFlow). With that the backward pass needs neither x
 * nor y. None wins where y is NaN, where the window is padding alone, and, when `relu`, where y is not positive.
 * A window has at most TG_MAX_POOL_CELLS cells, so that they can be counted in reals. */
enum { TG_MAX_POOL_CELLS = 1 << 24 };
uint64_t tg_max_pool2d_winners(const tg_pool2d_shape *s, uint32_t images);
void tg_max_pool2d(tg_real *y, tg_real *winners, const tg_real *x, const tg_pool2d_shape *s, uint32_t image_first,
                   uint32_t image_end, int relu);
/* dx gets dy at the winners; all other cells zero. Overlapping windows add up. */
void tg_max_pool2d_backward(tg_real *dx, const tg_real *dy, const tg_real *winners, const tg_pool2d_shape *s,
                            uint32_t image_first, uint32_t image_end);
void tg_average_pool2d(tg_real *y, const tg_real *x, const tg_pool2d_shape *s, uint32_t image_first,
                       uint32_t image_end);
void tg_average_pool2d_backward(tg_real *dx, const tg_real *dy, const tg_pool2d_shape *s, uint32_t image_first,
                                uint32_t image_end);

#endif

/*
 * 2-D convolution by implicit GEMM: forward, gradient of the input, gradient of the filter.
 * NHWC activations, HWIO weights, any dilation, one group of channels. Every function does one *tile* of the work, so
 * that the caller can spread tiles over threads; who computes a tile never changes the order of its additions.
 *
 * Reads may run up to TG_OVERREAD_REALS past the last element of x, dy, packed and scratch; writes never do.
 */
#ifndef TG_KERNELS_CONV2D_H
#define TG_KERNELS_CONV2D_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* One vector of output channels is two registers of four: what a tail load may touch beyond the end. */
enum { TG_OVERREAD_REALS = 8 };

typedef struct {
  uint32_t in_h, in_w, in_c;
  uint32_t out_h, out_w, out_c;
  uint32_t kernel_h, kernel_w;
  uint32_t stride_h, stride_w;
  uint32_t pad_top, pad_left; /* zeros before the first row and column; those behind follow from out_h, out_w */
  /* Rows and columns of the input that are left out between neighbouring taps: dilation - 1. */
  uint32_t skip_h, skip_w;
  /* One group of a grouped convolution is a convolution of its own, between whose pixels other groups' channels stand:
   * skip_in of them in x and dx, skip_out in y, dy and, from one row of (K, out_c) to the next, in w and dw. */
  uint32_t skip_in, skip_out;
} tg_conv2d_shape;

/* Reals of packed weights for the forward pass: output channels rounded up to panels of 8. */
size_t tg_conv2d_packed_size(const tg_conv2d_shape *s);
uint32_t tg_conv2d_panels(const tg_conv2d_shape *s);
/* packed (panels, K = kernel_h*kernel_w*in_c, 8) from w (kernel_h, kernel_w, in_c, out_c); panels
 * panel_first…panel_end-1. */
void tg_conv2d_pack(tg_real *packed, const tg_real *w, const tg_conv2d_shape *s, uint32_t panel_first,
                    uint32_t panel_end);

/* Reals of private scratch for a forward tile of `rows` output rows of one image (0 without padding). */
size_t tg_conv2d_forward_scratch(const tg_conv2d_shape *s, uint32_t rows);
/* y[image] rows row_first…row_end-1 of (out_h, out_w, out_c) = conv(x[image], w) + bias, then max(0, ·) when relu.
 * x and y point at image 0 of the batch. bias may be NULL. */
void tg_conv2d_forward(tg_real *y, const tg_real *x, const tg_real *packed, const tg_real *bias, tg_real *scratch,
                       const tg_conv2d_shape *s, uint32_t image, uint32_t row_first, uint32_t row_end, int relu);

/* The same for the gradient of the input, with the weights' taps in reverse order and transposed. The shape decides
 * whether dy is padded in scratch or added tap by tap (then scratch is 0). */
size_t tg_conv2d_input_gradient_packed_size(const tg_conv2d_shape *s);
uint32_t tg_conv2d_input_gradient_panels(const tg_conv2d_shape *s);
void tg_conv2d_input_gradient_pack(tg_real *packed, const tg_real *w, const tg_conv2d_shape *s, uint32_t panel_first,
                                   uint32_t panel_end);
size_t tg_conv2d_input_gradient_scratch(const tg_conv2d_shape *s, uint32_t rows);
/* dx[image] rows row_first…row_end-1 of (in_h, in_w, in_c). */
void tg_conv2d_input_gradient(tg_real *dx, const tg_real *dy, const tg_real *packed, tg_real *scratch,
                              const tg_conv2d_shape *s, uint32_t image, uint32_t row_first, uint32_t row_end);

/* y (pixels, n) = max(0, ·) when relu of y + bias (n, or NULL): what ends a transposed convolution, whose forward pass
 * is the gradient of an input. */
void tg_conv2d_add_bias(tg_real *y, const tg_real *bias, size_t pixels, uint32_t n, int relu);

/* Tiles of the filter gradient: each is four rows by eight columns of dw seen as the matrix (K, out_c), all rows of one
 * panel of columns before the next. A call costs one pass over its panels of dy, so give each thread one range. */
uint32_t tg_conv2d_filter_gradient_tiles(const tg_conv2d_shape *s);
size_t tg_conv2d_filter_gradient_scratch(const tg_conv2d_shape *s);
/* dw (K, out_c), tiles tile_first…tile_end-1, summed over all images 0…images-1 in order. */
void tg_conv2d_filter_gradient(tg_real *dw, const tg_real *x, const tg_real *dy, tg_real *scratch,
                               const tg_conv2d_shape *s, uint32_t images, uint32_t tile_first, uint32_t tile_end);

#endif

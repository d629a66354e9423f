/*
 * Depthwise convolution: each channel of x with filters of its own. The kernels know one filter a channel; where a
 * layer has more (Keras's depthMultiplier), x is spread first, so that every filter finds its channel above it.
 *
 * A shape's in_c and out_c are both the channels; NHWC activations, weights (kernel_h, kernel_w, channels). One vector
 * is four channels of a pixel, and four pixels in a row share the weights they load; kernels of 3x3 have loops
 * of their own (depthwise_three.h). An element's additions go through the taps in an order that its place in the
 * image decides, whoever computes it.
 *
 * Reads may run up to TG_OVERREAD_REALS past the last element of every array; writes never do.
 */
#ifndef TG_KERNELS_DEPTHWISE_H
#define TG_KERNELS_DEPTHWISE_H

#include "kernels/conv2d.h"

/* What a pass works in: no image's worth, and the same for all shapes. */
enum { TG_DEPTHWISE_SCRATCH = 40448 };

/* Rows row_first…row_end-1 of y, one image, = conv(x, w) + bias (or NULL), then max(0, ·) when relu. */
void tg_depthwise_forward(tg_real *y, const tg_real *x, const tg_real *w, const tg_real *bias, const tg_conv2d_shape *s,
                          tg_real *scratch, uint32_t row_first, uint32_t row_end, int relu);
/* The same rows of dx. */
void tg_depthwise_input_gradient(tg_real *dx, const tg_real *dy, const tg_real *w, const tg_conv2d_shape *s,
                                 tg_real *scratch, uint32_t row_first, uint32_t row_end);
/* dw += what those rows of y give. */
void tg_depthwise_filter_gradient(tg_real *dw, const tg_real *x, const tg_real *dy, const tg_conv2d_shape *s,
                                  tg_real *scratch, uint32_t row_first, uint32_t row_end);

/* to (cells, channels, times) = every number of from (cells, channels) `times` times. */
void tg_depthwise_spread(tg_real *to, const tg_real *from, size_t cells, uint32_t channels, uint32_t times);
/* to (cells, channels) = sums over the last axis of from (cells, channels, times): the gradient of that. */
void tg_depthwise_gather(tg_real *to, const tg_real *from, size_t cells, uint32_t channels, uint32_t times);

#endif

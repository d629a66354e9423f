/*
 * Inference in 8 bits. Activations are unsigned bytes with a zero point (quantization.h), weights whole numbers
 * -127…127 with a scale an output channel, products 16-bit pairs summed in 32 bits (i32x4.dot_i16x8_s), exactly.
 *
 * Into bytes: q = (float)sum * factor + offset, each rounded to float; then cut to 0…255; then rounded to the nearest
 * whole number, halves to the even one. A zero point of 0 therefore is a ReLU.
 *
 * A call does one tile of the work, as in conv2d.h. The sums are exact, so no order of them can change a bit, and no
 * build has other bits. Reads may run up to TG_OVERREAD_REALS reals past the last element of x; writes never do.
 */
#ifndef TG_KERNELS_INT8_H
#define TG_KERNELS_INT8_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/conv2d.h"
#include "kernels/pool2d.h"
#include "kernels/winograd.h"
#include "quantization.h"

/* Sums of at most so many products of a byte and a weight stay below 2^31. */
enum { TG_INT8_MOST_PRODUCTS = 66000 };

/* y (n) = x (n) in bytes. x / scale is x times the rounded reciprocal of scale. A NaN becomes 0. */
void tg_int8_quantize(uint8_t *y, const tg_real *x, size_t n, tg_quantization to);
/* y (n) = from.scale * (x (n) - from.zero). */
void tg_int8_dequantize(tg_real *y, const uint8_t *x, size_t n, tg_quantization from);
/* y (n) = a (n) + b (n) as numbers: a * factor_a + (b * factor_b + offset), rounded to float at each operation. */
void tg_int8_add(uint8_t *y, const uint8_t *a, const uint8_t *b, size_t n, const tg_quantization from[2],
                 tg_quantization to);
/* As tg_max_pool2d, of bytes; a window of padding alone gives 0. */
void tg_int8_max_pool2d(uint8_t *y, const uint8_t *x, const tg_pool2d_shape *s, uint32_t image_first,
                        uint32_t image_end);

/*
 * ---- convolution ----
 * With a pool of 2 the shape's out_h and out_w are even, y is (out_h / 2, out_w / 2, out_c), and rows of y are meant.
 * The largest sum gives the largest byte, since factors are positive: one number in four is made and written.
 */

/* A layer's weights as the kernels read them. */
typedef struct {
  const int16_t *packed;
  const float *factor, *offset; /* an output channel, rounded up to 8 */
  int32_t zero;                 /* the zero point of x */
  int real;                     /* y is tg_real and not bytes */
  uint32_t pool;                /* 2: of each 2x2 outputs, side by side, y gets the largest; 1: y gets all */
} tg_int8_layer;

/* factor and offset (out_c rounded up to 8, the rest zeros) from the weights' scale (out_c) and bias (out_c, or NULL).
 */
void tg_int8_factors(float *factor, float *offset, const tg_real *scale, const tg_real *bias, uint32_t out_c,
                     tg_quantization x, tg_quantization y);

/* int16 of packed weights: (panels of 8 output channels, rows of the kernel, pairs of inputs, 8, 2). */
size_t tg_int8_conv2d_packed_size(const tg_conv2d_shape *s);
/* From w (kernel_h, kernel_w, in_c, out_c), whole numbers. */
void tg_int8_conv2d_pack(int16_t *packed, const tg_real *w, const tg_conv2d_shape *s);
/* int16 of private scratch for `rows` rows of sums of one image. */
size_t tg_int8_conv2d_scratch(const tg_conv2d_shape *s, uint32_t rows);
/* y[image] rows row_first…row_end-1; x and y point at image 0 of the batch. */
void tg_int8_conv2d(void *y, const uint8_t *x, const tg_int8_layer *layer, int16_t *scratch, const tg_conv2d_shape *s,
                    uint32_t image, uint32_t row_first, uint32_t row_end);

/* The same by Winograd, F(4x4, 3x3) on the points 0, ±1, ±2, ∞, whose transforms of x and (times 576) of w are whole
 * numbers of 16 bits: the products are exact, and only the transform back works in float. It pays where the float one
 * does (tg_winograd_pays). */
/* int16 of packed weights: (36, panels, pairs of inputs, 8, 2). */
size_t tg_int8_winograd_packed_size(const tg_winograd *g);
void tg_int8_winograd_pack(int16_t *packed, const tg_real *w, const tg_winograd *g);
uint32_t tg_int8_winograd_block(const tg_winograd *g);
/* Bytes of private scratch for blocks of `block` tiles. */
size_t tg_int8_winograd_scratch(const tg_winograd *g, uint32_t block);
/* Tiles tile_first…tile_end-1 (at most `block`) of the batch. y is bytes. */
void tg_int8_winograd(uint8_t *y, const uint8_t *x, const tg_int8_layer *layer, void *scratch, const tg_winograd *g,
                      uint32_t tile_first, uint32_t tile_end, uint32_t block);

#endif

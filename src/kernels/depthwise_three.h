/*
 * Depthwise convolution with kernels of three columns and at most three rows: a row of y, or of the gradient of x. Four
 * channels go along the row with their weights in registers: each pixel is loaded once for the three results that it is
 * part of. An element is the sum of its columns, from left to right, and a column that of its rows.
 */
#ifndef TG_KERNELS_DEPTHWISE_THREE_H
#define TG_KERNELS_DEPTHWISE_THREE_H

#include "kernels/simd.h"

enum { TG_THREE = 3 };

/* Rows that there are not are NULL, in `from` and `w` alike. */
typedef struct {
  const tg_real *from[TG_THREE]; /* (size, channels) */
  const tg_real *w[TG_THREE];    /* of the left column */
  ptrdiff_t w_next;              /* reals of w to the column on the right */
  const tg_real *bias;           /* (channels), or NULL */
  size_t channels;
  uint32_t size;  /* pixels of a row of `from` */
  uint32_t width; /* of `to` */
  uint32_t pad;
  int relu;
} tg_three;

/* to[o] (width, channels) = sum over k of from[o * stride + k - pad] * w[k], stride 1 or 2. */
void tg_three_gather(tg_real *to, const tg_three *t, uint32_t stride);
/* to[i] = sum over k of from[(i + pad - k) / 2] * w[k], where that is whole; at most two rows. */
void tg_three_scatter(tg_real *to, const tg_three *t);

#endif

/*
 * Normalisation over rows: x (rows, n) has n features, each with its own mean and variance over all rows. Sums run over
 * chunks of rows that the caller fixes by shape; partial results are joined in their order.
 */
#ifndef TG_KERNELS_NORM_H
#define TG_KERNELS_NORM_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* mean (n) of the rows of one chunk and squares (n), the sum of their squared distances from it. The chunk should fit
 * the first-level cache: it is read twice, so that a large mean costs no digits of a small variance. */
void tg_norm_statistics(tg_real *mean, tg_real *squares, const tg_real *x, size_t rows, uint32_t n);
/*
 * Joins the statistics of chunks of chunk_rows rows (the last one shorter) of `rows` in all: mean (n) and the biased
 * variance (n). parts (chunks, 2, n): mean and squares of each. Chan, Golub, LeVeque 1979, in double.
 */
void tg_norm_combine(tg_real *mean, tg_real *variance, const tg_real *parts, size_t rows, size_t chunk_rows,
                     uint32_t n);
/* inverse = 1 / sqrt(variance + epsilon), scale = gamma * inverse, shift = beta, each (n). gamma and beta may be NULL:
 * 1 and 0. */
void tg_norm_prepare(tg_real *inverse, tg_real *scale, tg_real *shift, const tg_real *variance, const tg_real *gamma,
                     const tg_real *beta, tg_real epsilon, uint32_t n);
/* y = (x - mean) * scale + shift, then max(0, ·) when relu. y may be x. */
void tg_norm(tg_real *y, const tg_real *x, const tg_real *mean, const tg_real *scale, const tg_real *shift, size_t rows,
             uint32_t n, int relu);
/*
 * sums (2, n): of dy, and of dy * (x - mean). With relu, dy counts where tg_norm gives a positive y, found again from
 * x: that saves reading y and writing the masked dy.
 */
void tg_norm_backward_sums(tg_real *sums, const tg_real *dy, const tg_real *x, const tg_real *mean,
                           const tg_real *scale, const tg_real *shift, size_t rows, uint32_t n, int relu);
/* dx = dy * scale - (x - mean) * slope - offset, dy masked as above. slope and offset (n) come from the sums of all
 * rows. dx may be dy. */
void tg_norm_backward(tg_real *dx, const tg_real *dy, const tg_real *x, const tg_real *mean, const tg_real *scale,
                      const tg_real *shift, const tg_real *slope, const tg_real *offset, size_t rows, uint32_t n,
                      int relu);

#endif

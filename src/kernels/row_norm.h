/*
 * Normalisation within rows: x (rows, n), each row by its own statistics, which `mean` and `inverse` (rows) keep for
 * the backward pass.
 */
#ifndef TG_KERNELS_ROW_NORM_H
#define TG_KERNELS_ROW_NORM_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

typedef enum {
  TG_LAYER_NORM, /* y = (x - mean) / sqrt(variance + epsilon) * gamma + beta; the variance is the biased one */
  TG_RMS_NORM,   /* y = x / sqrt(mean of x^2 + epsilon) * gamma */
  TG_UNIT_NORM   /* y = x / sqrt(max(sum of x^2, epsilon)) */
} tg_row_norm_kind;

/* gamma and beta (n) may be NULL: 1 and 0. mean is left alone where the kind has none. y may be x. */
void tg_row_norm(tg_row_norm_kind kind, tg_real *y, tg_real *mean, tg_real *inverse, const tg_real *x,
                 const tg_real *gamma, const tg_real *beta, tg_real epsilon, size_t rows, uint32_t n);
/*
 * dx (rows, n) unless NULL, and sums (2, n) unless NULL: over the rows, of dy times the normalised x (gamma's gradient)
 * and of dy (beta's). dx may be dy.
 */
void tg_row_norm_backward(tg_row_norm_kind kind, tg_real *dx, tg_real *sums, const tg_real *dy, const tg_real *x,
                          const tg_real *mean, const tg_real *inverse, const tg_real *gamma, tg_real epsilon,
                          size_t rows, uint32_t n);

#endif

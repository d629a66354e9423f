/*
 * Losses with their gradients, over rows of n numbers: losses[row] is the loss of one row, dx (rows, n) its gradient
 * times `scale`, or NULL when no gradient is wanted. Definitions, defaults and clipping (epsilon 1e-7) are those of
 * Keras 3.
 */
#ifndef TG_KERNELS_LOSSES_H
#define TG_KERNELS_LOSSES_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* What rows are compared with: a class each, or n values each. One of the two is NULL. */
typedef struct {
  const int32_t *classes; /* (rows) */
  const tg_real *values;  /* (rows, n) */
} tg_labels;

typedef void tg_loss_kernel(tg_real *losses, tg_real *dx, const tg_real *x, tg_labels labels, const double *options,
                            tg_real scale, uint32_t rows, uint32_t n);

/* ---- one probability for each class: a row is one choice among n ---- */

/* x are logits: -sum t log softmax(x). */
tg_loss_kernel tg_softmax_crossentropy;
/* x are probabilities: divided by their sum, clipped to [1e-7, 1 - 1e-7], -sum t log x. */
tg_loss_kernel tg_categorical_crossentropy;
/* -sum alpha (1 - p)^gamma t log p of the same p (Lin et al. 2017); options alpha, gamma. */
tg_loss_kernel tg_softmax_focal, tg_categorical_focal;
/* max(0, 1 + max((1 - t) x) - sum t x). Of equal ones the first is the largest. */
tg_loss_kernel tg_categorical_hinge;
/* -sum t x / (|t| |x|), a length below 1e-7 counting as 1e-7. */
tg_loss_kernel tg_cosine_similarity;

/* ---- a number for each output: means of n terms; labels are classes only with n = 1 ---- */

/* x are logits: max(x, 0) - x t + log(1 + exp(-|x|)). */
tg_loss_kernel tg_sigmoid_crossentropy;
/* x are probabilities, clipped to [1e-7, 1 - 1e-7]: -(t log x + (1 - t) log(1 - x)). */
tg_loss_kernel tg_binary_crossentropy;
/* These times (1 - p_t)^gamma, p_t = t p + (1 - t)(1 - p), and with balancing times t alpha + (1 - t)(1 - alpha) (Lin
 * et al. 2017); options alpha, gamma, balancing. */
tg_loss_kernel tg_sigmoid_focal, tg_binary_focal;
/* With e = x - t: e^2, |e|, log cosh e. */
tg_loss_kernel tg_mean_squared_error, tg_mean_absolute_error, tg_log_cosh;
/* e^2 / 2 up to |e| = delta, delta (|e| - delta / 2) beyond; divided by delta when smooth. Options delta, smooth. */
tg_loss_kernel tg_huber;
/* (log(1 + max(x, 1e-7)) - log(1 + max(t, 1e-7)))^2. */
tg_loss_kernel tg_mean_squared_logarithmic_error;
/* x - t log(x + 1e-7). */
tg_loss_kernel tg_poisson;
/* max(0, 1 - t x), and its square. */
tg_loss_kernel tg_hinge, tg_squared_hinge;
/* t log(t / x), both clipped to [1e-7, 1]: the sum, not the mean, of the row. */
tg_loss_kernel tg_kl_divergence;

#endif

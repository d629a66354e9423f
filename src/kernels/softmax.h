/* Row-wise functions over (rows, n) matrices, and the losses with their gradients. */
#ifndef TG_KERNELS_SOFTMAX_H
#define TG_KERNELS_SOFTMAX_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* y = softmax(x) over each row; the row's maximum is subtracted first. y may be x. */
void tg_softmax(tg_real *y, const tg_real *x, uint32_t rows, uint32_t n);
/* dx = y * (dy - sum(y * dy)). */
void tg_softmax_backward(tg_real *dx, const tg_real *dy, const tg_real *y, uint32_t rows, uint32_t n);

/*
 * Losses. losses[row] is the loss of one sample; dx its gradient times `scale` (1/batch for the mean), or NULL when no
 * gradient is wanted. Labels are classes (one int32 a row) or, when classes is NULL, `targets` (rows, n).
 * Clipping constants and definitions are those of Keras 3 (epsilon 1e-7).
 */
/* x are logits: -sum t log softmax(x). */
void tg_softmax_crossentropy(tg_real *losses, tg_real *dx, const tg_real *x, const int32_t *classes,
                             const tg_real *targets, tg_real scale, uint32_t rows, uint32_t n);
/* x are probabilities: divided by their sum, clipped to [1e-7, 1 - 1e-7], -sum t log x. */
void tg_categorical_crossentropy(tg_real *losses, tg_real *dx, const tg_real *x, const int32_t *classes,
                                 const tg_real *targets, tg_real scale, uint32_t rows, uint32_t n);
/* x are logits: mean over n of max(x, 0) - x t + log(1 + exp(-|x|)). classes only with n = 1. */
void tg_sigmoid_crossentropy(tg_real *losses, tg_real *dx, const tg_real *x, const int32_t *classes,
                             const tg_real *targets, tg_real scale, uint32_t rows, uint32_t n);
/* x are probabilities, clipped to [1e-7, 1 - 1e-7]: -mean(t log x + (1 - t) log(1 - x)). classes only with n = 1. */
void tg_binary_crossentropy(tg_real *losses, tg_real *dx, const tg_real *x, const int32_t *classes,
                            const tg_real *targets, tg_real scale, uint32_t rows, uint32_t n);
/* mean over n of (x - t)^2. classes only with n = 1. */
void tg_mean_squared_error(tg_real *losses, tg_real *dx, const tg_real *x, const int32_t *classes,
                           const tg_real *targets, tg_real scale, uint32_t rows, uint32_t n);

#endif

/* Reductions over any axes of an array, and their gradients. */
#ifndef TG_KERNELS_FOLD_H
#define TG_KERNELS_FOLD_H

#include "kernels/view.h"

/* y (out) = x (in) folded into the elements that the view of y names, times factor. */
void tg_fold(tg_fold_kind kind, tg_real *y, const tg_real *x, const tg_view *v, size_t in, size_t out, tg_real factor);
/*
 * dx (in) of dy (out); x as of the forward pass, and y for the largest and smallest, which share dy among equals
 * (TensorFlow). TG_FOLD_SUM reads neither. scratch (2 out).
 */
void tg_fold_backward(tg_fold_kind kind, tg_real *dx, const tg_real *dy, const tg_real *x, const tg_real *y,
                      tg_real *scratch, const tg_view *v, size_t in, size_t out, tg_real factor);

#endif

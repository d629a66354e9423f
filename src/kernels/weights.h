/* Passes over weights beside the update: penalties, constraints, and orthogonal starts. */
#ifndef TG_KERNELS_WEIGHTS_H
#define TG_KERNELS_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* l1 sum |w| + l2 sum w^2 of n weights; g (n), unless NULL, gains its gradient l1 sign(w) + 2 l2 w. */
double tg_penalty(tg_real *g, const tg_real *w, double l1, double l2, size_t n);

/* w (n) = max(w, 0). */
void tg_constrain_positive(tg_real *w, size_t n);

/* What lengths are allowed: a part `rate` of the way to the nearest from min to max is gone. */
typedef struct {
  tg_real min, max, rate;
} tg_norm_range;

/*
 * Scales the vectors of w (dims) that run along the dimensions in the set `axes` (bit d: dims[d]) into the range: w
 * times target / (1e-7 + length), as Keras has it. When the last dimension is not in the set, only columns first…end-1
 * of it.
 */
void tg_constrain_norms(tg_real *w, const uint32_t dims[4], uint32_t axes, uint32_t first, uint32_t end,
                        tg_norm_range range);

/* Makes the rows of q (rows, n), rows <= n, orthonormal, one after the other; each keeps its direction as far as it
 * can. Gram-Schmidt, done twice: the second takes away what rounding left (Giraud, Langou, Rozloznik 2005). */
void tg_orthogonalize(tg_real *q, size_t rows, size_t n);

#endif

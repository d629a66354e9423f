/* Two arrays become one, element by element. No two arguments may overlap, but for a and b. */
#ifndef TG_KERNELS_MERGE_H
#define TG_KERNELS_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

typedef enum {
  TG_SUBTRACT, /* a - b */
  TG_MULTIPLY, /* a * b */
  TG_AVERAGE,  /* (a + b) * factor */
  TG_MAXIMUM,  /* the larger, NaN if either is; the gradient is a's where both are equal (TensorFlow) */
  TG_MINIMUM,
  TG_MERGES
} tg_merge_kind;

/* y (n) of a and b. */
void tg_merge(tg_merge_kind kind, tg_real *y, const tg_real *a, const tg_real *b, size_t n, tg_real factor);
/* da and db (n) of dy; either may be NULL. a and b are read by TG_MULTIPLY, TG_MAXIMUM and TG_MINIMUM alone. */
void tg_merge_backward(tg_merge_kind kind, tg_real *da, tg_real *db, const tg_real *dy, const tg_real *a,
                       const tg_real *b, size_t n, tg_real factor);

/* y (rows) = the sums of a * b over the rows of two (rows, n) matrices. */
void tg_dot_rows(tg_real *y, const tg_real *a, const tg_real *b, size_t rows, uint32_t n);
/* y (rows, n) = x with row r multiplied by factors[r]. */
void tg_scale_rows(tg_real *y, const tg_real *x, const tg_real *factors, size_t rows, uint32_t n);

#endif

/* Two arrays become one, element by element. No two arguments may overlap, but for a and b. */
#ifndef TG_KERNELS_MERGE_H
#define TG_KERNELS_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

typedef enum {
  TG_ADD,      /* a + b */
  TG_SUBTRACT, /* a - b */
  TG_MULTIPLY, /* a * b */
  TG_AVERAGE,  /* (a + b) * factor */
  TG_MAXIMUM,  /* the larger, NaN if either is; the gradient is a's where both are equal (TensorFlow) */
  TG_MINIMUM,
  TG_DIVIDE, /* a / b */
  TG_POWER,  /* a^b, from logarithms: off by |b log a| units in the last place; NaN for a below 0 and a fraction b */
  TG_MERGES
} tg_merge_kind;

/* y (n) of a and b. */
void tg_merge(tg_merge_kind kind, tg_real *y, const tg_real *a, const tg_real *b, size_t n, tg_real factor);
/* Whether the gradients depend on a and b, beside dy. */
int tg_merge_reads(tg_merge_kind kind);
/* da and db (n) of dy; either may be NULL. a and b are read only where tg_merge_reads says so. */
void tg_merge_backward(tg_merge_kind kind, tg_real *da, tg_real *db, const tg_real *dy, const tg_real *a,
                       const tg_real *b, size_t n, tg_real factor);

typedef enum { TG_POWER_VALUE, TG_POWER_A, TG_POWER_B } tg_power_part;

/* What tg_merge and tg_merge_backward do for TG_POWER: to (n) = a^b, or the share of dy that a or b gets. */
void tg_merge_power(tg_power_part part, tg_real *to, const tg_real *dy, const tg_real *a, const tg_real *b, size_t n);

/* y (rows) = the sums of a * b over the rows of two (rows, n) matrices. */
void tg_dot_rows(tg_real *y, const tg_real *a, const tg_real *b, size_t rows, uint32_t n);
/* y (rows, n) = x with row r multiplied by factors[r]. */
void tg_scale_rows(tg_real *y, const tg_real *x, const tg_real *factors, size_t rows, uint32_t n);

#endif

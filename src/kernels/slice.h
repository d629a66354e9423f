/* A window on an array of up to four axes: part of it, every so many cells of it, or more than it. */
#ifndef TG_KERNELS_SLICE_H
#define TG_KERNELS_SLICE_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

enum { TG_SLICE_RANK = 4 };

/* What cells outside the array are. */
typedef enum {
  TG_OUTSIDE_CONSTANT,
  TG_OUTSIDE_EDGE,    /* the nearest cell */
  TG_OUTSIDE_REFLECT, /* mirrored at the outermost cell, which is not repeated */
  TG_OUTSIDE_WRAP,    /* from the other end on */
  TG_OUTSIDES
} tg_outside;

/* Cell i of axis d of the result is cell start[d] + i * step[d] of the array. */
typedef struct {
  uint32_t rank;
  uint32_t from[TG_SLICE_RANK], to[TG_SLICE_RANK]; /* sizes */
  int64_t start[TG_SLICE_RANK], step[TG_SLICE_RANK];
  tg_outside outside;
  tg_real value;
} tg_slice_shape;

/* y = rows (lines along the last axis) row_first…row_end-1 of the window on x. y starts with the first of them. */
void tg_slice(tg_real *y, const tg_real *x, const tg_slice_shape *s, uint32_t row_first, uint32_t row_end);
/* dx = the sums of what was read from each cell, of all rows. */
void tg_slice_backward(tg_real *dx, const tg_real *dy, const tg_slice_shape *s);

#endif

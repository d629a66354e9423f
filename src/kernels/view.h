/*
 * Arrays seen under a larger shape: one step along axis d goes stride[d] reals on; 0 repeats the same ones. What
 * broadcasting reads, and what reductions write.
 */
#ifndef TG_KERNELS_VIEW_H
#define TG_KERNELS_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

enum { TG_VIEW_RANK = 5 };

typedef struct {
  uint32_t rank; /* at least 1 */
  uint32_t size[TG_VIEW_RANK];
  size_t stride[TG_VIEW_RANK]; /* of the last axis: 0 or 1 */
} tg_view;

/* Axes of 1 are left out, and neighbours joined where one step of the first is a whole turn of the second. */
tg_view tg_view_make(const uint32_t *size, const size_t *stride, uint32_t rank);
/* Whether the view is the array as it lies in memory. */
int tg_view_is_plain(const tg_view *v);

/* Where a view's next element is. */
typedef struct {
  uint32_t at[TG_VIEW_RANK];
  size_t offset;
} tg_view_cursor;

/* Some of a view's elements: rows of n each. The first row's are side by side from `offset` on, or all the same one;
 * those of the next row begin `apart` (0 or 1) further on. */
typedef struct {
  size_t offset, rows, n, apart;
} tg_view_part;

tg_view_cursor tg_view_seek(const tg_view *v, size_t element);
/* The next part, of at most `most` (not 0) elements. */
tg_view_part tg_view_next(const tg_view *v, tg_view_cursor *c, size_t most);

/* Whether the elements of a row are side by side. */
static inline int tg_view_moves(const tg_view *v) { return v->stride[v->rank - 1] != 0; }

/* to (n) = elements first…first+n-1 of the view of `from`. */
void tg_view_read(tg_real *to, const tg_real *from, const tg_view *v, size_t first, size_t n);

/* What a reduction does with x. */
typedef enum {
  TG_FOLD_SUM,
  TG_FOLD_ABS,    /* sum of |x| */
  TG_FOLD_SQUARE, /* sum of x^2 */
  TG_FOLD_MAX,    /* NaN if one is */
  TG_FOLD_MIN,
  TG_FOLD_PRODUCT,
  TG_FOLDS
} tg_fold_kind;

/* What a fold starts from. */
tg_real tg_fold_start(tg_fold_kind kind);
/* Takes x (n) in as elements first…first+n-1 of the view of `to`, in their order. */
void tg_view_fold(tg_fold_kind kind, tg_real *to, const tg_real *x, const tg_view *v, size_t first, size_t n);

#endif

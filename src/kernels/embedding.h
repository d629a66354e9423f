/* Rows of a table, chosen by whole numbers that come as reals: see ops/embedding.c, which has checked them. */
#ifndef TG_KERNELS_EMBEDDING_H
#define TG_KERNELS_EMBEDDING_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* y (tokens, n) = row x[t] of table (size, n). A number that is no row gives zeros and is never followed. */
void tg_embed(tg_real *y, const tg_real *x, const tg_real *table, size_t tokens, uint32_t size, uint32_t n);
/* Columns first…end-1 of dtable (size, n): each row the sum of dy (tokens, n) over the tokens that chose it, in their
 * order; rows that nobody chose are 0. */
void tg_embed_backward(tg_real *dtable, const tg_real *x, const tg_real *dy, size_t tokens, uint32_t size, uint32_t n,
                       uint32_t first, uint32_t end);

#endif

/*
 * The first part of the backward pass of layers that end in bias and ReLU: mask dy where the ReLU was shut and sum it
 * into the bias gradient, in one pass over memory. Shared by conv2d and dense.
 */
#ifndef TG_OPS_BIAS_RELU_H
#define TG_OPS_BIAS_RELU_H

#include "../op.h"

/* Partial sums the pass needs, in reals: one row of `n` a chunk of rows. */
uint64_t tg_bias_relu_scratch(uint64_t rows, uint32_t n);

/*
 * dy (rows, n): masked in place by y > 0 when relu. db (n), unless NULL: sum of its rows.
 * Rows are summed in chunks of a size fixed by n, and the chunks in order, so the sum does not depend on threads.
 */
void tg_bias_relu_backward(tg_pool *pool, tg_real *db, tg_real *dy, const tg_real *y, tg_real *scratch, uint64_t rows,
                           uint32_t n, int relu);

#endif

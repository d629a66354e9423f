/* Scores of an attention to weights, and back: rows of one head, between its matrix products. */
#ifndef TG_KERNELS_ATTENTION_H
#define TG_KERNELS_ATTENTION_H

#include <stdint.h>

#include "real.h"

/* p (rows, n): scores become softmax(scale · scores) of each row, in place; scale > 0. causal: row i has the first
 * i + 1 columns alone, the others become 0. */
void tg_attention_weights(tg_real *p, uint32_t rows, uint32_t n, tg_real scale, int causal);
/* dp (rows, n), the gradient of the weights p, becomes that of the scores. */
void tg_attention_weights_backward(tg_real *dp, const tg_real *p, uint32_t rows, uint32_t n, tg_real scale);

#endif

/*
 * What recurrent layers do between their matrix products: the gates of one sample at one step, in rows of n units.
 * Gates stand in the order of Keras, one behind the other. Forward turns sums of products into activations in place;
 * backward turns those, again in place, into the gradients of the sums.
 */
#ifndef TG_KERNELS_RECURRENT_H
#define TG_KERNELS_RECURRENT_H

#include <stdint.h>

#include "kernels/activation.h"

/* An activation whose slope is found from its value, so that the sums need not be kept. */
typedef struct {
  tg_activation kind;
  tg_real parameters[TG_ACTIVATION_PARAMETERS];
} tg_gate_function;

/* inner: of what a state becomes (Keras's activation); gate: of the gates (recurrent activation). */
typedef struct {
  tg_gate_function inner, gate;
} tg_cell_functions;

/* Reals of private scratch that backward needs. */
static inline uint64_t tg_cell_scratch(uint32_t n) { return 5 * (uint64_t)n; }

/* gates (n) becomes the state h. */
void tg_simple_cell(tg_real *gates, const tg_cell_functions *f, uint32_t n);
/* dh (n): of h. */
void tg_simple_cell_backward(tg_real *gates, const tg_real *dh, const tg_cell_functions *f, uint32_t n);

/*
 * Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000): gates (4, n) are input i, forget f,
 * candidate g, output o; c = f c_before + i g, h = o inner(c). c_before is NULL at the first step: zeros.
 */
void tg_lstm_cell(tg_real *h, tg_real *c, tg_real *gates, const tg_real *c_before, const tg_cell_functions *f,
                  uint32_t n);
/* dc (n) goes in as what later steps make of c's gradient and comes out as that of c_before. */
void tg_lstm_cell_backward(tg_real *gates, tg_real *dc, const tg_real *dh, const tg_real *c, const tg_real *c_before,
                           tg_real *scratch, const tg_cell_functions *f, uint32_t n);

/*
 * Gated recurrent unit (Cho et al. 2014): gates (4, n) are update z, reset r, candidate g and q, the part of the
 * candidate that comes from the state before: h = z h_before + (1 - z) g.
 *   reset after: q is the product of h_before, and g = inner(sum + r q)
 *   reset before: q = r h_before, whose product is part of g's sum
 */
void tg_gru_reset(tg_real *gates, const tg_real *h_before, const tg_cell_functions *f, int reset_after, uint32_t n);
void tg_gru_output(tg_real *h, tg_real *gates, const tg_real *h_before, const tg_cell_functions *f, uint32_t n);
/* z and g become the gradients of their sums; dh (n), of h, becomes the part of h_before's that takes no product. */
void tg_gru_output_backward(tg_real *gates, tg_real *dh, const tg_real *h_before, tg_real *scratch,
                            const tg_cell_functions *f, uint32_t n);
/* r and, with reset after, q become the gradients of their sums. Reset before: dq (n) is q's, and dh receives what
 * h_before gets through it. */
void tg_gru_reset_backward(tg_real *gates, tg_real *dh, const tg_real *dq, const tg_real *h_before, tg_real *scratch,
                           const tg_cell_functions *f, int reset_after, uint32_t n);

#endif

/* Penalties on weights and constraints of them: settings of tensors, applied for the whole model here. */
#ifndef TG_REGULARIZE_H
#define TG_REGULARIZE_H

#include "graph.h"

/* Doubles that tg_penalize needs, whichever tensors have penalties. */
uint64_t tg_penalty_room(const tg_graph *graph);
/* The sum of all penalties on the weights; their gradient is added to `gradients` unless NULL. */
double tg_penalize(const tg_graph *graph, tg_real *gradients, const tg_real *weights, double *room);
/* Brings the weights back to where their constraints allow them. */
void tg_constrain(const tg_graph *graph, tg_real *weights);

#endif

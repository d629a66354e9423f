/* Runs a loop over a flat array in parallel: shared by the ops that work element by element. */
#ifndef TG_OPS_ELEMENTWISE_H
#define TG_OPS_ELEMENTWISE_H

#include "../op.h"

/* Handles elements first…first+n-1. */
typedef void (*tg_range)(const tg_run *run, const tg_node *node, const tg_buffers *buffers, size_t first, size_t n);

void tg_run_ranges(const tg_run *run, const tg_node *node, const tg_buffers *buffers, tg_range range);

/* The output has the input's shape. */
tg_status tg_infer_same_shape(tg_graph *graph, tg_node *node);

/* The size of `shape` on axis d of a shape of `rank` axes; those it lacks in front are 1. */
static inline uint32_t tg_size_on(const tg_shape *shape, uint32_t d, uint32_t rank) {
  return d + shape->rank < rank ? 1 : shape->dims[d + shape->rank - rank];
}

/* The output has the larger of the inputs' sizes on each axis, counted from the last; the other must be as large or 1.
 */
tg_status tg_infer_broadcast(tg_graph *graph, tg_node *node);

#endif

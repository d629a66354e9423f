/* Runs a loop over a flat array in parallel: shared by the ops that work element by element. */
#ifndef TG_OPS_ELEMENTWISE_H
#define TG_OPS_ELEMENTWISE_H

#include "../op.h"

/* Handles elements first…first+n-1. */
typedef void (*tg_range)(const tg_run *run, const tg_node *node, const tg_buffers *buffers, size_t first, size_t n);

void tg_run_ranges(const tg_run *run, const tg_node *node, const tg_buffers *buffers, tg_range range);

/* The output has the input's shape. */
tg_status tg_infer_same_shape(tg_graph *graph, tg_node *node);

#endif

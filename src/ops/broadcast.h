/* Two values whose axes of 1 are repeated, joined number by number: what the merging ops share. */
#ifndef TG_OPS_BROADCAST_H
#define TG_OPS_BROADCAST_H

#include "../kernels/merge.h"
#include "../kernels/view.h"
#include "elementwise.h"

/* Elements a chunk has: an array on the stack, in the first-level cache. */
enum { TG_CHUNK = 256 };

/* Value `input` of the node as all samples of its output see it. */
tg_view tg_view_of_input(const tg_graph *graph, const tg_node *node, uint32_t input, uint32_t samples);

void tg_broadcast_forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers,
                          tg_merge_kind kind, tg_real factor);
/* An input whose gradient is dy's own array is left alone. */
void tg_broadcast_backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers,
                           tg_merge_kind kind, tg_real factor);

#endif

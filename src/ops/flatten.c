/* flatten: one sample's value as a single row (Keras Flatten). Bytes stay where they are unless a branch forbids it. */
#include <string.h>

#include "../size.h"
#include "elementwise.h"

static tg_status infer(tg_graph *graph, tg_node *node) {
  uint64_t elements = tg_graph_input(graph, node, 0)->elements;
  node->shape = (tg_shape){1, {(uint32_t)elements, 1, 1, 1}};
  node->quantization = tg_graph_input(graph, node, 0)->quantization;
  return TG_OK;
}

static void forward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  memcpy(b->y + first, b->x[0] + first, n * sizeof(tg_real));
}

static void backward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  memcpy(b->dx[0] + first, b->dy + first, n * sizeof(tg_real));
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  tg_run_ranges(run, node, buffers, forward_range);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  if (buffers->dx[0]) tg_run_ranges(run, node, buffers, backward_range);
}

const tg_op tg_op_flatten = {.name = "flatten",
                             .n_inputs = 1,
                             .traits = TG_OP_RENAMES,
                             .infer = infer,
                             .forward = forward,
                             .backward = backward};

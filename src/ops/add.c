/* add: the sum of two values of one shape, element by element (Keras Add). */
#include <string.h>

#include "../kernels/elementwise.h"
#include "elementwise.h"

static tg_status infer(tg_graph *graph, tg_node *node) {
  node->shape = tg_graph_input(graph, node, 0)->shape;
  return tg_graph_require_same_shapes(graph, node);
}

static void forward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  tg_add_arrays(b->y + first, b->x[0] + first, b->x[1] + first, n, b->relu);
}

/* The gradient of either input is dy, masked by a fused ReLU. The plan may have let one of them be dy's own array. */
static void backward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  if (b->relu) tg_relu_backward(b->dy + first, b->dy + first, b->y + first, n);
  for (int k = 0; k < 2; k++)
    if (b->dx[k] && b->dx[k] != b->dy) memcpy(b->dx[k] + first, b->dy + first, n * sizeof(tg_real));
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  tg_run_ranges(run, node, buffers, forward_range);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  tg_run_ranges(run, node, buffers, backward_range);
}

const tg_op tg_op_add = {.name = "add",
                         .n_inputs = 2,
                         .traits = TG_OP_FUSES_RELU | TG_OP_PASSES_GRADIENT,
                         .infer = infer,
                         .forward = forward,
                         .backward = backward};

/* add: the sum of two values, element by element, their axes of 1 repeated (Keras Add). */
#include <string.h>

#include "../kernels/elementwise.h"
#include "../rest.h"
#include "broadcast.h"
#include "elementwise.h"

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_shape *a = &tg_graph_input(graph, node, 0)->shape, *b = &tg_graph_input(graph, node, 1)->shape;
  const int same = a->rank == b->rank && !memcmp(a->dims, b->dims, sizeof a->dims);
  if (same) return tg_infer_same_shape(graph, node);
  const tg_status missing = tg_need_rest(graph->engine, "a sum of different shapes");
  return missing ? missing : tg_infer_broadcast(graph, node);
}

static void forward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  tg_add_arrays(b->y + first, b->x[0] + first, b->x[1] + first, n, b->relu);
}

static void mask_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  if (b->relu) tg_relu_backward(b->dy + first, b->dy + first, b->y + first, n);
}

/* The gradient of either input is dy, masked by a fused ReLU. The plan may have let one of them be dy's own array. */
static void backward_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  mask_range(run, node, b, first, n);
  for (int k = 0; k < 2; k++)
    if (b->dx[k] && b->dx[k] != b->dy) memcpy(b->dx[k] + first, b->dy + first, n * sizeof(tg_real));
}

/* Whether no axis is repeated. */
static int is_flat(const tg_graph *graph, const tg_node *node) {
  for (uint32_t k = 0; k < 2; k++)
    if (tg_graph_input(graph, node, k)->elements != node->elements) return 0;
  return 1;
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  if (is_flat(graph, node))
    tg_run_ranges(run, node, buffers, forward_range);
  else
    tg_broadcast_forward(run, graph, node, buffers, TG_ADD, 0);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  if (is_flat(graph, node)) {
    tg_run_ranges(run, node, buffers, backward_range);
    return;
  }
  tg_run_ranges(run, node, buffers, mask_range);
  tg_broadcast_backward(run, graph, node, buffers, TG_ADD, 0);
}

const tg_op tg_op_add = {.name = "add",
                         .n_inputs = 2,
                         .traits = TG_OP_FUSES_RELU | TG_OP_PASSES_GRADIENT | TG_OP_TAKES_ROUNDED,
                         .infer = infer,
                         .forward = forward,
                         .backward = backward};

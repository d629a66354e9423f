/* add: the sum of two values, element by element, their axes of 1 repeated (Keras Add). */
#include <string.h>

#include "../kernels/elementwise.h"
#include "../rest.h"
#include "../size.h"
#include "broadcast.h"

/* Whether no axis is repeated. */
static int is_flat(const tg_graph *graph, const tg_node *node) {
  uint64_t elements = 1;
  for (uint32_t d = 0; d < TG_MAX_RANK; d++) elements = tg_mul(elements, node->shape.dims[d]);
  for (uint32_t k = 0; k < 2; k++)
    if (tg_graph_input(graph, node, k)->elements != elements) return 0;
  return 1;
}

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_status status = tg_infer_broadcast(graph, node);
  if (status || is_flat(graph, node)) return status;
  return tg_need_rest(graph->engine, "a sum of different shapes");
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

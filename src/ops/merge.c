/*
 * subtract, multiply, average, maximum, minimum (Keras's merging layers of those names), divide and power, of two
 * values whose axes of 1 are repeated; and dot.
 */
#include "../kernels/merge.h"

#include "broadcast.h"

/* average: of two; sums of more are halved, thirded … at their end. */
static const tg_attribute average_attributes[] = {{"factor", 0.5, 0, 1, 0}};

static tg_real factor_of(const tg_node *node) { return node->op->n_attributes ? (tg_real)node->attributes[0] : 0; }

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  tg_broadcast_forward(run, graph, node, buffers, (tg_merge_kind)node->op->variant, factor_of(node));
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  tg_broadcast_backward(run, graph, node, buffers, (tg_merge_kind)node->op->variant, factor_of(node));
}

#define TG_MERGE(id, name_, variant_, traits_, attributes_, n) \
  const tg_op tg_op_##id = {.name = name_,                     \
                            .attributes = attributes_,         \
                            .n_attributes = n,                 \
                            .n_inputs = 2,                     \
                            .variant = variant_,               \
                            .traits = traits_,                 \
                            .infer = tg_infer_broadcast,       \
                            .forward = forward,                \
                            .backward = backward};

TG_MERGE(subtract, "subtract", TG_SUBTRACT, 0, NULL, 0)
TG_MERGE(multiply, "multiply", TG_MULTIPLY, TG_OP_BACKWARD_READS_X | TG_OP_TAKES_ROUNDED, NULL, 0)
TG_MERGE(average, "average", TG_AVERAGE, 0, average_attributes, 1)
TG_MERGE(maximum, "maximum", TG_MAXIMUM, TG_OP_BACKWARD_READS_X, NULL, 0)
TG_MERGE(minimum, "minimum", TG_MINIMUM, TG_OP_BACKWARD_READS_X, NULL, 0)
TG_MERGE(divide, "divide", TG_DIVIDE, TG_OP_BACKWARD_READS_X, NULL, 0)
TG_MERGE(power, "power", TG_POWER, TG_OP_BACKWARD_READS_X, NULL, 0)

/* ---- dot: the products of two vectors, summed ---- */

static tg_status infer_dot(tg_graph *graph, tg_node *node) {
  tg_status status = tg_graph_require_rank(graph, node, 1, "features");
  if (!status) status = tg_graph_require_same_shapes(graph, node);
  node->shape = (tg_shape){1, {1, 1, 1, 1}};
  node->macs = tg_graph_input(graph, node, 0)->elements;
  return status;
}

static void forward_dot(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *b) {
  uint32_t n = tg_graph_input(graph, node, 0)->shape.dims[0];
  tg_dot_rows(b->y, b->x[0], b->x[1], run->samples, n);
}

static void backward_dot(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *b) {
  uint32_t n = tg_graph_input(graph, node, 0)->shape.dims[0];
  for (int k = 0; k < 2; k++)
    if (b->dx[k]) tg_scale_rows(b->dx[k], b->x[1 - k], b->dy, run->samples, n);
}

const tg_op tg_op_dot = {.name = "dot",
                         .n_inputs = 2,
                         .traits = TG_OP_BACKWARD_READS_X,
                         .infer = infer_dot,
                         .forward = forward_dot,
                         .backward = backward_dot};

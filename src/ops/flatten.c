/*
 * flatten: one sample's value as a single row (Keras Flatten). reshape: under another shape of as many numbers (Keras
 * Reshape). Bytes stay where they are unless a branch forbids it.
 */
#include <string.h>

#include "../size.h"
#include "elementwise.h"

static tg_status infer(tg_graph *graph, tg_node *node) {
  uint64_t elements = tg_graph_input(graph, node, 0)->elements;
  node->shape = (tg_shape){1, {(uint32_t)elements, 1, 1, 1}};
  node->quantization = tg_graph_input(graph, node, 0)->quantization;
  return TG_OK;
}

enum { RANK, SIZE };

/* -1 stands for what the other sizes leave. */
static const tg_attribute reshape_attributes[] = {{"rank", TG_REQUIRED, 1, TG_MAX_RANK, 1},
                                                  {"size1", 1, -1, TG_MAX_SIZE, 1},
                                                  {"size2", 1, -1, TG_MAX_SIZE, 1},
                                                  {"size3", 1, -1, TG_MAX_SIZE, 1},
                                                  {"size4", 1, -1, TG_MAX_SIZE, 1}};

static tg_status infer_reshape(tg_graph *graph, tg_node *node) {
  uint64_t elements = tg_graph_input(graph, node, 0)->elements, known = 1;
  uint32_t rank = tg_attribute_u32(node, RANK), open = TG_MAX_RANK;
  node->shape = (tg_shape){rank, {1, 1, 1, 1}};
  for (uint32_t d = 0; d < rank; d++) {
    double size = node->attributes[SIZE + d];
    if (size == 0 || (size < 0 && open < TG_MAX_RANK))
      return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': size %u of targetShape is %g, %s", node->name, d + 1,
                     size, size ? "only one can be -1" : "it must be at least 1");
    if (size < 0) {
      open = d;
    } else {
      node->shape.dims[d] = (uint32_t)size;
      known = tg_mul(known, (uint32_t)size);
    }
  }
  if (open < TG_MAX_RANK && elements % known == 0) {
    node->shape.dims[open] = (uint32_t)(elements / known);
    known = elements;
  }
  if (known == elements) return TG_OK;
  return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s': targetShape holds %s%g numbers, its input has %g", node->name,
                 open < TG_MAX_RANK ? "a multiple of " : "", (double)known, (double)elements);
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

const tg_op tg_op_reshape = {.name = "reshape",
                             .attributes = reshape_attributes,
                             .n_attributes = sizeof reshape_attributes / sizeof *reshape_attributes,
                             .n_inputs = 1,
                             .traits = TG_OP_RENAMES,
                             .infer = infer_reshape,
                             .forward = forward,
                             .backward = backward};

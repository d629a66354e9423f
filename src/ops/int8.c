/* quantize and dequantize, between floats and bytes; addInt8, the sum of two values in bytes. */
#include "int8.h"

#include "../kernels/int8.h"
#include "elementwise.h"

static const tg_attribute attributes[] = {TG_INT8_ATTRIBUTES(TG_INT8_LEAST_SCALE)};

static tg_status infer(tg_graph *graph, tg_node *node) {
  node->quantization = tg_int8_output(node, 0);
  node->shape = tg_graph_input(graph, node, 0)->shape;
  return tg_graph_require_same_shapes(graph, node);
}

static void quantize_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  tg_int8_quantize((uint8_t *)b->y + first, b->x[0] + first, n, b->to);
}

static void dequantize_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  tg_int8_dequantize(b->y + first, (const uint8_t *)b->x[0] + first, n, b->from[0]);
}

static void add_range(const tg_run *run, const tg_node *node, const tg_buffers *b, size_t first, size_t n) {
  (void)run, (void)node;
  tg_int8_add((uint8_t *)b->y + first, (const uint8_t *)b->x[0] + first, (const uint8_t *)b->x[1] + first, n, b->from,
              b->to);
}

#define TG_INT8_FORWARD(kind)                                                                                  \
  static void kind(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) { \
    (void)graph;                                                                                               \
    tg_run_ranges(run, node, buffers, kind##_range);                                                           \
  }

TG_INT8_FORWARD(quantize)
TG_INT8_FORWARD(dequantize)
TG_INT8_FORWARD(add)

const tg_op tg_op_quantize = {.name = "quantize",
                              .attributes = attributes,
                              .n_attributes = 2,
                              .n_inputs = 1,
                              .infer = infer,
                              .forward = quantize};

const tg_op tg_op_dequantize = {.name = "dequantize",
                                .n_inputs = 1,
                                .traits = TG_OP_READS_INT8,
                                .infer = tg_infer_same_shape,
                                .forward = dequantize};

const tg_op tg_op_add_int8 = {.name = "addInt8",
                              .attributes = attributes,
                              .n_attributes = 2,
                              .n_inputs = 2,
                              .traits = TG_OP_READS_INT8,
                              .infer = infer,
                              .forward = add};

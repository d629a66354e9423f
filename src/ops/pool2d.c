/*
 * maxPooling2d and averagePooling2d over NHWC images (Keras MaxPooling2D, AveragePooling2D), and the adaptive ones,
 * which are told the size of their output (PyTorch AdaptiveMaxPool2d, AdaptiveAvgPool2d).
 */
#include "../kernels/pool2d.h"

#include "../kernels/int8.h"

#include "../op.h"
#include "../size.h"
#include "window.h"

enum { POOL_H, POOL_W, STRIDE_H, STRIDE_W, SAME };

static const tg_attribute attributes[] = {
    {"poolHeight", 2, 1, TG_MAX_SIZE, 1},  {"poolWidth", 2, 1, TG_MAX_SIZE, 1}, {"strideHeight", 2, 1, TG_MAX_SIZE, 1},
    {"strideWidth", 2, 1, TG_MAX_SIZE, 1}, {"samePadding", 0, 0, 1, 1},
};

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_graph_require_rank(graph, node, 3, "height, width, channels");
  if (status) return status;
  tg_windows windows;
  status = tg_windows_infer(graph, node, POOL_H, &windows);
  /* Bytes keep their meaning: the largest is the largest number. */
  node->quantization = tg_graph_input(graph, node, 0)->quantization;
  if (!status)
    node->shape = (tg_shape){3, {windows.h.out, windows.w.out, tg_graph_input(graph, node, 0)->shape.dims[2], 1}};
  return status;
}

enum { OUT_H, OUT_W };

static const tg_attribute adaptive_attributes[] = {{"outputHeight", TG_REQUIRED, 1, TG_MAX_SIZE, 1},
                                                   {"outputWidth", TG_REQUIRED, 1, TG_MAX_SIZE, 1}};

static tg_status infer_adaptive(tg_graph *graph, tg_node *node) {
  tg_status status = tg_graph_require_rank(graph, node, 3, "height, width, channels");
  uint32_t channels = tg_graph_input(graph, node, 0)->shape.dims[2];
  if (!status) node->shape = (tg_shape){3, {tg_attribute_u32(node, OUT_H), tg_attribute_u32(node, OUT_W), channels, 1}};
  return status;
}

typedef struct {
  tg_pool2d_shape s;
  const tg_buffers *b;
} job;

static job make_job(const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const tg_shape *in = &tg_graph_input(graph, node, 0)->shape, *out = &node->shape;
  if (node->op->attributes == adaptive_attributes)
    return (job){.s = {.in_h = in->dims[0],
                       .in_w = in->dims[1],
                       .channels = in->dims[2],
                       .out_h = out->dims[0],
                       .out_w = out->dims[1],
                       /* no window is larger */
                       .pool_h = tg_ceil_div(in->dims[0], out->dims[0]) + 1,
                       .pool_w = tg_ceil_div(in->dims[1], out->dims[1]) + 1,
                       .adaptive = 1},
                 .b = buffers};
  tg_windows windows;
  /* infer has seen these succeed, so they neither fail nor write to the graph. */
  tg_windows_infer((tg_graph *)graph, node, POOL_H, &windows);
  return (job){.s = {.in_h = in->dims[0],
                     .in_w = in->dims[1],
                     .channels = in->dims[2],
                     .out_h = out->dims[0],
                     .out_w = out->dims[1],
                     .pool_h = tg_attribute_u32(node, POOL_H),
                     .pool_w = tg_attribute_u32(node, POOL_W),
                     .stride_h = tg_attribute_u32(node, STRIDE_H),
                     .stride_w = tg_attribute_u32(node, STRIDE_W),
                     .pad_top = windows.h.pad_before,
                     .pad_left = windows.w.pad_before},
               .b = buffers};
}

static tg_status infer_max(tg_graph *graph, tg_node *node) {
  tg_status status = node->op->attributes == adaptive_attributes ? infer_adaptive(graph, node) : infer(graph, node);
  if (status) return status;
  const tg_pool2d_shape s = make_job(graph, node, NULL).s;
  uint64_t cells = tg_mul(s.pool_h, s.pool_w);
  if (cells <= TG_MAX_POOL_CELLS) return TG_OK;
  return tg_fail(graph->engine, TG_E_LIMIT, "layer '%s': a window of %g cells, the limit is %g", node->name,
                 (double)cells, (double)TG_MAX_POOL_CELLS);
}

/* Where the gradient will go. */
static void plan_max(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                     tg_needs *needs) {
  (void)threads;
  const job j = make_job(graph, node, NULL);
  if (want_dx) needs->saved = tg_max_pool2d_winners(&j.s, samples);
}

/* A tile is one image. */
static void max_forward(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_max_pool2d(j->b->y, j->b->saved, j->b->x[0], &j->s, image, image + 1, j->b->relu);
}

static void int8_forward(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_int8_max_pool2d((uint8_t *)j->b->y, (const uint8_t *)j->b->x[0], &j->s, image, image + 1);
}

static void max_backward(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_max_pool2d_backward(j->b->dx[0], j->b->dy, j->b->saved, &j->s, image, image + 1);
}

static void average_forward(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_average_pool2d(j->b->y, j->b->x[0], &j->s, image, image + 1);
}

static void average_backward(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_average_pool2d_backward(j->b->dx[0], j->b->dy, &j->s, image, image + 1);
}

#define TG_POOL_FORWARD(kind)                                                                    \
  static void kind##_pool_forward(const tg_run *run, const tg_graph *graph, const tg_node *node, \
                                  const tg_buffers *buffers) {                                   \
    job j = make_job(graph, node, buffers);                                                      \
    tg_pool_run(run->pool, run->samples, kind##_forward, &j);                                    \
  }
#define TG_POOL_PASSES(kind)                                                                      \
  TG_POOL_FORWARD(kind)                                                                           \
  static void kind##_pool_backward(const tg_run *run, const tg_graph *graph, const tg_node *node, \
                                   const tg_buffers *buffers) {                                   \
    job j = make_job(graph, node, buffers);                                                       \
    if (buffers->dx[0]) tg_pool_run(run->pool, run->samples, kind##_backward, &j);                \
  }

TG_POOL_PASSES(max)
TG_POOL_PASSES(average)
TG_POOL_FORWARD(int8)

const tg_op tg_op_max_pooling2d = {.name = "maxPooling2d",
                                   .attributes = attributes,
                                   .n_attributes = sizeof attributes / sizeof *attributes,
                                   .n_inputs = 1,
                                   .traits = TG_OP_FUSES_RELU | TG_OP_KEEPS_MASK | TG_OP_BEFORE_RELU | TG_OP_SLICES,
                                   .infer = infer_max,
                                   .plan = plan_max,
                                   .forward = max_pool_forward,
                                   .backward = max_pool_backward};

const tg_op tg_op_average_pooling2d = {.name = "averagePooling2d",
                                       .attributes = attributes,
                                       .n_attributes = sizeof attributes / sizeof *attributes,
                                       .n_inputs = 1,
                                       .infer = infer,
                                       .forward = average_pool_forward,
                                       .backward = average_pool_backward};

const tg_op tg_op_max_pooling2d_int8 = {.name = "maxPooling2dInt8",
                                        .attributes = attributes,
                                        .n_attributes = sizeof attributes / sizeof *attributes,
                                        .n_inputs = 1,
                                        .traits = TG_OP_READS_INT8,
                                        .infer = infer,
                                        .forward = int8_pool_forward};

const tg_op tg_op_adaptive_max_pooling2d = {.name = "adaptiveMaxPooling2d",
                                            .attributes = adaptive_attributes,
                                            .n_attributes = 2,
                                            .n_inputs = 1,
                                            .traits = TG_OP_FUSES_RELU | TG_OP_KEEPS_MASK | TG_OP_BEFORE_RELU,
                                            .infer = infer_max,
                                            .plan = plan_max,
                                            .forward = max_pool_forward,
                                            .backward = max_pool_backward};

const tg_op tg_op_adaptive_average_pooling2d = {.name = "adaptiveAveragePooling2d",
                                                .attributes = adaptive_attributes,
                                                .n_attributes = 2,
                                                .n_inputs = 1,
                                                .infer = infer_adaptive,
                                                .forward = average_pool_forward,
                                                .backward = average_pool_backward};

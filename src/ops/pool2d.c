/*
 * Max and average pooling over NHWC images (Keras MaxPooling2D, AveragePooling2D), the adaptive ones, which are told
 * the size of their output (PyTorch AdaptiveMaxPool2d, AdaptiveAvgPool2d), and all of them over steps (…1D).
 */
#include "../kernels/pool2d.h"

#include "../kernels/int8.h"
#include "../op.h"
#include "../size.h"
#include "window.h"

enum { COUNT_PADDING = TG_WINDOW_END };

static const tg_attribute attributes[] = {TG_WINDOW_ATTRIBUTES("poolHeight", "poolWidth", 2, 2),
                                          {"countPadding", 0, 0, 1, 1}};

/* As PyTorch has it: a window that sees padding alone has no maximum. */
static tg_status check_padding(tg_graph *graph, const tg_node *node) {
  for (uint32_t i = 0; i < 4; i++) {
    const uint32_t pad = tg_attribute_u32(node, TG_WINDOW_PAD_BEFORE + i), size = tg_attribute_u32(node, i % 2);
    if (pad > size / 2)
      return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': %s is %u, it must be at most half of %s, %u", node->name,
                     attributes[TG_WINDOW_PAD_BEFORE + i].name, pad, attributes[i % 2].name, size);
  }
  return TG_OK;
}

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_require_image(graph, node);
  if (!status) status = check_padding(graph, node);
  tg_windows windows;
  if (!status) status = tg_windows_infer(graph, node, 0, 0, &windows);
  if (status) return status;
  const tg_shape *in = &tg_graph_input(graph, node, 0)->shape;
  /* Bytes keep their meaning: the largest is the largest number. */
  node->quantization = tg_graph_input(graph, node, 0)->quantization;
  node->shape = tg_image_shape(in->rank, windows.h.out, windows.w.out, tg_image_of(in).channels);
  return TG_OK;
}

enum { OUT_H, OUT_W };

static const tg_attribute adaptive_attributes[] = {{"outputHeight", 1, 1, TG_MAX_SIZE, 1},
                                                   {"outputWidth", TG_REQUIRED, 1, TG_MAX_SIZE, 1}};

static int is_adaptive(const tg_node *node) { return node->op->attributes == adaptive_attributes; }

static tg_status infer_adaptive(tg_graph *graph, tg_node *node) {
  tg_status status = tg_require_image(graph, node);
  if (status) return status;
  const tg_shape *in = &tg_graph_input(graph, node, 0)->shape;
  node->shape =
      tg_image_shape(in->rank, tg_attribute_u32(node, OUT_H), tg_attribute_u32(node, OUT_W), tg_image_of(in).channels);
  return TG_OK;
}

typedef struct {
  tg_pool2d_shape s;
  const tg_buffers *b;
} job;

static job make_job(const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const tg_image in = tg_image_of(&tg_graph_input(graph, node, 0)->shape), out = tg_image_of(&node->shape);
  job j = {.s = {.in_h = in.height,
                 .in_w = in.width,
                 .channels = in.channels,
                 .out_h = out.height,
                 .out_w = out.width,
                 .adaptive = is_adaptive(node)},
           .b = buffers};
  if (j.s.adaptive) {
    /* No window is larger. */
    j.s.pool_h = tg_ceil_div(in.height, out.height) + 1;
    j.s.pool_w = tg_ceil_div(in.width, out.width) + 1;
    return j;
  }
  tg_windows windows;
  /* infer has seen these succeed, so they neither fail nor write to the graph. */
  tg_windows_infer((tg_graph *)graph, node, 0, 0, &windows);
  j.s.pool_h = tg_attribute_u32(node, TG_WINDOW_SIZE);
  j.s.pool_w = tg_attribute_u32(node, TG_WINDOW_SIZE + 1);
  j.s.stride_h = tg_attribute_u32(node, TG_WINDOW_STRIDE);
  j.s.stride_w = tg_attribute_u32(node, TG_WINDOW_STRIDE + 1);
  j.s.pad_top = windows.h.pad_before;
  j.s.pad_left = windows.w.pad_before;
  j.s.count_padding = tg_attribute_u32(node, COUNT_PADDING);
  return j;
}

static tg_status infer_max(tg_graph *graph, tg_node *node) {
  tg_status status = is_adaptive(node) ? infer_adaptive(graph, node) : infer(graph, node);
  if (status) return status;
  const tg_pool2d_shape s = make_job(graph, node, NULL).s;
  const uint64_t cells = tg_mul(s.pool_h, s.pool_w);
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

#define TG_MAX_POOL(symbol, text, table, count, own_traits)                                            \
  const tg_op tg_op_##symbol = {                                                                       \
      .name = text,                                                                                    \
      .attributes = table,                                                                             \
      .n_attributes = count,                                                                           \
      .n_inputs = 1,                                                                                   \
      .traits = TG_OP_FUSES_RELU | TG_OP_KEEPS_MASK | TG_OP_BEFORE_RELU | TG_OP_SLICES | (own_traits), \
      .infer = infer_max,                                                                              \
      .plan = plan_max,                                                                                \
      .forward = max_pool_forward,                                                                     \
      .backward = max_pool_backward}
#define TG_AVERAGE_POOL(symbol, text, own_infer, table, count, own_traits) \
  const tg_op tg_op_##symbol = {.name = text,                              \
                                .attributes = table,                       \
                                .n_attributes = count,                     \
                                .n_inputs = 1,                             \
                                .traits = own_traits,                      \
                                .infer = own_infer,                        \
                                .forward = average_pool_forward,           \
                                .backward = average_pool_backward}
enum { AVERAGE_END = COUNT_PADDING + 1, ADAPTIVE_END = OUT_W + 1 };

TG_MAX_POOL(max_pooling1d, "maxPooling1d", attributes, TG_WINDOW_END, TG_OP_OVER_STEPS);
TG_MAX_POOL(max_pooling2d, "maxPooling2d", attributes, TG_WINDOW_END, 0);
TG_MAX_POOL(adaptive_max_pooling1d, "adaptiveMaxPooling1d", adaptive_attributes, ADAPTIVE_END, TG_OP_OVER_STEPS);
TG_MAX_POOL(adaptive_max_pooling2d, "adaptiveMaxPooling2d", adaptive_attributes, ADAPTIVE_END, 0);
TG_AVERAGE_POOL(average_pooling1d, "averagePooling1d", infer, attributes, AVERAGE_END, TG_OP_OVER_STEPS);
TG_AVERAGE_POOL(average_pooling2d, "averagePooling2d", infer, attributes, AVERAGE_END, 0);
TG_AVERAGE_POOL(adaptive_average_pooling1d, "adaptiveAveragePooling1d", infer_adaptive, adaptive_attributes,
                ADAPTIVE_END, TG_OP_OVER_STEPS);
TG_AVERAGE_POOL(adaptive_average_pooling2d, "adaptiveAveragePooling2d", infer_adaptive, adaptive_attributes,
                ADAPTIVE_END, 0);

const tg_op tg_op_max_pooling2d_int8 = {.name = "maxPooling2dInt8",
                                        .attributes = attributes,
                                        .n_attributes = TG_WINDOW_END,
                                        .n_inputs = 1,
                                        .traits = TG_OP_READS_INT8,
                                        .infer = infer,
                                        .forward = int8_pool_forward};

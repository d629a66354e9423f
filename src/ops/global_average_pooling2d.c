/* globalAveragePooling2d: (height, width, channels) to (channels), the mean over the cells (Keras
 * GlobalAveragePooling2D, keepdims false); globalAveragePooling1d: the same of (steps, channels). */
#include "../kernels/global_pool2d.h"
#include "../op.h"
#include "window.h"

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_require_image(graph, node);
  if (!status) node->shape = (tg_shape){1, {tg_image_of(&tg_graph_input(graph, node, 0)->shape).channels, 1, 1, 1}};
  return status;
}

typedef struct {
  const tg_buffers *b;
  size_t cells;
  uint32_t channels;
} job;

static job make_job(const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const tg_image in = tg_image_of(&tg_graph_input(graph, node, 0)->shape);
  return (job){buffers, (size_t)in.height * in.width, in.channels};
}

/* A tile is one image. */
static void forward_image(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_global_average_pool2d(j->b->y + (size_t)image * j->channels, j->b->x[0] + image * j->cells * j->channels, j->cells,
                           j->channels);
}

static void backward_image(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_global_average_pool2d_backward(j->b->dx[0] + image * j->cells * j->channels,
                                    j->b->dy + (size_t)image * j->channels, j->cells, j->channels);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(graph, node, buffers);
  tg_pool_run(run->pool, run->samples, forward_image, &j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(graph, node, buffers);
  if (buffers->dx[0]) tg_pool_run(run->pool, run->samples, backward_image, &j);
}

const tg_op tg_op_global_average_pooling1d = {.name = "globalAveragePooling1d",
                                              .n_inputs = 1,
                                              .traits = TG_OP_OVER_STEPS,
                                              .infer = infer,
                                              .forward = forward,
                                              .backward = backward};
const tg_op tg_op_global_average_pooling2d = {
    .name = "globalAveragePooling2d", .n_inputs = 1, .infer = infer, .forward = forward, .backward = backward};

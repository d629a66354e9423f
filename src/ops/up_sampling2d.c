/*
 * upSampling2d over NHWC images, nearest or bilinear between the centres of cells (Keras UpSampling2D; PyTorch Upsample
 * with align_corners=False). repeatVector: a vector n times (Keras RepeatVector), as an image of one cell made higher.
 */
#include "../kernels/resize2d.h"
#include "../op.h"
#include "../size.h"

enum { SIZE_H, SIZE_W, BILINEAR };

static const tg_attribute attributes[] = {
    {"sizeHeight", 2, 1, TG_MAX_SIZE, 1}, {"sizeWidth", 2, 1, TG_MAX_SIZE, 1}, {"bilinear", 0, 0, 1, 1}};

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_graph_require_rank(graph, node, 3, "height, width, channels");
  if (status) return status;
  node->shape = tg_graph_input(graph, node, 0)->shape;
  for (uint32_t side = 0; side < 2; side++) {
    uint64_t size = tg_mul(node->shape.dims[side], tg_attribute_u32(node, SIZE_H + side));
    if (size > TG_MAX_ELEMENTS)
      return tg_fail(graph->engine, TG_E_LIMIT, "layer '%s': its output has %s %g, the limit is %g", node->name,
                     side ? "width" : "height", (double)size, (double)TG_MAX_ELEMENTS);
    node->shape.dims[side] = (uint32_t)size;
  }
  return TG_OK;
}

enum { TIMES };

static const tg_attribute repeat_attributes[] = {{"n", TG_REQUIRED, 1, TG_MAX_SIZE, 1}};

static tg_status infer_repeat(tg_graph *graph, tg_node *node) {
  uint32_t features = tg_graph_input(graph, node, 0)->shape.dims[0];
  node->shape = (tg_shape){2, {tg_attribute_u32(node, TIMES), features, 1, 1}};
  return tg_graph_require_rank(graph, node, 1, "features");
}

typedef struct {
  tg_resize2d_shape s;
  const tg_buffers *b;
  size_t in, out;
} job;

static job make_job(const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const tg_node *input = tg_graph_input(graph, node, 0);
  const uint32_t *in = input->shape.dims;
  if (node->op->attributes == repeat_attributes)
    return (job){{1, 1, in[0], tg_attribute_u32(node, TIMES), 1, 0}, buffers, in[0], (size_t)node->elements};
  return (job){{in[0], in[1], in[2], tg_attribute_u32(node, SIZE_H), tg_attribute_u32(node, SIZE_W),
                (int)tg_attribute_u32(node, BILINEAR)},
               buffers,
               (size_t)input->elements,
               (size_t)node->elements};
}

/* A tile is one image. */
static void forward_image(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_resize2d(j->b->y + image * j->out, j->b->x[0] + image * j->in, &j->s);
}

static void backward_image(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_resize2d_backward(j->b->dx[0] + image * j->in, j->b->dy + image * j->out, &j->s);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(graph, node, buffers);
  tg_pool_run(run->pool, run->samples, forward_image, &j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(graph, node, buffers);
  if (buffers->dx[0]) tg_pool_run(run->pool, run->samples, backward_image, &j);
}

const tg_op tg_op_up_sampling2d = {.name = "upSampling2d",
                                   .attributes = attributes,
                                   .n_attributes = sizeof attributes / sizeof *attributes,
                                   .n_inputs = 1,
                                   .infer = infer,
                                   .forward = forward,
                                   .backward = backward};

const tg_op tg_op_repeat_vector = {.name = "repeatVector",
                                   .attributes = repeat_attributes,
                                   .n_attributes = 1,
                                   .n_inputs = 1,
                                   .infer = infer_repeat,
                                   .forward = forward,
                                   .backward = backward};

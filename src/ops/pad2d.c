/* zeroPadding2d and cropping2d over NHWC images (Keras ZeroPadding2D, Cropping2D): one image placed in another. */
#include "../kernels/copy.h"
#include "../op.h"
#include "../size.h"

enum { TOP, BOTTOM, LEFT, RIGHT };
enum { PAD, CROP };

static const tg_attribute attributes[] = {{"top", 0, 0, TG_MAX_SIZE, 1},
                                          {"bottom", 0, 0, TG_MAX_SIZE, 1},
                                          {"left", 0, 0, TG_MAX_SIZE, 1},
                                          {"right", 0, 0, TG_MAX_SIZE, 1}};

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_graph_require_rank(graph, node, 3, "height, width, channels");
  if (status) return status;
  node->shape = tg_graph_input(graph, node, 0)->shape;
  for (uint32_t side = 0; side < 2; side++) {
    uint32_t *size = &node->shape.dims[side];
    uint32_t margin = tg_attribute_u32(node, TOP + 2 * side) + tg_attribute_u32(node, BOTTOM + 2 * side);
    if (node->op->variant == CROP && margin >= *size)
      return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s': cropping takes %u of its input's %s %u", node->name,
                     margin, side ? "width" : "height", *size);
    *size = node->op->variant == CROP ? *size - margin : *size + margin;
  }
  return TG_OK;
}

typedef struct {
  const tg_real *from;
  tg_real *to;
  const uint32_t *from_size, *to_size;
  int64_t top, left;
} job;

/* A tile is one image. */
static void place(void *context, uint32_t image, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t *f = j->from_size, *t = j->to_size;
  tg_place_image(j->to + (size_t)image * t[0] * t[1] * t[2], t[0], t[1], j->from + (size_t)image * f[0] * f[1] * f[2],
                 f[0], f[1], j->top, j->left, f[2]);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  int64_t sign = node->op->variant == CROP ? -1 : 1;
  job j = {buffers->x[0],
           buffers->y,
           tg_graph_input(graph, node, 0)->shape.dims,
           node->shape.dims,
           sign * tg_attribute_u32(node, TOP),
           sign * tg_attribute_u32(node, LEFT)};
  tg_pool_run(run->pool, run->samples, place, &j);
}

/* The other way round. */
static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  int64_t sign = node->op->variant == CROP ? 1 : -1;
  job j = {buffers->dy,
           buffers->dx[0],
           node->shape.dims,
           tg_graph_input(graph, node, 0)->shape.dims,
           sign * tg_attribute_u32(node, TOP),
           sign * tg_attribute_u32(node, LEFT)};
  if (buffers->dx[0]) tg_pool_run(run->pool, run->samples, place, &j);
}

#define TG_PAD(id, name_, variant_)                   \
  const tg_op tg_op_##id = {.name = name_,            \
                            .attributes = attributes, \
                            .n_attributes = 4,        \
                            .n_inputs = 1,            \
                            .variant = variant_,      \
                            .infer = infer,           \
                            .forward = forward,       \
                            .backward = backward};

TG_PAD(zero_padding2d, "zeroPadding2d", PAD)
TG_PAD(cropping2d, "cropping2d", CROP)

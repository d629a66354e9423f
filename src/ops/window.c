#include "window.h"

#include "../size.h"

tg_image tg_image_of(const tg_shape *shape) {
  const uint32_t *dims = shape->dims;
  return shape->rank == 2 ? (tg_image){1, dims[0], dims[1]} : (tg_image){dims[0], dims[1], dims[2]};
}

tg_shape tg_image_shape(uint32_t rank, uint32_t height, uint32_t width, uint32_t channels) {
  return rank == 2 ? (tg_shape){2, {width, channels, 1, 1}} : (tg_shape){3, {height, width, channels, 1}};
}

tg_status tg_require_image(tg_graph *graph, const tg_node *node) {
  if (node->op->traits & TG_OP_OVER_STEPS) return tg_graph_require_rank(graph, node, 2, "steps, channels");
  return tg_graph_require_rank(graph, node, 3, "height, width, channels");
}

static tg_status infer_side(tg_graph *graph, const tg_node *node, uint32_t first, int dilates, uint32_t side,
                            tg_window *window) {
  const tg_image image = tg_image_of(&tg_graph_input(graph, node, 0)->shape);
  const uint32_t in = side ? image.width : image.height;
  const uint32_t size = tg_attribute_u32(node, first + TG_WINDOW_SIZE + side);
  const uint32_t stride = tg_attribute_u32(node, first + TG_WINDOW_STRIDE + side);
  const uint32_t dilation = dilates ? tg_attribute_u32(node, first + TG_WINDOW_END + side) : 1;
  const uint64_t span = (uint64_t)(size - 1) * dilation + 1;
  if (tg_attribute_u32(node, first + TG_WINDOW_SAME)) {
    uint32_t out = tg_ceil_div(in, stride);
    uint64_t covered = tg_add((uint64_t)(out - 1) * stride, span);
    *window = (tg_window){out, covered > in ? (uint32_t)((covered - in) / 2) : 0, span, covered > in ? covered : in};
    return TG_OK;
  }
  const uint32_t before = tg_attribute_u32(node, first + TG_WINDOW_PAD_BEFORE + side);
  const uint64_t padded = (uint64_t)in + before + tg_attribute_u32(node, first + TG_WINDOW_PAD_AFTER + side);
  const char *name = node->op->attributes[first + TG_WINDOW_SIZE + side].name, *what = side ? "width" : "height";
  if (size > padded && padded == in)
    return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': %s is %u, larger than its input's %s %u", node->name, name,
                   size, what, in);
  if (span > padded)
    return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': %s is %u and spans %g, its input's %s is %u, padded %g",
                   node->name, name, size, (double)span, what, in, (double)padded);
  *window = (tg_window){(uint32_t)((padded - span) / stride) + 1, before, span, padded};
  return TG_OK;
}

tg_status tg_windows_infer(tg_graph *graph, const tg_node *node, uint32_t first, int dilates, tg_windows *windows) {
  tg_status status = infer_side(graph, node, first, dilates, 0, &windows->h);
  if (!status) status = infer_side(graph, node, first, dilates, 1, &windows->w);
  if (status || !(node->op->traits & TG_OP_OVER_STEPS) || windows->h.padded == 1) return status;
  return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': over steps its window has a height of 1, found %g",
                 node->name, (double)windows->h.padded);
}

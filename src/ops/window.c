#include "window.h"

#include "../op.h"
#include "../size.h"

enum { SIZE, STRIDE = 2, SAME = 4 }; /* the width's follow the height's */

static tg_status infer_side(tg_graph *graph, const tg_node *node, uint32_t first, uint32_t side, tg_window *window) {
  uint32_t in = tg_graph_input(graph, node, 0)->shape.dims[side];
  uint32_t size = tg_attribute_u32(node, first + SIZE + side), stride = tg_attribute_u32(node, first + STRIDE + side);
  if (tg_attribute_u32(node, first + SAME)) {
    uint32_t out = tg_ceil_div(in, stride);
    uint64_t covered = (uint64_t)(out - 1) * stride + size;
    *window = (tg_window){out, covered > in ? (uint32_t)((covered - in) / 2) : 0};
    return TG_OK;
  }
  if (size > in)
    return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': %s is %u, larger than its input's %s %u", node->name,
                   node->op->attributes[first + SIZE + side].name, size, side ? "width" : "height", in);
  *window = (tg_window){(in - size) / stride + 1, 0};
  return TG_OK;
}

tg_status tg_windows_infer(tg_graph *graph, const tg_node *node, uint32_t first, tg_windows *windows) {
  tg_status status = infer_side(graph, node, first, 0, &windows->h);
  return status ? status : infer_side(graph, node, first, 1, &windows->w);
}

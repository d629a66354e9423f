/* Where a window that slides over an image lands: shared by convolution and pooling. */
#ifndef TG_OPS_WINDOW_H
#define TG_OPS_WINDOW_H

#include "../graph.h"
#include "../size.h"

typedef struct {
  uint32_t out, pad_before;
} tg_window;

/*
 * Positions of a window of `size` moved by `stride` over `in` cells. Without padding it must fit; with `same` padding
 * there are ceil(in / stride) positions and the zeros are split evenly, an odd one behind (TensorFlow, Keras).
 */
static inline tg_status tg_window_infer(tg_graph *graph, const tg_node *node, const char *field, const char *side,
                                        uint32_t in, uint32_t size, uint32_t stride, int same, tg_window *window) {
  if (same) {
    uint32_t out = tg_ceil_div(in, stride);
    uint64_t covered = (uint64_t)(out - 1) * stride + size;
    *window = (tg_window){out, covered > in ? (uint32_t)((covered - in) / 2) : 0};
    return TG_OK;
  }
  if (size > in)
    return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': %s is %u, larger than its input's %s %u", node->name, field,
                   size, side, in);
  *window = (tg_window){(in - size) / stride + 1, 0};
  return TG_OK;
}

#endif

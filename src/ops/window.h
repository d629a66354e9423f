/* Where a window that slides over an image lands: shared by convolution and pooling. */
#ifndef TG_OPS_WINDOW_H
#define TG_OPS_WINDOW_H

#include "../graph.h"

typedef struct {
  uint32_t out, pad_before;
} tg_window;

typedef struct {
  tg_window h, w;
} tg_windows;

/*
 * Positions of the node's window over its input. Its attributes from `first` on are the window's height and width, the
 * strides of both, and whether padding is `same`. Without padding the window must fit (TG_E_CONFIG); with `same`
 * padding there are ceil(in / stride) positions and the zeros are split evenly, an odd one behind (TensorFlow, Keras).
 */
tg_status tg_windows_infer(tg_graph *graph, const tg_node *node, uint32_t first, tg_windows *windows);

#endif

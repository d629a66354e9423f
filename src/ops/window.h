/* Where a window that slides over an image lands: shared by convolution and pooling. */
#ifndef TG_OPS_WINDOW_H
#define TG_OPS_WINDOW_H

#include "../op.h"

typedef struct {
  uint32_t height, width, channels;
} tg_image;

/* The image in a value of rank 3, or the row of pixels in one of rank 2 (steps, channels). */
tg_image tg_image_of(const tg_shape *shape);
/* The shape of such a value. */
tg_shape tg_image_shape(uint32_t rank, uint32_t height, uint32_t width, uint32_t channels);
/* TG_E_SHAPE unless the node's input is an image, or steps for an op with TG_OP_OVER_STEPS. */
tg_status tg_require_image(tg_graph *graph, const tg_node *node);

/* The window's attributes in an op's table, in this order from any place on: its names, and defaults for size and
 * stride. Zeros stand around the image as samePadding or the four pads say. */
#define TG_WINDOW_ATTRIBUTES(height, width, size, stride)                                                           \
  {height, size, 1, TG_MAX_SIZE, 1}, {width, size, 1, TG_MAX_SIZE, 1}, {"strideHeight", stride, 1, TG_MAX_SIZE, 1}, \
      {"strideWidth", stride, 1, TG_MAX_SIZE, 1}, {"samePadding", 0, 0, 1, 1}, {"padTop", 0, 0, TG_MAX_SIZE, 1},    \
      {"padLeft", 0, 0, TG_MAX_SIZE, 1}, {"padBottom", 0, 0, TG_MAX_SIZE, 1}, {"padRight", 0, 0, TG_MAX_SIZE, 1}
enum {
  TG_WINDOW_SIZE,
  TG_WINDOW_STRIDE = 2,
  TG_WINDOW_SAME = 4,
  TG_WINDOW_PAD_BEFORE,
  TG_WINDOW_PAD_AFTER = 7,
  TG_WINDOW_END = 9
}; /* the width's follow the height's */

/* What may come behind them, for windows with gaps. */
#define TG_DILATION_ATTRIBUTES {"dilationHeight", 1, 1, TG_MAX_SIZE, 1}, {"dilationWidth", 1, 1, TG_MAX_SIZE, 1}

typedef struct {
  uint32_t out, pad_before;
  uint64_t span;   /* from the window's first cell to its last, both included */
  uint64_t padded; /* the image's side with all padding */
} tg_window;

typedef struct {
  tg_window h, w;
} tg_windows;

/*
 * Positions of the node's window over its input; its attributes start at `first`. The window must fit into what padding
 * makes of the image (TG_E_CONFIG); with `same` padding there are ceil(in / stride) positions and the zeros are split
 * evenly, an odd one behind (TensorFlow, Keras).
 */
tg_status tg_windows_infer(tg_graph *graph, const tg_node *node, uint32_t first, int dilates, tg_windows *windows);

#endif

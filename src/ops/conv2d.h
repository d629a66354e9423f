/* What conv2d, its relatives and conv2dInt8 share: the first attributes, the shape rule, the kernels' view of the
 * layer. */
#ifndef TG_OPS_CONV2D_H
#define TG_OPS_CONV2D_H

#include "../kernels/conv2d.h"
#include "../op.h"
#include "window.h"

enum {
  TG_CONV2D_FILTERS,
  TG_CONV2D_WINDOW,
  TG_CONV2D_ATTRIBUTES = TG_CONV2D_WINDOW + TG_WINDOW_END, /* how many they are */
  /* Behind them, of all but conv2dInt8, which has neither dilation nor groups. */
  TG_CONV2D_DILATION = TG_CONV2D_ATTRIBUTES,
  TG_CONV2D_USE_BIAS = TG_CONV2D_DILATION + 2,
  TG_CONV2D_KERNEL_INIT,
  TG_CONV2D_BIAS_INIT,
  TG_CONV2D_GROUPS
};

#define TG_CONV2D_ATTRIBUTE_TABLE(filters, fallback) \
  {filters, fallback, 1, TG_MAX_SIZE, 1}, TG_WINDOW_ATTRIBUTES("kernelHeight", "kernelWidth", TG_REQUIRED, 1)

/* Shape and macs of the node. */
tg_status tg_conv2d_infer(tg_graph *graph, tg_node *node);
/* (kernel_h, kernel_w, channels of a group, filters); depthwise (kernel_h, kernel_w, channels, filters a channel);
 * over steps without kernel_h. */
tg_shape tg_conv2d_kernel(const tg_graph *graph, const tg_node *node);
/* Of one group. */
tg_conv2d_shape tg_conv2d_shape_of(const tg_graph *graph, const tg_node *node);

#endif

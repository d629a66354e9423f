/* What conv2d and conv2dInt8 share: the first attributes, the shape rule, the kernels' view of the layer. */
#ifndef TG_OPS_CONV2D_H
#define TG_OPS_CONV2D_H

#include "../kernels/conv2d.h"
#include "../op.h"

enum {
  TG_CONV2D_FILTERS,
  TG_CONV2D_KERNEL_H,
  TG_CONV2D_KERNEL_W,
  TG_CONV2D_STRIDE_H,
  TG_CONV2D_STRIDE_W,
  TG_CONV2D_SAME,
  TG_CONV2D_ATTRIBUTES /* how many they are */
};

/* clang-format off */
#define TG_CONV2D_ATTRIBUTE_TABLE                  \
  {"filters", TG_REQUIRED, 1, TG_MAX_SIZE, 1},      \
  {"kernelHeight", TG_REQUIRED, 1, TG_MAX_SIZE, 1}, \
  {"kernelWidth", TG_REQUIRED, 1, TG_MAX_SIZE, 1},  \
  {"strideHeight", 1, 1, TG_MAX_SIZE, 1},           \
  {"strideWidth", 1, 1, TG_MAX_SIZE, 1},            \
  {"samePadding", 0, 0, 1, 1},
/* clang-format on */

/* Shape and macs of the node. */
tg_status tg_conv2d_infer(tg_graph *graph, tg_node *node);
/* (kernel_h, kernel_w, in_c, out_c) */
tg_shape tg_conv2d_kernel(const tg_graph *graph, const tg_node *node);
tg_conv2d_shape tg_conv2d_shape_of(const tg_graph *graph, const tg_node *node);
/* Rows of a tile, of `rows` an image: whole images when the batch gives every thread several, else strips of an image.
 * macs are those of an image. */
uint32_t tg_conv2d_tile_rows(uint32_t rows, uint32_t samples, uint32_t threads, uint64_t macs);

#endif

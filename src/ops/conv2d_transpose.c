/*
 * conv2dTranspose (Keras Conv2DTranspose): what the gradient of a convolution does to its output. The kernels are those
 * of that convolution, which reads this layer's output and writes its input; weights [height, width, filters,
 * channels]. Its forward pass is our gradient of the input and the other way round.
 */
#include "../kernels/conv2d.h"

#include "../size.h"
#include "bias_relu.h"
#include "conv2d_direct.h"
#include "window.h"

enum {
  FILTERS,
  KERNEL,
  STRIDE = 3,
  SAME = 5,
  DILATION,
  OUTPUT_PADDED = 8,
  OUTPUT_PADDING,
  USE_BIAS = 11,
  KERNEL_INIT,
  BIAS_INIT
};

static const tg_attribute attributes[] = {
    {"filters", TG_REQUIRED, 1, TG_MAX_SIZE, 1},
    {"kernelHeight", TG_REQUIRED, 1, TG_MAX_SIZE, 1},
    {"kernelWidth", TG_REQUIRED, 1, TG_MAX_SIZE, 1},
    {"strideHeight", 1, 1, TG_MAX_SIZE, 1},
    {"strideWidth", 1, 1, TG_MAX_SIZE, 1},
    {"samePadding", 0, 0, 1, 1},
    TG_DILATION_ATTRIBUTES,
    {"outputPadded", 0, 0, 1, 1}, /* 1: the two below say how much; 0: as much as the stride needs */
    {"outputPaddingHeight", 0, 0, TG_MAX_SIZE, 1},
    {"outputPaddingWidth", 0, 0, TG_MAX_SIZE, 1},
    {"useBias", 1, 0, 1, 1},
    {"kernelInitializer", TG_INIT_GLOROT_UNIFORM, 0, TG_INIT_COUNT - 1, 1},
    {"biasInitializer", TG_INIT_ZEROS, 0, TG_INIT_COUNT - 1, 1},
};

/* One side of the output, and what the convolution that reads it pads in front. */
typedef struct {
  uint64_t size, span;
  uint32_t pad;
} output_side;

/* Keras's rule: `valid` keeps every product; `same` without output padding gives in * stride, else (in - 1) * stride +
 * (span odd) + padding, and what is too much is cut off on both sides, an odd one behind. */
static output_side output_of(const tg_node *node, uint32_t in, uint32_t side) {
  const uint64_t kernel = tg_attribute_u32(node, KERNEL + side), stride = tg_attribute_u32(node, STRIDE + side);
  const uint64_t padding = tg_attribute_u32(node, OUTPUT_PADDING + side);
  const uint64_t span = (kernel - 1) * tg_attribute_u32(node, DILATION + side) + 1, steps = (in - 1) * stride;
  const int padded = (int)tg_attribute_u32(node, OUTPUT_PADDED);
  if (!tg_attribute_u32(node, SAME)) {
    const uint64_t beyond = padded ? padding : span < stride ? stride - span : 0;
    return (output_side){steps + span + beyond, span, 0};
  }
  const uint64_t extra = padded ? span % 2 + padding : stride, total = span + extra - 2;
  const uint64_t front = total - total / 2;
  return (output_side){steps + extra, span, front < span - 1 ? (uint32_t)(span - 1 - front) : 0};
}

static tg_status check_output_padding(tg_graph *graph, const tg_node *node, uint32_t side) {
  const uint32_t padding = tg_attribute_u32(node, OUTPUT_PADDING + side),
                 stride = tg_attribute_u32(node, STRIDE + side);
  if (!tg_attribute_u32(node, OUTPUT_PADDED) || padding < stride) return TG_OK;
  return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': %s is %u, it must be less than %s, %u", node->name,
                 attributes[OUTPUT_PADDING + side].name, padding, attributes[STRIDE + side].name, stride);
}

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_require_image(graph, node);
  for (uint32_t side = 0; side < 2 && !status; side++) status = check_output_padding(graph, node, side);
  if (status) return status;
  const tg_image in = tg_image_of(&tg_graph_input(graph, node, 0)->shape);
  const output_side h = output_of(node, in.height, 0), w = output_of(node, in.width, 1);
  const uint32_t filters = tg_attribute_u32(node, FILTERS);
  const uint32_t kernel_h = tg_attribute_u32(node, KERNEL), kernel_w = tg_attribute_u32(node, KERNEL + 1);
  if (h.size == 0 || w.size == 0)
    return tg_fail(graph->engine, TG_E_CONFIG,
                   "layer '%s': kernelHeight %u and kernelWidth %u leave %g x %g of its output", node->name, kernel_h,
                   kernel_w, (double)h.size, (double)w.size);
  const uint64_t receptive = tg_mul(kernel_h, kernel_w);
  /* As conv2d: either array may be copied into a frame as wide as the kernel spans. */
  const uint64_t framed_out =
      tg_mul(tg_mul(tg_add(h.size, tg_mul(2, h.span)), tg_add(w.size, tg_mul(2, w.span))), filters);
  const uint64_t framed_in =
      tg_mul(tg_mul(tg_add(in.height, tg_mul(2, h.span)), tg_add(in.width, tg_mul(2, w.span))), in.channels);
  if (framed_in > TG_MAX_ELEMENTS || framed_out > TG_MAX_ELEMENTS)
    return tg_fail(graph->engine, TG_E_LIMIT,
                   "layer '%s': a kernel of %u x %u needs %g numbers an image, the limit is %g", node->name, kernel_h,
                   kernel_w, (double)(framed_in > framed_out ? framed_in : framed_out), (double)TG_MAX_ELEMENTS);
  node->shape = tg_image_shape(3, (uint32_t)h.size, (uint32_t)w.size, filters);
  node->macs = tg_mul(tg_mul(tg_mul(in.height, in.width), receptive), tg_mul(in.channels, filters));
  status = tg_graph_add_tensor(graph, node, "kernel", (tg_shape){4, {kernel_h, kernel_w, filters, in.channels}},
                               (tg_initializer)tg_attribute_u32(node, KERNEL_INIT), tg_mul(receptive, filters),
                               tg_mul(receptive, in.channels));
  if (status || !tg_attribute_u32(node, USE_BIAS)) return status;
  return tg_graph_add_tensor(graph, node, "bias", (tg_shape){1, {filters, 1, 1, 1}},
                             (tg_initializer)tg_attribute_u32(node, BIAS_INIT), filters, filters);
}

/* The convolution from this layer's output to its input. */
static tg_convolution convolution_of(const tg_graph *graph, const tg_node *node) {
  const tg_image in = tg_image_of(&tg_graph_input(graph, node, 0)->shape), out = tg_image_of(&node->shape);
  return (tg_convolution){.s = {.in_h = out.height,
                                .in_w = out.width,
                                .in_c = out.channels,
                                .out_h = in.height,
                                .out_w = in.width,
                                .out_c = in.channels,
                                .kernel_h = tg_attribute_u32(node, KERNEL),
                                .kernel_w = tg_attribute_u32(node, KERNEL + 1),
                                .stride_h = tg_attribute_u32(node, STRIDE),
                                .stride_w = tg_attribute_u32(node, STRIDE + 1),
                                .pad_top = output_of(node, in.height, 0).pad,
                                .pad_left = output_of(node, in.width, 1).pad,
                                .skip_h = tg_attribute_u32(node, DILATION) - 1,
                                .skip_w = tg_attribute_u32(node, DILATION + 1) - 1},
                          .groups = 1,
                          .macs = node->macs};
}

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  const tg_convolution c = convolution_of(graph, node);
  needs->packed = tg_conv2d_direct_input_packed(&c);
  needs->forward = tg_conv2d_direct_input_needs(&c, threads);
  const uint64_t bias = tg_bias_relu_scratch((uint64_t)samples * c.s.in_h * c.s.in_w, c.s.in_c);
  const uint64_t filter = tg_conv2d_direct_filter_needs(&c, threads);
  const uint64_t input = want_dx ? tg_add(tg_conv2d_direct_packed(&c), tg_conv2d_direct_forward_needs(&c, threads)) : 0;
  needs->backward = bias > filter ? bias : filter;
  if (input > needs->backward) needs->backward = input;
}

static void pack(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const tg_convolution c = convolution_of(graph, node);
  tg_conv2d_direct_input_pack(run->pool, buffers->packed, buffers->w, &c);
}

static uint64_t kernel_size(const tg_convolution *c) {
  return (uint64_t)c->s.kernel_h * c->s.kernel_w * c->s.in_c * c->s.out_c;
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const tg_convolution c = convolution_of(graph, node);
  const tg_real *bias = tg_attribute_u32(node, USE_BIAS) ? buffers->w + kernel_size(&c) : NULL;
  tg_conv2d_direct_input_gradient(run, buffers->y, buffers->x[0], buffers->packed, bias, buffers->scratch, &c,
                                  buffers->relu);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const tg_convolution c = convolution_of(graph, node);
  tg_real *db = tg_attribute_u32(node, USE_BIAS) ? buffers->dw + kernel_size(&c) : NULL;
  tg_bias_relu_backward(run->pool, db, buffers->dy, buffers->y, buffers->scratch,
                        (uint64_t)run->samples * c.s.in_h * c.s.in_w, c.s.in_c, buffers->relu);
  if (buffers->wants_dw)
    tg_conv2d_direct_filter_gradient(run, buffers->dw, buffers->dy, buffers->x[0], buffers->scratch, &c);
  if (!buffers->dx[0]) return;
  tg_real *packed = buffers->scratch, *scratch = packed + tg_conv2d_direct_packed(&c);
  tg_conv2d_direct_pack(run->pool, packed, buffers->w, &c);
  tg_conv2d_direct_forward(run, buffers->dx[0], buffers->dy, packed, NULL, scratch, &c, 0);
}

const tg_op tg_op_conv2d_transpose = {.name = "conv2dTranspose",
                                      .attributes = attributes,
                                      .n_attributes = sizeof attributes / sizeof *attributes,
                                      .n_inputs = 1,
                                      .traits = TG_OP_BACKWARD_READS_X | TG_OP_FUSES_RELU | TG_OP_TAKES_ROUNDED,
                                      .infer = infer,
                                      .plan = plan,
                                      .pack = pack,
                                      .forward = forward,
                                      .backward = backward};

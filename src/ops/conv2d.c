/*
 * conv2d: 2-D cross-correlation over NHWC images with HWIO weights, plus bias (Keras Conv2D); conv1d, the same over
 * steps; depthwiseConv2d, with filters of its own for each channel (Keras DepthwiseConv2D).
 */
#include "conv2d.h"

#include "../rest.h"
#include "../size.h"
#include "bias_relu.h"
#include "conv2d_direct.h"
#include "conv2d_winograd.h"
#include "depthwise.h"

#define TG_LAYER_ATTRIBUTES(filters, fallback)                                                   \
  TG_CONV2D_ATTRIBUTE_TABLE(filters, fallback), TG_DILATION_ATTRIBUTES, {"useBias", 1, 0, 1, 1}, \
      {"kernelInitializer", TG_INIT_GLOROT_UNIFORM, 0, TG_INIT_COUNT - 1, 1},                    \
      {"biasInitializer", TG_INIT_ZEROS, 0, TG_INIT_COUNT - 1, 1}

static const tg_attribute attributes[] = {TG_LAYER_ATTRIBUTES("filters", TG_REQUIRED),
                                          {"groups", 1, 1, TG_MAX_SIZE, 1}};
static const tg_attribute depthwise_attributes[] = {TG_LAYER_ATTRIBUTES("depthMultiplier", 1)};

static tg_image input_of(const tg_graph *graph, const tg_node *node) {
  return tg_image_of(&tg_graph_input(graph, node, 0)->shape);
}

static int is_depthwise(const tg_node *node) { return node->op == &tg_op_depthwise_conv2d; }
static int is_int8(const tg_node *node) { return node->op->traits & TG_OP_READS_INT8; }

/* Groups of channels, each with filters of its own. */
static uint32_t groups_of(const tg_graph *graph, const tg_node *node) {
  if (is_int8(node)) return 1;
  return is_depthwise(node) ? input_of(graph, node).channels : tg_attribute_u32(node, TG_CONV2D_GROUPS);
}

static tg_windows windows_of(const tg_graph *graph, const tg_node *node) {
  tg_windows windows;
  /* infer has seen this succeed, so it neither fails nor writes to the graph. */
  tg_windows_infer((tg_graph *)graph, node, TG_CONV2D_WINDOW, !is_int8(node), &windows);
  return windows;
}

static tg_status check_groups(tg_graph *graph, const tg_node *node, uint32_t channels, uint64_t filters) {
  const uint32_t groups = groups_of(graph, node), by_channels = channels % groups != 0;
  if (!by_channels && filters % groups == 0)
    return groups > 1 ? tg_need_rest(graph->engine, "a convolution in groups") : TG_OK;
  return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': groups is %u, it must divide the %g channels of its %s",
                 node->name, groups, by_channels ? (double)channels : (double)filters,
                 by_channels ? "input" : "output");
}

tg_status tg_conv2d_infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_require_image(graph, node);
  tg_windows windows;
  if (!status) status = tg_windows_infer(graph, node, TG_CONV2D_WINDOW, !is_int8(node), &windows);
  if (status) return status;
  const uint32_t channels = input_of(graph, node).channels, own = tg_attribute_u32(node, TG_CONV2D_FILTERS);
  const uint64_t filters = is_depthwise(node) ? tg_mul(channels, own) : own;
  status = check_groups(graph, node, channels, filters);
  if (status) return status;
  const uint32_t kernel_h = tg_attribute_u32(node, TG_CONV2D_WINDOW);
  const uint32_t kernel_w = tg_attribute_u32(node, TG_CONV2D_WINDOW + 1);
  /* Kernels copy an image, or its gradient, into a frame of zeros as wide as what the window spans. */
  const tg_window *h = &windows.h, *w = &windows.w;
  const uint64_t framed_in = tg_mul(tg_mul(tg_add(h->padded, h->span), tg_add(w->padded, w->span)), channels);
  const uint64_t framed_out =
      tg_mul(tg_mul(tg_add(h->out, tg_mul(2, h->span)), tg_add(w->out, tg_mul(2, w->span))), filters);
  if (framed_in > TG_MAX_ELEMENTS || framed_out > TG_MAX_ELEMENTS)
    return tg_fail(graph->engine, TG_E_LIMIT,
                   "layer '%s': a kernel of %u x %u needs %g numbers an image, the limit is %g", node->name, kernel_h,
                   kernel_w, (double)(framed_in > framed_out ? framed_in : framed_out), (double)TG_MAX_ELEMENTS);
  node->shape = tg_image_shape(tg_graph_input(graph, node, 0)->shape.rank, h->out, w->out, (uint32_t)filters);
  node->macs = tg_mul(tg_mul(tg_mul(h->out, w->out), tg_mul(kernel_h, kernel_w)),
                      tg_mul(channels / groups_of(graph, node), filters));
  return TG_OK;
}

tg_shape tg_conv2d_kernel(const tg_graph *graph, const tg_node *node) {
  const uint32_t kernel_h = tg_attribute_u32(node, TG_CONV2D_WINDOW);
  const uint32_t kernel_w = tg_attribute_u32(node, TG_CONV2D_WINDOW + 1), channels = input_of(graph, node).channels;
  const uint32_t rows = is_depthwise(node) ? channels : channels / groups_of(graph, node);
  const uint32_t columns = tg_attribute_u32(node, TG_CONV2D_FILTERS);
  return node->shape.rank == 2 ? (tg_shape){3, {kernel_w, rows, columns, 1}}
                               : (tg_shape){4, {kernel_h, kernel_w, rows, columns}};
}

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_conv2d_infer(graph, node);
  if (status) return status;
  const tg_shape kernel = tg_conv2d_kernel(graph, node);
  const uint64_t receptive =
      tg_mul(tg_attribute_u32(node, TG_CONV2D_WINDOW), tg_attribute_u32(node, TG_CONV2D_WINDOW + 1));
  const uint32_t filters = tg_image_of(&node->shape).channels;
  status = tg_graph_add_tensor(
      graph, node, "kernel", kernel, (tg_initializer)tg_attribute_u32(node, TG_CONV2D_KERNEL_INIT),
      tg_mul(receptive, kernel.dims[kernel.rank - 2]), tg_mul(receptive, kernel.dims[kernel.rank - 1]));
  if (status || !tg_attribute_u32(node, TG_CONV2D_USE_BIAS)) return status;
  return tg_graph_add_tensor(graph, node, "bias", (tg_shape){1, {filters, 1, 1, 1}},
                             (tg_initializer)tg_attribute_u32(node, TG_CONV2D_BIAS_INIT), filters, filters);
}

tg_conv2d_shape tg_conv2d_shape_of(const tg_graph *graph, const tg_node *node) {
  const tg_image in = input_of(graph, node), out = tg_image_of(&node->shape);
  const tg_windows windows = windows_of(graph, node);
  const uint32_t groups = groups_of(graph, node);
  return (tg_conv2d_shape){.in_h = in.height,
                           .in_w = in.width,
                           .in_c = in.channels / groups,
                           .out_h = out.height,
                           .out_w = out.width,
                           .out_c = out.channels / groups,
                           .kernel_h = tg_attribute_u32(node, TG_CONV2D_WINDOW),
                           .kernel_w = tg_attribute_u32(node, TG_CONV2D_WINDOW + 1),
                           .stride_h = tg_attribute_u32(node, TG_CONV2D_WINDOW + TG_WINDOW_STRIDE),
                           .stride_w = tg_attribute_u32(node, TG_CONV2D_WINDOW + TG_WINDOW_STRIDE + 1),
                           .pad_top = windows.h.pad_before,
                           .pad_left = windows.w.pad_before,
                           .skip_h = is_int8(node) ? 0 : tg_attribute_u32(node, TG_CONV2D_DILATION) - 1,
                           .skip_w = is_int8(node) ? 0 : tg_attribute_u32(node, TG_CONV2D_DILATION + 1) - 1,
                           .skip_in = in.channels - in.channels / groups,
                           .skip_out = out.channels - out.channels / groups};
}

/* How a node is computed. */
typedef struct {
  tg_convolution direct;
  tg_depthwise depthwise;
  tg_winograd by_tiles;
  enum { DIRECT, DEPTHWISE, WINOGRAD } way;
} method;

/* For so many samples: Winograd's transforms of the weights do not pay for few. */
static method method_of(const tg_graph *graph, const tg_node *node, uint32_t samples) {
  const tg_conv2d_shape s = tg_conv2d_shape_of(graph, node);
  const uint32_t groups = groups_of(graph, node);
  method m = {.direct = {s, groups, node->macs}, .way = DIRECT};
  if (groups > 1 && s.in_c == 1) {
    m.way = DEPTHWISE;
    m.depthwise = (tg_depthwise){s, s.out_c, node->macs};
    m.depthwise.s.in_c = m.depthwise.s.out_c = s.out_c * groups;
    m.depthwise.s.skip_in = m.depthwise.s.skip_out = 0;
  } else if (groups == 1 && !s.skip_h && !s.skip_w && tg_winograd_pays(&s, samples)) {
    m.way = WINOGRAD;
    m.by_tiles = tg_winograd_make(&s);
  }
  return m;
}

/* The forward pass. Predictions keep the transformed weights, so that few samples pay as well, and a prediction has the
 * same bits in any batch. */
static method forward_method(const tg_run *run, const tg_graph *graph, const tg_node *node) {
  return method_of(graph, node, run->training ? run->samples : TG_WINOGRAD_MANY);
}

static void need(uint64_t *reals, uint64_t wanted) {
  if (*reals < wanted) *reals = wanted;
}

/* The parts of the backward pass run one after another over the same bytes. The direct way counts unless Winograd's
 * pays for one sample: the last batch of an epoch, or slice of a batch, may be too short for it. */
static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  const method m = method_of(graph, node, TG_WINOGRAD_MANY);
  const tg_convolution *c = &m.direct;
  need(&needs->backward,
       tg_bias_relu_scratch((uint64_t)samples * c->s.out_h * c->s.out_w, tg_image_of(&node->shape).channels));
  if (m.way == DEPTHWISE) {
    need(&needs->forward, tg_depthwise_needs(&m.depthwise, threads));
    need(&needs->backward, tg_depthwise_filter_needs(&m.depthwise, threads));
    return;
  }
  if (method_of(graph, node, 1).way == DIRECT) {
    need(&needs->packed, tg_conv2d_direct_packed(c));
    need(&needs->forward, tg_conv2d_direct_forward_needs(c, threads));
    need(&needs->backward, tg_conv2d_direct_filter_needs(c, threads));
    if (want_dx)
      need(&needs->backward, tg_add(tg_conv2d_direct_input_packed(c), tg_conv2d_direct_input_needs(c, threads)));
  }
  if (m.way != WINOGRAD) return;
  const tg_pool *pool = graph->engine->pool;
  need(&needs->packed, tg_winograd_packed_size(&m.by_tiles));
  need(&needs->forward, tg_conv2d_winograd_forward_needs(&m.by_tiles, samples, pool));
  if (!tg_winograd_pays(&c->s, samples)) return;
  need(&needs->backward, tg_conv2d_winograd_filter_needs(&m.by_tiles, samples));
  if (want_dx) need(&needs->backward, tg_conv2d_winograd_input_needs(&m.by_tiles, samples, pool));
}

typedef struct {
  tg_real *packed;
  const tg_real *w;
  const tg_winograd *by_tiles;
} pack_job;

static void pack_winograd_tile(void *context, uint32_t panel, uint32_t thread) {
  (void)thread;
  const pack_job *j = context;
  tg_winograd_pack(j->packed, j->w, j->by_tiles, panel, panel + 1);
}

static void pack(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const method m = forward_method(run, graph, node);
  if (m.way == DIRECT) tg_conv2d_direct_pack(run->pool, buffers->packed, buffers->w, &m.direct);
  pack_job j = {buffers->packed, buffers->w, &m.by_tiles};
  if (m.way == WINOGRAD) tg_pool_run(run->pool, tg_conv2d_panels(&m.direct.s), pack_winograd_tile, &j);
}

static uint64_t kernel_size(const tg_convolution *c) {
  return (uint64_t)c->s.kernel_h * c->s.kernel_w * c->s.in_c * c->s.out_c * c->groups;
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const method m = forward_method(run, graph, node);
  const tg_real *bias = tg_attribute_u32(node, TG_CONV2D_USE_BIAS) ? buffers->w + kernel_size(&m.direct) : NULL;
  switch (m.way) {
    case DIRECT:
      tg_conv2d_direct_forward(run, buffers->y, buffers->x[0], buffers->packed, bias, buffers->scratch, &m.direct,
                               buffers->relu);
      break;
    case DEPTHWISE:
      tg_depthwise_run_forward(run, buffers, bias, &m.depthwise);
      break;
    case WINOGRAD:
      tg_conv2d_winograd_forward(run, buffers, bias, &m.by_tiles);
      break;
  }
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  const method m = method_of(graph, node, run->samples);
  const tg_convolution *c = &m.direct;
  tg_real *db = tg_attribute_u32(node, TG_CONV2D_USE_BIAS) ? buffers->dw + kernel_size(c) : NULL;
  tg_bias_relu_backward(run->pool, db, buffers->dy, buffers->y, buffers->scratch,
                        (uint64_t)run->samples * c->s.out_h * c->s.out_w, tg_image_of(&node->shape).channels,
                        buffers->relu);
  const int want_dx = buffers->dx[0] != NULL;
  switch (m.way) {
    case DIRECT:
      if (buffers->wants_dw)
        tg_conv2d_direct_filter_gradient(run, buffers->dw, buffers->x[0], buffers->dy, buffers->scratch, c);
      if (want_dx) {
        tg_real *packed = buffers->scratch, *scratch = packed + tg_conv2d_direct_input_packed(c);
        tg_conv2d_direct_input_pack(run->pool, packed, buffers->w, c);
        tg_conv2d_direct_input_gradient(run, buffers->dx[0], buffers->dy, packed, NULL, scratch, c, 0);
      }
      break;
    case DEPTHWISE:
      if (buffers->wants_dw) tg_depthwise_run_filter_gradient(run, buffers, &m.depthwise);
      if (want_dx) tg_depthwise_run_input_gradient(run, buffers, &m.depthwise);
      break;
    case WINOGRAD:
      if (buffers->wants_dw) tg_conv2d_winograd_filter_gradient(run, buffers, &m.by_tiles);
      if (want_dx) tg_conv2d_winograd_input_gradient(run, buffers, &m.by_tiles);
      break;
  }
}

#define TG_CONV2D_OP(symbol, text, table, own_traits)                                                          \
  const tg_op tg_op_##symbol = {                                                                               \
      .name = text,                                                                                            \
      .attributes = table,                                                                                     \
      .n_attributes = sizeof table / sizeof *table,                                                            \
      .n_inputs = 1,                                                                                           \
      .traits = TG_OP_BACKWARD_READS_X | TG_OP_FUSES_RELU | TG_OP_TAKES_ROUNDED | TG_OP_SLICES | (own_traits), \
      .infer = infer,                                                                                          \
      .plan = plan,                                                                                            \
      .pack = pack,                                                                                            \
      .forward = forward,                                                                                      \
      .backward = backward}

TG_CONV2D_OP(conv1d, "conv1d", attributes, TG_OP_OVER_STEPS);
TG_CONV2D_OP(conv2d, "conv2d", attributes, 0);
TG_CONV2D_OP(depthwise_conv2d, "depthwiseConv2d", depthwise_attributes, 0);

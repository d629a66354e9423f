/* conv2d: 2-D cross-correlation over NHWC images with HWIO weights, plus bias (Keras Conv2D). */
#include "../kernels/conv2d.h"

#include "../op.h"
#include "../size.h"
#include "bias_relu.h"
#include "conv2d.h"
#include "conv2d_winograd.h"
#include "window.h"

enum { USE_BIAS = TG_CONV2D_ATTRIBUTES, KERNEL_INIT, BIAS_INIT };

static const tg_attribute attributes[] = {
    TG_CONV2D_ATTRIBUTE_TABLE{"useBias", 1, 0, 1, 1},
    {"kernelInitializer", TG_INIT_GLOROT_UNIFORM, 0, TG_INIT_COUNT - 1, 1},
    {"biasInitializer", TG_INIT_ZEROS, 0, TG_INIT_COUNT - 1, 1},
};

/* Work below this many multiply-accumulates is not worth a tile of its own (about 5 µs at the kernel's speed). */
enum { TILE_MACS = 100000 };

tg_status tg_conv2d_infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_graph_require_rank(graph, node, 3, "height, width, channels");
  if (status) return status;
  tg_windows windows;
  status = tg_windows_infer(graph, node, TG_CONV2D_KERNEL_H, &windows);
  if (status) return status;
  const tg_shape *image = &tg_graph_input(graph, node, 0)->shape;
  uint32_t channels = image->dims[2], filters = tg_attribute_u32(node, TG_CONV2D_FILTERS);
  uint32_t kernel_h = tg_attribute_u32(node, TG_CONV2D_KERNEL_H), kernel_w = tg_attribute_u32(node, TG_CONV2D_KERNEL_W);
  uint64_t receptive = tg_mul(kernel_h, kernel_w);
  /* Kernels copy an image, or its gradient, into a frame of zeros as wide as the kernel. */
  uint64_t framed_in =
      tg_mul(tg_mul((uint64_t)image->dims[0] + kernel_h, (uint64_t)image->dims[1] + kernel_w), channels);
  uint64_t framed_out = tg_mul(tg_mul(windows.h.out + 2ull * kernel_h, windows.w.out + 2ull * kernel_w), filters);
  if (framed_in > TG_MAX_ELEMENTS || framed_out > TG_MAX_ELEMENTS)
    return tg_fail(graph->engine, TG_E_LIMIT,
                   "layer '%s': a kernel of %u x %u needs %g numbers an image, the limit is %g", node->name, kernel_h,
                   kernel_w, (double)(framed_in > framed_out ? framed_in : framed_out), (double)TG_MAX_ELEMENTS);
  node->shape = (tg_shape){3, {windows.h.out, windows.w.out, filters, 1}};
  node->macs = tg_mul(tg_mul(tg_mul(windows.h.out, windows.w.out), receptive), tg_mul(channels, filters));
  return TG_OK;
}

tg_shape tg_conv2d_kernel(const tg_graph *graph, const tg_node *node) {
  return (tg_shape){4,
                    {tg_attribute_u32(node, TG_CONV2D_KERNEL_H), tg_attribute_u32(node, TG_CONV2D_KERNEL_W),
                     tg_graph_input(graph, node, 0)->shape.dims[2], tg_attribute_u32(node, TG_CONV2D_FILTERS)}};
}

static tg_status infer(tg_graph *graph, tg_node *node) {
  tg_status status = tg_conv2d_infer(graph, node);
  if (status) return status;
  const tg_shape kernel = tg_conv2d_kernel(graph, node);
  const uint64_t receptive = tg_mul(kernel.dims[0], kernel.dims[1]);
  const uint32_t filters = kernel.dims[3];
  status = tg_graph_add_tensor(graph, node, "kernel", kernel, (tg_initializer)tg_attribute_u32(node, KERNEL_INIT),
                               tg_mul(receptive, kernel.dims[2]), tg_mul(receptive, filters));
  if (status || !tg_attribute_u32(node, USE_BIAS)) return status;
  return tg_graph_add_tensor(graph, node, "bias", (tg_shape){1, {filters, 1, 1, 1}},
                             (tg_initializer)tg_attribute_u32(node, BIAS_INIT), filters, filters);
}

tg_conv2d_shape tg_conv2d_shape_of(const tg_graph *graph, const tg_node *node) {
  const tg_shape *in = &tg_graph_input(graph, node, 0)->shape, *out = &node->shape;
  tg_windows windows;
  /* infer has seen these succeed, so they neither fail nor write to the graph. */
  tg_windows_infer((tg_graph *)graph, node, TG_CONV2D_KERNEL_H, &windows);
  return (tg_conv2d_shape){.in_h = in->dims[0],
                           .in_w = in->dims[1],
                           .in_c = in->dims[2],
                           .out_h = out->dims[0],
                           .out_w = out->dims[1],
                           .out_c = out->dims[2],
                           .kernel_h = tg_attribute_u32(node, TG_CONV2D_KERNEL_H),
                           .kernel_w = tg_attribute_u32(node, TG_CONV2D_KERNEL_W),
                           .stride_h = tg_attribute_u32(node, TG_CONV2D_STRIDE_H),
                           .stride_w = tg_attribute_u32(node, TG_CONV2D_STRIDE_W),
                           .pad_top = windows.h.pad_before,
                           .pad_left = windows.w.pad_before};
}

static uint64_t kernel_size(const tg_conv2d_shape *s) {
  return (uint64_t)s->kernel_h * s->kernel_w * s->in_c * s->out_c;
}

uint32_t tg_conv2d_tile_rows(uint32_t rows, uint32_t samples, uint32_t width, uint64_t macs) {
  if (samples >= 4 * width || width == 1) return rows;
  uint64_t strips = tg_min(tg_ceil_div(4 * width, samples), (uint32_t)(macs / TILE_MACS) + 1);
  return tg_ceil_div(rows, tg_min((uint32_t)strips, rows));
}

/* The forward pass. Predictions keep the transformed weights, so that few samples pay as well, and a prediction has the
 * same bits in any batch. */
static int by_winograd(const tg_run *run, const tg_conv2d_shape *s) {
  return tg_winograd_pays(s, run->training ? run->samples : TG_WINOGRAD_MANY);
}

static void need(uint64_t *reals, uint64_t wanted) {
  if (*reals < wanted) *reals = wanted;
}

/* The parts of the backward pass run one after another over the same bytes. The direct way counts always: the last
 * batch of an epoch may be too short for the other. */
static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  const tg_conv2d_shape s = tg_conv2d_shape_of(graph, node);
  need(&needs->backward, tg_bias_relu_scratch((uint64_t)samples * s.out_h * s.out_w, s.out_c));
  if (!tg_winograd_pays(&s, 1)) {
    need(&needs->packed, tg_conv2d_packed_size(&s));
    need(&needs->forward, tg_mul(threads, tg_conv2d_forward_scratch(&s, s.out_h)));
    need(&needs->backward, tg_mul(threads, tg_conv2d_filter_gradient_scratch(&s)));
    if (want_dx)
      need(&needs->backward, tg_add(tg_conv2d_input_gradient_packed_size(&s),
                                    tg_mul(threads, tg_conv2d_input_gradient_scratch(&s, s.in_h))));
  }
  if (!tg_winograd_pays(&s, TG_WINOGRAD_MANY)) return;
  const tg_winograd g = tg_winograd_make(&s);
  const tg_pool *pool = graph->engine->pool;
  need(&needs->packed, tg_winograd_packed_size(&g));
  need(&needs->forward, tg_conv2d_winograd_forward_needs(&g, samples, pool));
  if (!tg_winograd_pays(&s, samples)) return;
  need(&needs->backward, tg_conv2d_winograd_filter_needs(&g, samples));
  if (want_dx) need(&needs->backward, tg_conv2d_winograd_input_needs(&g, samples, pool));
}

/* One parallel section of a convolution. Each use fills what its tiles read. */
typedef struct {
  tg_conv2d_shape s;
  const tg_buffers *b;
  const tg_real *w, *bias;
  tg_real *packed, *scratch;
  size_t scratch_size; /* of one thread */
  uint32_t samples, rows, strips, tiles_a_group;
} job;

static void pack_direct_tile(void *context, uint32_t panel, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_conv2d_pack(j->packed, j->w, &j->s, panel, panel + 1);
}

static void pack_winograd_tile(void *context, uint32_t panel, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const tg_winograd by_tiles = tg_winograd_make(&j->s);
  tg_winograd_pack(j->packed, j->w, &by_tiles, panel, panel + 1);
}

static void pack(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = {.s = tg_conv2d_shape_of(graph, node), .w = buffers->w, .packed = buffers->packed};
  tg_pool_run(run->pool, tg_conv2d_panels(&j.s), by_winograd(run, &j.s) ? pack_winograd_tile : pack_direct_tile, &j);
}

static void forward_tile(void *context, uint32_t tile, uint32_t thread) {
  const job *j = context;
  uint32_t first = tile % j->strips * j->rows;
  tg_real *scratch = j->scratch ? j->scratch + thread * j->scratch_size : NULL;
  tg_conv2d_forward(j->b->y, j->b->x[0], j->packed, j->bias, scratch, &j->s, tile / j->strips, first,
                    tg_min(first + j->rows, j->s.out_h), j->b->relu);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = {.s = tg_conv2d_shape_of(graph, node), .b = buffers, .packed = buffers->packed, .scratch = buffers->scratch};
  uint32_t width = tg_pool_width(run->pool);
  if (tg_attribute_u32(node, USE_BIAS)) j.bias = buffers->w + kernel_size(&j.s);
  const tg_winograd by_tiles = tg_winograd_make(&j.s);
  if (by_winograd(run, &j.s)) {
    tg_conv2d_winograd_forward(run, buffers, j.bias, &by_tiles);
    return;
  }
  j.scratch_size = tg_conv2d_forward_scratch(&j.s, j.s.out_h);
  j.rows = tg_conv2d_tile_rows(j.s.out_h, run->samples, width, node->macs);
  j.strips = tg_ceil_div(j.s.out_h, j.rows);
  tg_pool_run(run->pool, run->samples * j.strips, forward_tile, &j);
}

static void filter_gradient_group(void *context, uint32_t group, uint32_t thread) {
  const job *j = context;
  uint32_t first = group * j->tiles_a_group;
  tg_conv2d_filter_gradient(j->b->dw, j->b->x[0], j->b->dy, j->scratch + thread * j->scratch_size, &j->s, j->samples,
                            first, tg_min(first + j->tiles_a_group, tg_conv2d_filter_gradient_tiles(&j->s)));
}

static void pack_input_gradient_tile(void *context, uint32_t panel, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_conv2d_input_gradient_pack(j->packed, j->w, &j->s, panel, panel + 1);
}

static void input_gradient_tile(void *context, uint32_t tile, uint32_t thread) {
  const job *j = context;
  uint32_t first = tile % j->strips * j->rows;
  tg_conv2d_input_gradient(j->b->dx[0], j->b->dy, j->packed, j->scratch + thread * j->scratch_size, &j->s,
                           tile / j->strips, first, tg_min(first + j->rows, j->s.in_h));
}

static void filter_gradient(const tg_run *run, const tg_buffers *buffers, job *j, uint32_t width) {
  /* A group streams all images, so few groups are best; two a thread even out a noisy machine. */
  uint32_t tiles = tg_conv2d_filter_gradient_tiles(&j->s), groups = width == 1 ? 1 : 2 * width;
  j->tiles_a_group = tg_ceil_div(tiles, tg_min(groups, tiles));
  j->scratch = buffers->scratch;
  j->scratch_size = tg_conv2d_filter_gradient_scratch(&j->s);
  tg_pool_run(run->pool, tg_ceil_div(tiles, j->tiles_a_group), filter_gradient_group, j);
}

static void input_gradient(const tg_run *run, const tg_node *node, const tg_buffers *buffers, job *j, uint32_t width) {
  j->packed = buffers->scratch;
  j->scratch = j->packed + tg_conv2d_input_gradient_packed_size(&j->s);
  j->scratch_size = tg_conv2d_input_gradient_scratch(&j->s, j->s.in_h);
  j->rows = tg_conv2d_tile_rows(j->s.in_h, run->samples, width, node->macs);
  j->strips = tg_ceil_div(j->s.in_h, j->rows);
  tg_pool_run(run->pool, tg_conv2d_input_gradient_panels(&j->s), pack_input_gradient_tile, j);
  tg_pool_run(run->pool, run->samples * j->strips, input_gradient_tile, j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = {.s = tg_conv2d_shape_of(graph, node), .b = buffers, .w = buffers->w, .samples = run->samples};
  uint32_t width = tg_pool_width(run->pool);

  tg_real *db = tg_attribute_u32(node, USE_BIAS) ? buffers->dw + kernel_size(&j.s) : NULL;
  tg_bias_relu_backward(run->pool, db, buffers->dy, buffers->y, buffers->scratch,
                        (uint64_t)run->samples * j.s.out_h * j.s.out_w, j.s.out_c, buffers->relu);

  const tg_winograd by_tiles = tg_winograd_make(&j.s);
  if (tg_winograd_pays(&j.s, run->samples)) {
    if (buffers->wants_dw) tg_conv2d_winograd_filter_gradient(run, buffers, &by_tiles);
    if (buffers->dx[0]) tg_conv2d_winograd_input_gradient(run, buffers, &by_tiles);
  } else {
    if (buffers->wants_dw) filter_gradient(run, buffers, &j, width);
    if (buffers->dx[0]) input_gradient(run, node, buffers, &j, width);
  }
}

const tg_op tg_op_conv2d = {.name = "conv2d",
                            .attributes = attributes,
                            .n_attributes = sizeof attributes / sizeof *attributes,
                            .n_inputs = 1,
                            .traits = TG_OP_BACKWARD_READS_X | TG_OP_FUSES_RELU | TG_OP_SLICES,
                            .infer = infer,
                            .plan = plan,
                            .pack = pack,
                            .forward = forward,
                            .backward = backward};

/*
 * conv2dInt8 and denseInt8: bytes in, bytes out (or floats when scale is 0), weights -127…127 with a scale an output
 * channel. Their tensors are kernel (whole numbers), scale and bias. A zero point of 0 is a ReLU (kernels/int8.h).
 */
#include "../kernels/gemm.h"
#include "../kernels/int8.h"
#include "../size.h"
#include "conv2d.h"
#include "conv2d_direct.h"
#include "conv2d_winograd.h"
#include "int8.h"

enum { UNITS }; /* of denseInt8 */
enum { SCALE = TG_CONV2D_ATTRIBUTES, ZERO_POINT, POOL };

/* pool 2: a maxPooling2d of 2x2 with stride 2 behind it is done in the store. */
static const tg_attribute conv_attributes[] = {
    TG_CONV2D_ATTRIBUTE_TABLE("filters", TG_REQUIRED),
    TG_INT8_ATTRIBUTES(0),
    {"pool", 1, 1, 2, 1},
};
static const tg_attribute dense_attributes[] = {{"units", TG_REQUIRED, 1, TG_MAX_SIZE, 1}, TG_INT8_ATTRIBUTES(0)};

/* Rows of the batch that a tile of denseInt8 takes: their 16-bit copies stay in the cache. */
enum { DENSE_ROWS = 32 };

static int is_dense(const tg_node *node) { return node->op == &tg_op_dense_int8; }

/* kernel, scale and bias, none of which a gradient changes. */
static tg_status add_tensors(tg_graph *graph, tg_node *node, tg_shape kernel) {
  const uint32_t outputs = kernel.dims[kernel.rank - 1];
  uint64_t products = 1;
  for (uint32_t d = 0; d + 1 < kernel.rank; d++) products = tg_mul(products, kernel.dims[d]);
  if (products > TG_INT8_MOST_PRODUCTS)
    return tg_fail(graph->engine, TG_E_LIMIT, "layer '%s' (%s): an output is a sum of %g products, 32 bits hold %u",
                   node->name, node->op->name, (double)products, (unsigned)TG_INT8_MOST_PRODUCTS);
  const tg_shape row = {1, {outputs, 1, 1, 1}};
  tg_status status = tg_graph_add_state(graph, node, "kernel", kernel, TG_INIT_ZEROS);
  if (!status) status = tg_graph_add_state(graph, node, "scale", row, TG_INIT_ONES);
  if (!status) status = tg_graph_add_state(graph, node, "bias", row, TG_INIT_ZEROS);
  return status;
}

static tg_status conv_infer(tg_graph *graph, tg_node *node) {
  node->quantization = tg_int8_output(node, SCALE);
  tg_status status = tg_conv2d_infer(graph, node);
  if (status) return status;
  for (uint32_t side = 0; side < 2; side++) {
    uint32_t *size = &node->shape.dims[side], pool = tg_attribute_u32(node, POOL);
    if (*size < pool)
      return tg_fail(graph->engine, TG_E_CONFIG, "layer '%s': pool is %u, larger than its %s %u", node->name, pool,
                     side ? "width" : "height", *size);
    *size /= pool;
  }
  return add_tensors(graph, node, tg_conv2d_kernel(graph, node));
}

static tg_status dense_infer(tg_graph *graph, tg_node *node) {
  node->quantization = tg_int8_output(node, UNITS + 1);
  node->shape = tg_graph_input(graph, node, 0)->shape;
  uint32_t *features = &node->shape.dims[node->shape.rank - 1], inputs = *features;
  *features = tg_attribute_u32(node, UNITS);
  node->macs = tg_mul(tg_graph_input(graph, node, 0)->elements, *features);
  return add_tensors(graph, node, (tg_shape){2, {inputs, *features, 1, 1}});
}

/* A layer as a convolution: a dense one is 1x1 over one image whose pixels are the rows of the batch. */
typedef struct {
  tg_conv2d_shape s;
  tg_winograd g;
  int tiled; /* by Winograd */
  uint32_t images, block;
  uint32_t rows, strips; /* of a tile; tiles of an image */
  size_t scratch_size;   /* of one thread, in bytes */
  tg_int8_layer layer;
  char *scratch;
  uint8_t *y;
  const uint8_t *x;
} job;

/* For `width` threads at work (tg_pool_width). */
static job make_job(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t width) {
  job j = {.images = samples, .layer.pool = 1};
  if (is_dense(node)) {
    const tg_node *input = tg_graph_input(graph, node, 0);
    const uint32_t inputs = input->shape.dims[input->shape.rank - 1];
    const uint32_t rows = (uint32_t)(samples * (input->elements / inputs));
    j.s = (tg_conv2d_shape){rows, 1, inputs, rows, 1, tg_attribute_u32(node, UNITS), 1, 1, 1, 1, 0, .pad_left = 0};
    j.images = 1;
    j.rows = tg_min(DENSE_ROWS, tg_ceil_div(rows, width));
  } else {
    j.s = tg_conv2d_shape_of(graph, node);
    j.layer.pool = tg_attribute_u32(node, POOL);
    j.s.out_h *= j.layer.pool;
    j.s.out_w *= j.layer.pool;
    j.tiled = node->quantization.scale > 0 && tg_winograd_pays(&j.s, TG_WINOGRAD_MANY);
    j.rows = tg_conv2d_tile_rows(node->shape.dims[0], samples, width, node->macs);
  }
  j.strips = tg_ceil_div(j.s.out_h / j.layer.pool, j.rows);
  j.scratch_size = tg_int8_conv2d_scratch(&j.s, j.rows * j.layer.pool) * sizeof(int16_t);
  if (j.tiled) {
    j.g = tg_winograd_make(&j.s);
    j.block = tg_conv2d_winograd_share(&j.g, tg_int8_winograd_block(&j.g), samples, width);
    j.scratch_size = tg_int8_winograd_scratch(&j.g, j.block);
  }
  j.scratch_size = (j.scratch_size + 15) & ~(size_t)15;
  return j;
}

/* Factors, offsets and weights, where `pack` puts them. */
static void find_weights(job *j, tg_real *packed) {
  const size_t width = (size_t)tg_conv2d_panels(&j->s) * 8;
  j->layer.factor = (const float *)packed;
  j->layer.offset = j->layer.factor + width;
  j->layer.packed = (const int16_t *)(j->layer.offset + width);
}

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)want_dx;
  const job j = make_job(graph, node, samples, tg_pool_width(graph->engine->pool));
  const uint64_t weights = j.tiled ? tg_int8_winograd_packed_size(&j.g) : tg_int8_conv2d_packed_size(&j.s);
  const uint64_t factors = (uint64_t)tg_conv2d_panels(&j.s) * 8 * 2 * sizeof(float);
  needs->packed = tg_add(tg_mul(weights, sizeof(int16_t)), factors) / sizeof(tg_real) + 1;
  needs->forward = tg_mul(threads, j.scratch_size) / sizeof(tg_real) + 1;
}

static void pack(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *b) {
  (void)run;
  job j = make_job(graph, node, 1, 1);
  find_weights(&j, b->packed);
  const tg_int8_layer layer = j.layer;
  const tg_real *scale = b->state + (size_t)j.s.kernel_h * j.s.kernel_w * j.s.in_c * j.s.out_c;
  tg_int8_factors((float *)layer.factor, (float *)layer.offset, scale, scale + j.s.out_c, j.s.out_c, b->from[0], b->to);
  if (j.tiled) {
    tg_int8_winograd_pack((int16_t *)layer.packed, b->state, &j.g);
  } else {
    tg_int8_conv2d_pack((int16_t *)layer.packed, b->state, &j.s);
  }
}

static void direct_tile(void *context, uint32_t tile, uint32_t thread) {
  const job *j = context;
  const uint32_t first = tile % j->strips * j->rows;
  tg_int8_conv2d(j->y, j->x, &j->layer, (int16_t *)(j->scratch + thread * j->scratch_size), &j->s, tile / j->strips,
                 first, tg_min(first + j->rows, j->s.out_h / j->layer.pool));
}

static void winograd_piece(void *context, uint32_t piece, uint32_t thread) {
  const job *j = context;
  const uint32_t first = piece * j->block, all = j->images * j->g.tiles_h * j->g.tiles_w;
  tg_int8_winograd(j->y, j->x, &j->layer, j->scratch + thread * j->scratch_size, &j->g, first,
                   tg_min(first + j->block, all), j->block);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *b) {
  job j = make_job(graph, node, run->samples, tg_pool_width(run->pool));
  find_weights(&j, b->packed);
  j.layer.zero = b->from[0].zero;
  j.layer.real = !(b->to.scale > 0);
  j.scratch = (char *)b->scratch;
  j.y = (uint8_t *)b->y;
  j.x = (const uint8_t *)b->x[0];
  if (j.tiled) {
    tg_pool_run(run->pool, tg_ceil_div(j.images * j.g.tiles_h * j.g.tiles_w, j.block), winograd_piece, &j);
  } else {
    tg_pool_run(run->pool, j.images * j.strips, direct_tile, &j);
  }
}

const tg_op tg_op_conv2d_int8 = {.name = "conv2dInt8",
                                 .attributes = conv_attributes,
                                 .n_attributes = sizeof conv_attributes / sizeof *conv_attributes,
                                 .n_inputs = 1,
                                 .traits = TG_OP_READS_INT8,
                                 .infer = conv_infer,
                                 .plan = plan,
                                 .pack = pack,
                                 .forward = forward};

const tg_op tg_op_dense_int8 = {.name = "denseInt8",
                                .attributes = dense_attributes,
                                .n_attributes = sizeof dense_attributes / sizeof *dense_attributes,
                                .n_inputs = 1,
                                .traits = TG_OP_READS_INT8,
                                .infer = dense_infer,
                                .plan = plan,
                                .pack = pack,
                                .forward = forward};

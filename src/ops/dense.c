/* dense: x @ kernel + bias over the last dimension (Keras Dense). denseLike: with as many units as another node's last
 * dimension has, for layers that end as wide as they began. */
#include "../kernels/gemm.h"
#include "../op.h"
#include "../size.h"
#include "bias_relu.h"

enum { UNITS, LIKE = UNITS, USE_BIAS, KERNEL_INIT, BIAS_INIT };

#define WEIGHTS                                                                                    \
  {"useBias", 1, 0, 1, 1}, {"kernelInitializer", TG_INIT_GLOROT_UNIFORM, 0, TG_INIT_COUNT - 1, 1}, \
      {"biasInitializer", TG_INIT_ZEROS, 0, TG_INIT_COUNT - 1, 1}
static const tg_attribute attributes[] = {{"units", TG_REQUIRED, 1, TG_MAX_SIZE, 1}, WEIGHTS};
static const tg_attribute like_attributes[] = {{"like", TG_REQUIRED, 0, TG_MAX_NODES - 1, 1}, WEIGHTS};

/* What a tile of the gradients multiplies: near 20 µs, long against the 2 µs that handing out a tile costs. Layers of
 * many inputs take more, as many rows as the product wants. */
enum { TILE_PRODUCTS = 1 << 19, MOST_PANELS = 8, MOST_ROWS = 64, MANY_INPUTS = 512 };
/* A single row is multiplied by four panels at a time. */
enum { PANELS_OF_A_ROW = 4 };

static uint32_t features(const tg_graph *graph, const tg_node *node) {
  const tg_shape *in = &tg_graph_input(graph, node, 0)->shape;
  return in->dims[in->rank - 1];
}

static uint32_t units_of(const tg_node *node) { return node->shape.dims[node->shape.rank - 1]; }

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_node *input = tg_graph_input(graph, node, 0);
  uint32_t in = features(graph, node), units = tg_attribute_u32(node, UNITS);
  if (node->op == &tg_op_dense_like) {
    const uint32_t like = tg_attribute_u32(node, LIKE);
    if (like >= graph->n_nodes)
      return tg_fail(graph->engine, TG_E_GRAPH, "layer '%s': like is node %u of %u", node->name, like, graph->n_nodes);
    units = units_of(&graph->nodes[like]);
  }
  node->shape = input->shape;
  node->shape.dims[node->shape.rank - 1] = units;
  node->macs = tg_mul(input->elements, units);
  tg_status status = tg_graph_add_tensor(graph, node, "kernel", (tg_shape){2, {in, units, 1, 1}},
                                         (tg_initializer)tg_attribute_u32(node, KERNEL_INIT), in, units);
  if (status || !tg_attribute_u32(node, USE_BIAS)) return status;
  return tg_graph_add_tensor(graph, node, "bias", (tg_shape){1, {units, 1, 1, 1}},
                             (tg_initializer)tg_attribute_u32(node, BIAS_INIT), units, units);
}

/* Rows of the input seen as a matrix (rows, features). */
static uint64_t matrix_rows(const tg_graph *graph, const tg_node *node, uint32_t samples) {
  return (uint64_t)samples * (tg_graph_input(graph, node, 0)->elements / features(graph, node));
}

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)threads, (void)want_dx;
  uint32_t in = features(graph, node), units = units_of(node);
  needs->packed = tg_gemm_packed_size(in, units);
  needs->backward = tg_bias_relu_scratch(matrix_rows(graph, node, samples), units);
}

typedef struct {
  const tg_buffers *b;
  const tg_real *bias;
  uint32_t rows, in, units;
  uint32_t panels_a_tile;                  /* of forward */
  uint32_t gradient_rows, gradient_panels; /* a tile of the kernel's and of the input's gradient */
} job;

static void pack_panel(void *context, uint32_t panel, uint32_t thread) {
  (void)thread;
  const job *j = context;
  tg_gemm_pack(j->b->packed, j->b->w, j->in, j->units, panel, panel + 1);
}

static void forward_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t first = tile * j->panels_a_tile, end = tg_min(first + j->panels_a_tile, tg_gemm_panels(j->units));
  if (j->b->packed)
    tg_gemm(j->b->y, j->b->x[0], j->b->packed, j->bias, j->in, j->units, 0, j->rows, first, end, j->b->relu);
  else
    tg_gemm_unpacked(j->b->y, j->b->x[0], j->b->w, j->bias, j->rows, j->in, j->units, first, end, j->b->relu, 0);
}

static job make_job(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  return (job){.b = buffers,
               .rows = (uint32_t)matrix_rows(graph, node, run->samples),
               .in = features(graph, node),
               .units = units_of(node)};
}

static void pack(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(run, graph, node, buffers);
  tg_pool_run(run->pool, tg_gemm_panels(j.units), pack_panel, &j);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(run, graph, node, buffers);
  if (tg_attribute_u32(node, USE_BIAS)) j.bias = buffers->w + (size_t)j.in * j.units;
  j.panels_a_tile = j.rows == 1 ? PANELS_OF_A_ROW : 1;
  tg_pool_run(run->pool, tg_ceil_div(tg_gemm_panels(j.units), j.panels_a_tile), forward_tile, &j);
}

/* How many of those that take `products` each a tile takes, in steps of `step`. */
static uint32_t share(uint64_t products, uint32_t step, uint32_t most) {
  const uint64_t steps = TILE_PRODUCTS / (products * step);
  return steps < 1 ? step : steps * step > most ? most : (uint32_t)steps * step;
}

static void kernel_gradient_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  uint32_t first = tile * j->gradient_rows;
  tg_gemm_transposed(j->b->dw, j->b->x[0], j->b->dy, j->rows, j->in, j->units, first,
                     tg_min(first + j->gradient_rows, j->in));
}

static void input_gradient_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  uint32_t first = tile * j->gradient_panels;
  uint32_t end = tg_min(first + j->gradient_panels, tg_gemm_panels(j->in));
  tg_gemm_unpacked(j->b->dx[0], j->b->dy, j->b->w, NULL, j->rows, j->units, j->in, first, end, 0, 1);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(run, graph, node, buffers);
  tg_real *db = tg_attribute_u32(node, USE_BIAS) ? buffers->dw + (size_t)j.in * j.units : NULL; /* masks dy too */
  tg_bias_relu_backward(run->pool, db, buffers->dy, buffers->y, buffers->scratch, j.rows, j.units, buffers->relu);
  j.gradient_rows = share((uint64_t)j.rows * j.units, j.in < MANY_INPUTS ? 4 : TG_GEMM_ROWS_WANTED, MOST_ROWS);
  j.gradient_panels = share((uint64_t)j.rows * j.units * 8, 1, MOST_PANELS);
  if (buffers->wants_dw) tg_pool_run(run->pool, tg_ceil_div(j.in, j.gradient_rows), kernel_gradient_tile, &j);
  if (buffers->dx[0])
    tg_pool_run(run->pool, tg_ceil_div(tg_gemm_panels(j.in), j.gradient_panels), input_gradient_tile, &j);
}

#define TG_DENSE(id, name_, attributes_)                                                                  \
  const tg_op tg_op_##id = {                                                                              \
      .name = name_,                                                                                      \
      .attributes = attributes_,                                                                          \
      .n_attributes = sizeof attributes_ / sizeof *attributes_,                                           \
      .n_inputs = 1,                                                                                      \
      .traits = TG_OP_BACKWARD_READS_X | TG_OP_FUSES_RELU | TG_OP_TAKES_ROUNDED | TG_OP_PACKS_TO_PREDICT, \
      .infer = infer,                                                                                     \
      .plan = plan,                                                                                       \
      .pack = pack,                                                                                       \
      .forward = forward,                                                                                 \
      .backward = backward};

TG_DENSE(dense, "dense", attributes)
TG_DENSE(dense_like, "denseLike", like_attributes)

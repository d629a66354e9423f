/*
 * prelu: x above zero, alpha * x below, alpha trained (He et al. 2015; Keras PReLU). The first `sharedAxes` axes share
 * their alphas: none is Keras's default, all but the last is one alpha a channel, all of them is PyTorch's default.
 */
#include "../kernels/prelu.h"

#include "../kernels/reduce.h"
#include "../op.h"
#include "../size.h"

enum { SHARED_AXES, ALPHA_INIT };

static const tg_attribute attributes[] = {{"sharedAxes", 0, 0, TG_MAX_RANK, 1},
                                          {"alphaInitializer", TG_INIT_ZEROS, 0, TG_INIT_COUNT - 1, 1}};

/* 32 KiB a chunk, as batch normalisation sums. */
enum { CHUNK_REALS = 8192, LEAST_ROWS = 8 };

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_node *input = tg_graph_input(graph, node, 0);
  uint32_t shared = tg_attribute_u32(node, SHARED_AXES), rank = input->shape.rank;
  if (shared > rank)
    return tg_fail(graph->engine, TG_E_SHAPE, "layer '%s': sharedAxes names %u axes, its input has %u", node->name,
                   shared, rank);
  node->shape = input->shape;
  tg_shape alphas = input->shape;
  for (uint32_t d = 0; d < shared; d++) alphas.dims[d] = 1;
  uint32_t size = 1;
  for (uint32_t d = shared; d < rank; d++) size *= alphas.dims[d];
  return tg_graph_add_tensor(graph, node, "alpha", alphas, (tg_initializer)tg_attribute_u32(node, ALPHA_INIT), size,
                             size);
}

/* Features of a row: one alpha each, or the last axis when all share one. */
static uint32_t features_of(const tg_node *node) {
  uint32_t rank = node->shape.rank;
  return node->trainable == 1 ? node->shape.dims[rank - 1] : (uint32_t)node->trainable;
}
static uint32_t chunk_rows(uint32_t n) { return tg_max(LEAST_ROWS, CHUNK_REALS / n); }

typedef struct {
  const tg_buffers *b;
  tg_real *alpha, *parts; /* a row of alphas; sums of each chunk, (chunks, n) */
  uint64_t rows;
  uint32_t n, chunks;
} job;

static job make_job(const tg_run *run, const tg_node *node, const tg_buffers *buffers) {
  uint32_t n = features_of(node);
  uint64_t rows = run->samples * (node->elements / n);
  tg_real *alpha = buffers->scratch;
  for (uint32_t i = 0; i < n; i++) alpha[i] = buffers->w[node->trainable == 1 ? 0 : i];
  return (job){buffers, alpha, alpha + n, rows, n, (uint32_t)((rows + chunk_rows(n) - 1) / chunk_rows(n))};
}

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)graph, (void)threads, (void)want_dx;
  uint32_t n = features_of(node);
  uint64_t rows = tg_mul(samples, node->elements / n);
  needs->forward = n;
  needs->backward = tg_mul(rows / chunk_rows(n) + 3, n);
}

static size_t rows_of(const job *j, uint64_t first) {
  uint64_t rest = j->rows - first;
  return (size_t)(rest < chunk_rows(j->n) ? rest : chunk_rows(j->n));
}

static void forward_chunk(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  uint64_t first = (uint64_t)tile * chunk_rows(j->n);
  tg_prelu(j->b->y + first * j->n, j->b->x[0] + first * j->n, j->alpha, rows_of(j, first), j->n);
}

static void backward_chunk(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  uint64_t first = (uint64_t)tile * chunk_rows(j->n), at = first * j->n;
  tg_prelu_backward(j->b->dx[0] ? j->b->dx[0] + at : NULL, j->parts + (uint64_t)tile * j->n, j->b->dy + at,
                    j->b->x[0] + at, j->alpha, rows_of(j, first), j->n);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(run, node, buffers);
  tg_pool_run(run->pool, j.chunks, forward_chunk, &j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  job j = make_job(run, node, buffers);
  tg_pool_run(run->pool, j.chunks, backward_chunk, &j);
  if (node->trainable > 1 || j.n == 1) {
    tg_sum_rows(buffers->dw, j.parts, j.chunks, j.n);
    return;
  }
  tg_real *columns = j.parts + (size_t)j.chunks * j.n;
  tg_sum_rows(columns, j.parts, j.chunks, j.n);
  tg_sum_rows(buffers->dw, columns, j.n, 1);
}

const tg_op tg_op_prelu = {.name = "prelu",
                           .attributes = attributes,
                           .n_attributes = sizeof attributes / sizeof *attributes,
                           .n_inputs = 1,
                           .traits = TG_OP_BACKWARD_READS_X,
                           .infer = infer,
                           .plan = plan,
                           .forward = forward,
                           .backward = backward};

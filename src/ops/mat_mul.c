/* matMul: the products of the matrices on the last two axes of two values (Keras ops.matmul). */
#include "../kernels/gemm.h"
#include "../op.h"
#include "../size.h"

static tg_status infer(tg_graph *graph, tg_node *node) {
  const tg_shape *a = &tg_graph_input(graph, node, 0)->shape, *b = &tg_graph_input(graph, node, 1)->shape;
  const uint32_t rank = a->rank;
  int fits = rank == b->rank && rank >= 2 && a->dims[rank - 1] == b->dims[rank - 2];
  for (uint32_t d = 0; fits && d + 2 < rank; d++) fits = a->dims[d] == b->dims[d];
  if (!fits) return tg_graph_shapes_differ(graph, node, 1, "it multiplies [..., m, k] and [..., k, n]");
  node->shape = *a;
  node->shape.dims[rank - 1] = b->dims[rank - 1];
  node->macs = tg_mul(tg_graph_input(graph, node, 0)->elements, b->dims[rank - 1]);
  return TG_OK;
}

/* One product of many: y (m, n) = a (m, k) @ b (k, n). */
typedef struct {
  const tg_buffers *b;
  uint32_t m, k, n, count; /* products in all samples */
  size_t packed;
} job;

static job make_job(const tg_graph *graph, const tg_node *node, const tg_buffers *buffers, uint32_t samples) {
  const uint32_t rank = node->shape.rank;
  job j = {.b = buffers,
           .m = node->shape.dims[rank - 2],
           .k = tg_graph_input(graph, node, 0)->shape.dims[rank - 1],
           .n = node->shape.dims[rank - 1]};
  j.count = (uint32_t)(samples * (node->elements / j.m / j.n));
  return j;
}

static void plan(const tg_graph *graph, const tg_node *node, uint32_t samples, uint32_t threads, int want_dx,
                 tg_needs *needs) {
  (void)threads;
  const job j = make_job(graph, node, NULL, samples);
  needs->forward = tg_mul(j.count, tg_gemm_packed_size(j.k, j.n));
  if (want_dx) needs->backward = tg_mul(j.count, tg_gemm_packed_size(j.n, j.k));
}

/* A tile is a panel of eight columns of one product: packed, and multiplied by all rows. */
static void forward_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t panels = tg_gemm_panels(j->n), product = tile / panels, panel = tile % panels;
  tg_real *packed = j->b->scratch + product * j->packed;
  tg_gemm_pack(packed, j->b->x[1] + (size_t)product * j->k * j->n, j->k, j->n, panel, panel + 1);
  tg_gemm(j->b->y + (size_t)product * j->m * j->n, j->b->x[0] + (size_t)product * j->m * j->k, packed, NULL, j->k, j->n,
          0, j->m, panel, panel + 1, 0);
}

/* da = dy @ transpose of b. */
static void left_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t panels = tg_gemm_panels(j->k), product = tile / panels, panel = tile % panels;
  tg_real *packed = j->b->scratch + product * j->packed;
  tg_gemm_pack_transposed(packed, j->b->x[1] + (size_t)product * j->k * j->n, j->n, j->k, panel, panel + 1);
  tg_gemm(j->b->dx[0] + (size_t)product * j->m * j->k, j->b->dy + (size_t)product * j->m * j->n, packed, NULL, j->n,
          j->k, 0, j->m, panel, panel + 1, 0);
}

/* Rows of db that a tile sums. */
enum { ROWS = 64 };

/* db = transpose of a @ dy. */
static void right_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint32_t tiles = tg_ceil_div(j->k, ROWS), product = tile / tiles, first = tile % tiles * ROWS;
  tg_gemm_transposed(j->b->dx[1] + (size_t)product * j->k * j->n, j->b->x[0] + (size_t)product * j->m * j->k,
                     j->b->dy + (size_t)product * j->m * j->n, j->m, j->k, j->n, first, tg_min(first + ROWS, j->k));
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(graph, node, buffers, run->samples);
  j.packed = tg_gemm_packed_size(j.k, j.n);
  tg_pool_run(run->pool, j.count * tg_gemm_panels(j.n), forward_tile, &j);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  job j = make_job(graph, node, buffers, run->samples);
  j.packed = tg_gemm_packed_size(j.n, j.k);
  if (buffers->dx[0]) tg_pool_run(run->pool, j.count * tg_gemm_panels(j.k), left_tile, &j);
  if (buffers->dx[1]) tg_pool_run(run->pool, j.count * tg_ceil_div(j.k, ROWS), right_tile, &j);
}

const tg_op tg_op_mat_mul = {.name = "matMul",
                             .n_inputs = 2,
                             .traits = TG_OP_BACKWARD_READS_X | TG_OP_TAKES_ROUNDED,
                             .infer = infer,
                             .plan = plan,
                             .forward = forward,
                             .backward = backward};

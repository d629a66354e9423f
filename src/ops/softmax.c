/* softmax (Keras Softmax), its logarithm, and hardmax, over the last dimension. */
#include "../kernels/softmax.h"

#include "elementwise.h"

static uint32_t row_size(const tg_node *node) { return node->shape.dims[node->shape.rank - 1]; }

enum { SOFTMAX, LOG_SOFTMAX, HARDMAX };
static void (*const forwards[])(tg_real *, const tg_real *, uint32_t, uint32_t) = {tg_softmax, tg_log_softmax,
                                                                                   tg_hardmax};
static void (*const backwards[])(tg_real *, const tg_real *, const tg_real *, uint32_t, uint32_t) = {
    tg_softmax_backward, tg_log_softmax_backward, tg_hardmax_backward};

/* A tile is rows of about so many reals together, or one row. */
enum { TILE_REALS = 8192 };

typedef struct {
  const tg_buffers *b;
  uint32_t n, variant, rows_a_tile;
  uint64_t rows;
} job;

static uint32_t rows_of(const job *j, uint32_t tile) {
  const uint64_t left = j->rows - (uint64_t)tile * j->rows_a_tile;
  return left < j->rows_a_tile ? (uint32_t)left : j->rows_a_tile;
}

static void forward_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const size_t at = (size_t)tile * j->rows_a_tile * j->n;
  forwards[j->variant](j->b->y + at, j->b->x[0] + at, rows_of(j, tile), j->n);
}

static void backward_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const size_t at = (size_t)tile * j->rows_a_tile * j->n;
  backwards[j->variant](j->b->dx[0] + at, j->b->dy + at, j->b->y + at, rows_of(j, tile), j->n);
}

static void run_tiles(const tg_run *run, const tg_node *node, const tg_buffers *buffers, tg_task task) {
  const uint32_t n = row_size(node), some = n < TILE_REALS ? TILE_REALS / n : 1;
  job j = {buffers, n, node->op->variant, some, run->samples * (node->elements / n)};
  tg_pool_run(run->pool, (uint32_t)((j.rows + some - 1) / some), task, &j);
}

static void forward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  run_tiles(run, node, buffers, forward_tile);
}

static void backward(const tg_run *run, const tg_graph *graph, const tg_node *node, const tg_buffers *buffers) {
  (void)graph;
  if (buffers->dx[0]) run_tiles(run, node, buffers, backward_tile);
}

#define TG_SOFTMAX(id, name_, variant_)                                             \
  const tg_op tg_op_##id = {.name = name_,                                          \
                            .n_inputs = 1,                                          \
                            .variant = variant_,                                    \
                            .traits = TG_OP_BACKWARD_READS_Y | TG_OP_TAKES_ROUNDED, \
                            .infer = tg_infer_same_shape,                           \
                            .forward = forward,                                     \
                            .backward = backward};

TG_SOFTMAX(softmax, "softmax", SOFTMAX)
TG_SOFTMAX(log_softmax, "logSoftmax", LOG_SOFTMAX)
TG_SOFTMAX(hardmax, "hardmax", HARDMAX)
